/* void ia2_thread_turn(int begins, uint32_t slot, uint32_t emptied): see turn.h.
 *
 * As in a gate, nothing before the WRPKRU is a check. After it, in the monitor:
 *   - A thread that begins takes a record that is starting. Only one can: the state changes at
 *     once. Whether the record is this thread's is checked in C (ia2_thread_begins), on that slot's
 *     stack of the monitor, which nobody else uses meanwhile.
 *   - A thread that ends has this record's FS base, and the monitor is not at work on it.
 * The way back leads to key 0, whose rights everybody can have. */
#include "ia2_layout.h"
#include "gates/ia2_gate_sites.S"

    .text
    .balign 16
    .globl ia2_thread_turn
    .hidden ia2_thread_turn
    .type ia2_thread_turn, @function
ia2_thread_turn:
    .cfi_startproc
    push %rbp
    .cfi_adjust_cfa_offset 8
    push %rbx
    .cfi_adjust_cfa_offset 8
    push %r12
    .cfi_adjust_cfa_offset 8
    push %r13
    .cfi_adjust_cfa_offset 8
    push %r14
    .cfi_adjust_cfa_offset 8
    push %r15
    .cfi_adjust_cfa_offset 8
    mov %edi, %r12d
    mov %edx, %r13d
    mov %esi, %r14d
    mov %rsp, %r15
    ia2_wrpkru IA2_PKRU_MONITOR

    and $IA2_SLOT_MASK, %r14d
    mov %r14d, %ebx
    shl $IA2_RECORD_SHIFT, %ebx
    mov ia2_state@GOTPCREL(%rip), %rbp
    lea IA2_STATE_THREADS(%rbp, %rbx), %rbx
    lea 1(%r14), %rdx
    shl $IA2_MONITOR_STACK_SHIFT, %rdx
    add IA2_STATE_MONITOR_STACKS(%rbp), %rdx        /* the top of the slot's stack */
    test %r12d, %r12d
    jz 1f
    mov $IA2_SLOT_STARTING, %eax
    mov $IA2_SLOT_BEGINNING, %ecx
    lock cmpxchg %ecx, IA2_RECORD_STATE(%rbx)
    jne .Lia2_die_thread
    mov %rdx, IA2_RECORD_TOP + 8 * IA2_KEY_MONITOR(%rbx)
    jmp 2f
1:  ia2_rdfsbase
    cmp %rax, IA2_RECORD_FSBASE(%rbx)
    jne .Lia2_die_thread
    mov IA2_SUSPENDED_SP(%rdx), %rax
    test %rax, %rax
    jz 2f
    lea IA2_FIRST_FRAME(%rdx), %rcx
    cmp %rcx, %rax
    jne .Lia2_die_thread
2:  movq $0, IA2_SUSPENDED_SP(%rdx)
    lea IA2_FIRST_FRAME(%rdx), %rsp
    and $-16, %rsp
    mov %r14d, %edi
    mov %r13d, %esi
    xor %ebp, %ebp
    cld
    test %r12d, %r12d
    jz 3f
    call ia2_thread_begins
    jmp 4f
3:  call ia2_thread_ends
4:  mov %r15, %rsp
    .irp r, ebx, ebp, esi, edi, r8d, r9d, r10d, r11d, r12d, r13d, r14d, r15d
    xor %\r, %\r
    .endr
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    pxor %xmm\n, %xmm\n
    .endr
    ia2_wrpkru IA2_PKRU_0
    pop %r15
    .cfi_adjust_cfa_offset -8
    pop %r14
    .cfi_adjust_cfa_offset -8
    pop %r13
    .cfi_adjust_cfa_offset -8
    pop %r12
    .cfi_adjust_cfa_offset -8
    pop %rbx
    .cfi_adjust_cfa_offset -8
    pop %rbp
    .cfi_adjust_cfa_offset -8
    ret
    .cfi_endproc
.Lia2_die_pkru:
    jmp ia2_die_pkru
.Lia2_die_thread:
    jmp ia2_die_thread
    .size ia2_thread_turn, . - ia2_thread_turn
    .section .note.GNU-stack, "", @progbits
