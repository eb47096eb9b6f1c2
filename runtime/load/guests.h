/* Guests: libraries that a compartment loads and the policy does not name. They run with the rights
 * of their loader. A library that lies in one of the system's library folders itself is none: it
 * is like the libraries that the program is linked with. */
#ifndef IA2_GUESTS_H
#define IA2_GUESTS_H

#include <stddef.h>

/* What dlopen shall get in place of \a name in a compartment whose policy refuses guests: the
 * system library's path, in \a path, or \a name itself if nothing is to be loaded or found. Aborts,
 * in words, if \a name is the path of a guest. */
const char *ia2_guest_refuse(int key, const char *name, char *path, size_t size);

/* Says of the library that compartment \a key has just loaded, once for each file, that it is a
 * guest, if it is one. */
void ia2_guest_came(int key, void *handle);

#endif
