/* class: system_calls
 * source: WRFSBASE, which is in no code of the program; the threat model's "WRFSBASE and a second
 *   thread"
 * tries: to map a page with the instruction, and to call the victim with FS base at its own memory
 * must: not get the page; the victim is not entered
 * expect: stopped */
#include "attack.h"

ATTACK
{
    static const unsigned char code[] = {0xf3, 0x48, 0x0f, 0xae, 0xd7, 0xc3}; /* wrfsbase %rdi */
    char *page = pages(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    char *storage = pages(1 << 20, PROT_READ | PROT_WRITE) + (1 << 19);
    if (!page)
        return;
    memcpy(page, code, sizeof code);
    memcpy(storage - 64, (char *)__builtin_thread_pointer() - 64, 2048);
    asm volatile("call *%0" ::"r"(page), "D"(storage) : "memory");
    victim_call(ADD, 1, 2);
}
