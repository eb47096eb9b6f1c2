/* Changes to code that is mapped: of libc, of ld.so, of any library.
 *
 * Each changed page is replaced at once by a copy that has all its changes. All copies come from
 * one file, which is closed and sealed before they are mapped. No page is writable, or not
 * executable, for a moment, and sandboxes that forbid mprotect(PROT_EXEC) do not mind. */
#ifndef IA2_CODE_PAGES_H
#define IA2_CODE_PAGES_H

#include <stddef.h>
#include <stdint.h>

#define IA2_CODE_PAGES 128

/* Belongs to its user, on the user's stack. */
struct ia2_code_pages {
    int fd; /* of the copies; -1: nothing is changed */
    int current; /* the page in `bytes`, -1 if none */
    unsigned count;
    uintptr_t page[IA2_CODE_PAGES]; /* the n-th copy is of this page */
    unsigned char bytes[4096];
};

/* Sets up \a pages without a change. */
void ia2_code_pages_begin(struct ia2_code_pages *pages);

/* Notes that the \a size bytes at \a at become \a bytes. The code runs unchanged until
 * ia2_code_pages_end(). */
void ia2_code_pages_change(struct ia2_code_pages *pages, const void *at, const void *bytes,
                           size_t size);

/* Makes all changes, and leaves \a pages as ia2_code_pages_begin() does. */
void ia2_code_pages_end(struct ia2_code_pages *pages);

/* All three end the process, in words, if they cannot do it. They run with any rights that may read
 * the code, and are not async-signal-safe. Several threads may use them, each with its own
 * structure, as long as they change different pages. */

#endif
