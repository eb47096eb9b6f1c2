/* See as_caller.h.
 *
 * Nothing before a WRPKRU is a check. After the one that narrows the rights, PKRU is what the
 * record of this thread says, which only the monitor writes: all bits set unless such a call is
 * under way. After the one that takes the monitor's rights again, the monitor's own stack says that
 * it waits for such a call, and where. */
#include "ia2_layout.h"
#include "gates/ia2_gate_sites.S"

/* %rbx = the record of this thread; ends the process if it has none. %rax is lost. */
.macro own_record
    mov ia2_slot@GOTTPOFF(%rip), %rbx
    mov %fs:(%rbx), %ebx
    shl $IA2_RECORD_SHIFT, %ebx
    and $(IA2_SLOT_MASK << IA2_RECORD_SHIFT), %ebx
    add ia2_state@GOTPCREL(%rip), %rbx
    add $IA2_STATE_THREADS, %rbx
    ia2_rdfsbase
    cmp %rax, IA2_RECORD_FSBASE(%rbx)
    jne .Lia2_die_thread
.endm

    .text
    .balign 16
    .globl ia2_call_as
    .hidden ia2_call_as
    .type ia2_call_as, @function
ia2_call_as:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rdi, %r12
    own_record
    mov IA2_RECORD_TOP + 8 * IA2_KEY_MONITOR(%rbx), %r14
    push IA2_SUSPENDED_SP(%r14)
    lea .Lwaits(%rip), %rax
    push %rax
    mov 48(%r12), %eax
    mov %eax, %ecx
    not %ecx
    mov %ecx, IA2_RECORD_CALL_NOT_PKRU(%rbx)
    mov ia2_state@GOTPCREL(%rip), %rcx
    mov IA2_STATE_COOKIE(%rcx), %rcx
    mov %rsp, IA2_SUSPENDED_SP(%r14)
    mov 8(%r12), %rdi
    mov 16(%r12), %rsi
    mov 24(%r12), %r13
    mov 32(%r12), %r10
    mov 40(%r12), %r8
    mov (%r12), %r15
    mov (%rcx), %r9
    xor %ecx, %ecx
    xor %edx, %edx
.Lnarrow:
    .byte 0x0f, 0x01, 0xef
    .byte 0x0f, 0x1f, 0x44, 0x00, 0x00
.Lnarrow_end:
    ia2_site IA2_SITE_WRPKRU, .Lnarrow, .Lnarrow_end
    mov %eax, %ebp
    not %ebp
    own_record
    cmp %ebp, IA2_RECORD_CALL_NOT_PKRU(%rbx)
    jne .Lia2_die_pkru
    mov %r13, %rdx
    mov %r15, %rax
    syscall
    xor %r9d, %r9d
    mov %rax, %r12
    ia2_wrpkru IA2_PKRU_MONITOR

    own_record
    mov IA2_RECORD_TOP + 8 * IA2_KEY_MONITOR(%rbx), %r14
    mov IA2_SUSPENDED_SP(%r14), %rax
    test %rax, %rax
    jle .Lia2_die_thread
    lea .Lwaits(%rip), %rcx
    cmp %rcx, (%rax)
    jne .Lia2_die_thread
    lea 8(%rax), %rsp
.Lwaits:
    movl $0, IA2_RECORD_CALL_NOT_PKRU(%rbx)
    pop IA2_SUSPENDED_SP(%r14)
    mov %r12, %rax
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    cld
    ret
.Lia2_die_pkru:
    jmp ia2_die_pkru
.Lia2_die_thread:
    jmp ia2_die_thread
    .size ia2_call_as, . - ia2_call_as

    .balign 16
    .globl ia2_clone_into
    .hidden ia2_clone_into
    .type ia2_clone_into, @function
ia2_clone_into:
    push %r12
    mov %r9, %r12
    mov ia2_state@GOTPCREL(%rip), %r9
    mov IA2_STATE_COOKIE(%r9), %r9
    mov (%r9), %r9
    mov %rcx, %r10
    mov $56, %eax                           /* clone */
    syscall
    xor %r9d, %r9d
    test %rax, %rax
    jz 1f
    pop %r12
    ret
    /* The child: its stack is not the monitor's, and is not used. */
1:  lea 8(%r12), %rsp
    mov ia2_state@GOTPCREL(%rip), %r9
    mov IA2_STATE_COOKIE(%r9), %r9
    mov (%r9), %r9
    mov $15, %eax                           /* rt_sigreturn */
    syscall
    ud2
    .size ia2_clone_into, . - ia2_clone_into
    .section .note.GNU-stack, "", @progbits
