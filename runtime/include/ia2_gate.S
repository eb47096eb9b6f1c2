/* Call gates, for the callgates/NAME.S that ia2-rewriter writes.
 *
 * The including file defines IA2_ID, IA2_NAME, IA2_COMPARTMENTS and IA2_PKRU_1 .. IA2_PKRU_<n>, includes this
 * file, then has one `ia2_gate` line per function and `ia2_gates_end`.
 *
 * A gate is called as the function is. Round trip: two WRPKRU.
 *
 *   stub      names the function by its index; its address is the function's public value
 *   body      one per compartment. Reads PKRU to learn who calls; saves the callee-saved registers on the
 *             caller's own stack and the stack pointer in the caller's own memory; switches
 *   enter     per function: drops what is not an argument, calls, drops what is not the result
 *   body      switches back and takes the stack pointer from the caller's memory again
 *
 * Nothing before a WRPKRU is a security check: an attacker can jump straight to any WRPKRU with any
 * register contents. So after each one, with every register in doubt:
 *   - the value written is compared with a constant (EAX may have been chosen);
 *   - the thread record is found through %fs, which WRFSBASE can set, so it counts only if it holds the FSBASE
 *     this thread really has (the records are read-only to everybody);
 *   - the stack pointer comes from memory of the compartment entered, and only if that compartment is
 *     suspended or idle on this thread (a forged second return or entry finds that it runs);
 *   - the descriptor must lie in this compartment's table, and on return be the one the caller's stack names;
 *   - the direction flag is cleared, which functions rely on (ABI 3.2.1).
 *
 * Alternatives that were rejected: WRPKRU with both keys open around the copy of the arguments (four per
 * call, and a window in which the caller can be steered by what the callee writes); a stack pointer in a
 * thread-local (%fs can be forged); unrolled gates per function (each adds WRPKRU sites to audit).
 *
 * PKRU_n is denied for all keys but 0, n and (read only) the keys n has a grant for.
 * Registers: System V AMD64 ABI, section 3.2. No unwinder of C++ or libgcc crosses a gate; longjmp does (ia2_gate_unwind.S). */
#include "ia2_layout.h"

#define IA2_CAT_(a, b) a##b
#define IA2_CAT(a, b) IA2_CAT_(a, b)
#define IA2_PKRU_SELF IA2_CAT(IA2_PKRU_, IA2_ID)

/* PKRU of each key, for the assembler's loops. */
    .set ia2_pkru_0, IA2_PKRU_0
    .set ia2_pkru_1, IA2_PKRU_1
#ifdef IA2_PKRU_2
    .set ia2_pkru_2, IA2_PKRU_2
#endif
#ifdef IA2_PKRU_3
    .set ia2_pkru_3, IA2_PKRU_3
#endif
#ifdef IA2_PKRU_4
    .set ia2_pkru_4, IA2_PKRU_4
#endif
#ifdef IA2_PKRU_5
    .set ia2_pkru_5, IA2_PKRU_5
#endif
#ifdef IA2_PKRU_6
    .set ia2_pkru_6, IA2_PKRU_6
#endif
#ifdef IA2_PKRU_7
    .set ia2_pkru_7, IA2_PKRU_7
#endif
#ifdef IA2_PKRU_8
    .set ia2_pkru_8, IA2_PKRU_8
#endif
#ifdef IA2_PKRU_9
    .set ia2_pkru_9, IA2_PKRU_9
#endif
#ifdef IA2_PKRU_10
    .set ia2_pkru_10, IA2_PKRU_10
#endif
#ifdef IA2_PKRU_11
    .set ia2_pkru_11, IA2_PKRU_11
#endif
#ifdef IA2_PKRU_12
    .set ia2_pkru_12, IA2_PKRU_12
#endif
#ifdef IA2_PKRU_13
    .set ia2_pkru_13, IA2_PKRU_13
#endif
#ifdef IA2_PKRU_14
    .set ia2_pkru_14, IA2_PKRU_14
#endif
#ifdef IA2_PKRU_15
    .set ia2_pkru_15, IA2_PKRU_15
#endif
#define IA2_TLS_SYMBOL_(id) __ia2_tls_##id
#define IA2_TLS_SYMBOL(id) IA2_TLS_SYMBOL_(id)
#ifndef IA2_LATE
#define IA2_LATE 0 /* mask of the compartments that come with dlopen */
#endif
#ifndef IA2_PERMISSIVE
#define IA2_PERMISSIVE 0 /* 1: the engine's --permissive; nothing is enforced */
#endif
#ifndef IA2_HEAP_CLIENTS
#define IA2_HEAP_CLIENTS 0
#endif

/* ---- sites: instructions that start-up patches for the CPU at hand ------------------------------------ */

.macro ia2_site kind, start, end
    .pushsection ia2_sites, "a", @progbits
    .balign 8
    .long \start - .
    .short \kind
    .short \end - \start
    .popsection
.endm

