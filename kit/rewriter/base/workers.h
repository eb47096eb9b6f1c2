/* The same work on many items, in parallel. */
#ifndef IA2_WORKERS_H
#define IA2_WORKERS_H

#include <stddef.h>

/* The work on one item. `own` belongs to the thread that does the work: NULL at first. */
typedef void work_on_item(void *context, size_t item, void **own);

/* Does `work` on the items 0 to count - 1, in any order, and returns when all is done. `end` gets
 * what a thread has left in `own`; it may be NULL. Fatal if there is no thread. */
void work_on_all(size_t count, work_on_item *work, void (*end)(void *own), void *context);

#endif
