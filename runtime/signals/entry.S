/* void ia2_signal_entry(int number, siginfo_t *info, void *context): see entry.h.
 *
 * Nothing before the WRPKRU is a check. After it, in the monitor: the thread is that of its record,
 * and the stack pointer is where the kernel writes signal frames on this thread. Whether a frame is
 * there that nobody has taken yet is checked in C. The monitor's own stack is free from the place
 * where the monitor waits for a handler, or from its top. */
#include "ia2_layout.h"
#include "gates/ia2_gate_sites.S"

    /* Unwinders inside the process end here. In a permissive program, which protects nothing, they
     * go on: the log names who called libc. */
#if IA2_PERMISSIVE
    .cfi_sections .eh_frame, .debug_frame
#else
    .cfi_sections .debug_frame
#endif

/* DWARF 5, 6.4.2 and 2.5.1; registers as in the ABI, figure 3.36. */
#define CFA_DEF_CFA_EXPRESSION 0x0f
#define CFA_EXPRESSION 0x10
#define OP_DEREF 0x06
#define OP_BREG0 0x70
#define DWARF_RSP 7

/* Where the copy of the interrupted context has this gregset_t member: a signed LEB128 number. */
#define COPY_AT(n) (IA2_SIGNAL_COPY_REGISTERS + 8 * (n))
#define COPY(n) (COPY_AT(n) & 0x7f) + 0x80, COPY_AT(n) >> 7

/* The rule for a register of DWARF, by its place in gregset_t (sys/ucontext.h). */
.macro ia2_copied register, place
    .cfi_escape CFA_EXPRESSION, \register, 3, OP_BREG0 + DWARF_RSP, COPY(\place)
.endm

    .text
    .balign 16
    .globl ia2_signal_entry
    .hidden ia2_signal_entry
    .type ia2_signal_entry, @function
ia2_signal_entry:
    .cfi_startproc
    .cfi_undefined %rip
    xor %r10d, %r10d
.Lenter:
    mov %rdx, %r8
    /* Without keys the WRPKRU sets this word, which says what was interrupted. */
    mov ia2_virtual_pkru@GOTTPOFF(%rip), %r9
    mov %fs:(%r9), %r9d
    ia2_wrpkru IA2_PKRU_MONITOR

    mov ia2_slot@GOTTPOFF(%rip), %rbx
    mov %fs:(%rbx), %r15d
    shl $IA2_RECORD_SHIFT, %r15d
    and $(IA2_SLOT_MASK << IA2_RECORD_SHIFT), %r15d
    mov ia2_state@GOTPCREL(%rip), %rbp
    lea IA2_STATE_THREADS(%rbp, %r15), %r13
    ia2_rdfsbase
    cmp %rax, IA2_RECORD_FSBASE(%r13)
    jne .Lended
.Lknown:
    test %r10d, %r10d
    jnz .Lanywhere
    mov IA2_RECORD_FIRST_LOW(%r13), %rax
    cmp %rax, %rsp
    jae .Lia2_die_entry
    sub $IA2_SIGNAL_FRAMES, %rax
    cmp %rax, %rsp
    jb .Lia2_die_entry
.Ltaken:
    mov %rsp, %rdi
    mov IA2_RECORD_TOP + 8 * IA2_KEY_MONITOR(%r13), %r14
    lea IA2_FIRST_FRAME(%r14), %rbx
    mov IA2_SUSPENDED_SP(%r14), %rax
    test %rax, %rax
    js .Lia2_die_monitor
    cmovnz %rax, %rbx
    mov %rax, %r12
    mov %rbx, %rax
    not %rax
    mov %rax, IA2_SUSPENDED_SP(%r14)
    lea -IA2_SIGNAL_COPY(%rbx), %rsp
    and $-64, %rsp
    mov %rdi, %rbp
    mov %r9d, %r15d
    mov %rdi, %rsi
    mov %r13, %rdi
    mov %rsp, %rdx
    mov %r10d, %ecx
    cld
    call ia2_frame_take
    mov %rbp, %rdi
    mov %r13, %rsi
    mov %r15d, %edx
    mov %rsp, %rcx
    xor %ebp, %ebp
    .cfi_endproc
    /* A debugger goes on with the registers in the copy. */
    .cfi_startproc
    .cfi_signal_frame
    .cfi_escape CFA_DEF_CFA_EXPRESSION, 4, OP_BREG0 + DWARF_RSP, COPY(15), OP_DEREF
    ia2_copied 0, 13
    ia2_copied 1, 12
    ia2_copied 2, 14
    ia2_copied 3, 11
    ia2_copied 4, 9
    ia2_copied 5, 8
    ia2_copied 6, 10
    ia2_copied 8, 0
    ia2_copied 9, 1
    ia2_copied 10, 2
    ia2_copied 11, 3
    ia2_copied 12, 4
    ia2_copied 13, 5
    ia2_copied 14, 6
    ia2_copied 15, 7
    ia2_copied 16, 16
    nop                                     /* a debugger looks one byte before the call's end */
    call ia2_signal_arrived
    mov %r12, IA2_SUSPENDED_SP(%r14)
    lea 8(%rax), %rsp
    mov ia2_state@GOTPCREL(%rip), %r9
    mov IA2_STATE_COOKIE(%r9), %r9
    mov (%r9), %r9
    mov $15, %eax                           /* rt_sigreturn */
    syscall
    ud2

    /* A frame that lies anywhere is only read, and counts as the compartment's that runs. */
.Lanywhere:
    cmpl $0, IA2_STATE_HIDES_FRAMES(%rbp)
    jne .Lia2_die_entry
    mov $1, %r10d
    jmp .Ltaken
    /* A thread that has ended still runs libc's last code. */
.Lended:
    cmp %rax, IA2_RECORD_ENDED_FSBASE(%r13)
    jne .Lunknown
    jmp .Lknown

    /* A thread that the runtime did not start, or that has ended: only key 0 has anything to do
     * with its signals. */
.Lunknown:
    ia2_wrpkru IA2_PKRU_0
    mov %r8, %rdx
    mov %r9d, %ecx
    jmp ia2_signal_unknown
.Lia2_die_pkru:
    jmp ia2_die_pkru
.Lia2_die_entry:
    jmp ia2_die_entry
.Lia2_die_monitor:
    jmp ia2_die_monitor
    .cfi_endproc
    .size ia2_signal_entry, . - ia2_signal_entry

    .balign 16
    .globl ia2_trap_entry
    .hidden ia2_trap_entry
    .type ia2_trap_entry, @function
ia2_trap_entry:
    .cfi_startproc
    .cfi_undefined %rip
    mov $1, %r10d
    jmp .Lenter
    .cfi_endproc
    .size ia2_trap_entry, . - ia2_trap_entry
    .section .note.GNU-stack, "", @progbits
