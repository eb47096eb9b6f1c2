#define _GNU_SOURCE
#include "containment/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/die.h"
#include "base/end_process.h"
#include "containment/call_table.h"
#include "state/system_calls.h"

/* How a call is treated. */
enum how {
    ALLOW,
    COOKIE, /* allowed with the cookie in the sixth argument, which the kernel ignores */
    MAP,
    MASK,
    HELD_FIRST, /* allowed if the first argument is a descriptor that is not held */
    HELD_SECOND,
    ACTION,
    STACK,
    KILL, /* sending SIGABRT is free: ia2_end_process and abort do so */
    AT_FLAGS, /* with AT_EMPTY_PATH it asks about an open file */
    STATX,
    TRAP,
};

static enum how how(long number)
{
    switch (number) {
    case SYS_mmap:
        return MAP;
    case SYS_rt_sigprocmask:
        return MASK;
    case SYS_close:
        return HELD_FIRST;
    case SYS_dup2:
    case SYS_dup3:
        return HELD_SECOND;
    case SYS_rt_sigaction:
        return ACTION;
    case SYS_sigaltstack:
        return STACK;
    case SYS_tgkill:
        return KILL;
    case SYS_newfstatat:
        return AT_FLAGS;
    case SYS_statx:
        return STATX;
    case SYS_rt_sigreturn:
    case SYS_pkey_mprotect: /* the monitor's own */
        return COOKIE;
    default:
        break;
    }
    switch (ia2_call_class(number)) {
    case IA2_CALL_FREE:
        return ALLOW;
    case IA2_CALL_NEVER:
        return TRAP;
    default:
        return COOKIE;
    }
}

/* Numbers from `low` on, up to the next range, are treated alike. */
struct range {
    uint32_t low, how;
};

struct program {
    struct sock_filter line[1400];
    size_t length;
    struct range range[IA2_CALLS + 1];
    size_t ranges;
    uint32_t cookie[2]; /* the lower and the upper half */
};

static void put(struct program *program, unsigned code, unsigned yes, unsigned no, uint32_t k)
{
    if (program->length == sizeof(program->line) / sizeof(program->line[0]))
        ia2_die("the filter of system calls is too long");
    program->line[program->length++] =
        (struct sock_filter){(uint16_t)code, (uint8_t)yes, (uint8_t)no, k};
}

#define HALF(argument, half) (offsetof(struct seccomp_data, args) + 8 * (argument) + 4 * (half))

static void load(struct program *program, uint32_t offset)
{
    put(program, BPF_LD | BPF_W | BPF_ABS, 0, 0, offset);
}

/* Goes on if the loaded word is \a k; over \a skip lines otherwise. */
static void want(struct program *program, uint32_t k, unsigned skip)
{
    put(program, BPF_JMP | BPF_JEQ | BPF_K, 0, skip, k);
}

static void end(struct program *program, uint32_t action)
{
    put(program, BPF_RET | BPF_K, 0, 0, action);
}

/* Six lines: allowed if two half arguments hold the cookie, trapped otherwise. */
static void with_cookie(struct program *program, uint32_t low, uint32_t high)
{
    load(program, low);
    want(program, program->cookie[0], 3);
    load(program, high);
    want(program, program->cookie[1], 1);
    end(program, SECCOMP_RET_ALLOW);
    end(program, SECCOMP_RET_TRAP);
}

/* Five lines: \a action if argument \a n is \a value, else what follows. */
static void if_argument(struct program *program, int n, uint64_t value, uint32_t action)
{
    load(program, HALF(n, 0));
    want(program, (uint32_t)value, 3);
    load(program, HALF(n, 1));
    want(program, (uint32_t)(value >> 32), 1);
    end(program, action);
}

/* What a new anonymous mapping may be, at a place of the kernel's choice. */
#define PLAIN_MAP \
    (MAP_PRIVATE | MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE | MAP_POPULATE | MAP_STACK | \
     MAP_NONBLOCK | MAP_32BIT)

