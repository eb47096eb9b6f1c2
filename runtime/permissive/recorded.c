/* What is recorded without a fault: calls that fail their check, blocks of other heaps, and memory
 * given to the kernel. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "state/addresses.h"
#include "base/die.h"
#include "memory/heap_ranges.h"
#include "permissive/objects.h"
#include "permissive/open_keys.h"
#include "permissive/recorded.h"
#include "state/rights.h"
#include "state/state.h"
#include "permissive/blocks.h"
#include "permissive/memory_kind.h"
#include "permissive/violation_log.h"

void ia2_permissive_start(void)
{
    const char *require = getenv("IA2_REQUIRE_PKU");
    if (require && *require && strcmp(require, "0"))
        ia2_die("permissive: nothing is enforced in this program, and IA2_REQUIRE_PKU is set; "
                "build it without --permissive");
    ia2_permissive_objects();
    ia2_violation_log_open();
    ia2_die_calls(ia2_permissive_end);
}

int ia2_permissive_call(const void *target, const void *from, int is_gate)
{
    struct ia2_violation v = {.kind = is_gate ? "type" : "call",
                              .address = (uintptr_t)target,
                              .instruction = (uintptr_t)from,
                              .accessor = ia2_current_compartment(),
                              .owner = -1,
                              .pkru = ia2_read_pkru()};
    for (int key = 1; key <= (int)ia2_state.count; key++)
        if (ia2_state.module[key].descriptor && ia2_is_code_of(key, v.address))
            v.owner = key;
    ia2_violation_log(&v);
    return 1;
}

int ia2_permissive_foreign_block(void *block, const char *function, size_t *size, const void *from)
{
    struct ia2_block known = {0};
    int owner = ia2_heap_owner(block);
    struct ia2_violation v = {.kind = "block",
                              .function = function,
                              .address = (uintptr_t)block,
                              .accessor = ia2_current_compartment(),
                              .owner = owner & ~IA2_OWNER_SHARED,
                              .pkru = ia2_read_pkru(),
                              .writes = 1};
    v.caller = v.accessor > 0 ? (uintptr_t)from : 0;
    ia2_violation_log(&v);
    *size =
        ia2_block_at((uintptr_t)block, &known) && known.start == (uintptr_t)block ? known.size : 0;
    return 1;
}

/* Rights of a PKRU value for a key: 0 none, 1 reading, 2 both. */
static int rights(uint32_t pkru, int key)
{
    unsigned bits = pkru >> 2 * key & 3;
    return bits & 1 ? 0 : bits & 2 ? 1 : 2;
}

uint32_t ia2_permissive_lend(const char *function, const void *address, size_t size, int write,
                             const void *from)
{
    uint32_t pkru = ia2_read_pkru();
    int key =
        ia2_state.pkeys && ia2_state.ready && size ? ia2_key_of_address((uintptr_t)address) : 0;
    if (!key || rights(pkru, key) > (write != 0))
        return pkru;
    struct ia2_violation v = {.kind = "kernel",
                              .function = function,
                              .address = (uintptr_t)address,
                              .instruction = (uintptr_t)from,
                              .accessor = ia2_compartment_of_pkru(pkru),
                              .owner = key,
                              .pkru = pkru,
                              .writes = write != 0};
    ia2_violation_log(&v);
    return ia2_open_keys();
}

void ia2_permissive_take_back(uint32_t pkru)
{
    if (ia2_state.pkeys && ia2_read_pkru() != pkru)
        ia2_close_keys(pkru);
}
