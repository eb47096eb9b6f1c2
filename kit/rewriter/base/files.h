/* Files as a whole. */
#ifndef IA2_FILES_H
#define IA2_FILES_H

#include <stdbool.h>
#include <stddef.h>

/* What is in a regular file, and a NUL after it; NULL if it cannot be read. The caller's to free.
 * Thread-safe. */
char *read_whole(const char *path, size_t *size);

/* Puts a file there, or in place of the one that is there, in one step: who reads it sees all of
 * it. False, with errno, if that cannot be done, and then nothing is left. Thread-safe, also for
 * other processes. */
bool write_whole(const char *path, const void *data, size_t size);

#endif
