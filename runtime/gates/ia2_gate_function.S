/* One function's gate: stub, descriptor, and the part that runs with the owner's rights. */

.macro ia2_one_gate table, body, symbol, target, callers, args_int, args_sse, ret_int, ret_sse, \
        stack_words, sret_bytes, type, export, caller=, variadic=0, further=0, \
        ymm=0, zmm=0, ret_ymm=0, ret_zmm=0, align=16, ret_x87=0
    .section \table\()_stubs, "ax", @progbits
    .balign 1 << IA2_STUB_SHIFT
    .globl \symbol
    .if \export == 0
    .hidden \symbol
    .endif
    .type \symbol, @function
\symbol:
    .byte 0x41, 0xbb                        /* mov $index, %r11d */
    .long (\symbol - \table\()_stubs_begin) / (1 << IA2_STUB_SHIFT)
    jmp \body
    .size \symbol, . - \symbol
    .balign 1 << IA2_STUB_SHIFT

    .set .Lfew\@, \stack_words <= IA2_WORDS_IN_REGISTERS
    .set .Lsmall\@, \sret_bytes <= 8 * IA2_WORDS_IN_REGISTERS
    .section .data.rel.ro.\table\()_descs, "aw", @progbits
.Ldesc\@:
    .quad .Lenter\@
    .if \stack_words && .Lfew\@
    .quad .Lbefore\@
    .else
    .quad 0
    .endif
    .if \sret_bytes
    .quad .Lafter\@
    .else
    .quad 0
    .endif
    .short ((\callers) & ~(3 << IA2_DESC_X87_SHIFT)) | (\ret_x87 << IA2_DESC_X87_SHIFT)
    .short \further
    .long \type
    .section .data.rel.ro.\table\()_targets, "aw", @progbits
    .quad \target

    .text
    .balign 16
    /* Entered with the owner's rights. %rsp is as at a function's first instruction. Backtraces
     * show the name. */
    .type \symbol\().entered, @function
\symbol\().entered:
.Lenter\@:
    .cfi_startproc
    .set .Lresult\@, \align * ((8 * \stack_words + \align - 1) / \align)
    .set .Lkept\@, .Lresult\@ + 16 * ((\sret_bytes + 15) / 16)
    .if .Lfew\@ && .Lsmall\@
    .set .Lframe\@, .Lkept\@ + 8
    .else
    .set .Lframe\@, .Lkept\@ + 24
    .endif
    .cfi_remember_state
    pushfq
    .cfi_adjust_cfa_offset 8
    testl $IA2_FLAGS_OFF, (%rsp)
    jnz .Lflags\@
    lea 8(%rsp), %rsp
    .cfi_adjust_cfa_offset -8
.Lflags_off\@:
    mov %eax, %r11d
    ia2_float_default
    mov %r11d, %eax
    xor %r11d, %r11d
    sub $.Lframe\@, %rsp
    .cfi_def_cfa_offset .Lframe\@ + 8
    .if \align > 16
    ia2_frames_aligned DWARF_RBX
    and $-\align, %rsp
    .endif
    .ifeq .Lfew\@ && .Lsmall\@
    mov %eax, .Lkept\@(%rsp)
    .endif
    .if .Lfew\@
    ia2_xmm_to_words \stack_words
    .else
    mov %rbx, .Lkept\@ + 8(%rsp)
    .cfi_remember_state
    ia2_frames_kept .Lkept\@ + 8, \align
    mov %rcx, %r12
    mov %rdx, %r13
    ia2_fetch_words \stack_words, .Ldesc\@
    mov %r12, %rcx
    mov %r13, %rdx
    mov .Lkept\@ + 8(%rsp), %rbx
    .cfi_restore_state
    xor %ebp, %ebp
    xor %r10d, %r10d
    xor %r11d, %r11d
    xor %r12d, %r12d
    xor %r13d, %r13d
    xor %r15d, %r15d
    mov .Lkept\@(%rsp), %eax
    .endif
    .if \sret_bytes
    lea .Lresult\@(%rsp), %rdi
    .endif
    ia2_scrub_args \args_int
    .ifnb \caller
    mov %eax, \caller
    .endif
    ia2_scrub_vectors \args_sse, \ymm, \zmm
    .if \variadic
    /* ABI 3.2.3: an upper bound of the vector registers used. */
    mov $\args_sse, %eax
    .endif
    call \target\()@PLT
    .if \sret_bytes
    ia2_scrub_vectors 0, 0, 0
    .if .Lsmall\@
    lea .Lresult\@(%rsp), %rdi
    /* The buffer is rounded up to 16 bytes. */
    ia2_words_to_xmm ((\sret_bytes + 15) / 16 * 2), 0, %rdi
    .else
    mov .Lkept\@(%rsp), %eax
    mov %rbx, .Lkept\@ + 8(%rsp)
    .cfi_remember_state
    ia2_frames_kept .Lkept\@ + 8, \align
    ia2_deliver_result \sret_bytes, .Lresult\@, .Ldesc\@
    mov .Lkept\@ + 8(%rsp), %rbx
    .cfi_restore_state
    .endif
    xor %eax, %eax
    xor %edx, %edx
    .else
    ia2_scrub_vectors \ret_sse, \ret_ymm, \ret_zmm
    .if \ret_int < 1
    xor %eax, %eax
    .endif
    .if \ret_int < 2
    xor %edx, %edx
    .endif
    .endif
    .if \align > 16
    mov %rbx, %rsp          /* as the body has set it */
    and $-16, %rsp
    sub $8, %rsp
    .cfi_def_cfa %rsp, 8
    .else
    add $.Lframe\@, %rsp
    .cfi_def_cfa_offset 8
    .endif
    ret
    .cfi_restore_state
    ia2_float_default_seldom
    .cfi_adjust_cfa_offset 8
