/* A jump to an older frame of the jumping compartment, over calls of others (compartment/jumps.c).
 *
 * The jump takes back the calls one by one, from the innermost, as if each call returned at once.
 * The compartment cuts its stack to where the stack was before the call, and switches to its
 * caller. A jump can therefore do no more than returns can. Each compartment on the way checks that
 * it waits for a return from there, cuts its stack, and finds its caller in its own memory.
 *
 * Only the key of the jumping compartment travels. That compartment alone knows the target, and
 * finds the target in its own memory. If the compartment waits in a call that the target frame has
 * not made, the jump goes on to its caller. If no compartment stops the jump, the jump reaches the
 * thread's first call and the process ends.
 *
 * A compartment on the way uses no frame but the one in which it waits. The jumping compartment has
 * blocked the signals. */

/* %rax = the first frame of depth %rcx in the signal zone (signals/interrupted.c). %rdx is lost. */
.macro ia2_signal_frame
    lea -1(%rcx), %rdx
    shl $IA2_SIGNAL_ZONE_SHIFT, %rdx
    add IA2_RECORD_ZONE_SIZE(%rbx), %rdx
    lea IA2_FIRST_FRAME - IA2_SIGNAL_GUARD(%r14), %rax
    sub %rdx, %rax
.endm

/* A return from this compartment, whose stack is cut, to its caller \c. Only %r8d carries
 * something: the key of the jumping compartment. */
.macro ia2_unwind_path c, pkru_c
    .if \c != IA2_ID
    .if \c <= IA2_COMPARTMENTS || \c == IA2_KEY_MONITOR
    lea .Lback_ia2_own_\c(%rip), %rcx
    cmp %rcx, %rax
    je 4f
    cmp $(\c + 1), %esi
    jne 3f
4:  ia2_unwind_scrub
    xor %r9d, %r9d
    xor %r10d, %r10d
    ia2_wrpkru \pkru_c

    /* with the rights of \c */
    ia2_record 1
    ia2_find_stack \c
    test %rax, %rax
    jle .Lia2_die_return
    lea ia2_own_descs(%rip), %rbp
    mov (%rax), %rcx
    sub %rbp, %rcx
    cmp $ia2_own_descs_size, %rcx
    jae .Lia2_die_return
    and $15, %r8d
    xor %r9d, %r9d
    xor %r10d, %r10d
    .if \c == IA2_KEY_MONITOR
    /* The monitor waits for a signal's handler, which has jumped. No jump may skip any other call
     * of the monitor's. */
    cld
    cmp $((__ia2_signal - ia2_own_stubs_begin) << (IA2_DESC_SHIFT - IA2_STUB_SHIFT)), %rcx
    jne .Lia2_die_jump
    mov IA2_FRAME_RUNNING(%rax), %rcx
    mov %rcx, IA2_SUSPENDED_SP(%r14)
    mov %rax, %rsp
    ldmxcsr IA2_FRAME_MXCSR(%rsp)
    add $IA2_FRAME_SIZE, %rsp
    mov %r8d, %eax
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .elseif \c == 0
    jmp .Lia2_die_jump      /* nor any call of key 0's */
    .else
    mov ia2_state@GOTPCREL(%rip), %rbp
    mov IA2_STATE_MODULES + IA2_MODULE_SIZE * \c(%rbp), %rbp
    jmp *IA2_COMPARTMENT_UNWOUND(%rbp)
    .endif
3:
    .endif
    .endif
.endm

/* Clears every register but %r8, %r9, %r10 and %rsp. */
.macro ia2_unwind_scrub
    .irp r, eax, ecx, edx, ebx, ebp, esi, edi, r11d, r12d, r13d, r14d, r15d
    xor %\r, %\r
    .endr
    cld
    ia2_scrub_avx512
    ia2_scrub_xmm 0
.endm

.macro ia2_unwind_entries
    /* Entered with this compartment's rights. The compartment waits for a return, and its stack is
     * to be cut. %r8d is the key of the jumping compartment. Two ways lead here:
     *   - from the path of the compartment that this one called. The path has checked the return.
     *   - from the kernel, as the jump of a signal handler left the context (signals/signals.c).
     *     %r9 is the interrupted stack pointer. If the signal interrupted the gate that takes a
     *     call to this compartment, %r10 is the caller's key + 1.
     * Code that jumps here with other rights cannot read what follows. */
    .balign 16
    .globl __ia2_unwound
    .hidden __ia2_unwound
    .type __ia2_unwound, @function
__ia2_unwound:
    .cfi_startproc
    .cfi_undefined %rip
    ia2_unwind_scrub
    ia2_record 1
    ia2_find_stack IA2_ID
    test %rax, %rax
    jle .Lia2_die_return
    mov %rax, %rsi
    mov IA2_FRAME_RUNNING(%rax), %rdi
    mov %rdi, IA2_SUSPENDED_SP(%r14)
    mov IA2_SIGNAL_DEPTH(%r14), %rcx
    test %rcx, %rcx
    jz 1f
    ia2_signal_frame
    cmp %rax, %rsi
    jne 1f
    decq IA2_SIGNAL_DEPTH(%r14)
1:  mov %rsi, %rsp
    and $-16, %rsp
    mov %r8d, %edi
    mov %r9, %rdx
    mov %r10d, %r12d
    xor %ebp, %ebp
    call ia2_compartment_unwound            /* returns if the jump goes on */
    mov %eax, %edi
    mov %r12d, %esi
    jmp .Lunwind
    .cfi_endproc
    .size __ia2_unwound, . - __ia2_unwound

    /* void __ia2_unwind(uint32_t key): takes back the call in progress. Does not return. The
     * running compartment calls this for its own jump: key is its own key. */
    .globl __ia2_unwind
    .hidden __ia2_unwind
    .type __ia2_unwind, @function
__ia2_unwind:
    .cfi_startproc
    xor %esi, %esi
.Lunwind:
    mov %edi, %r8d
    ia2_record 1
    ia2_find_stack IA2_ID
    test %rax, %rax
    jns .Lia2_die_stack
    not %rax
    mov %rax, IA2_SUSPENDED_SP(%r14)
    and $-16, %rax
    mov -8(%rax), %rax                      /* where the call would return to */
    xor %ecx, %ecx
    test %esi, %esi
    cmovnz %rcx, %rax
    .irp c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15
    ia2_unwind_path \c, ia2_pkru_\c
    .endr
    jmp .Lia2_die_caller
    .cfi_endproc
    .size __ia2_unwind, . - __ia2_unwind
.endm
