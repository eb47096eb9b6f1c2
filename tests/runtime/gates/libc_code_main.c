/* libc_code ATTACKER ATTACK: the compartment with key ATTACKER attacks the other one. */
#include <stdio.h>
#include <stdlib.h>
#include "libc_code.h"

static int secret = 41;

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    return atoi(argv[1]) == 1 ? attack_1(2, argv[2], secret_of_2()) : attack_2(1, argv[2], &secret);
}
