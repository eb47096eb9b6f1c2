/* What the gates of a compartment (gates/) say about the compartment: its descriptor, and the
 * tables that the descriptor leads to.
 *
 * The assembler makes all of this in each DSO. It lies in the DSO's RELRO or constants, so it does
 * not change once the loader is done. Offsets in the assembly are generated from this file. */
#ifndef IA2_DESCRIPTOR_H
#define IA2_DESCRIPTOR_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#define IA2_PAGE 4096ul
#define IA2_MAX_COMPARTMENTS 16 /* the keys of the CPU, 0 to 15 */

/* Who has which key. Key 0 is shared. Compartments have the keys from 1 on. Key 13 is kept for
 * libc's data. */
#define IA2_LAST_COMPARTMENT 12
#define IA2_KEY_STATE 14 /* what everybody reads and only the monitor writes (state/state.h) */
#define IA2_KEY_MONITOR 15 /* the monitor's own memory (state/monitor.h) */

/* A PKRU has two bits for each key: 1 forbids all access, 2 forbids writing. */

/* The rights of key 0 alone. They differ from those with which the kernel starts a program and
 * enters a signal handler (0x55555554) by reading the state, so a handler's entry can be told from
 * code that runs with key 0. */
#define IA2_PKRU_0 0x65555554u

/* The rights with which the kernel starts a program and enters a signal handler. */
#define IA2_PKRU_START 0x55555554u

/* The monitor's rights: all memory but what has the key that nobody has. */
#define IA2_PKRU_MONITOR 0x0c000000u

/* All compartments at once: for exit functions, where the environment asks for that. */
#define IA2_PKRU_ALL 0x60000000u

/* The types of the notes by "IA2" that a link makes. The first two hold the distance of what they
 * lead to from the note's own descriptor, as eight bytes. */
enum ia2_note_type {
    IA2_NOTE_COMPARTMENT = 1, /* leads to the struct ia2_compartment_descriptor */
    IA2_NOTE_DESTRUCTORS = 2, /* leads to the struct ia2_static_destructor_table */
    IA2_NOTE_CARRIER = 3, /* in a carrier: the key of the plugin, as four bytes */
};

/* The size of a stub is a power of two, so a shift gives the index of a gate. */
#define IA2_STUB_SHIFT 4

struct ia2_gate_descriptor {
    void (*enter)(void);
    void (*before)(void);
    void (*after)(void);
    uint16_t callers; /* mask of keys; from IA2_DESC_X87_SHIFT on two bits of keys that call nobody
                         say how many x87 registers hold the result */
    uint16_t further; /* how many gates behind this one are for other argument lists of the same
                         variadic function */
    uint32_t type;
};
#define IA2_DESC_SHIFT 5
#define IA2_DESC_X87_SHIFT 13
_Static_assert(sizeof(struct ia2_gate_descriptor) == 1 << IA2_DESC_SHIFT,
               "gates find a descriptor by a shift");

/* An instruction that start-up patches for the CPU (load/sites.c), or that the audit allows. */
enum ia2_site_kind {
    IA2_SITE_RDPKRU = 1,
    IA2_SITE_WRPKRU = 2,
    IA2_SITE_AVX512 = 3,
    IA2_SITE_AVX = 4,
    IA2_SITE_RDFSBASE = 5,
    IA2_SITE_XRSTOR = 6,
};

struct ia2_site {
    int32_t offset; /* from this entry */
    uint16_t kind, length;
};

/* The code that takes a call of compartment `caller` to `callee` and back. */
struct ia2_gate_code_range {
    int32_t offset; /* from this entry */
    uint32_t length, caller, callee;
};

struct ia2_plugin {
    uint64_t key;
    const char *file, *name; /* no folder in either */
};

/* In system_calls: the policy says something about this compartment's system calls. If it does for
 * one, those of all are contained. */
#define IA2_CALLS_SAID (1u << 31)

struct ia2_compartment_descriptor {
    uint32_t id;
    uint32_t count; /* of compartments, as the policy had it */
    const char *name;
    const char *stubs, *stubs_end;
    const struct ia2_gate_descriptor *gates;
    const struct ia2_site *sites, *sites_end;
    int (*main)(int, char **, char **);
    void *(*thread)(void);
    int (*signal)(int, siginfo_t *, void *, uint64_t mask); /* 0, or the key of a compartment whose
                                                               jump has left the handler */
    void (*exit_call)(size_t index, int status); /* runs an exit record */
    int (*thread_end)(int round); /* runs thread-specific destructors; 1 if there were any */
    void (*thread_storage)(uint32_t slot); /* gives the thread-local storage of a thread that is
                                              IA2_SLOT_QUIET its initial values */
    void (*construct)(void); /* runs the constructors of a plugin */
    void (*unwound)(void); /* where a jump goes on that cuts this compartment's stack */
    const struct ia2_gate_code_range *code_ranges, *code_ranges_end;
    void *(*client_alloc)(size_t size, size_t align, int); /* the gate fills in who calls */
    int (*client_free)(void *p, int);
    int (*shared_free)(void *p); /* of blocks this compartment allocated; 0 if \a p is none */
    void *(*shared_resize)(void *p, size_t size);
    size_t (*shared_size)(void *p);
    uintptr_t (*key0_thread_create)(uint32_t slot);
    long (*monitor)(int operation, long, long, long, long, int); /* the gate fills in who calls */
    const struct ia2_gate_descriptor *monitor_gate; /* of that gate */
    void (**fini_entries)(void); /* two, which ld.so runs instead of DT_FINI_ARRAY and DT_FINI */
    char *shared_data, *shared_data_end;
    uint32_t pkru[IA2_MAX_COMPARTMENTS];
    uint32_t plugin_keys; /* mask of the compartments that come with dlopen */
    uint32_t system_calls; /* mask of enum ia2_call_class, and IA2_CALLS_SAID */
    uint32_t permissive; /* 1: built to let violations through, for libia2_permissive.so only */
    uint32_t unused;
    const struct ia2_plugin *plugins, *plugins_end; /* of compartment 1: what is loaded for which
                                                       name */
};

#endif
