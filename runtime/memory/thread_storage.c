#define _GNU_SOURCE
#include "memory/thread_storage.h"

#include <string.h>
#include <sys/mman.h>

#include "base/die.h"
#include "base/lock.h"
#include "state/addresses.h"
#include "state/state.h"
#include "state/system_calls.h"

static struct ia2_lock lock = IA2_LOCK(IA2_RANK_STORAGE);

/* Without plugins no compartment comes or goes while threads do. */
static int has_plugins(void)
{
    const struct ia2_compartment_descriptor *first = ia2_state.module[1].descriptor;
    return ia2_state.ready && first && first->plugin_keys;
}

void ia2_thread_storage_lock(void)
{
    if (has_plugins())
        ia2_lock(&lock);
}

void ia2_thread_storage_unlock(void)
{
    if (has_plugins())
        ia2_unlock(&lock);
}

static int open_tls(char *start, char *end)
{
    if (start == end)
        return 0;
    return ia2_sys_protect(start, (size_t)(end - start), PROT_READ | PROT_WRITE, 0);
}

int ia2_tls_set_keys(char *fsbase, int open, uint32_t emptied)
{
    char *start = NULL, *end = NULL; /* neighbours, opened together */
    int r = 0;
    for (uint32_t key = 1; !r && key <= ia2_state.count; key++) {
        const struct ia2_module *module = &ia2_state.module[key];
        char *block = fsbase + module->tls_offset;
        if (!module->tls_size)
            continue;
        /* libc keeps the blocks for the next thread; the secrets of this one must not wait there.
         */
        if (open && !(emptied >> key & 1))
            r = ia2_sys_empty(block, module->tls_size);
        if (r)
            break;
        if (!open) {
            r = ia2_sys_protect(block, module->tls_size, PROT_READ | PROT_WRITE, (int)key);
        } else if (block + module->tls_size == start) {
            start = block;
        } else {
            r = open_tls(start, end);
            start = block;
            end = block + module->tls_size;
        }
    }
    return r ? r : open_tls(start, end);
}

uint32_t ia2_thread_storage_fill(uint32_t slot, size_t limit)
{
    uint32_t set = 0;
    for (uint32_t key = 1; key <= ia2_state.count; key++) {
        const struct ia2_module *module = &ia2_state.module[key];
        if (module->descriptor && module->tls_size && module->tls_size <= limit) {
            module->descriptor->thread_storage(slot);
            set |= 1u << key;
        }
    }
    return set;
}

void ia2_thread_storage_set_key(const struct ia2_module *module, int key)
{
    for (uint32_t slot = 1; module->tls_size && slot < IA2_SLOT_COUNT; slot++) {
        const struct ia2_thread_record *record = &ia2_state.thread[slot];
        if (!ia2_has_storage(record))
            continue;
        char *block = (char *)record->fsbase + module->tls_offset;
        int r = key ? 0 : ia2_sys_empty(block, module->tls_size);
        if (!r)
            r = ia2_sys_protect(block, module->tls_size, PROT_READ | PROT_WRITE, key);
        if (r)
            ia2_die("cannot change the key of thread-local storage (%s)", strerrorname_np(-r));
        if (key)
            module->descriptor->thread_storage(slot);
    }
}
