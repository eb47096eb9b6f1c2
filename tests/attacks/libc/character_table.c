/* class: libc
 * source: ctype.h: the tables are found through pointers in libc's thread-local data
 * tries: to have the victim's toupper use a table of the attacker's
 * must: have no effect on other compartments
 * expect: succeeds until libc's data are private */
#include "attack.h"
#include <ctype.h>

ATTACK
{
    int *table = (int *)shared_at(0x4000);
    for (int i = 0; i < 384; i++)
        table[i] = '!';
    *__ctype_toupper_loc() = table + 128;
    if (victim_call(SHOUT, 'a', 0) == '!')
        effect("the victim reads a table of the attacker's");
}
