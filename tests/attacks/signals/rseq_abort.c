/* class: signals
 * source: rseq(2): where the kernel sends a thread is a word in libc's thread descriptor
 * tries: to make all of the victim's code a critical section whose abort handler is the payload, so
 *   that the kernel sends the victim there when it is preempted. No system call
 * must: have no rseq registered while compartments run
 * expect: stopped */
#include "attack.h"

ATTACK
{
    long *offset = exported("__rseq_offset");
    word *section = (word *)shared_at(0x1000);
    section[0] = 0;
    section[1] = module_of(victim_key)->text.start;
    section[2] = module_of(victim_key)->text.end - module_of(victim_key)->text.start;
    section[3] = (word)payload;
    if (!offset)
        return;
    for (int i = 0; i < 200; i++) {
        *(volatile word *)((char *)__builtin_thread_pointer() + *offset + 8) = (word)section;
        victim_call(SPIN, 1000000, 0);
    }
}
