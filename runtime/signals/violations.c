/* A violation explains itself: who, in which function, touched whose memory. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "state/addresses.h"
#include "base/log.h"
#include "memory/heap_ranges.h"
#include "signals/violations.h"
#include "state/compartment_name.h"
#include "state/rights.h"
#include "state/state.h"

#ifndef SEGV_PKUERR
#define SEGV_PKUERR 4
#endif

static int describe_thread_memory(char *text, size_t size, uintptr_t address, int key)
{
    for (uint32_t slot = 1; slot < IA2_SLOT_COUNT; slot++) {
        const struct ia2_thread_record *r = &ia2_state.thread[slot];
        if (r->state != IA2_SLOT_LIVE)
            continue;
        const struct ia2_range stack = ia2_stack_of(r, key), tls = ia2_tls_of(r, key);
        if (ia2_is_in(&stack, address))
            return snprintf(text, size, "stack of thread %d", (int)r->tid);
        if (ia2_is_in(&tls, address))
            return snprintf(text, size, "thread-local storage of thread %d", (int)r->tid);
    }
    return 0;
}

static void describe_memory(char *text, size_t size, uintptr_t address, int key)
{
    if (key == IA2_KEY_STATE || key == IA2_KEY_MONITOR) {
        snprintf(text, size, "%s", key == IA2_KEY_STATE ? "state" : "stack");
        return;
    }
    if (key >= 1 && (uint32_t)key <= ia2_state.count) {
        const struct ia2_module *module = &ia2_state.module[key];
        if ((ia2_heap_owner((void *)address) & ~IA2_OWNER_GONE) == key) {
            snprintf(text, size, "heap");
            return;
        }
        for (int i = 0; i < IA2_DATA_RANGES; i++)
            if (ia2_is_in(&module->data[i], address)) {
                Dl_info symbol;
                if (dladdr((void *)address, &symbol) && symbol.dli_sname)
                    snprintf(text, size, "global %s+%#zx", symbol.dli_sname,
                             address - (uintptr_t)symbol.dli_saddr);
                else
                    snprintf(text, size, "global at %#zx of %s", address - module->base,
                             module->descriptor->name);
                return;
            }
        if (describe_thread_memory(text, size, address, key))
            return;
    }
    snprintf(text, size, "mapping");
}

/* The line of the policy for a global. A static one has no name at run time. */
static void say_how_to_share(uintptr_t address, int key)
{
    const struct ia2_module *module = &ia2_state.module[key];
    Dl_info symbol;
    if (!dladdr((void *)address, &symbol))
        return;
    if (symbol.dli_sname)
        ia2_say("  to share it: [shared] variables = [\"%s\"]", symbol.dli_sname);
    else
        ia2_say("  to share it: add its name to variables under [shared] (nm -n %s: the last one "
                "that is not after %#zx)",
                symbol.dli_fname, address - module->base);
}

int ia2_violation_report(const siginfo_t *info, const ucontext_t *context, unsigned pkru)
{
    if (info->si_signo != SIGSEGV || info->si_code != SEGV_PKUERR)
        return 0;
    uintptr_t address = (uintptr_t)info->si_addr,
              code = (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
    int owner = (int)info->si_pkey, who = ia2_compartment_of_pkru(pkru);
    char memory[160];
    describe_memory(memory, sizeof(memory), address, owner);
    const char *how = context->uc_mcontext.gregs[REG_ERR] & 2 ? "write" : "read";
    ia2_say("violation: compartment %s (PKRU %#x) may not %s address %#zx: %s of compartment %s "
            "(key %d)",
            ia2_compartment_name(who), pkru, how, address, memory, ia2_compartment_name(owner),
            owner);
    Dl_info where;
    if (dladdr((void *)code, &where) && where.dli_fname)
        ia2_say("  at %s+%#zx%s%s (addr2line -fe %s %#zx)", where.dli_fname,
                code - (uintptr_t)where.dli_fbase, where.dli_sname ? " in " : "",
                where.dli_sname ? where.dli_sname : "", where.dli_fname,
                code - (uintptr_t)where.dli_fbase);
    if (who > 0 && owner > 0 && owner <= IA2_LAST_COMPARTMENT && !strcmp(how, "read"))
        ia2_say("  to allow reading: [compartment.%s] reads = [\"%s\"]", ia2_compartment_name(who),
                ia2_compartment_name(owner));
    if (owner > 0 && owner <= IA2_LAST_COMPARTMENT && !strncmp(memory, "global ", 7))
        say_how_to_share(address, owner);
    return 1;
}
