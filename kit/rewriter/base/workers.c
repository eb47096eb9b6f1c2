#include "workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "diag.h"

#define MAX_WORKERS 16

struct job {
    size_t count;
    work_on_item *work;
    void (*end)(void *own);
    void *context;
    atomic_size_t next;
};

static void *run(void *data)
{
    struct job *const job = data;
    void *own = NULL;
    for (size_t i; (i = atomic_fetch_add(&job->next, 1)) < job->count;)
        job->work(job->context, i, &own);
    if (own && job->end)
        job->end(own);
    return NULL;
}

void work_on_all(size_t count, work_on_item *work, void (*end)(void *own), void *context)
{
    struct job job = {.count = count, .work = work, .end = end, .context = context};
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t workers = processors < 1             ? 1
                     : processors > MAX_WORKERS ? MAX_WORKERS
                                                : (size_t)processors;
    if (workers > count)
        workers = count;
    pthread_t threads[MAX_WORKERS];
    for (size_t i = 0; i < workers; i++)
        if (pthread_create(&threads[i], NULL, run, &job))
            diag_fatal("cannot start a thread");
    for (size_t i = 0; i < workers; i++)
        pthread_join(threads[i], NULL);
}
