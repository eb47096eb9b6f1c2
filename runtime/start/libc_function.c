#define _GNU_SOURCE
#include "start/libc_function.h"

#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <string.h>

#include "base/die.h"
#include "load/code_pages.h"

unsigned char *ia2_libc_function(const char *name, size_t *size)
{
    void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    void *function = libc ? dlsym(libc, name) : NULL;
    const ElfW(Sym) * symbol;
    Dl_info info;
    if (libc)
        dlclose(libc); /* it stays: it was there */
    if (!function || !dladdr1(function, &info, (void **)&symbol, RTLD_DL_SYMENT) || !symbol)
        return NULL;
    *size = symbol->st_size;
    return function;
}

static void divert(struct ia2_code_pages *pages, unsigned char *at, unsigned char opcode,
                   void (*target)(void))
{
    intptr_t distance = (intptr_t)target - (intptr_t)(at + 5);
    int32_t near = (int32_t)distance;
    unsigned char bytes[5] = {opcode};
    if (near != distance)
        ia2_die("libc's code is further than 2 GiB from the runtime");
    memcpy(bytes + 1, &near, sizeof(near));
    ia2_code_pages_change(pages, at, bytes, sizeof(bytes));
}

void ia2_libc_jump(struct ia2_code_pages *pages, unsigned char *at, void (*target)(void))
{
    divert(pages, at, 0xe9, target);
}

void ia2_libc_call(struct ia2_code_pages *pages, unsigned char *at, void (*target)(void))
{
    divert(pages, at, 0xe8, target);
}