/* Sites are eight bytes wide so that a move from or to a thread-local fits (virtual PKRU). */
.macro ia2_rdpkru
8801: .byte 0x0f, 0x01, 0xee
    .byte 0x0f, 0x1f, 0x44, 0x00, 0x00
8802: ia2_site IA2_SITE_RDPKRU, 8801b, 8802b
.endm

.macro ia2_wrpkru value
    mov $\value, %eax
    xor %ecx, %ecx
    xor %edx, %edx
8801: .byte 0x0f, 0x01, 0xef
    .byte 0x0f, 0x1f, 0x44, 0x00, 0x00
8802: ia2_site IA2_SITE_WRPKRU, 8801b, 8802b
    cmp $\value, %eax
    jne .Lia2_die_pkru
.endm

/* Wide enough for mov %fs:0, %rax, which is what start-up makes of it without FSGSBASE. */
.macro ia2_rdfsbase
8801: rdfsbase %rax
    .byte 0x0f, 0x1f, 0x40, 0x00
8802: ia2_site IA2_SITE_RDFSBASE, 8801b, 8802b
.endm

#include "ia2_gate_frames.S"
#include "ia2_gate_registers.S"

/* ---- the body ------------------------------------------------------------------------------------------- */

/* %rbx = this thread's record, from its offset in %r15d or (\reload = 1) from the slot in thread-local storage. */
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

/* For the stack of compartment \key: %r14 = its top, %rax = the word that says where it is suspended. */
.macro ia2_find_stack key
    ia2_rdfsbase
    cmp %rax, IA2_RECORD_FSBASE(%rbx)
    jne .Lia2_die_thread
    mov IA2_RECORD_TOP + 8 * \key(%rbx), %r14
    mov IA2_SUSPENDED_SP(%r14), %rax
.endm

/* For a call: %rbx = where the frame goes. Mostly the compartment is idle: then a predicted branch says so, and its stack pointer does not
 * wait for the word that the last call has just stored. */
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

/* For a return: %rax = the frame of the call that is over. */
.macro ia2_resume_stack key
    ia2_find_stack \key
    test %rax, %rax
    jle .Lia2_die_return
    mov IA2_FRAME_RUNNING(%rax), %rcx
    mov %rcx, IA2_SUSPENDED_SP(%r14)
.endm

/* What ia2_body_enter pushed, with %rsp at it since \from. */
.macro ia2_pop_saved from
    pop %r15
8811:
    pop %r14
8812:
    pop %r13
8813:
    pop %r12
8814:
    pop %rbx
8815:
    pop %rbp
8816:
    ia2_frames_row \from, 8811b, CFA_SAME_VALUE, 15, CFA_DEF_CFA_OFFSET, 48
    ia2_frames_row 8811b, 8812b, CFA_SAME_VALUE, 14, CFA_DEF_CFA_OFFSET, 40
    ia2_frames_row 8812b, 8813b, CFA_SAME_VALUE, 13, CFA_DEF_CFA_OFFSET, 32
    ia2_frames_row 8813b, 8814b, CFA_SAME_VALUE, 12, CFA_DEF_CFA_OFFSET, 24
    ia2_frames_row 8814b, 8815b, CFA_SAME_VALUE, DWARF_RBX, CFA_DEF_CFA_OFFSET, 16
    ia2_frames_row 8815b, 8816b, CFA_SAME_VALUE, DWARF_RBP, CFA_DEF_CFA_OFFSET, 8
.endm

/* One path: compartment \c calls compartment \n. */
.macro ia2_gate_path c, pkru_c, n, pkru_n, table
8803:
    ia2_frames_row 8804b, 8803b, CFA_REMEMBER_STATE
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
8805:
    ia2_frames_row 8803b, 8805b, CFA_DEF_CFA_OFFSET, IA2_CFA_SAVED + IA2_FRAME_SIZE
    mov %rcx, IA2_FRAME_RUNNING(%rsp)
    stmxcsr IA2_FRAME_MXCSR(%rsp)
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
    ror $IA2_DESC_SHIFT, %rcx           /* what is no multiple of a descriptor's size becomes too large */
    cmp $\table\()_descs_count, %rcx
    jae .Lia2_die_descriptor
    testl $(1 << \c), IA2_DESC_CALLERS(%r10)
    jz .Lia2_die_caller
    mov %rbx, %rsp          /* \n's own: it keeps %rbx and %r14 over the call, as every function does */
8806:
    ia2_frames_of_callee 8805b, 8806b, \c, \n, \table
    and $-16, %rsp
    mov %r12, %rcx
    mov %r13, %rdx
    mov $\c, %eax
    xor %ebp, %ebp          /* the outermost frame. %r10, %r11 and %r15 hold what everybody can read: the gate and the record */
    xor %r12d, %r12d
    xor %r13d, %r13d
    cld
    ia2_scrub_avx512
    call *IA2_DESC_ENTER(%r10)
