#define _GNU_SOURCE
#include "exit/table.h"

#include <link.h>

#include "base/die.h"
#include "base/format.h"
#include "exit/destructor_map.h"
#include "ia2_destructors.h"
#include "state/addresses.h"
#include "state/compartment_name.h"
#include "state/monitor.h"
#include "state/rights.h"
#include "state/state.h"

uint32_t ia2_exit_used_records(void)
{
    return ia2_state.exit_used;
}

/* A record that is free, or IA2_EXIT_RECORDS. */
static uint32_t find_record(void)
{
    for (uint32_t i = 0; i < IA2_EXIT_RECORDS; i++) {
        uint32_t index = (ia2_state.exit_hint + i) % IA2_EXIT_RECORDS;
        if (ia2_state.exit[index].state == IA2_EXIT_FREE)
            return index;
    }
    return IA2_EXIT_RECORDS;
}

static int has_address(struct dl_phdr_info *info, size_t size, void *address)
{
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        const uintptr_t start = info->dlpi_addr + ph->p_vaddr;
        if (ph->p_type == PT_LOAD && (uintptr_t)address - start < ph->p_memsz)
            return 1;
    }
    return 0;
}

/* Code that was made at run time lies in no file. A compartment that registers such code itself
 * could call it as well. Not dladdr, for which a caller that holds ld.so's list of objects would
 * wait in the wrong order. */
static int is_made_code(const void *function)
{
    return !dl_iterate_phdr(has_address, (void *)function);
}

int ia2_exit_owner_of(const void *function, int registrant)
{
    const struct ia2_destructor_metadata *known = ia2_destructor_lookup(function);
    if (registrant < 1 || (uint32_t)registrant > ia2_state.count ||
        (known && known->compartment_id != registrant))
        return -1;
    return ia2_is_code_of(registrant, (uintptr_t)function) || ia2_is_in_gates(function) ? registrant
                                                                                        : -1;
}

long ia2_exit_added(long kind, long function, long argument, long registrant, int caller)
{
    if (caller != IA2_KEY_MONITOR && caller != 0)
        registrant = caller;
    if (registrant < 0 || registrant > IA2_LAST_COMPARTMENT)
        return IA2_EXIT_RECORDS;
    /* With key 0 alone only the constructors of a plugin register, before it has its key. */
    if (caller == 0 && ia2_state.module[registrant].descriptor)
        ia2_die("an exit function is registered in the name of compartment %s",
                ia2_compartment_name((int)registrant));
    struct exit_record record = {.function = (void (*)(void))function,
                                 .argument = (void *)argument,
                                 .thread = kind == IA2_EXIT_THREAD ? ia2_fs_base() : 0,
                                 .compartment_id = -1,
                                 .registered_by = (int)registrant,
                                 .kind = (uint32_t)kind,
                                 .state = IA2_EXIT_ARMED};
    if (kind == IA2_EXIT_KEY)
        record.compartment_id = (int)registrant; /* which calls it itself */
    else if (ia2_state.ready && ia2_state.module[registrant].descriptor)
        record.compartment_id = ia2_exit_owner_of((const void *)function, (int)registrant);
    if (record.compartment_id < 0 && registrant == caller && is_made_code((const void *)function))
        record.compartment_id = caller;
    ia2_lock(&ia2_state.exit_lock);
    uint32_t index = find_record();
    if (index != IA2_EXIT_RECORDS) {
        record.sequence = ++ia2_state.exit_sequence;
        ia2_state.exit[index] = record;
        ia2_state.exit_hint = index + 1;
        if (ia2_state.exit_used <= index)
            ia2_state.exit_used = index + 1;
    }
    ia2_unlock(&ia2_state.exit_lock);
    return index;
}

/* Who has registered it frees it, and who has it called: key 0 for what a thread leaves. */
static int may_end(const struct exit_record *record, int caller)
{
    return caller == IA2_KEY_MONITOR || caller == 0 || record->registered_by == caller ||
           record->compartment_id == caller;
}

long ia2_exit_freed(long index, long unused1, long unused2, long unused3, int caller)
{
    (void)unused1, (void)unused2, (void)unused3;
    if ((unsigned long)index >= IA2_EXIT_RECORDS || !may_end(&ia2_state.exit[index], caller))
        return -1;
    ia2_state.exit[index] = (struct exit_record){.state = IA2_EXIT_FREE};
    return 0;
}

long ia2_exit_claimed(long index, long unused1, long unused2, long unused3, int caller)
{
    (void)unused1, (void)unused2, (void)unused3;
    if ((unsigned long)index >= IA2_EXIT_RECORDS || !may_end(&ia2_state.exit[index], caller))
        return -1;
    ia2_lock(&ia2_state.exit_lock);
    struct exit_record *record = &ia2_state.exit[index];
    int armed = record->state == IA2_EXIT_ARMED;
    if (armed)
        record->state = IA2_EXIT_DONE;
    ia2_unlock(&ia2_state.exit_lock);
    return armed ? 0 : -1;
}

uint32_t ia2_exit_add_record(int registrant, uint32_t kind, void (*function)(void), void *argument)
{
    return (uint32_t)ia2_monitor(IA2_DO_EXIT_ADD, kind, (long)function, (long)argument, registrant);
}

void ia2_exit_free_record(uint32_t index)
{
    ia2_monitor(IA2_DO_EXIT_FREE, index, 0, 0, 0);
}

const char *ia2_exit_symbol(const void *function, int registrant, char text[96])
{
    const struct ia2_destructor_metadata *known = ia2_destructor_lookup(function);
    if (known)
        return known->symbol_name;
    const struct ia2_module *module =
        registrant > 0 && registrant <= IA2_LAST_COMPARTMENT ? &ia2_state.module[registrant] : NULL;
    uintptr_t at = (uintptr_t)function;
    if (module && ia2_is_in(&module->text, at))
        ia2_format(text, 96, "%s+%#zx", module->descriptor->name, (size_t)(at - module->base));
    else
        ia2_format(text, 96, "%p", function);
    return text;
}

int ia2_exit_has_key(int registrant)
{
    int has_key = ia2_state.ready && ia2_state.module[registrant].descriptor;
    int current = ia2_state.ready ? ia2_current_compartment() : 0;
    if (current != registrant && (has_key || current))
        ia2_die("compartment %d registers or deletes an exit function of another compartment (%d)",
                current, registrant);
    return has_key;
}
