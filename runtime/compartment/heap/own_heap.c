#include "compartment/heap/own_heap.h"

#include "compartment/heap/jemalloc.h"

void *ia2_own_calloc(size_t count, size_t size)
{
    return ia2_je_calloc(count, size);
}

void ia2_own_free(void *p)
{
    ia2_je_free(p);
}
