#define _GNU_SOURCE
#include "permissive/memory_kind.h"

#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <unwind.h>

#include "permissive/open_keys.h"
#include "state/addresses.h"
#include "memory/heap_ranges.h"
#include "state/state.h"

#define WINDOW 4096

/* Whether a call instruction ends at \a at: direct, or through a register or memory. */
static int follows_call(const uint8_t *at)
{
    static const uint8_t lengths[] = {2, 3, 4, 6, 7};
    if (at[-5] == 0xe8)
        return 1;
    for (unsigned i = 0; i < sizeof(lengths); i++)
        if (at[-lengths[i]] == 0xff && (at[1 - lengths[i]] & 0x38) == 0x10)
            return 1;
    return 0;
}

static int is_return_address(uintptr_t word, int key)
{
    return ia2_is_code_of(key, word) && ia2_is_code_of(key, word - 7) &&
           follows_call((const uint8_t *)word);
}

/* As remote memory, which has no keys. The number of words. */
static size_t read_words(uintptr_t from, uintptr_t *words, size_t count)
{
    struct iovec local = {words, count * sizeof(*words)},
                 remote = {(void *)from, count * sizeof(*words)};
    ssize_t got = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
    return got > 0 ? (size_t)got / sizeof(*words) : 0;
}

struct search {
    int key;
    uintptr_t found;
};

static _Unwind_Reason_Code look_at_frame(struct _Unwind_Context *context, void *opaque)
{
    struct search *search = opaque;
    uintptr_t at = _Unwind_GetIP(context);
    if (!at || !ia2_is_code_of(search->key, at))
        return at ? _URC_NO_REASON : _URC_END_OF_STACK;
    search->found = at;
    return _URC_END_OF_STACK;
}

uintptr_t ia2_caller(int key)
{
    struct search search = {key, 0};
    uint32_t pkru = ia2_state.pkeys ? ia2_open_keys() : 0;
    _Unwind_Backtrace(look_at_frame, &search);
    if (ia2_state.pkeys)
        ia2_close_keys(pkru);
    return search.found;
}

/* Code of the function whose frame has \a address: below a frame lies the return address of what it
 * called. */
static uintptr_t function_of_frame(uintptr_t address, int key)
{
    uintptr_t words[WINDOW / sizeof(uintptr_t)], at = address & -sizeof(uintptr_t);
    size_t count = read_words(at - sizeof(words), words, sizeof(words) / sizeof(*words));
    while (count--)
        if (is_return_address(words[count], key))
            return words[count];
    return 0;
}

static const struct ia2_thread_record *thread_of(uintptr_t address, int key,
                                                 struct ia2_memory *memory)
{
    for (uint32_t slot = 1; slot < IA2_SLOT_COUNT; slot++) {
        const struct ia2_thread_record *r = &ia2_state.thread[slot];
        if (r->state != IA2_SLOT_LIVE)
            continue;
        const struct ia2_range stack = ia2_stack_of(r, key), tls = ia2_tls_of(r, key);
        if (ia2_is_in(&stack, address)) {
            memory->kind = "stack";
            return r;
        }
        if (ia2_is_in(&tls, address)) {
            memory->kind = "thread-local";
            memory->offset = address - tls.start;
            return r;
        }
    }
    return NULL;
}

static int is_global_of(int key, uintptr_t address)
{
    const struct ia2_module *module = &ia2_state.module[key];
    for (int i = 0; i < IA2_DATA_RANGES; i++)
        if (ia2_is_in(&module->data[i], address))
            return 1;
    return 0;
}

int ia2_key_of_address(uintptr_t address)
{
    struct ia2_memory unused;
    int owner = ia2_heap_owner((void *)address);
    if (owner)
        return owner & IA2_OWNER_SHARED ? 0 : owner & ~IA2_OWNER_GONE;
    for (int key = 1; key <= (int)ia2_state.count; key++)
        if (ia2_state.module[key].descriptor &&
            (is_global_of(key, address) || thread_of(address, key, &unused)))
            return key;
    return 0;
}

static void describe_global(uintptr_t address, struct ia2_memory *memory)
{
    struct ia2_symbol symbol;
    memory->kind = "global";
    memory->object = ia2_object_at(address);
    memory->offset = memory->object ? address - memory->object->base : 0;
    memory->start = address;
    if (memory->object && ia2_symbol_at(memory->object, address, &symbol)) {
        memory->name = symbol.name;
        memory->start = symbol.start;
        memory->size = symbol.size;
        memory->offset = address - symbol.start;
    }
}

void ia2_memory_kind(uintptr_t address, int owner, struct ia2_memory *memory)
{
    struct ia2_block block;
    *memory = (struct ia2_memory){.kind = "mapping"};
    if (owner <= 0 || owner > (int)ia2_state.count || !ia2_state.module[owner].descriptor) {
        memory->kind = ia2_object_at(address) ? "code" : "mapping";
        return;
    }
    if ((ia2_heap_owner((void *)address) & ~IA2_OWNER_GONE) == owner) {
        memory->kind = "heap";
        if (!ia2_block_at(address, &block))
            return;
        memory->size = block.size;
        memory->offset = address - block.start;
        memcpy(memory->frames, block.frames, sizeof(block.frames));
    } else if (is_global_of(owner, address)) {
        describe_global(address, memory);
    } else {
        const struct ia2_thread_record *thread = thread_of(address, owner, memory);
        if (!thread)
            return;
        memory->thread = (int)thread->tid;
        if (!strcmp(memory->kind, "stack"))
            memory->frames[0] = function_of_frame(address, owner);
        else
            memory->object = ia2_object_at((uintptr_t)ia2_state.module[owner].descriptor);
        memory->start = memory->offset & -8ul;
    }
}
