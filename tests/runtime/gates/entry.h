/* What an attacker sets before it jumps into the middle of a gate. */
#ifndef ENTRY_H
#define ENTRY_H
#ifndef __ASSEMBLER__
#include <stdint.h>

struct entry {
    uint64_t target;
    uint64_t integer[16]; /* rax rcx rdx rbx (rsp) rbp rsi rdi r8.. r15; rsp is the attacker's own */
};
/* Loads the registers, fills its stack with the address of `landed`, and jumps. Does not return. */
_Noreturn void enter_at(const struct entry *entry);
/* What wins if it is reached with rights that are neither the attacker's nor nobody's: says "compromised". */
void landed(void);
#endif
#endif
