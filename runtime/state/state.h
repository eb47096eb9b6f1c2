/* What the runtime knows: who owns which address, which thread has which stacks, which signal goes
 * where.
 *
 * The state belongs to no compartment. It lies in this library's own memory, under a key that every
 * compartment may read and only the monitor may write (state/monitor.h). Until ia2_state_close()
 * (state/runtime_memory.h) it lies under key 0, and start-up writes it. Rejected: a memfd that is
 * mapped read-only and written by pwrite (whoever gets its descriptor writes it, and each fork must
 * copy it). */
#ifndef IA2_STATE_H
#define IA2_STATE_H

#include <stddef.h>
#include <stdint.h>
#include <signal.h>

#include "base/lock.h"
#include "ia2_destructors.h"
#include "state/descriptor.h"
#include "state/zone.h"

#define IA2_GRANULE_SHIFT 21 /* heaps own address space in 2 MiB steps, jemalloc's own unit */
#define IA2_GRANULE (1ul << IA2_GRANULE_SHIFT)
#define IA2_GRANULES (1ul << (47 - IA2_GRANULE_SHIFT)) /* user address space: 47 bits */
#define IA2_OWNER_NONE 0 /* libc or the kernel */
#define IA2_EXIT_RECORDS 16384 /* exit functions at a time */
#define IA2_OWNER_GONE \
    0x40 /* set: by a plugin that was unloaded since; the blocks stay, and are nobody's to free */
#define IA2_OWNER_SHARED 0x80 /* set: key 0, allocated by the compartment in the other bits */

/* ia2_state.exit_flags: what the environment asked for at start-up. */
enum ia2_exit_flag {
    IA2_EXIT_KNOWN = 1,
    IA2_EXIT_TRACE = 2,
    IA2_EXIT_DIAG = 4,
    IA2_EXIT_ALLOW_ALL = 8,
    IA2_EXIT_LEGACY = 16,
    IA2_EXIT_OPEN_ALL = 32, /* one of the last two */
};

/* The size of a thread record is a power of two, so a shift makes an offset of a slot. */
#define IA2_RECORD_SHIFT 8
#define IA2_SLOT_COUNT 4096
#define IA2_SLOT_MASK (IA2_SLOT_COUNT - 1)
#define IA2_MONITOR_STACK_SHIFT 17
#define IA2_MONITOR_STACK (1ul << IA2_MONITOR_STACK_SHIFT)
#define IA2_FRAME_BUFFER 16384ul

struct ia2_range {
    uintptr_t start, end;
};

/* The writable pages of a DSO are at most so many ranges: RELRO and IA2_SHARED_DATA are holes in
 * its writable segments. */
#define IA2_DATA_RANGES 4

/* Where a compartment lies in memory. */
struct ia2_module {
    const struct ia2_compartment_descriptor *descriptor;
    uintptr_t base;
    struct ia2_range data[IA2_DATA_RANGES]; /* its writable pages, under its key */
    struct ia2_range shared; /* IA2_SHARED_DATA */
    struct ia2_range text;
    void (**constructors)(int, char **, char **); /* of a compartment that came with dlopen */
    size_t constructor_count;
    uint32_t exit_first, exit_count; /* records of DT_FINI_ARRAY */
    uint32_t exit_fini, has_fini;
    ptrdiff_t tls_offset; /* from FS base; page-aligned */
    size_t tls_size;
    const void *tls_image; /* its initial values; zeros follow */
    size_t tls_image_size;
};

/* Memory that was mapped and is not everybody's to change. */
struct ia2_mapping {
    uintptr_t start, end;
    uint32_t owner; /* a compartment, or IA2_MAPPING_CODE */
};
#define IA2_MAPPING_CODE 64 /* what the loader mapped: nobody changes it */
#define IA2_MAPPING_PLUGIN 65 /* code of a plugin that the monitor has not taken in yet */
#define IA2_MAPPING_LATE 66 /* code that came with dlopen */
#define IA2_MAPPINGS 8192

/* A file that is mapped as code. Nobody may open it to write. */
struct ia2_code_file {
    uint64_t device, inode;
    uint64_t is_plugin; /* a compartment that comes with dlopen */
};
#define IA2_CODE_FILES 256

/* The thread-local storage that the program has brought for a plugin, in the plugin's carrier. */
struct ia2_carrier {
    int64_t tls_offset;
    uint64_t tls_size;
};

struct ia2_signal {
    void (*handler)(int, siginfo_t *, void *);
    uint32_t owner;
    uint32_t flags;
    uint64_t mask; /* sa_mask */
};

/* The life of a thread, as its record has it.
 *
 * Starting: the creator has prepared it. Beginning: the thread has come to the monitor. Quiet: it
 * has its stacks and storage, but nothing of any compartment runs on it, as it begins and ends.
 * Ended: nothing of it runs any more but libc; its stacks wait until it is gone. */
enum ia2_slot_state {
    IA2_SLOT_FREE,
    IA2_SLOT_STARTING,
    IA2_SLOT_BEGINNING,
    IA2_SLOT_QUIET,
    IA2_SLOT_LIVE,
    IA2_SLOT_ENDED,
};

