#define _GNU_SOURCE
#include "exit/table.h"

#include <link.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/die.h"
#include "exit/destructor_map.h"
#include "ia2_destructors.h"
#include "state/addresses.h"
#include "state/rights.h"
#include "state/state.h"

/* A hint, which every compartment can write; the records say what is true. */
static _Atomic uint8_t record_taken[IA2_EXIT_RECORDS];
static _Atomic uint32_t records_used; /* those above were never taken: their pages need not exist */
static _Atomic uint64_t next_sequence = 1;
uint32_t ia2_exit_used_records(void)
{
    uint32_t used = records_used;
    return used < IA2_EXIT_RECORDS ? used : IA2_EXIT_RECORDS;
}

static uint32_t take_record(void)
{
    static _Atomic uint32_t hint;
    uint32_t from = atomic_load_explicit(&hint, memory_order_relaxed);
    for (uint32_t i = 0; i < IA2_EXIT_RECORDS; i++) {
        uint32_t index = (from + i) % IA2_EXIT_RECORDS;
        uint8_t no = 0;
        if (!atomic_compare_exchange_strong(&record_taken[index], &no, 1))
            continue;
        if (ia2_state.exit[index].state == IA2_EXIT_FREE) {
            atomic_store_explicit(&hint, index + 1, memory_order_relaxed);
            for (uint32_t used = records_used;
                 used <= index && !atomic_compare_exchange_weak(&records_used, &used, index + 1);)
                ;
            return index;
        }
    }
    return IA2_EXIT_RECORDS;
}

void ia2_exit_free_record(uint32_t index)
{
    static const struct exit_record none;
    ia2_state_write(&ia2_state.exit[index], &none, sizeof(none));
    atomic_store(&record_taken[index], 0);
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

/* Code that was made at run time lies in no file. Whoever has it run could call it as well. Not
 * dladdr, for which a caller that holds ld.so's list of objects would wait in the wrong order. */
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
    return ia2_is_code_of(registrant, (uintptr_t)function) || ia2_is_in_gates(function) ||
                   is_made_code(function)
               ? registrant
               : -1;
}

uint32_t ia2_exit_add_record(int registrant, uint32_t kind, void (*function)(void), void *argument)
{
    uint32_t index = take_record();
    if (index == IA2_EXIT_RECORDS)
        return index;
    struct exit_record record = {.function = function,
                                 .argument = argument,
                                 .sequence = next_sequence++,
                                 .thread = kind == IA2_EXIT_THREAD ? ia2_fs_base() : 0,
                                 .compartment_id = -1,
                                 .registered_by = registrant,
                                 .kind = kind,
                                 .state = IA2_EXIT_ARMED};
    if (kind == IA2_EXIT_KEY)
        record.compartment_id = registrant; /* which calls it itself */
    else if (ia2_state.ready && ia2_state.module[registrant].descriptor)
        record.compartment_id = ia2_exit_owner_of((const void *)function, registrant);
    ia2_state_write(&ia2_state.exit[index], &record, sizeof(record));
    return index;
}

const char *ia2_exit_symbol(const void *function, int registrant, char text[96])
{
    const struct ia2_destructor_metadata *known = ia2_destructor_lookup(function);
    if (known)
        return known->symbol_name;
    const struct ia2_module *module =
        registrant > 0 && registrant < IA2_MAX_COMPARTMENTS ? &ia2_state.module[registrant] : NULL;
    uintptr_t at = (uintptr_t)function;
    if (module && ia2_is_in(&module->text, at))
        snprintf(text, 96, "%s+%#zx", module->descriptor->name, (size_t)(at - module->base));
    else
        snprintf(text, 96, "%p", function);
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
