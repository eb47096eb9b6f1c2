/* Rejected: making the slots' own pages read-only (they hold libc's variables too), and binding
 * through ld.so's own fixup function (it has no name, and ends the process for a missing symbol
 * that is never called). */
#define _GNU_SOURCE
#include "load/jump_slots.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/die.h"
#include "load/code_pages.h"
#include "load/module.h"
#include "state/addresses.h"
#include "state/state.h"
#include "state/system_calls.h"

#define PLT_ENTRY 16
#define LAST_JUMP 10 /* mold's entries have theirs so far behind their start */
#define REACH 0x7fff0000l /* of a 32-bit displacement, and a bit less */

/* ld.so's parts of a library that say what its slots are. All in RELRO or read-only. */
struct object {
    const struct dl_phdr_info *info;
    struct ia2_range mapped, relro;
    const ElfW(Rela) * relocations;
    size_t count;
    const ElfW(Sym) * symbols;
    const char *names;
    const ElfW(Half) * versions; /* of each symbol; NULL: none has one */
    const char *needed; /* DT_VERNEED */
    uintptr_t got; /* DT_PLTGOT: three words of ld.so's, then most often the slots */
    int symbolic;
    struct ia2_range slots;
};

/* What was sealed. Read-only except in note(): a compartment that could write this would keep a
 * library that comes later from being sealed. dl_iterate_phdr lets one thread in at a time. */
#define OBJECTS 512
static struct sealed {
    uintptr_t base, stub; /* a jump that goes through the copy */
    uintptr_t copy, size;
} sealed[OBJECTS] __attribute__((aligned(IA2_PAGE)));
_Static_assert(sizeof(sealed) % IA2_PAGE == 0, "has pages of its own");

static void find_ranges(struct object *object)
{
    const struct dl_phdr_info *info = object->info;
    object->mapped = (struct ia2_range){UINTPTR_MAX, 0};
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + ph->p_vaddr, end = start + ph->p_memsz;
        if (ph->p_type == PT_GNU_RELRO) /* ld.so protects whole pages alone */
            object->relro = (struct ia2_range){start & -IA2_PAGE, end & -IA2_PAGE};
        if (ph->p_type != PT_LOAD)
            continue;
        if (start < object->mapped.start)
            object->mapped.start = start;
        if (end > object->mapped.end)
            object->mapped.end = end;
    }
}

/* ld.so turns the pointers of most dynamic sections into addresses. */
static uintptr_t address(const struct object *object, uintptr_t pointer)
{
    return pointer < object->info->dlpi_addr ? object->info->dlpi_addr + pointer : pointer;
}

static void read_dynamic(struct object *object, const ElfW(Dyn) * d)
{
    for (; d->d_tag != DT_NULL; d++) {
        uintptr_t at = address(object, d->d_un.d_ptr);
        switch (d->d_tag) {
        case DT_JMPREL:
            object->relocations = (const ElfW(Rela) *)at;
            break;
        case DT_PLTRELSZ:
            object->count = d->d_un.d_val / sizeof(*object->relocations);
            break;
        case DT_SYMTAB:
            object->symbols = (const ElfW(Sym) *)at;
            break;
        case DT_STRTAB:
            object->names = (const char *)at;
            break;
        case DT_VERSYM:
            object->versions = (const ElfW(Half) *)at;
            break;
        case DT_VERNEED:
            object->needed = (const char *)at;
            break;
        case DT_PLTGOT:
            object->got = at;
            break;
        case DT_SYMBOLIC:
            object->symbolic = 1;
            break;
        case DT_FLAGS:
            object->symbolic |= (d->d_un.d_val & DF_SYMBOLIC) != 0;
            break;
        }
    }
}

