#include "library.h"

#include <x86intrin.h>

int library_leaf(int value)
{
    return value;
}

operation library_operation(void)
{
    return library_leaf;
}

double library_calls(operation called, int count)
{
    unsigned cpu;
    unsigned long long start = __rdtscp(&cpu);
    for (int i = 0; i < count; i++)
        called(i);
    return (double)(__rdtscp(&cpu) - start) / count;
}
