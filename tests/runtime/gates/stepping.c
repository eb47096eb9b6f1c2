/* stepping PROGRAM ARGUMENT...: runs it and single-steps between two breakpoint instructions; prints what was executed there:
 * how many instructions, how many of them wrote and read PKRU, or on a CPU without keys the word that stands for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static int status;
static pid_t child;

static int stopped_by(int number)
{
    if (waitpid(child, &status, 0) != child)
        exit(3);
    return WIFSTOPPED(status) && WSTOPSIG(status) == number;
}

int main(int argc, char **argv)
{
    long steps = 0, wrpkru = 0, rdpkru = 0, virtual_writes = 0, virtual_reads = 0, syscalls = 0;
    if (argc < 2)
        return 2;
    child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        execv(argv[1], argv + 1);
        _exit(127);
    }
    if (!stopped_by(SIGTRAP)) /* exec */
        return 3;
    ptrace(PTRACE_CONT, child, 0, 0);
    if (!stopped_by(SIGTRAP)) /* the first breakpoint */
        return 4;
    for (;;) {
        struct user_regs_struct registers;
        unsigned char code[8];
        ptrace(PTRACE_GETREGS, child, 0, &registers);
        long word = ptrace(PTRACE_PEEKTEXT, child, (void *)registers.rip, 0);
        memcpy(code, &word, sizeof(code));
        if (code[0] == 0xcc)
            break;
        wrpkru += !memcmp(code, "\x0f\x01\xef", 3);
        rdpkru += !memcmp(code, "\x0f\x01\xee", 3);
        virtual_writes += !memcmp(code, "\x64\x89\x04\x25", 4);
        virtual_reads += !memcmp(code, "\x64\x8b\x04\x25", 4);
        syscalls += !memcmp(code, "\x0f\x05", 2);
        if (++steps > 100000 || ptrace(PTRACE_SINGLESTEP, child, 0, 0) || !stopped_by(SIGTRAP))
            return 5;
    }
    ptrace(PTRACE_CONT, child, 0, 0);
    while (!stopped_by(0) && WIFSTOPPED(status))
        ptrace(PTRACE_CONT, child, 0, 0);
    printf("instructions %ld wrpkru %ld rdpkru %ld virtual-writes %ld virtual-reads %ld syscalls %ld exit %#x\n", steps, wrpkru,
           rdpkru, virtual_writes, virtual_reads, syscalls, status);
    return 0;
}
