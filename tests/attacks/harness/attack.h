/* What an attack includes. An attack is one C file with one ATTACK, compiled as it is and linked
 * into the compartment that attacks: full control of that compartment is what the threat model
 * gives an attacker, so none of this is seen by the rewriter.
 *
 * Each attack is compiled once and put into both sides. `VICTIM(f)` stands for the function f of the
 * compartment that is attacked, `OWN(f)` for that of the attacker's own (attack_project.py).
 *
 * An attack has succeeded when it printed the victim's secret (leak), changed the victim's object
 * (own), or says that it had another effect that it must not have (effect). It may end the process
 * at any time. */
#ifndef ATTACK_H
#define ATTACK_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "state/state.h"
#include "service.h"

typedef uint64_t word;

#define VICTIM(name) __asm__("victim.." #name)
#define OWN(name) __asm__("own.." #name)

struct attack {
    const char *name;
    void (*run)(void);
};

#define ATTACK \
    static void attack(void); \
    static const struct attack description __attribute__((section("ia2_attacks"), used)) = { \
        ATTACK_NAME, attack}; \
    static void attack(void)

/* ---- the victim's service ------------------------------------------------------------------ */

long victim_call(long request, long a, long b) VICTIM(call);
long victim_back(long (*callback)(long), long a) VICTIM(back);
/* with the secret in callee-saved registers; -1 if they have changed */
long victim_back_registers(long (*callback)(long), long a) VICTIM(back_registers);
long victim_back_x87(long (*callback)(long), long a) VICTIM(back_x87);
void victim_qsort(long *base, long n, int (*compare)(const void *, const void *)) VICTIM(qsort);
void victim_bsearch(long *base, long n, int (*compare)(const void *, const void *)) VICTIM(bsearch);
void victim_qsort_r(long *base, long n, int (*compare)(const void *, const void *, void *))
    VICTIM(qsort_r);
void victim_walk_by(unsigned long visit) VICTIM(walk_by);
void victim_scandir(int (*selects)(const struct dirent *)) VICTIM(scandir);
void victim_context(void (*function)(void)) VICTIM(context);
void victim_action(const struct sigaction *action) VICTIM(action);
void victim_handler_of(const struct sigaction *action) VICTIM(handler_of);
void victim_stream(const cookie_io_functions_t *functions) VICTIM(stream);
void victim_tsearch(long *base, long n, int (*compare)(const void *, const void *)) VICTIM(tsearch);
void victim_ftw(int (*visit)(const char *, const struct stat *, int)) VICTIM(ftw);
void victim_glob(int (*failed)(const char *, int)) VICTIM(glob);
void victim_thread(void *(*start)(void *), void *argument) VICTIM(thread);
void victim_once(void (*routine)(void)) VICTIM(once);
void victim_at_exit(void (*routine)(void)) VICTIM(at_exit);
void victim_thread_value(void (*destructor)(void *)) VICTIM(thread_value);
void victim_on_signal(void (*handler)(int)) VICTIM(on_signal);
void victim_union(unsigned long raw) VICTIM(union);
void victim_copied(unsigned long raw) VICTIM(copied);
void victim_struct(unsigned long raw) VICTIM(struct);
void victim_integer(unsigned long raw) VICTIM(integer);
void victim_void_pointer(const void *raw) VICTIM(void_pointer);
void victim_void_result(void) VICTIM(void_result);
void victim_void_private(const void *raw) VICTIM(void_private);
double victim_divide(double a, double b) VICTIM(divide);
void victim_copy(char *to, const char *from, long n) VICTIM(copy);
void victim_admit(long guess) VICTIM(admit);
long victim_load_plugin(void) VICTIM(load_plugin); /* the program alone has it */
/* A function of the attacker's own that others may call: it calls hook. */
typedef long callback(long);
callback *own_callback(void) OWN(callback);

/* ---- who is who ------------------------------------------------------------------------------ */

extern const int own_key OWN(key_), victim_key OWN(victim_key);
extern char *victim_secret OWN(victim_secret);
extern volatile long *victim_object OWN(victim_object);
extern long (*hook)(long) OWN(hook_); /* run when another compartment calls the attacker */

/* ---- outcomes -------------------------------------------------------------------------------- */

void say(const char *format, ...) OWN(say) __attribute__((format(printf, 1, 2)));
/* 16 bytes at \a from, which are the victim's secret if the attack succeeded. */
void leak(const void *from) OWN(leak);
/* Reads the secret and changes the object, with the rights at hand: ends the process unless they are
 * the victim's. */
void own(void) OWN(own);
/* What an attack must not have and is neither of these. */
void effect(const char *what) OWN(effect);
/* The attack could not be tried: the suite fails. */
void cannot(const char *why) OWN(cannot) __attribute__((noreturn));

