/* Prints what WRPKRU and RDPKRU cost, in TSC cycles; nothing on a CPU that has no protection keys.
 *
 * Not part of the compartmentalized program, in which the audit allows WRPKRU to the gates only. */
#include <cpuid.h>
#include <stdio.h>
#include <x86intrin.h>

enum { CALLS = 20000, BATCHES = 200 };

static void read_key(void)
{
    unsigned a, d;
    __asm__ volatile(".byte 0x0f, 0x01, 0xee" : "=a"(a), "=d"(d) : "c"(0));
}

static void write_key(unsigned value)
{
    __asm__ volatile(".byte 0x0f, 0x01, 0xef" : : "a"(value), "c"(0), "d"(0) : "memory");
}

int main(void)
{
    unsigned a, b, c, d, value;
    double best[2] = {1e9, 1e9};
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(c & bit_OSPKE))
        return 0;
    __asm__ volatile(".byte 0x0f, 0x01, 0xee" : "=a"(value), "=d"(d) : "c"(0));
    for (int batch = 0; batch < BATCHES; batch++) {
        unsigned long long start = __rdtscp(&a);
        for (int i = 0; i < CALLS; i++)
            read_key();
        unsigned long long middle = __rdtscp(&a);
        for (int i = 0; i < CALLS; i++)
            write_key(value);
        unsigned long long end = __rdtscp(&a);
        double took[2] = {(double)(middle - start) / CALLS, (double)(end - middle) / CALLS};
        for (int i = 0; i < 2; i++)
            best[i] = took[i] < best[i] ? took[i] : best[i];
    }
    printf("rdpkru %.2f\nwrpkru %.2f\n", best[0], best[1]);
    return 0;
}