/* Whether the library has slots that can be written. */
static int find_slots(struct object *object)
{
    struct ia2_range *slots = &object->slots;
    *slots = (struct ia2_range){UINTPTR_MAX, 0};
    for (size_t i = 0; i < object->count; i++) {
        uintptr_t slot = object->info->dlpi_addr + object->relocations[i].r_offset;
        unsigned long type = ELF64_R_TYPE(object->relocations[i].r_info);
        if (type == R_X86_64_NONE || ia2_is_in(&object->relro, slot))
            continue;
        if (type != R_X86_64_JUMP_SLOT && type != R_X86_64_IRELATIVE)
            ia2_die("%s: everybody could write the descriptors by which it finds its thread-local "
                    "data; link it with -Wl,-z,now,-z,relro",
                    ia2_module_file(object->info));
        if (slot < slots->start)
            slots->start = slot;
        if (slot + sizeof(slot) > slots->end)
            slots->end = slot + sizeof(slot);
    }
    if (slots->start >= slots->end)
        return 0;
    /* The first words lead to ld.so, which the PLT enters for what is not bound. */
    if (object->got && object->got < slots->start &&
        slots->start - object->got <= 3 * sizeof(uintptr_t))
        slots->start = object->got;
    return 1;
}

/* ---- binding -------------------------------------------------------------------------------- */

static int is_code(const struct object *object, uintptr_t at, size_t size)
{
    for (int i = 0; i < object->info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &object->info->dlpi_phdr[i];
        uintptr_t start = object->info->dlpi_addr + ph->p_vaddr;
        if (ph->p_type == PT_LOAD && ph->p_flags & PF_X && at >= start && at < start + ph->p_memsz)
            return start + ph->p_memsz - at >= size;
    }
    return 0;
}

/* A slot that is not bound leads to `push $INDEX` of its own PLT entry. */
static int is_lazy(const struct object *object, size_t index, uintptr_t target)
{
    static const unsigned char endbr64[4] = {0xf3, 0x0f, 0x1e, 0xfa};
    uint32_t pushed;
    if (!is_code(object, target, sizeof(endbr64) + 5))
        return 0;
    if (!memcmp((const void *)target, endbr64, sizeof(endbr64)))
        target += sizeof(endbr64);
    memcpy(&pushed, (const unsigned char *)target + 1, sizeof(pushed));
    return *(const unsigned char *)target == 0x68 && pushed == index;
}

/* The name of the version with this number, NULL if no library that is needed has it. */
static const char *version_name(const struct object *object, unsigned number)
{
    const char *at = object->needed;
    while (at) {
        const ElfW(Verneed) *library = (const ElfW(Verneed) *)at;
        const char *entry = at + library->vn_aux;
        for (unsigned i = 0; i < library->vn_cnt; i++) {
            const ElfW(Vernaux) *version = (const ElfW(Vernaux) *)entry;
            if ((version->vna_other & 0x7fffu) == number)
                return object->names + version->vna_name;
            entry += version->vna_next;
        }
        at = library->vn_next ? at + library->vn_next : NULL;
    }
    return NULL;
}

/* The library that a function is in, NULL if there is none. */
static struct link_map *library_of(const void *function)
{
    Dl_info info;
    struct link_map *map = NULL;
    return dladdr1(function, &info, (void **)&map, RTLD_DL_LINKMAP) ? map : NULL;
}

static int has_versions(const void *function)
{
    struct link_map *map = library_of(function);
    for (const ElfW(Dyn) *d = map ? map->l_ld : NULL; d && d->d_tag != DT_NULL; d++)
        if (d->d_tag == DT_VERDEF)
            return 1;
    return !map;
}

/* What ld.so would bind a symbol to: of the libraries in their order, the first that has the symbol
 * with this version, or that has no versions. dlvsym leaves out the latter, and dlsym takes any
 * default version. NULL if the two do not say what comes first. */
static void *find_version(const char *name, const char *version)
{
    void *exact = dlvsym(RTLD_DEFAULT, name, version), *any = dlsym(RTLD_DEFAULT, name);
    if (!any || any == exact || has_versions(any))
        return exact;
    if (!exact)
        return any;
    struct link_map *map = library_of(exact);
    return map && dlsym(map, name) == exact ? any : NULL;
}

static void *find_function(const struct object *object, const ElfW(Rela) * relocation)
{
    size_t index = ELF64_R_SYM(relocation->r_info);
    const ElfW(Sym) *symbol = &object->symbols[index];
    const char *name = object->names + symbol->st_name;
    unsigned number = object->versions ? object->versions[index] & 0x7fffu : VER_NDX_GLOBAL;
    if (object->symbolic || ELF64_ST_VISIBILITY(symbol->st_other) != STV_DEFAULT)
        return NULL;
    if (number <= VER_NDX_GLOBAL) { /* of a library with versions, ld.so takes the oldest one */
        void *found = dlsym(RTLD_DEFAULT, name);
        return found && !has_versions(found) ? found : NULL;
    }
    const char *version = version_name(object, number);
    return version ? find_version(name, version) : NULL;
}

