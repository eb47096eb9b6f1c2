/* printf's own conversions: libc keeps four pointers to tables of functions, in its data, and every
 * printf looks whether there are any. All code of libc that reads one of the pointers, by
 * its distance from the instruction, gets another distance: to a constant null pointer of the
 * runtime. What anybody writes to libc's own pointers then has no effect. The pointers have no
 * names. They are the words that the functions set that register conversions. */
#define _GNU_SOURCE
#include "start/libc_hooks.h"

#include <iconv.h>
#include <link.h>
#include <stdint.h>
#include <string.h>

#include "base/die.h"
#include "load/code_pages.h"
#include "start/libc_function.h"

#define REFUSE(name, why) \
    static void refuse_##name(void) \
    { \
        ia2_die(#name " is called: " why); \
    }

#define CONVERSIONS \
    "what it registers would run for the other compartments too (format the value yourself, and " \
    "print it with %%s)"
REFUSE(register_printf_specifier, CONVERSIONS)
REFUSE(register_printf_function, CONVERSIONS)
REFUSE(register_printf_modifier, CONVERSIONS)
REFUSE(register_printf_type, CONVERSIONS)
REFUSE(__nss_configure_lookup, "it would choose libraries for the other compartments too (choose "
                               "them in /etc/nsswitch.conf)")

static const struct refused {
    const char *name;
    void (*refuse)(void);
    int tables; /* pointers to tables that it sets */
} refused[] = {
    {"register_printf_specifier", refuse_register_printf_specifier, 2},
    {"register_printf_modifier", refuse_register_printf_modifier, 1},
    {"register_printf_type", refuse_register_printf_type, 1},
    {"register_printf_function", refuse_register_printf_function, 0},
    {"__nss_configure_lookup", refuse___nss_configure_lookup, 0},
};

#define TABLES 4
struct tables {
    uintptr_t at[TABLES];
    int count;
};
static const uint64_t no_table;

/* The word that an instruction at \a code loads, stores (0x89) or compares with a byte, by its
 * distance, with all its 64 bits; 0 if it does none of these. */
static uintptr_t word_of(const unsigned char *code)
{
    int32_t distance;
    if ((code[0] & 0xfb) != 0x48 || (code[2] & 0xc7) != 5)
        return 0; /* REX.W, N(%rip) */
    int compares = code[1] == 0x83;
    if (code[1] != 0x8b && code[1] != 0x89 && !compares)
        return 0;
    memcpy(&distance, code + 3, sizeof(distance));
    return (uintptr_t)code + 7 + (uintptr_t)compares + (uintptr_t)(intptr_t)distance;
}

static void add_tables(struct tables *tables, const struct refused *function,
                       const unsigned char *code, size_t size)
{
    int before = tables->count;
    for (size_t i = 0; i + 7 <= size; i++) {
        uintptr_t word = word_of(code + i);
        int n = 0;
        if (!word || code[i + 1] != 0x89)
            continue;
        while (n < tables->count && tables->at[n] != word)
            n++;
        if (n == tables->count && n < TABLES)
            tables->at[tables->count++] = word;
    }
    if (tables->count - before != function->tables)
        ia2_die("libc's %s sets %d tables where %d are known; the runtime knows glibc 2.36 to 2.41",
                function->name, tables->count - before, function->tables);
}

struct redirecting {
    struct ia2_code_pages *pages;
    const struct tables *tables;
    const unsigned char *libc; /* an address of its code */
};

static void redirect_in(const struct redirecting *to, const unsigned char *code,
                        const unsigned char *end)
{
    uintptr_t low = UINTPTR_MAX, high = 0;
    for (int i = 0; i < to->tables->count; i++) {
        low = to->tables->at[i] < low ? to->tables->at[i] : low;
        high = to->tables->at[i] > high ? to->tables->at[i] : high;
    }
    for (; code + 8 <= end; code++) {
        /* Most code ends here, at little cost: there are a million places. */
        int32_t distance;
        memcpy(&distance, code + 3, sizeof(distance));
        if ((uintptr_t)code + 8 + (uintptr_t)(intptr_t)distance - low > high - low + 1)
            continue;
        uintptr_t word = word_of(code);
        for (int i = 0; word && i < to->tables->count; i++)
            if (word == to->tables->at[i]) {
                intptr_t further = (intptr_t)&no_table - (intptr_t)word + distance;
                int32_t near = (int32_t)further;
                if (near != further)
                    ia2_die("libc's code is further than 2 GiB from the runtime");
                ia2_code_pages_change(to->pages, code + 3, &near, sizeof(near));
            }
    }
}

static int redirect(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    const struct redirecting *to = data;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        const unsigned char *start = (const unsigned char *)info->dlpi_addr + ph->p_vaddr;
        if (ph->p_type == PT_LOAD && ph->p_flags & PF_X && to->libc >= start &&
            to->libc < start + ph->p_memsz) {
            redirect_in(to, start, start + ph->p_memsz);
            return 1;
        }
    }
    return 0;
}

/* A library's constructor may have registered conversions (libquadmath does): they go on to work,
 * and libc's own pointers count. */
static int in_use(const struct tables *tables)
{
    for (int i = 0; i < tables->count; i++)
        if (*(const uintptr_t *)tables->at[i])
            return 1;
    return 0;
}

static void close_functions(struct ia2_code_pages *pages)
{
    struct tables tables = {.count = 0};
    const unsigned char *code = NULL;
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        size_t size;
        code = ia2_libc_function(refused[i].name, &size);
        if (!code)
            ia2_die("libc has no %s; the runtime knows glibc 2.36 to 2.41", refused[i].name);
        add_tables(&tables, &refused[i], code, refused[i].tables ? size : 0);
        ia2_libc_jump(pages, (unsigned char *)code, refused[i].refuse);
    }
    struct redirecting to = {pages, &tables, code};
    if (!in_use(&tables))
        dl_iterate_phdr(redirect, &to);
}

/* libc looks at GCONV_PATH once, when it first converts anything, and loads libraries from there.
 * What the environment of the start says holds, as in any program. These two need no library. */
static void find_conversions(void)
{
    iconv_t conversion = iconv_open("INTERNAL", "UTF-8");
    if (conversion != (iconv_t)-1)
        iconv_close(conversion);
}

void ia2_libc_hooks_close(struct ia2_code_pages *pages)
{
    close_functions(pages);
    find_conversions();
}