/* Code that does as own() does and exits, whatever stack and registers it is entered with. */
extern char payload[] OWN(payload);
/* A page of key 0 at a fixed address; the payload uses its first 0x200 bytes. */
#define SHARED_PAGES 0x10000000ul
#define SHARED_SIZE 0x10000ul
static inline char *shared_at(word offset)
{
    return (char *)SHARED_PAGES + offset;
}

/* ---- system calls, without libc --------------------------------------------------------------- */

static inline __attribute__((always_inline)) long system_call(long number, long a, long b, long c,
                                                              long d, long e, long f)
{
    register long r10 asm("r10") = d, r8 asm("r8") = e, r9 asm("r9") = f;
    long result;
    asm volatile("syscall"
                 : "=a"(result)
                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return result;
}
#define SYS_WITH(n, a, b, c, d, e, f, ...) \
    system_call(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define SYS(...) SYS_WITH(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define FAILED(result) ((unsigned long)(result) > -4096ul)

/* Fresh memory of key 0; \a protection as in mmap. */
char *pages(word size, int protection) OWN(pages);
static inline word page_of(const volatile void *p)
{
    return (word)p & -IA2_PAGE;
}
/* Whether these 16 bytes can be read now: the kernel says. */
int readable(const void *p) OWN(readable);
/* mmap(at, ...) of a page with `xor eax, ecx, edx; wrpkru; ret` is what run_code calls; own() then. */
extern const unsigned char open_all_keys[] OWN(open_all_keys);
#define OPEN_ALL_KEYS_SIZE 10
void run_code(const void *code) OWN(run_code);

/* ---- what the runtime keeps ---------------------------------------------------------------------- */

/* What a program finds by dlsym, or NULL. */
void *exported(const char *name) OWN(exported);
const struct ia2_state *state(void) OWN(state);
uint32_t *slot(void) OWN(slot);
const struct ia2_module *module_of(int key) OWN(module_of);
const struct ia2_compartment_descriptor *descriptor_of(int key) OWN(descriptor_of);
const struct ia2_thread_record *own_record(void) OWN(record);
/* The word below the top of a compartment's stack of this thread that says where it is suspended. */
volatile word *suspended_word(int key) OWN(suspended_word);
/* The n-th WRPKRU of a compartment's gates, 0 past the last. */
word wrpkru_of(int key, int n) OWN(wrpkru_of);
/* The WRPKRU of the path from one compartment to another; \a back: the one on the way back. */
word wrpkru_between(int caller, int callee, int back) OWN(wrpkru_between);
word pkru_of(int key) OWN(pkru_of);
/* The descriptor of the file that holds the runtime's state, -1 if there is none. */
int state_file(void) OWN(state_file);
word offset_in_state(const void *field) OWN(offset_in_state);
/* A record that makes the payload a handler of the victim's. */
struct ia2_signal forged_handler(void) OWN(forged_handler);
void quiet_handler(int number, siginfo_t *info, void *context) OWN(quiet_handler);

/* ---- jumps ------------------------------------------------------------------------------------------ */

struct registers {
    word rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
};
void jump_with(const struct registers *registers, word target) OWN(jump_with)
    __attribute__((noreturn));
/* The first place in executable memory of a file whose path has \a file with these bytes, or 0. */
word find_code(const char *file, const void *bytes, int size) OWN(find_code);

/* The monitor's gate refuses calls while signals can come. libc keeps two from being blocked. */
static inline void block_signals(void)
{
    static const word all = ~0ul;
    system_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, 0, 8, 0, 0);
}

/* ---- signals ---------------------------------------------------------------------------------------- */

/* sigaction(2) as a C program of the compartment does it. */
void on_signal(int number, void (*handler)(int, siginfo_t *, void *)) OWN(on_signal_);
struct kernel_action {
    word handler, flags, restorer, mask;
};
#define RAW_SIGINFO 0x04000004ul /* SA_SIGINFO | SA_RESTORER */
#define RAW_ONSTACK 0x08000000ul
uint32_t *saved_pkru(ucontext_t *context) OWN(saved_pkru);
/* The first registers of a frame that hold the beginning of a secret are printed. */
int leak_frame(ucontext_t *context) OWN(leak_frame);
/* Whoever was interrupted with the rights of the victim, or all, goes on in the payload. */
void redirect(int number, siginfo_t *info, void *context) OWN(redirect);
extern volatile int signals_seen OWN(signals_seen);
void timer(int microseconds) OWN(timer);
#define TRAP_FLAG 0x100ul
#define ALIGNMENT_FLAG 0x40000ul
static inline __attribute__((always_inline)) void set_flags(word flags)
{
    asm volatile("pushfq; orq %0, (%%rsp); popfq" ::"r"(flags) : "memory", "cc");
}
static inline __attribute__((always_inline)) void clear_flags(word flags)
{
    asm volatile("pushfq; andq %0, (%%rsp); popfq" ::"r"(~flags) : "memory", "cc");
}

/* ---- threads ------------------------------------------------------------------------------------------ */

pthread_t thread(void *(*start)(void *), void *argument) OWN(start_thread);

#endif