.Lback_\table\()_\c:           /* ia2_gate_unwind.S: this return address tells who called */
    mov %rbx, IA2_SUSPENDED_SP(%r14)
    mov %rax, %r8
    mov %rdx, %r9
    xor %esi, %esi          /* these two are \n's still when \c goes on; the others are loaded below, from \c's own memory */
    xor %r11d, %r11d
8807:
    ia2_scrub_avx512
    ia2_wrpkru \pkru_c

    /* with the rights of \c: of all registers only %r8, %r9 and xmm are used, as the callee's result */
    cld
    ia2_record 1
    ia2_resume_stack \c
8808:
    mov %rax, %rsp
8809:
    ia2_frames_of_return 8806b, 8807b, 8808b, 8809b, \n
    mov (%rsp), %r10
    mov IA2_FRAME_RESULT(%rsp), %rdi
    ldmxcsr IA2_FRAME_MXCSR(%rsp)       /* its control bits are callee-saved (ABI 3.2.1) */
    add $IA2_FRAME_SIZE, %rsp
8810:
    ia2_frames_row 8809b, 8810b, CFA_DEF_CFA_OFFSET, IA2_CFA_SAVED
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
    ia2_pop_saved 8810b
    ret
8804:
    ia2_frames_row 8816b, 8804b, CFA_RESTORE_STATE
    ia2_path_name \c, \n, 8803b, 8804b
    .pushsection ia2_paths, "a", @progbits
    .balign 8
    .long 8803b - ., 8804b - 8803b, \c, \n
    .popsection
.endm

/* \body: the local label before it. */
.macro ia2_body_enter body
    push %rbp
8811:
    push %rbx
8812:
    push %r12
8813:
    push %r13
8814:
    push %r14
8815:
    push %r15
8804:
    ia2_frames_row \body, 8811b, CFA_DEF_CFA_OFFSET, 16
    ia2_frames_row 8811b, 8812b, CFA_DEF_CFA_OFFSET, 24
    ia2_frames_row 8812b, 8813b, CFA_DEF_CFA_OFFSET, 32
    ia2_frames_row 8813b, 8814b, CFA_DEF_CFA_OFFSET, 40
    ia2_frames_row 8814b, 8815b, CFA_DEF_CFA_OFFSET, 48
    ia2_frames_row 8815b, 8804b, CFA_DEF_CFA_OFFSET, IA2_CFA_SAVED, CFA_OFFSET + DWARF_RBP, 2, CFA_OFFSET + DWARF_RBX, 3, \
        CFA_OFFSET + 12, 4, CFA_OFFSET + 13, 5, CFA_OFFSET + 14, 6, CFA_OFFSET + 15, 7
    mov %rcx, %r12
    mov %rdx, %r13
    xor %ecx, %ecx
    ia2_rdpkru
.endm

/* The dispatch and the path of one possible caller. */
.macro ia2_caller c, pkru_c
    .if \c != IA2_ID
    .if \c <= IA2_COMPARTMENTS
    cmp $\pkru_c, %eax
    jne 3f
    ia2_gate_path \c, \pkru_c, IA2_ID, IA2_PKRU_SELF, ia2_own
3:
    .endif
    .endif
.endm

/* Their one name is known to gdb: only through a function called __morestack may a caller's stack lie below the callee's; ia2_gate_frames.S
 * has better names for who looks. */
.macro ia2_bodies
    .text
    ia2_names_begin
    .balign 64
    .type __morestack, @function
__morestack:
.Lia2_bodies:
    ia2_frames_begin body, .Lia2_bodies, .Lia2_body_nobody
    ia2_body_enter .Lia2_bodies
    cmp $IA2_PKRU_SELF, %eax
    je 2f
    .irp c, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0 /* nobody seldom calls */
    ia2_caller \c, ia2_pkru_\c
    .endr
    jmp .Lia2_die_caller
    /* The owner calls its own gate, through a pointer: no switch. */
2:  mov %r12, %rcx
    mov %r13, %rdx
    ia2_pop_saved 8804b
    lea ia2_own_targets(%rip), %r10
    jmp *(%r10, %r11, 8)
    ia2_frames_end body

    /* From this compartment to nobody: PKRU 0, on the thread's first stack. */
    .balign 64
.Lia2_body_nobody:
    ia2_frames_begin nobody, .Lia2_body_nobody, .Lia2_bodies_end
    ia2_body_enter .Lia2_body_nobody
    cmp $IA2_PKRU_SELF, %eax
    jne .Lia2_die_caller
    ia2_gate_path IA2_ID, IA2_PKRU_SELF, 0, IA2_PKRU_0, ia2_nobody
.Lia2_bodies_end:
    .size __morestack, . - __morestack
    ia2_frames_end nobody
    ia2_names_end
.endm

#include "ia2_gate_memory.S"
#include "ia2_gate_function.S"
#include "ia2_gate_unwind.S"
#include "ia2_gate_compartment.S"
