/* Call gates, for the callgates/NAME.S that ia2-rewriter writes.
 *
 * The including file defines IA2_ID, IA2_NAME and IA2_COMPARTMENTS, sets ia2_pkru_1 ..
 * ia2_pkru_<n>, and includes this file. One `ia2_gate` line per function and `ia2_gates_end`
 * follow.
 *
 * A gate is called as the function is. A round trip has two WRPKRU.
 *
 *   stub      names the function by its index; its address is the function's public value
 *   body      one per compartment. Reads PKRU to learn the caller's key; saves the callee-saved
 *             registers on the caller's own stack and the stack pointer in the caller's own memory;
 *             switches
 *   enter     per function: scrubs what is not an argument, calls, scrubs what is not the result
 *   body      switches back and takes the stack pointer from the caller's memory again
 *
 * Nothing before a WRPKRU is a security check: an attacker can jump straight to any WRPKRU with any
 * register contents. After each WRPKRU every register is in doubt, so the gate checks and sets
 * these:
 *   - The value written equals a constant. An attacker may have chosen EAX.
 *   - The thread record holds the FSBASE that this thread really has. The gate finds the record
 *     through %fs, which WRFSBASE can set. No compartment can write the records.
 *   - The stack pointer comes from memory of the compartment entered, and that compartment is
 *     suspended or idle on this thread. A forged second return or entry finds that the compartment
 *     runs.
 *   - The descriptor lies in this compartment's table. On return, the descriptor is the one that
 *     the caller's stack names.
 *   - The direction flag is clear, which functions rely on (ABI 3.2.1), and no flag is set by which
 *     another compartment would see what runs (trap, alignment check).
 *   - MXCSR and the x87 control word have their default values for the callee, and the caller's own
 *     after the return. What was in x87 and MMX registers is gone, but for a result.
 *
 * Rejected alternatives:
 *   - WRPKRU with both keys open around the copy of the arguments: four WRPKRU per call, and a
 *     window in which the callee can steer the caller by what the callee writes.
 *   - A stack pointer in a thread-local: %fs can be forged.
 *   - Unrolled gates per function: each gate adds WRPKRU sites to audit.
 *
 * PKRU_n denies all keys but 0, n and (read only) the keys that n has a grant for.
 * Registers: System V AMD64 ABI, section 3.2. No unwinder of C++ or libgcc crosses a gate. longjmp
 * crosses gates (ia2_gate_unwind.S). */
#include "ia2_layout.h"

#define IA2_CAT_(a, b) a##b
#define IA2_CAT(a, b) IA2_CAT_(a, b)
#define IA2_PKRU_SELF IA2_CAT(ia2_pkru_, IA2_ID)

/* PKRU of key 0 and of the monitor (IA2_KEY_MONITOR); the including file has the others. */
    .set ia2_pkru_0, IA2_PKRU_0
    .set ia2_pkru_15, IA2_PKRU_MONITOR
#define IA2_TLS_SYMBOL_(id) __ia2_tls_##id
#define IA2_TLS_SYMBOL(id) IA2_TLS_SYMBOL_(id)
#ifndef IA2_PLUGIN_KEYS
#define IA2_PLUGIN_KEYS 0 /* mask of the plugins' keys */
#endif
#ifndef IA2_SYSTEM_CALLS
#define IA2_SYSTEM_CALLS 0x7fffffff /* the policy says nothing about them */
#endif
#ifndef IA2_PERMISSIVE
#define IA2_PERMISSIVE 0 /* 1: the engine's --permissive; nothing is enforced */
#endif
#ifndef IA2_HEAP_CLIENTS
#define IA2_HEAP_CLIENTS 0
#endif

#include "ia2_gate_sites.S"
#include "ia2_gate_frames.S"
#include "ia2_gate_registers.S"

/* ---- the body -------------------------------------------------------------------------------- */

/* %rbx = this thread's record. Its offset is in %r15d, or (\reload = 1) follows from the slot in
 * thread-local storage. */
.macro ia2_record reload
    .if \reload
    mov ia2_slot@GOTTPOFF(%rip), %rbx
    mov %fs:(%rbx), %r15d
    shl $IA2_RECORD_SHIFT, %r15d
    .endif
    and $(IA2_SLOT_MASK << IA2_RECORD_SHIFT), %r15d
    mov ia2_state@GOTPCREL(%rip), %rbp
    lea IA2_STATE_THREADS(%rbp, %r15), %rbx
.endm

/* For the stack of compartment \key: %r14 = its top, %rax = the word that says where the
 * compartment is suspended. */
