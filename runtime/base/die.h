/* The end of a process that the runtime cannot let go on. */
#ifndef IA2_DIE_H
#define IA2_DIE_H

/* Says "ia2: ..." (base/format.h has what a format may have) and ends the process by SIGABRT,
 * whatever handler the program has for it and whether it is blocked. Async-signal-safe and
 * thread-safe, with any rights. */
void ia2_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#if IA2_PERMISSIVE
/* What ia2_die calls before it aborts. In permissive programs only, which protect nothing: whoever
 * can write the pointer would choose what runs with the rights of who dies. */
void ia2_die_calls(void (*last_words)(void));
#endif

#endif
