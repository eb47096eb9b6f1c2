/* Calls that survive a fault, and calls with every key open (guard.h). */
#include "ia2_layout.h"

    /* Only debuggers read .debug_frame. libgcc's unwinder ends here. */
    .cfi_sections .debug_frame
/* The registers that ia2_guarded_call has pushed and ia2_guard_resume pops. */
.macro guarded_frame
    .cfi_adjust_cfa_offset 72
    .cfi_offset %rbp, -16
    .cfi_offset %rbx, -24
    .cfi_offset %r12, -32
    .cfi_offset %r13, -40
    .cfi_offset %r14, -48
    .cfi_offset %r15, -56
.endm

    .text
    .balign 16
    .globl ia2_guarded_call
    .hidden ia2_guarded_call
    .type ia2_guarded_call, @function
ia2_guarded_call:
    .cfi_startproc
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    push %rdi
    sub $16, %rsp
    guarded_frame
    stmxcsr (%rsp)
    fnstcw 8(%rsp)
    mov %rsp, IA2_GUARD_SP(%rdi)
    mov %rsi, %rax
    mov %rdx, %rdi
    mov %ecx, %esi
    call *%rax
    mov 16(%rsp), %rdi
    mov $IA2_GUARD_STACK, %eax
    cmp %rsp, IA2_GUARD_SP(%rdi)
    jne 1f
    xor %eax, %eax                          /* IA2_GUARD_RETURNED */
    jmp 1f
    .cfi_endproc
    .size ia2_guarded_call, . - ia2_guarded_call

    /* Entered from a signal handler, with %rsp as ia2_guarded_call left it. */
    .globl ia2_guard_resume
    .hidden ia2_guard_resume
    .type ia2_guard_resume, @function
ia2_guard_resume:
    .cfi_startproc
    guarded_frame
    fninit
    cld
    mov $IA2_GUARD_FAULTED, %eax
1:  ldmxcsr (%rsp)
    fldcw 8(%rsp)
    add $24, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    .cfi_adjust_cfa_offset -72
    ret
    .cfi_endproc
    .size ia2_guard_resume, . - ia2_guard_resume

/* As in a gate, nothing before the WRPKRU is a check. An attacker who jumps there gets every key
 * only if the environment asked for that at start-up. The read-only state holds the answer. */
    .balign 16
    .globl ia2_call_with_all_keys
    .hidden ia2_call_with_all_keys
    .type ia2_call_with_all_keys, @function
ia2_call_with_all_keys:
    .cfi_startproc
    push %rbx
    push %r12
    push %r13
    .cfi_adjust_cfa_offset 24
    .cfi_offset %rbx, -16
    .cfi_offset %r12, -24
    .cfi_offset %r13, -32
    mov %rdi, %r12
    mov %esi, %ebx
    mov %rdx, %r13
    mov ia2_state@GOTPCREL(%rip), %r8
    cmpl $0, IA2_STATE_PKEYS(%r8)
    je 1f
    xor %eax, %eax
    xor %ecx, %ecx
    xor %edx, %edx
.Lwrpkru:
    .byte 0x0f, 0x01, 0xef                  /* wrpkru */
    test %eax, %eax
    jnz 2f
    mov ia2_state@GOTPCREL(%rip), %r8
1:  testl $IA2_EXIT_OPEN_ALL, IA2_STATE_EXIT_FLAGS(%r8)
    jz 2f
    mov ia2_virtual_pkru@GOTTPOFF(%rip), %r8
    movl $0, %fs:(%r8)
    mov %r12, %rdi
    mov %ebx, %esi
    call *%r13
    call ia2_keep_key0
    pop %r13
    pop %r12
    pop %rbx
    .cfi_remember_state
    .cfi_adjust_cfa_offset -24
    ret
    .cfi_restore_state
    /* No fault here: a compartment could own the handler, which would get a frame with these
     * rights. */
2:  mov $231, %eax                          /* exit_group */
    mov $134, %edi
    syscall
    ud2
    .cfi_endproc
    .size ia2_call_with_all_keys, . - ia2_call_with_all_keys
    .section ia2_sites, "a", @progbits
    .balign 8
    .long .Lwrpkru - .
    .short IA2_SITE_WRPKRU, 3
    .section .note.GNU-stack, "", @progbits