static void bind_all(const struct object *object, char *copy)
{
    for (size_t i = 0; i < object->count; i++) {
        const ElfW(Rela) *relocation = &object->relocations[i];
        uintptr_t slot = object->info->dlpi_addr + relocation->r_offset;
        if (!ia2_is_in(&object->slots, slot) ||
            ELF64_R_TYPE(relocation->r_info) != R_X86_64_JUMP_SLOT)
            continue;
        uintptr_t *place = (uintptr_t *)(copy + (slot - object->slots.start));
        if (!is_lazy(object, i, *place))
            continue;
        void *function = find_function(object, relocation);
        if (function)
            *place = (uintptr_t)function;
    }
}

/* ---- the copy, and the PLT ------------------------------------------------------------------ */

static int reaches(const struct object *object, const char *copy, size_t size)
{
    intptr_t low = (intptr_t)copy - (intptr_t)object->mapped.end,
             high = (intptr_t)(copy + size) - (intptr_t)object->mapped.start;
    return low > -REACH && high < REACH;
}

/* Memory that the library's code reaches. */
static char *take_memory(const struct object *object, size_t size)
{
    for (uintptr_t n = 0; n < 64; n++) {
        uintptr_t distance = n << 24;
        uintptr_t hint = n % 2 ? object->mapped.end + distance : object->mapped.start - distance;
        long got = ia2_sys_map(n ? (void *)(hint & -IA2_PAGE) : NULL, size, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        char *copy = (char *)got;
        if (got < 0 && got > -4096)
            break;
        if (reaches(object, copy, size))
            return copy;
        ia2_sys_unmap(copy, size);
    }
    ia2_die("%s: there is no memory near it for its jump slots", ia2_module_file(object->info));
}

/* The slot, or word before the slots, that an instruction at \a at goes through; 0 if none. */
static uintptr_t slot_of(const struct object *object, const unsigned char *at)
{
    int32_t distance;
    if (at[0] != 0xff || (at[1] != 0x25 && at[1] != 0x35)) /* jmp, push: to or of N(%rip) */
        return 0;
    memcpy(&distance, at + 2, sizeof(distance));
    uintptr_t slot = (uintptr_t)at + 6 + (uintptr_t)(intptr_t)distance;
    return ia2_is_in(&object->slots, slot) && slot % sizeof(slot) == 0 ? slot : 0;
}

/* Makes the PLT go through the copy. Returns one of the jumps; \a seen gets a mark for each slot.
 */
static uintptr_t divert(const struct object *object, struct ia2_code_pages *pages, const char *copy,
                        char *seen, size_t left)
{
    uintptr_t stub = 0;
    for (int i = 0; left && i < object->info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &object->info->dlpi_phdr[i];
        if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
            continue;
        uintptr_t start = object->info->dlpi_addr + ph->p_vaddr, end = start + ph->p_memsz;
        for (uintptr_t entry = (start + PLT_ENTRY - 1) & -(uintptr_t)PLT_ENTRY;
             left && entry + PLT_ENTRY <= end; entry += PLT_ENTRY)
            for (uintptr_t at = entry; at <= entry + LAST_JUMP; at++) {
                uintptr_t slot = slot_of(object, (const unsigned char *)at);
                if (!slot)
                    continue;
                size_t offset = slot - object->slots.start;
                int32_t distance = (int32_t)((intptr_t)copy + (intptr_t)offset - (intptr_t)at - 6);
                ia2_code_pages_change(pages, (const void *)(at + 2), &distance, sizeof(distance));
                if (!seen[offset / sizeof(slot)]) {
                    seen[offset / sizeof(slot)] = 1;
                    left--;
                }
                stub = at;
            }
    }
    return stub;
}

/* Those of the relocations; the words before them may have no instruction. */
static size_t count_slots(const struct object *object, char *seen)
{
    size_t words = (object->slots.end - object->slots.start) / sizeof(uintptr_t), count = 0;
    memset(seen, 1, words);
    for (size_t i = 0; i < object->count; i++) {
        uintptr_t slot = object->info->dlpi_addr + object->relocations[i].r_offset;
        if (ia2_is_in(&object->slots, slot)) {
            seen[(slot - object->slots.start) / sizeof(slot)] = 0;
            count++;
        }
    }
    return count;
}

static void note(size_t index, struct sealed entry)
{
    int r = ia2_sys_change(sealed, sizeof(sealed), PROT_READ | PROT_WRITE);
    if (!r) {
        sealed[index] = entry;
        r = ia2_sys_change(sealed, sizeof(sealed), PROT_READ);
    }
    if (r)
        ia2_die("cannot note which jump slots are read-only (%s)", strerrorname_np(-r));
}

static void remember(const struct object *object, uintptr_t stub, const char *copy, size_t size)
{
    size_t i = 0;
    while (i < OBJECTS && sealed[i].base)
        i++;
    if (i == OBJECTS)
        ia2_die("%s: more than %d libraries without full RELRO; link them with -Wl,-z,now,-z,relro",
                ia2_module_file(object->info), OBJECTS);
    note(i, (struct sealed){object->info->dlpi_addr, stub, (uintptr_t)copy, size});
}

/* A library that was unloaded may have left an entry, and another may be where it was: the code
 * says whether it is sealed. */
static int is_sealed(const struct object *object)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        int32_t distance;
        if (sealed[i].base != object->info->dlpi_addr || !is_code(object, sealed[i].stub, 6))
            continue;
        memcpy(&distance, (const char *)sealed[i].stub + 2, sizeof(distance));
        uintptr_t slot = sealed[i].stub + 6 + (uintptr_t)(intptr_t)distance;
        if (slot >= sealed[i].copy && slot < sealed[i].copy + sealed[i].size)
            return 1;
    }
    return 0;
}

