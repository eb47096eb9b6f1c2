/* class: libc
 * source: the word at %fs:0x28, which the stack protector compares
 * tries: to read the word that guards the victim's frames, and to set it
 * must: not be able to
 * expect: succeeds until libc's data are private */
#include "attack.h"

ATTACK
{
    word *guard = (word *)((char *)__builtin_thread_pointer() + 0x28), kept = *guard;
    *guard = kept;
    effect("the word of the stack protector is everybody's");
}
