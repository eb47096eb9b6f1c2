/* The shared stack of a thread: memory under key 0 for locals whose address crosses.
 *
 * ia2_shared_push and ia2_shared_pop are in ia2.h, for the code that the rewriter writes. */
#ifndef IA2_SHARED_STACK_H
#define IA2_SHARED_STACK_H

/* Start of a thread: its shared stack is empty and ends at \a high. */
void ia2_shared_begin(void *high);

struct ia2_thread_record;

/* The monitor's operation: maps a second part of the calling thread's shared stack. 0 if there is
 * no memory, or one already. */
long ia2_shared_stack_grow(long, long, long, long, int caller);

/* In the monitor: gives the second part back, if there is one. For a thread that ends. */
void ia2_shared_end(struct ia2_thread_record *record);

/* How far the calling thread's shared stack is in use, and back to there: for a jump over the
 * scopes that would have released it. Any value is safe: each push looks where it is. */
void *ia2_shared_level(void);
void ia2_shared_cut(void *level);

#endif