.macro ia2_find_stack key
    ia2_rdfsbase
    cmp %rax, IA2_RECORD_FSBASE(%rbx)
    jne .Lia2_die_thread
    mov IA2_RECORD_TOP + 8 * \key(%rbx), %r14
    mov IA2_SUSPENDED_SP(%r14), %rax
.endm

/* For a call: %rbx = where the frame goes. The compartment is idle in most calls. The branch for an
 * idle compartment is predicted, so %rbx does not wait for the word that the last call has just
 * stored. */
.macro ia2_enter_stack key
    ia2_find_stack \key
    lea IA2_FIRST_FRAME(%r14), %rbx
    cmp %rbx, %rax
    je 5f
    test %rax, %rax
    js .Lia2_die_stack
    cmovnz %rax, %rbx
5:  mov %rbx, %rax
    not %rax
    mov %rax, IA2_SUSPENDED_SP(%r14)
.endm

/* For a return: %rax = the frame of the call that returns. */
.macro ia2_resume_stack key
    ia2_find_stack \key
    test %rax, %rax
    jle .Lia2_die_return
    mov IA2_FRAME_RUNNING(%rax), %rcx
    mov %rcx, IA2_SUSPENDED_SP(%r14)
.endm

/* Pops what ia2_body_enter pushed. From \from on, %rsp points at the pushed registers. */
.macro ia2_pop_saved from, to
    pop %r15
.Lpopped_r15\@:
    pop %r14
.Lpopped_r14\@:
    pop %r13
.Lpopped_r13\@:
    pop %r12
.Lpopped_r12\@:
    pop %rbx
.Lpopped_rbx\@:
    pop %rbp
\to:
    ia2_frames_row \from, .Lpopped_r15\@, CFA_SAME_VALUE, 15, CFA_DEF_CFA_OFFSET, 48
    ia2_frames_row .Lpopped_r15\@, .Lpopped_r14\@, CFA_SAME_VALUE, 14, CFA_DEF_CFA_OFFSET, 40
    ia2_frames_row .Lpopped_r14\@, .Lpopped_r13\@, CFA_SAME_VALUE, 13, CFA_DEF_CFA_OFFSET, 32
    ia2_frames_row .Lpopped_r13\@, .Lpopped_r12\@, CFA_SAME_VALUE, 12, CFA_DEF_CFA_OFFSET, 24
    ia2_frames_row .Lpopped_r12\@, .Lpopped_rbx\@, CFA_SAME_VALUE, DWARF_RBX, CFA_DEF_CFA_OFFSET, 16
    ia2_frames_row .Lpopped_rbx\@, \to, CFA_SAME_VALUE, DWARF_RBP, CFA_DEF_CFA_OFFSET, 8
.endm

/* One path: compartment \c calls compartment \n. */
.macro ia2_gate_path c, pkru_c, n, pkru_n, table, from
.Lpath\@:
    ia2_frames_row \from, .Lpath\@, CFA_REMEMBER_STATE
    ia2_record 1
    mov IA2_RECORD_TOP + 8 * \c(%rbx), %r14
    shl $IA2_DESC_SHIFT, %r11d
    lea \table\()_descs(%rip), %r10
    add %r11, %r10
    cmpq $0, IA2_DESC_BEFORE(%r10)
    je 1f
    call *IA2_DESC_BEFORE(%r10)
1:  mov IA2_SUSPENDED_SP(%r14), %rcx
    sub $IA2_FRAME_SIZE, %rsp
.Lframed\@:
    ia2_frames_row .Lpath\@, .Lframed\@, CFA_DEF_CFA_OFFSET, IA2_CFA_SAVED + IA2_FRAME_SIZE
    mov %rcx, IA2_FRAME_RUNNING(%rsp)
    stmxcsr IA2_FRAME_MXCSR(%rsp)
    fnstcw IA2_FRAME_X87(%rsp)
    mov %rdi, IA2_FRAME_RESULT(%rsp)
    mov %r10, (%rsp)
    mov %rsp, IA2_SUSPENDED_SP(%r14)
    ia2_wrpkru \pkru_n

    /* with the rights of \n */
    ia2_record 0
    ia2_enter_stack \n
    lea \table\()_descs(%rip), %rbp
    mov %r10, %rcx
    sub %rbp, %rcx
    /* A distance that is no multiple of a descriptor's size becomes too large. */
    ror $IA2_DESC_SHIFT, %rcx
    cmp $\table\()_descs_count, %rcx
    jae .Lia2_die_descriptor
    testl $(1 << \c), IA2_DESC_CALLERS(%r10)
    jz .Lia2_die_caller
    mov %rbx, %rsp          /* the stack of \n, which keeps %rbx and %r14 over the call */
