/* The system calls of x86-64: what a program needs each for, and which of them the kernel makes
 * without asking the monitor.
 *
 * A call is free if it touches only the caller's memory, with the caller's rights, or nothing that
 * is not the caller's: reading from and writing to open files, clocks, waiting. Constant memory;
 * async-signal-safe. */
#ifndef IA2_CALL_TABLE_H
#define IA2_CALL_TABLE_H

/* The words of a policy, as bits of ia2_compartment_descriptor.system_calls. The same numbers are
 * in kit/ia2/policy/system_calls.py. */
enum ia2_call_class {
    IA2_CALL_FREE,
    IA2_CALL_MEMORY,
    IA2_CALL_FILES_READ,
    IA2_CALL_FILES,
    IA2_CALL_NETWORK,
    IA2_CALL_THREADS,
    IA2_CALL_SIGNALS,
    IA2_CALL_OTHER, /* what has no word but "all" */
    IA2_CALL_NEVER, /* by nobody: the kernel would act on the whole process */
    IA2_CALL_CLASSES,
};

#define IA2_CALLS 463 /* numbers from here on are unknown, and never allowed */

enum ia2_call_class ia2_call_class(long number);
/* The word of a policy for a class; NULL if it has none. */
const char *ia2_call_class_word(enum ia2_call_class class);
/* "openat"; NULL for a number that is unknown. */
const char *ia2_call_name(long number);

#endif
