/* Who is writing the state, so that a fork can wait until no thread is.
 *
 * All of this is a hint: every compartment can write these words. A compartment that does so can
 * spoil the copy that a child gets, as it could by writing the state at the wrong moment. */
#ifndef IA2_WRITERS_H
#define IA2_WRITERS_H

/* Around each write of the state. Waits while another thread forks, at most for some seconds: a
 * signal handler that interrupted the other thread may have jumped out and never come back. A
 * thread does not wait for itself: a handler may fork that has interrupted the thread's own write.
 * Async-signal-safe, thread-safe. */
void ia2_writing_begin(void);
void ia2_writing_end(void);

/* For fork: waits until no other thread writes, and keeps others from beginning, until the parent
 * or the child lets them go on. Other forks wait. */
void ia2_writing_stop(void);
void ia2_writing_go_on(void);
void ia2_writing_go_on_in_child(void);

#endif