.Lentered\@:
    ia2_frames_of_callee .Lframed\@, .Lentered\@, \c, \n, \table
    and $-16, %rsp
    mov %r12, %rcx
    mov %r13, %rdx
    mov $\c, %eax
    /* %r10, %r11 and %r15 keep the gate and the record, which every compartment can read. */
    xor %ebp, %ebp          /* the outermost frame */
    xor %r12d, %r12d
    xor %r13d, %r13d
    ia2_scrub_avx512
    call *IA2_DESC_ENTER(%r10)
.Lback_\table\()_\c:           /* by this return address, ia2_gate_unwind.S knows the caller */
    mov %rbx, IA2_SUSPENDED_SP(%r14)
    mov %rax, %r8
    mov %rdx, %r9
    /* Without this, \c would go on with \n's values of these two registers. \c loads the others
     * below, from its own memory. */
    xor %esi, %esi
    xor %r11d, %r11d
.Lleft\@:
    ia2_scrub_avx512
    ia2_wrpkru \pkru_c

    /* with the rights of \c, which uses only %r8, %r9, xmm and x87: the callee's result */
    ia2_record 1
    ia2_resume_stack \c
.Lresumed\@:
    mov %rax, %rsp
.Lback\@:
    ia2_frames_of_return .Lentered\@, .Lleft\@, .Lresumed\@, .Lback\@, \n
    mov (%rsp), %r10
    mov IA2_FRAME_RESULT(%rsp), %rdi
    ia2_float_restore
    add $IA2_FRAME_SIZE, %rsp
.Lframe_gone\@:
    pushfq
.Lflags\@:
    testl $IA2_FLAGS_OFF, (%rsp)
    jnz .Lseldom\@
    lea 8(%rsp), %rsp
.Lunframed\@:
    ia2_frames_row .Lback\@, .Lframe_gone\@, CFA_DEF_CFA_OFFSET, IA2_CFA_SAVED
    ia2_frames_row .Lframe_gone\@, .Lflags\@, CFA_DEF_CFA_OFFSET, IA2_CFA_SAVED + 8
    ia2_frames_row .Lflags\@, .Lunframed\@, CFA_DEF_CFA_OFFSET, IA2_CFA_SAVED
    lea \table\()_descs(%rip), %rbp
    mov %r10, %rcx
    sub %rbp, %rcx
    cmp $\table\()_descs_size, %rcx
    jae .Lia2_die_return
    mov %r8, %rax
    mov %r9, %rdx
    cmpq $0, IA2_DESC_AFTER(%r10)
    je 1f
    call *IA2_DESC_AFTER(%r10)
1:  xor %ecx, %ecx
    xor %r8d, %r8d
    xor %r9d, %r9d
    ia2_pop_saved .Lunframed\@, .Lpopped\@
    ret
    /* Seldom: flags or control words that the callee has changed. */
.Lseldom\@:
    andl $~IA2_FLAGS_OFF, (%rsp)
    popfq
.Lseldom_end\@:
    jmp .Lunframed\@
.Lseldom_float\@:
    ia2_float_restore_seldom
.Lpath_end\@:
    ia2_frames_row .Lpopped\@, .Lseldom\@, CFA_RESTORE_STATE, CFA_REMEMBER_STATE, \
        CFA_DEF_CFA_OFFSET, IA2_CFA_SAVED + 8
    ia2_frames_row .Lseldom\@, .Lseldom_end\@, CFA_DEF_CFA_OFFSET, IA2_CFA_SAVED
    ia2_frames_row .Lseldom_end\@, .Lseldom_float\@, CFA_DEF_CFA_OFFSET, IA2_FRAME_WORDS
    ia2_frames_row .Lseldom_float\@, .Lpath_end\@, CFA_RESTORE_STATE
    ia2_path_name \c, \n, .Lpath\@, .Lpath_end\@
    .pushsection ia2_code_ranges, "a", @progbits
    .balign 8
    .long .Lpath\@ - ., .Lpath_end\@ - .Lpath\@, \c, \n
    .popsection
.endm

/* \body: the label before the macro. \saved: the label after its pushes. */
.macro ia2_body_enter body, saved
    push %rbp
.Lpushed_rbp\@:
    push %rbx
.Lpushed_rbx\@:
    push %r12
.Lpushed_r12\@:
    push %r13
.Lpushed_r13\@:
    push %r14
.Lpushed_r14\@:
    push %r15
