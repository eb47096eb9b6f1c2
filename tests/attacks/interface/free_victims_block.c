/* class: interface
 * source: free(3) of another's block
 * tries: to free a block of the victim's heap
 * must: end the process
 * expect: stopped */
#include "attack.h"

ATTACK
{
    free((void *)victim_call(HEAP_SECRET_AT, 0, 0));
    effect("a block of the victim's is free");
}