.Lflags\@:
    andl $~IA2_FLAGS_OFF, (%rsp)
    popfq
    .cfi_adjust_cfa_offset -8
    jmp .Lflags_off\@
    .cfi_endproc
    .size \symbol\().entered, . - \symbol\().entered
    /* In the caller: %rdi is the caller's own result buffer, from its own stack. */
    .if \sret_bytes
.Lafter\@:
    .cfi_startproc
    .if .Lsmall\@
    ia2_store_result \sret_bytes
    ia2_scrub_vectors 0, 0, 0
    .endif
    mov %rdi, %rax
    ret
    .cfi_endproc
    .endif
    /* In the caller, before the switch. Below the words are 8 (return address) + 48 (registers) + 8
     * (return address) bytes. */
    .if \stack_words && .Lfew\@
.Lbefore\@:
    .cfi_startproc
    ia2_words_to_xmm \stack_words, 64, %rsp
    ret
    .cfi_endproc
    .endif
.endm

/* Writes exactly \bytes, because the caller's buffer ends there. */
.macro ia2_store_tail n, bytes, reg
    .if 16 * \n + 16 <= \bytes
    movdqu \reg, 16 * \n(%rdi)
    .elseif 16 * \n < \bytes
    .set .Lleft, \bytes - 16 * \n
    movdqu \reg, -24(%rsp)
    .set .Lat, 0
    .rept 2
    .if .Lleft - .Lat >= 8
    mov -24 + .Lat(%rsp), %rcx
    mov %rcx, 16 * \n + .Lat(%rdi)
    .set .Lat, .Lat + 8
    .endif
    .endr
    .if .Lleft - .Lat >= 4
    mov -24 + .Lat(%rsp), %ecx
    mov %ecx, 16 * \n + .Lat(%rdi)
    .set .Lat, .Lat + 4
    .endif
    .if .Lleft - .Lat >= 2
    mov -24 + .Lat(%rsp), %cx
    mov %cx, 16 * \n + .Lat(%rdi)
    .set .Lat, .Lat + 2
    .endif
    .if .Lleft - .Lat >= 1
    mov -24 + .Lat(%rsp), %cl
    mov %cl, 16 * \n + .Lat(%rdi)
    .endif
    .endif
.endm
.macro ia2_store_result bytes
    .irp r, 8,9,10,11,12,13,14,15
    ia2_store_tail (\r - 8), \bytes, %xmm\r
    .endr
.endm

/* \ymm, \zmm, \ret_ymm, \ret_zmm: masks of the vector registers that carry 32 and 64 bytes.
 * \variadic: 1 for the gate of one list of arguments of a variadic function.
 * \further: how many gates after this one are for other lists of arguments.
 * \align: the alignment of the stack arguments and of a result in memory.
 * \ret_x87: how many x87 registers hold the result (long double: 1, _Complex long double: 2). */
.macro ia2_gate symbol, target, callers, args_int, args_sse, ret_int, ret_sse, \
        stack_words=0, sret_bytes=0, type=0, export=0, variadic=0, further=0, \
        ymm=0, zmm=0, ret_ymm=0, ret_zmm=0, align=16, ret_x87=0
    ia2_one_gate ia2_own, .Lia2_bodies, \symbol, \target, \callers, \args_int, \args_sse, \
        \ret_int, \ret_sse, \stack_words, \sret_bytes, \type, \export, , \variadic, \further, \
        \ymm, \zmm, \ret_ymm, \ret_zmm, \align, \ret_x87
.endm

/* Gates that every compartment has. Only the runtime (key 0 and the monitor) may call them, unless
 * \callers says more. \caller: the register of the argument that is the caller's key. The gate
 * sets this argument itself. */
.macro ia2_runtime_gate symbol, target, args, ret, callers=1 + (1 << IA2_KEY_MONITOR), caller=
    ia2_one_gate ia2_own, .Lia2_bodies, \symbol, \target, \callers, \args, 0, \ret, 0, \
        0, 0, 0, 0, \caller
.endm
.macro ia2_key0_gate symbol, target, args, ret
    ia2_one_gate ia2_key0, .Lia2_body_key0, \symbol, \target, (1 << IA2_ID), \args, 0, \ret, 0, \
        0, 0, 0, 0
.endm

.macro ia2_monitor_gate symbol, target, args, ret, caller
    ia2_one_gate ia2_monitor, .Lia2_body_monitor, \symbol, \target, 1 + (1 << IA2_ID), \args, 0, \
        \ret, 0, 0, 0, 0, 0, \caller
.endm

/* For a function that runs with its caller's rights (IA2_BEGIN_NO_WRAP). The callers' --wrap leads
 * here. */
.macro ia2_no_gate symbol, target
    .text
    .globl \symbol
    .type \symbol, @function
\symbol:
    .cfi_startproc
    jmp \target
    .cfi_endproc
    .size \symbol, . - \symbol
.endm
