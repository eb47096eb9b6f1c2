#define _GNU_SOURCE
#include "state/rights.h"

#include "state/state.h"

uint64_t ia2_fs_base(void)
{
    if (!ia2_state.fsgsbase)
        return (uint64_t)__builtin_thread_pointer();
    uint64_t base;
    __asm__ volatile("rdfsbase %0" : "=r"(base));
    return base;
}

const struct ia2_thread_record *ia2_this_thread(void)
{
    const struct ia2_thread_record *record = &ia2_state.thread[ia2_slot & IA2_SLOT_MASK];
    return record->fsbase == ia2_fs_base() ? record : NULL;
}

uint32_t ia2_read_pkru(void)
{
    if (!ia2_state.pkeys)
        return ia2_virtual_pkru;
    uint32_t pkru, zero;
    __asm__ volatile(".byte 0x0f, 0x01, 0xee" : "=a"(pkru), "=d"(zero) : "c"(0));
    return pkru;
}

int ia2_compartment_of_pkru(uint32_t pkru)
{
    if (pkru == IA2_PKRU_0)
        return 0;
    if (pkru == IA2_PKRU_MONITOR)
        return IA2_KEY_MONITOR;
    for (uint32_t i = 1; i <= ia2_state.count; i++)
        if (ia2_state.module[i].descriptor && ia2_state.module[i].descriptor->pkru[i] == pkru)
            return (int)i;
    return -1;
}

int ia2_current_compartment(void)
{
    return ia2_compartment_of_pkru(ia2_read_pkru());
}