struct ia2_thread_record {
    uint64_t fsbase;
    uint64_t tid;
    uint64_t top[IA2_MAX_COMPARTMENTS];
    uint64_t zone_size;
    uint32_t state;
    uint32_t start_owner;
    void *(*start)(void *);
    void *start_arg;
    uint64_t shared_low, shared_high; /* the shared stack */
    uint64_t signal_mask; /* with which the start routine begins */
    uint64_t more_low, more_high; /* where the shared stack goes on when it is full; 0 until then */
    /* The memory that the monitor has mapped for this slot: zones, shared and signal stack, and
     * from first_low on what libc gets as the thread's stack. It stays for the next thread. None on
     * the first thread, whose first stack is the kernel's. */
    uint64_t region_low, first_low, region_high;
    uint32_t released; /* joined or detached: libc reads the thread's descriptor no more */
    uint32_t call_not_pkru; /* while the monitor makes a system call with the rights of a caller:
                               the complement of these; 0 at other times */
    uint64_t ended_fsbase; /* of a thread that has ended, until its slot is taken again */
};

/* What a thread is to be, between pthread_create and libc's own. */
struct ia2_thread_wish {
    uint64_t zone_size, signal_mask;
    void *(*start)(void *);
    void *start_arg;
    int32_t detached, policy, priority, inherits, scope, has_cpus;
    uint64_t cpus[16]; /* cpu_set_t */
};

/* The known destructors. */
#define IA2_DESTRUCTOR_NAMES (256 * 1024ul)

struct ia2_destructor_map {
    uint64_t checksum; /* of all that follows and is in use */
    uint32_t count, closed;
    uint64_t names_used;
    struct ia2_destructor_metadata entry[IA2_DESTRUCTORS_MAX];
    char names[IA2_DESTRUCTOR_NAMES];
};

struct ia2_state {
    uint32_t ready; /* keys are in force */
    uint32_t pkeys; /* the CPU has them; otherwise PKRU is virtual */
    uint32_t count;
    uint32_t pkru_offset; /* in a signal frame's XSAVE area (CPUID 0xD, sub-leaf 9) */
    struct ia2_module module[IA2_MAX_COMPARTMENTS];
    struct ia2_signal signal[_NSIG];
    uint64_t argc; /* main's, for the constructors of plugins */
    char **argv, **envp;
    uint64_t static_tls; /* what a thread's stack must have room for besides (threads/threads.c) */
    uint64_t fsgsbase; /* there are RDFSBASE and WRFSBASE */
    struct ia2_carrier carrier[IA2_MAX_COMPARTMENTS];
    struct ia2_range streams[IA2_MAX_COMPARTMENTS]; /* for who looks at the process: what each
                                                       compartment keeps of its streams */
    uint64_t exit_flags; /* IA2_EXIT_TRACE ... */
    struct ia2_lock exit_lock; /* of the exit records */
    uint32_t exit_used; /* those from here on were never taken: their pages need not exist */
    uint32_t exit_hint; /* where to look for a free one first */
    uint64_t exit_sequence;
    uint64_t monitor_stacks; /* one of IA2_MONITOR_STACK bytes for each slot */
    uint64_t frames; /* of each slot, where the frame lies by which a handler is left */
    uint32_t hides_frames; /* the kernel writes signal frames where the interrupted code may not */
    uint32_t contained; /* system calls are (containment/filter.h) */
    uint64_t cookie; /* where the word is by which the kernel knows the monitor's system calls */
    uint64_t heap_end; /* where the heap of libc began */
    long (*dispatch)(int operation, long, long, long, long, int caller); /* of the monitor */
    struct ia2_lock thread_lock; /* of the slots */
    uint32_t slots_used; /* those from here on were never taken */
    struct ia2_thread_record thread[IA2_SLOT_COUNT] __attribute__((aligned(4096)));
    struct ia2_thread_wish wish[IA2_SLOT_COUNT];
    uint8_t owner[IA2_GRANULES];
    struct ia2_lock memory_lock; /* of whose memory is what: from the check to the system call */
    struct ia2_lock mapping_lock; /* of the list of mappings */
    uint32_t mappings, code_files;
    struct ia2_mapping mapping[IA2_MAPPINGS]; /* in no order */
    struct ia2_code_file code_file[IA2_CODE_FILES];
    uint64_t denied[64]; /* places of denied system calls that were told of */
    int32_t held[64]; /* descriptors that the monitor looks at; 0: none */
    struct exit_record exit[IA2_EXIT_RECORDS];
    struct ia2_destructor_map map;
} __attribute__((aligned(4096))); /* so that it fills whole pages: they get a key */

_Static_assert(sizeof(struct ia2_state) % IA2_PAGE == 0, "layout");
_Static_assert(sizeof(struct ia2_thread_record) == 1 << IA2_RECORD_SHIFT,
               "gates find a record by a shift");

/* Read-only for all but the monitor after ia2_state_close(). Reading needs no lock; fields of one
 * record change one by one. */
extern struct ia2_state ia2_state;

/* The slot of this thread's record, 0 if it has none. Everybody can write it: it is a hint that the
 * record's fsbase confirms. */
extern __thread uint32_t ia2_slot __attribute__((tls_model("initial-exec")));
/* PKRU, on a CPU that has none. */
extern __thread uint32_t ia2_virtual_pkru __attribute__((tls_model("initial-exec")));

#endif