\saved:
    ia2_frames_row \body, .Lpushed_rbp\@, CFA_DEF_CFA_OFFSET, 16
    ia2_frames_row .Lpushed_rbp\@, .Lpushed_rbx\@, CFA_DEF_CFA_OFFSET, 24
    ia2_frames_row .Lpushed_rbx\@, .Lpushed_r12\@, CFA_DEF_CFA_OFFSET, 32
    ia2_frames_row .Lpushed_r12\@, .Lpushed_r13\@, CFA_DEF_CFA_OFFSET, 40
    ia2_frames_row .Lpushed_r13\@, .Lpushed_r14\@, CFA_DEF_CFA_OFFSET, 48
    ia2_frames_row .Lpushed_r14\@, \saved, CFA_DEF_CFA_OFFSET, IA2_CFA_SAVED, \
        CFA_OFFSET + DWARF_RBP, 2, CFA_OFFSET + DWARF_RBX, 3, CFA_OFFSET + 12, 4, \
        CFA_OFFSET + 13, 5, CFA_OFFSET + 14, 6, CFA_OFFSET + 15, 7
    mov %rcx, %r12
    mov %rdx, %r13
    xor %ecx, %ecx
    ia2_rdpkru
.endm

/* The dispatch and the path of one possible caller. */
.macro ia2_caller c, pkru_c
    .if \c != IA2_ID
    .if \c <= IA2_COMPARTMENTS || \c == IA2_KEY_MONITOR
.Lia2_dispatch_\c:
    cmp $\pkru_c, %eax
    jne 3f
    ia2_gate_path \c, \pkru_c, IA2_ID, IA2_PKRU_SELF, ia2_own, .Lia2_dispatch_\c
3:
    .endif
    .endif
.endm

/* gdb knows the name __morestack: only through a function of this name may a caller's stack lie
 * below the callee's. ia2_gate_frames.S has a better name for each path. */
.macro ia2_bodies
    .text
    ia2_names_begin
    .balign 64
    .type __morestack, @function
__morestack:
.Lia2_bodies:
    ia2_frames_begin body, .Lia2_bodies, .Lia2_body_key0
    ia2_body_enter .Lia2_bodies, .Lia2_saved
    cmp $IA2_PKRU_SELF, %eax
    je 2f
.Lia2_dispatch:
    /* Each path's rows begin at its own dispatch. */
    ia2_frames_row .Lia2_saved, .Lia2_dispatch, CFA_NOP
    .irp c, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 0 /* key 0 seldom calls */
    ia2_caller \c, ia2_pkru_\c
    .endr
.Lia2_dispatch_end:
    jmp .Lia2_die_caller
    /* The owner calls its own gate, through a pointer: no switch. */
2:  mov %r12, %rcx
    mov %r13, %rdx
    ia2_pop_saved .Lia2_dispatch_end, .Lia2_unsaved
    lea ia2_own_targets(%rip), %r10
    jmp *(%r10, %r11, 8)
    ia2_frames_end body

    /* From this compartment to key 0: PKRU 0, on the thread's first stack. */
    .balign 64
.Lia2_body_key0:
    ia2_frames_begin key0, .Lia2_body_key0, .Lia2_body_key0_end
    ia2_body_enter .Lia2_body_key0, .Lia2_key0_saved
    cmp $IA2_PKRU_SELF, %eax
    jne .Lia2_die_caller
    ia2_gate_path IA2_ID, IA2_PKRU_SELF, 0, IA2_PKRU_0, ia2_key0, .Lia2_key0_saved
.Lia2_body_key0_end:
    ia2_frames_end key0

    /* From this compartment, or from key 0, to the monitor. */
    .balign 64
.Lia2_body_monitor:
    ia2_frames_begin monitor, .Lia2_body_monitor, .Lia2_bodies_end
    ia2_body_enter .Lia2_body_monitor, .Lia2_monitor_saved
    cmp $IA2_PKRU_SELF, %eax
    jne .Lia2_monitor_from_key0
    ia2_gate_path IA2_ID, IA2_PKRU_SELF, IA2_KEY_MONITOR, IA2_PKRU_MONITOR, ia2_monitor, \
        .Lia2_monitor_saved
.Lia2_monitor_from_key0:
    cmp $IA2_PKRU_0, %eax
    jne .Lia2_die_caller
    ia2_gate_path 0, IA2_PKRU_0, IA2_KEY_MONITOR, IA2_PKRU_MONITOR, ia2_monitor, \
        .Lia2_monitor_from_key0
.Lia2_bodies_end:
    .size __morestack, . - __morestack
    ia2_frames_end monitor
    ia2_names_end
.endm

#include "ia2_gate_memory.S"
#include "ia2_gate_function.S"
#include "ia2_gate_unwind.S"
#include "ia2_gate_compartment.S"
