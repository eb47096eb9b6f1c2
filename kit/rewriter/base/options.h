/* The command line. */
#ifndef IA2_OPTIONS_H
#define IA2_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct options {
    const char *plan, *root, *output, *prefix, *commands, *cache;
    const char **extra;
    size_t extra_count, extra_capacity;
    char **sources;
    int source_count;
    bool permissive, explain;
    bool passes; /* then the others mean nothing */
};

/* Ends the program if that is what the arguments ask for, or if they are wrong. */
void options_read(struct options *options, int argc, char **argv);

#endif
