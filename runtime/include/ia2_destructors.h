/* ia2_destructors.h: who owns which destructor, and how they run when the process ends
 * (docs/exit-handling.md).
 *
 * No program needs this file: the rewriter emits a table per DSO, which start-up finds. It is for
 * hand-written tables and for code that wants to know. Functions here may be called from any
 * compartment and any thread; unless said otherwise they are not async-signal-safe. */
#ifndef IA2_DESTRUCTORS_H
#define IA2_DESTRUCTORS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- metadata ------------------------------------------------------------------------------- */

struct ia2_static_destructor_entry {
    const char *symbol_name;
    void (*function_ptr)(void); /* the function itself, not its gate */
    int compartment_id; /* key, 1..12 */
};

/* One per DSO, in read-only memory; the note `.note.ia2_destructors` (name "IA2", type 2) holds its
 * distance from the note's descriptor as eight bytes. */
struct ia2_static_destructor_table {
    const char *compartment_name;
    int compartment_id;
    size_t count;
    const struct ia2_static_destructor_entry *entries;
};

#define IA2_DESTRUCTORS_MAX 4096 /* of the whole process */
#define IA2_DESTRUCTOR_NAME_MAX 255

/* Adds a hand-written table. Everything is copied, so the table may go away. Only before main (from
 * a constructor): later the map is closed to everyone. 0, or -1 and errno: EPERM too late; EINVAL a
 * null pointer, a key that is not in 1..12, a name that is too long, or a function that another
 * table gives to another compartment; ENOSPC more than IA2_DESTRUCTORS_MAX. On failure nothing is
 * added. */
int ia2_import_static_destructor_table(const struct ia2_static_destructor_table *table);

struct ia2_destructor_metadata {
    const void *function;
    const char *symbol_name;
    int compartment_id;
};

/* What the map says about the function at \a fn, or NULL. Any pointer at all may be asked for; it
 * is not followed. The result is read-only and stays valid. Aborts when the map was tampered with.
 * Async-signal-safe. */
const struct ia2_destructor_metadata *ia2_destructor_lookup(const void *fn);

/* All of the map; \a count (may be NULL) gets the number of entries. Aborts when it was tampered
 * with. */
const struct ia2_destructor_metadata *ia2_get_destructor_metadata(size_t *count);

/* Writes the map as JSON: {"version": 1, "destructors": [{"symbol": .., "compartment": ..,
 * "compartment_id": ..}]}. 0, or -1 and errno if the stream took not all of it. */
int ia2_emit_metadata_json(FILE *stream);

/* Finds the tables of all loaded DSOs. Start-up does this; a program need not. Idempotent; 0. */
int ia2_destructor_runtime_init(void);

/* ---- running -------------------------------------------------------------------------------- */

enum ia2_exit_kind {
    IA2_EXIT_FINI_ARRAY = 1, /* DT_FINI_ARRAY, that is __attribute__((destructor)) */
    IA2_EXIT_FINI, /* DT_FINI */
    IA2_EXIT_ATEXIT,
    IA2_EXIT_CXA, /* __cxa_atexit */
    IA2_EXIT_ON_EXIT,
    IA2_EXIT_QUICK, /* at_quick_exit */
    IA2_EXIT_THREAD, /* __cxa_thread_atexit_impl */
    IA2_EXIT_KEY /* pthread_key_create, tss_create: runs for each thread that has a value, until
                    the key is deleted */
};

enum ia2_exit_state { IA2_EXIT_FREE, IA2_EXIT_ARMED, IA2_EXIT_DONE };

/* Stored at registration in memory that is read-only to every compartment. */
struct exit_record {
    void (*function)(void);
    void *argument;
    uint64_t sequence; /* of registration */
    uint64_t thread; /* FS base of the thread it belongs to; 0: the process */
    int32_t compartment_id; /* where it will run; -1: unknown owner */
    int32_t registered_by;
    uint32_t kind;
    uint32_t state;
    uint64_t reserved[2];
};

/* Runs one destructor: saves PKRU and the stack, enters the owner through its gate, calls, comes
 * back and verifies both. Called by the runtime, with key 0 alone. 0; -1 and errno EINVAL if
 * \a record is none of the runtime's, or a thread-specific value's, EALREADY if it ran before,
 * EPERM if the caller is a compartment and not the owner. A fault in the destructor is reported and
 * counts as having run. */
int ia2_run_destructor(const struct exit_record *record);

/* Like exit, from anywhere: any compartment, thread or signal handler, or code that runs with key 0
 * alone.
 */
void ia2_safe_exit(int status) __attribute__((noreturn));

struct ia2_exit_counters {
    unsigned long success; /* ran in the owner's compartment and returned */
    unsigned long
        fallback; /* ran elsewhere: with key 0 alone, or with all keys where that was asked for */
    unsigned long unknown; /* the owner was not known */
    unsigned long faulted;
};
struct ia2_exit_counters ia2_get_exit_counters(void);

#endif
