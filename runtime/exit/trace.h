/* What the end of a process says: its switches in the environment, and lines on stderr. (base/log.h
 * has what a format may have.) */
#ifndef IA2_EXIT_TRACE_H
#define IA2_EXIT_TRACE_H

/* Start-up: IA2_TRACE_EXIT, IA2_DIAG_EXIT, IA2_EXIT_ALLOW_ALL, IA2_EXIT_FORCE_LEGACY. Idempotent.
 * Set-user-ID programs ignore them. */
void ia2_exit_read_environment(void);

/* "IA2_TRACE: ..." on stderr, if that was asked for. */
void ia2_exit_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "IA2_EXIT: ..." on stderr: one event per line, in words that a program can split. */
void ia2_exit_event(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The name of an enum ia2_exit_kind. */
const char *ia2_exit_kind_name(unsigned kind);

#endif
