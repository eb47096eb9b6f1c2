/* jump_slots FOLDER WHAT: calls libraries, some after it has written their jump slots. */
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int early_use(int n);
int early_use_late(int n);
int early_which(void);

static void diverted(void)
{
    static const char line[] = "diverted\n";
    _exit(write(1, line, sizeof(line) - 1) > 0 ? 3 : 4);
}

/* Makes every slot of the library \a name lead to diverted(). */
static int divert(struct dl_phdr_info *info, size_t size, void *name)
{
    const ElfW(Rela) *relocation = NULL;
    size_t bytes = 0;
    (void)size;
    if (!strstr(info->dlpi_name, name))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_DYNAMIC)
            continue;
        const ElfW(Dyn) *d = (const ElfW(Dyn) *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
        for (; d->d_tag != DT_NULL; d++) {
            if (d->d_tag == DT_JMPREL)
                relocation = (const ElfW(Rela) *)d->d_un.d_ptr;
            if (d->d_tag == DT_PLTRELSZ)
                bytes = d->d_un.d_val;
        }
    }
    for (size_t i = 0; i < bytes / sizeof(*relocation); i++)
        *(void (*volatile *)(void))(info->dlpi_addr + relocation[i].r_offset) = diverted;
    return bytes ? 1 : 0;
}

static void *load(const char *folder, const char *name, int flags)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    void *handle = dlopen(path, flags);
    if (!handle)
        printf("%s\n", dlerror());
    return handle;
}

static int guest(const char *folder, int write_slots)
{
    for (int i = 0; i < 3; i++) { /* the next one may come to the same address */
        void *handle = load(folder, i == 1 ? "libsecond.so" : "libguest.so", RTLD_LAZY);
        int (*use)(int) = (int (*)(int))(handle ? dlsym(handle, i == 1 ? "second_use" : "guest_use") : NULL);
        if (!use)
            return 1;
        if (write_slots && !dl_iterate_phdr(divert, i == 1 ? "libsecond" : "libguest"))
            return 1;
        printf("%d\n", use(7));
        dlclose(handle);
    }
    return 0;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 3)
        return 2;
    const char *what = argv[2];
    if (!strcmp(what, "write") && !dl_iterate_phdr(divert, "libearly"))
        return 1;
    if (!strcmp(what, "libm") && !dl_iterate_phdr(divert, "libm.so"))
        puts("libm has no slots");
    if (!strcmp(what, "ld.so"))
        dl_iterate_phdr(divert, "ld-linux");
    if (!strcmp(what, "late") && !load(argv[1], "liblate.so", RTLD_NOW | RTLD_GLOBAL))
        return 1;
    if (!strcmp(what, "late") || !strcmp(what, "missing"))
        printf("%d\n", early_use_late(7));
    if (!strcmp(what, "which"))
        printf("%d\n", early_which());
    if (!strncmp(what, "guest", 5))
        return guest(argv[1], !strcmp(what, "guest-write"));
    printf("%d\n", early_use(7));
    return !strcmp(what, "ld.so") ? !dlopen("libm.so.6", RTLD_NOW) + !!dlopen("no-such.so", RTLD_NOW)
                                  : 0;
}