static void map(struct program *program)
{
    load(program, HALF(3, 0));
    put(program, BPF_JMP | BPF_JSET | BPF_K, 5, 0, (uint32_t)~PLAIN_MAP);
    put(program, BPF_JMP | BPF_JSET | BPF_K, 0, 4, MAP_ANONYMOUS);
    load(program, HALF(2, 0));
    put(program, BPF_JMP | BPF_JSET | BPF_K, 2, 0, PROT_EXEC);
    end(program, SECCOMP_RET_ALLOW);
    put(program, BPF_JMP | BPF_JA, 0, 0, 0);
    with_cookie(program, HALF(4, 1), HALF(2, 1));
}

static void treat(struct program *program, enum how how)
{
    switch (how) {
    case ALLOW:
        end(program, SECCOMP_RET_ALLOW);
        return;
    case TRAP:
        end(program, SECCOMP_RET_TRAP);
        return;
    case MAP:
        map(program);
        return;
    case MASK: /* libc blocks all signals by SIG_BLOCK, SIGSYS too */
        load(program, HALF(0, 0));
        want(program, SIG_BLOCK, 4);
        load(program, HALF(1, 0));
        put(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 3, 0);
        load(program, HALF(1, 1));
        put(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
        end(program, SECCOMP_RET_ALLOW);
        break;
    case HELD_FIRST:
    case HELD_SECOND:
        load(program, HALF(how == HELD_SECOND, 0));
        put(program, BPF_JMP | BPF_JGE | BPF_K, 1, 0, IA2_FIRST_HELD);
        end(program, SECCOMP_RET_ALLOW);
        break;
    case ACTION:
        load(program, HALF(0, 0));
        want(program, SIGABRT, 5);
        if_argument(program, 1, (uint64_t)(uintptr_t)ia2_default_action, SECCOMP_RET_ALLOW);
        break;
    case STACK:
        if_argument(program, 0, (uint64_t)(uintptr_t)ia2_no_signal_stack, SECCOMP_RET_ERRNO);
        break;
    case KILL:
        load(program, HALF(2, 0));
        want(program, SIGABRT, 1);
        end(program, SECCOMP_RET_ALLOW);
        break;
    case AT_FLAGS:
    case STATX:
        load(program, HALF(how == STATX ? 2 : 3, 0));
        put(program, BPF_JMP | BPF_JSET | BPF_K, 0, 1, AT_EMPTY_PATH);
        end(program, SECCOMP_RET_ALLOW);
        break;
    case COOKIE:
        break;
    }
    with_cookie(program, HALF(5, 0), HALF(5, 1));
}

/* A search by halves among the ranges [\a first, \a last). */
static void search(struct program *program, size_t first, size_t last)
{
    if (last - first == 1) {
        treat(program, (enum how)program->range[first].how);
        return;
    }
    size_t middle = (first + last) / 2, at = program->length;
    put(program, BPF_JMP | BPF_JGE | BPF_K, 0, 1, program->range[middle].low);
    put(program, BPF_JMP | BPF_JA, 0, 0, 0); /* not below: over the lower half */
    search(program, first, middle);
    program->line[at + 1].k = (uint32_t)(program->length - (at + 2));
    search(program, middle, last);
}

static void write_program(struct program *program)
{
    for (uint32_t number = 0; number <= IA2_CALLS; number++) {
        uint32_t as = number < IA2_CALLS ? how(number) : TRAP;
        if (!program->ranges || program->range[program->ranges - 1].how != as)
            program->range[program->ranges++] = (struct range){number, as};
    }
    load(program, offsetof(struct seccomp_data, arch));
    put(program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AUDIT_ARCH_X86_64);
    end(program, SECCOMP_RET_KILL_PROCESS);
    load(program, offsetof(struct seccomp_data, nr));
    put(program, BPF_JMP | BPF_JGE | BPF_K, 0, 1, 0x40000000); /* x32 */
    end(program, SECCOMP_RET_KILL_PROCESS);
    search(program, 0, program->ranges);
}

int ia2_filter_install(uint64_t cookie)
{
    struct program program = {.cookie = {(uint32_t)cookie, (uint32_t)(cookie >> 32)}};
    write_program(&program);
    struct sock_fprog all = {(unsigned short)program.length, program.line};
    long r = ia2_sys(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!r)
        r = ia2_sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, (long)&all, 0,
                    0);
    explicit_bzero(&program, sizeof(program));
    return (int)r;
}
