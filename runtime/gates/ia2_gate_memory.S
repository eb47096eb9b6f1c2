/* Copies of what does not fit in registers: more than 16 words of stack arguments, and results in
 * memory of more than 128 bytes.
 *
 * The gate copies these between the two stacks with both keys open. No other part of a gate opens
 * both keys. The window has no call and no branch that depends on what is copied. An attacker can
 * jump to any instruction in the window with any registers. After each WRPKRU every register is in
 * doubt, so the gate checks again:
 *   - The owner is *running* on this thread, and %rsp lies on the owner's stack. The running code
 *     is therefore the owner itself, or came through the gate's start. A jump from another
 *     compartment ends the process.
 *   - The caller is suspended in a call of this very function. The caller's own frame, on its own
 *     stack, says so. The gate therefore reads only the words that the caller pushed for this
 *     function. The gate writes only the buffer that the caller gave for this function's result. */

/* Ends the process unless compartment \n runs on this thread and %rsp lies on its stack (signal
 * zones included). Needs the rights of \n. %r14 = the stack's top; %rax, %rbx, %rbp and %r15 are
 * lost. */
.macro ia2_standing n
    ia2_record 1
    ia2_rdfsbase
    cmp %rax, IA2_RECORD_FSBASE(%rbx)
    jne .Lia2_die_thread
    mov IA2_RECORD_TOP + 8 * \n(%rbx), %r14
    cmpq $0, IA2_SUSPENDED_SP(%r14)
    jge .Lia2_die_stack
    cmp %r14, %rsp
    jae .Lia2_die_stack
    lea -(IA2_SIGNAL_GUARD + IA2_SIGNAL_ZONE)(%r14), %rax
    sub IA2_RECORD_ZONE_SIZE(%rbx), %rax
    cmp %rax, %rsp
    jb .Lia2_die_stack
.endm

/* With both keys open: %r10 = the stack pointer of \c, which must be in a call of \desc. */
.macro ia2_calling c, desc
    mov IA2_RECORD_TOP + 8 * \c(%rbx), %r10
    mov IA2_SUSPENDED_SP(%r10), %r10
    test %r10, %r10
    jle .Lia2_die_return
    lea \desc(%rip), %rax
    cmp %rax, (%r10)
    jne .Lia2_die_return
.endm

/* Copies \words words from the stack of \c to (%rsp). %rcx and %rdx are lost. */
.macro ia2_copy_words c, pkru_both, words, desc
    ia2_wrpkru \pkru_both
    ia2_standing IA2_ID
    ia2_calling \c, \desc
    mov $\words, %ecx
4:  mov IA2_FRAME_WORDS - 8(%r10, %rcx, 8), %rax
    mov %rax, -8(%rsp, %rcx, 8)
    dec %ecx
    jnz 4b
    ia2_wrpkru IA2_PKRU_SELF
    ia2_standing IA2_ID
.endm

/* Copies \bytes bytes from \disp(%rsp) to the result buffer of \c. */
.macro ia2_copy_result c, pkru_both, bytes, disp, desc
    ia2_wrpkru \pkru_both
    ia2_standing IA2_ID
    ia2_calling \c, \desc
    mov IA2_FRAME_RESULT(%r10), %rdi
    lea \disp(%rsp), %rsi
    mov $\bytes, %ecx
    cld
    rep movsb
    ia2_wrpkru IA2_PKRU_SELF
    ia2_standing IA2_ID
.endm

.macro ia2_words_of c, pkru_both, words, desc
    .if \c != IA2_ID
    cmp $\c, %eax
    jne 5f
    ia2_copy_words \c, \pkru_both, \words, \desc
    jmp 6f
5:
    .endif
.endm
.macro ia2_result_of c, pkru_both, bytes, disp, desc
    .if \c != IA2_ID
    cmp $\c, %eax
    jne 5f
    ia2_copy_result \c, \pkru_both, \bytes, \disp, \desc
    jmp 6f
5:
    .endif
.endm

/* For the caller whose key the body has put into %eax. */
.macro ia2_fetch_words words, desc
    .irp c, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
    .if \c <= IA2_COMPARTMENTS
    ia2_words_of \c, ia2_pkru_\c & IA2_PKRU_SELF, \words, \desc
    .endif
    .endr
    jmp .Lia2_die_caller
6:
.endm
.macro ia2_deliver_result bytes, disp, desc
    .irp c, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
    .if \c <= IA2_COMPARTMENTS
    ia2_result_of \c, ia2_pkru_\c & IA2_PKRU_SELF, \bytes, \disp, \desc
    .endif
    .endr
    jmp .Lia2_die_caller
6:
.endm
