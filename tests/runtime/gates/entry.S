/* See entry.h. The attacker is the compartment this is compiled for. */
#include "ia2_layout.h"
#if PKEY == 1
#define OWN_PKRU 0x65555550
#else
#define OWN_PKRU 0x65555544
#endif

    .text
    .globl enter_at
    .hidden enter_at
    .type enter_at, @function
enter_at:
    mov %rdi, %rax
    lea landed(%rip), %rcx
    mov $256, %edx
1:  push %rcx
    dec %edx
    jnz 1b
    mov 0(%rax), %rcx
    mov %rcx, -8(%rsp)
    mov 8(%rax), %rcx
    mov %rcx, -16(%rsp)
    mov 16(%rax), %rcx
    mov 24(%rax), %rdx
    mov 32(%rax), %rbx
    mov 48(%rax), %rbp
    mov 56(%rax), %rsi
    mov 64(%rax), %rdi
    mov 72(%rax), %r8
    mov 80(%rax), %r9
    mov 88(%rax), %r10
    mov 96(%rax), %r11
    mov 104(%rax), %r12
    mov 112(%rax), %r13
    mov 120(%rax), %r14
    mov 128(%rax), %r15
    mov -16(%rsp), %rax
    jmp *-8(%rsp)

/* May run with any rights, so it touches no memory but code and what key 0 has. */
    .globl landed
    .hidden landed
    .type landed, @function
landed:
    mov ia2_state@GOTPCREL(%rip), %r8
    cmpl $0, 4(%r8)                         /* ia2_state.pkeys */
    je 1f
    xor %ecx, %ecx
    .byte 0x0f, 0x01, 0xee                  /* rdpkru */
    jmp 2f
1:  mov ia2_virtual_pkru@GOTTPOFF(%rip), %r8
    mov %fs:(%r8), %eax
2:  cmp $OWN_PKRU, %eax
    je 3f
    cmp $IA2_PKRU_0, %eax
    je 3f
    lea 5f(%rip), %rsi
    mov $12, %edx
    jmp 4f
3:  lea 6f(%rip), %rsi
    mov $10, %edx
4:  mov $1, %eax
    mov $1, %edi
    syscall
    mov $231, %eax                          /* exit_group */
    mov $42, %edi
    syscall
    .section .rodata
5:  .ascii "compromised\n"
6:  .ascii "contained\n"
    .section .note.GNU-stack, "", @progbits
