/* What each compartment of the attacked program offers the others. The names of the functions begin
 * with that of the compartment: app_call, lib_call, third_call. */
#ifndef SERVICE_H
#define SERVICE_H

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <stddef.h>

enum request {
    ADD, /* a + b */
    SECRET_AT, /* addresses: knowing them is no secret */
    HEAP_SECRET_AT,
    STACK_SECRET_AT,
    TLS_SECRET_AT,
    OBJECT_AT,
    OBJECT, /* what the private object holds: 0x1111 unless an attack succeeded */
    PRINT, /* printf of a number */
    PUTS,
    REPORT_ERROR, /* error(3), which goes on */
    END_BY_ERROR, /* error(3), which ends the process */
    SHOUT, /* toupper of a letter */
    SHOW_ZONE, /* prints the name of the time zone */
    OPEN_NULL, /* fopen; a: and fclose */
    READ_CHAR, /* getchar */
    CONVERT, /* iconv_open of a character set called EVIL */
    COUNT_TO, /* sums 1..a in a long double, in the precision that is set; in thousandths */
    DIVIDE, /* a / b, rounded as is set, in units of 2^-60 */
    MODES, /* MXCSR, and the x87 control word in the upper half */
    FLAGS, /* RFLAGS */
    STEADY, /* whether its own locals stay as they are for a rounds */
    SPIN, /* the secret is in registers for a rounds */
    SPIN_WITH_TIMER, /* the same, with a handler of its own that interrupts it */
    SPINNING_THREAD, /* starts a thread that spins so for good */
    LEAVE_REGISTERS, /* returns with the secret wherever the ABI allows it */
    LEAVE_X87,
    RECURSE, /* a deep */
    ALLOCATE_STACK, /* alloca of a bytes */
    MAP, /* mmap of a page that then holds the secret */
    MAP_AT, /* mmap of a bytes at b, each page with the secret */
    MAPPED_CHANGED, /* whether the first word of a page there has changed */
    FORK, /* a child that ends at once; its status */
    FREE, /* free of an address */
    WAIT, /* a microseconds */
    CHECK, /* asks the next compartment whether the password is a */
};

#define SERVICE(side) \
    long side##_call(long request, long a, long b); \
    long side##_attack(const char *name); \
    long side##_log(long value); \
    long side##_back(long (*callback)(long), long a); \
    long side##_back_registers(long (*callback)(long), long a); \
    long side##_back_x87(long (*callback)(long), long a); \
    void side##_qsort(long *base, long n, int (*compare)(const void *, const void *)); \
    void side##_bsearch(long *base, long n, int (*compare)(const void *, const void *)); \
    void side##_qsort_r(long *base, long n, int (*compare)(const void *, const void *, void *)); \
    void side##_walk_by(unsigned long visit); \
    void side##_tsearch(long *base, long n, int (*compare)(const void *, const void *)); \
    void side##_scandir(int (*selects)(const struct dirent *)); \
    void side##_context(void (*function)(void)); \
    void side##_action(const struct sigaction *action); \
    void side##_handler_of(const struct sigaction *action); \
    void side##_stream(const cookie_io_functions_t *functions); \
    void side##_ftw(int (*visit)(const char *, const struct stat *, int)); \
    void side##_glob(int (*failed)(const char *, int)); \
    void side##_thread(void *(*start)(void *), void *argument); \
    void side##_once(void (*routine)(void)); \
    void side##_at_exit(void (*routine)(void)); \
    void side##_thread_value(void (*destructor)(void *)); \
    void side##_on_signal(void (*handler)(int)); \
    void side##_union(unsigned long raw); \
    void side##_copied(unsigned long raw); \
    void side##_struct(unsigned long raw); \
    void side##_integer(unsigned long raw); \
    void side##_void_pointer(const void *raw); \
    void side##_void_result(void); \
    void side##_void_private(const void *raw); \
    const void *side##_get(const char *name); \
    double side##_divide(double a, double b); \
    void side##_copy(char *to, const char *from, long n); \
    void side##_admit(long guess);

SERVICE(app)
SERVICE(lib)
SERVICE(third)
long app_load_plugin(void);

#endif
