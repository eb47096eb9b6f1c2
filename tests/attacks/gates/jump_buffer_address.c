/* class: gates
 * source: setjmp(3): the buffer is data
 * tries: longjmp with a buffer whose words are forged so that the victim's memory is the stack
 * must: end the process, or go where the attacker may go
 * expect: stopped */
#include "attack.h"
#include <setjmp.h>

ATTACK
{
    jmp_buf *buffer = (jmp_buf *)shared_at(0x2000);
    if (!setjmp(*buffer)) {
        word *words = (word *)buffer;
        for (int i = 0; i < 8; i++)
            words[i] = (word)victim_object + 2048;
        longjmp(*buffer, 1);
    }
}
