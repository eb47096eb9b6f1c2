/* The attacked program: `program ATTACKER ATTACK` lets compartment 1, 2 or 3 attack. The last line
 * that it prints says what the objects of the others hold then. */
#include <stdio.h>
#include <stdlib.h>
#include "service.h"

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    setvbuf(stdout, NULL, _IONBF, 0);
    app_call(ADD, 1, 1);
    lib_call(ADD, 1, 1);
    third_call(ADD, 1, 1);
    long status;
    switch (atoi(argv[1])) {
    case 1:
        status = app_attack(argv[2]);
        break;
    case 2:
        status = lib_attack(argv[2]);
        break;
    default:
        status = third_attack(argv[2]);
    }
    printf("\nEND status=%ld app=%lx lib=%lx\n", status, app_call(OBJECT, 0, 0),
           lib_call(OBJECT, 0, 0));
    return 0;
}
