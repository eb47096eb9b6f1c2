/* The functions of libc that a compartment has in place of libc's own, by name. */
#ifndef IA2_COMPARTMENT_LIBC_NAMES_H
#define IA2_COMPARTMENT_LIBC_NAMES_H

#pragma GCC visibility push(hidden)

/* What dlsym shall give for \a symbol, for which ld.so gives \a found: this compartment's function
 * if \a found is libc's function of that name, else \a found. Code that looks malloc up gets the
 * same malloc as code that names it. Async-signal-safe. */
void *ia2_libc_name(const char *symbol, void *found);

#pragma GCC visibility pop

#endif
