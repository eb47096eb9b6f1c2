/* The attacked program: `program ATTACKER ATTACK` lets compartment 1, 2 or 3 attack. The last line
 * that it prints says what the objects of the others hold then. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include "service.h"

/* Loads the plugin, calls it, and unloads it; -1 if that fails. */
long app_load_plugin(void)
{
    void *handle = dlopen("./blur.so", RTLD_NOW);
    if (!handle)
        return -1;
    long (*entry)(long) = (long (*)(long))dlsym(handle, "filter_entry");
    long result = entry ? entry(7) : -1;
    dlclose(handle);
    return result;
}

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