/* Forgets libraries that are gone. */
static int is_there(struct dl_phdr_info *info, size_t size, void *entry)
{
    (void)size;
    struct object object = {.info = info};
    return info->dlpi_addr == ((struct sealed *)entry)->base &&
           is_code(&object, ((struct sealed *)entry)->stub, 6);
}

static void drop_unloaded(void)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        if (!sealed[i].base || dl_iterate_phdr(is_there, &sealed[i]))
            continue;
        struct sealed gone = sealed[i];
        note(i, (struct sealed){0});
        ia2_sys_unmap((void *)gone.copy, gone.size);
    }
}

struct sealing {
    struct ia2_code_pages *pages;
    int begun;
};

static int seal(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    struct sealing *sealing = data;
    struct object object = {.info = info};
    if (!sealing->begun++)
        drop_unloaded();
    const ElfW(Dyn) *dynamic = NULL;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
            dynamic = (const ElfW(Dyn) *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    find_ranges(&object);
    if (dynamic)
        read_dynamic(&object, dynamic);
    if (!object.relocations || !find_slots(&object) || is_sealed(&object))
        return 0;
    size_t length = object.slots.end - object.slots.start, words = length / sizeof(uintptr_t);
    size_t wanted = (length + words + IA2_PAGE - 1) & -IA2_PAGE;
    char *copy = take_memory(&object, wanted), *seen = copy + length;
    memcpy(copy, (const void *)object.slots.start, length);
    if (!ia2_state.ready)
        bind_all(&object, copy);
    size_t left = count_slots(&object, seen);
    uintptr_t stub = divert(&object, sealing->pages, copy, seen, left);
    if (memchr(seen, 0, words))
        ia2_die("%s: its PLT is of an unknown form, so everybody could write its jump slots; link "
                "it with -Wl,-z,now,-z,relro",
                ia2_module_file(info));
    int r = ia2_sys_change(copy, wanted, PROT_READ);
    if (r)
        ia2_die("cannot make the jump slots of %s read-only (%s)", ia2_module_file(info),
                strerrorname_np(-r));
    remember(&object, stub, copy, wanted);
    return 0;
}

void ia2_jump_slots_seal(struct ia2_code_pages *pages)
{
    struct sealing sealing = {.pages = pages};
    if (ia2_state.pkeys)
        dl_iterate_phdr(seal, &sealing);
}
