/* Refusals. They are collected so that one run reports all of them, printed sorted, and end the run
 * before anything is written. */
#ifndef IA2_DIAG_H
#define IA2_DIAG_H

/* Adds a refusal: `FILE:LINE:COL: error: CONSTRUCT: REASON` and `  remedy: REMEDY`. line 0: no
 * position in the file. The same refusal seen in several units is reported once. Thread-safe. */
void diag_refuse(const char *file, unsigned line, unsigned column, const char *construct,
                 const char *reason, const char *remedy);

/* The order of lines: less than 0, 0, or more, as for qsort. */
int compare_places(const char *file, unsigned line, const char *other_file, unsigned other_line);

/* Number of refusals so far. */
unsigned diag_count(void);

/* Prints all refusals to stderr. */
void diag_print(void);

/* An error of the command line or of an input file, without a position in C code: printed at once,
 * exit 1. */
_Noreturn void diag_fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
