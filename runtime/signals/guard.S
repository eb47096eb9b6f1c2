/* Calls that survive a fault (guard.h). */
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
    .section .note.GNU-stack, "", @progbits
