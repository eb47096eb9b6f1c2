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
 *     suspended or idle on this thread (a forged second return or entry finds IA2_RUNNING);
 *   - the descriptor must lie in this compartment's table, and on return be the one the caller's stack names.
 *
 * Alternatives that were rejected: WRPKRU with both keys open around the copy of the arguments (four per
 * call, and a window in which the caller can be steered by what the callee writes); a stack pointer in a
 * thread-local (%fs can be forged); unrolled gates per function (each adds WRPKRU sites to audit).
 *
 * PKRU_n is denied for all keys but 0, n and (read only) the keys n has a grant for.
 * Registers: System V AMD64 ABI, section 3.2. Unwinding does not cross a gate. */
#include "ia2_layout.h"

#define IA2_CAT_(a, b) a##b
#define IA2_CAT(a, b) IA2_CAT_(a, b)
#define IA2_PKRU_SELF IA2_CAT(IA2_PKRU_, IA2_ID)
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

/* ---- scrubbing ------------------------------------------------------------------------------------------ */

/* zmm16-31 and the mask registers carry neither arguments nor results. */
.macro ia2_scrub_avx512
8801:
    .irp n, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    vpxord %xmm\n, %xmm\n, %xmm\n
    .endr
    .irp n, 0,1,2,3,4,5,6,7
    kxorq %k\n, %k\n, %k\n
    .endr
8802: ia2_site IA2_SITE_AVX512, 8801b, 8802b
.endm

/* Upper halves of ymm0-15/zmm0-15, then every xmm register from \first on. ([m] vzeroall is slower than the
 * sixteen zeroing idioms on Zen 5.) */
.macro ia2_scrub_xmm first
8801: vzeroupper
    .byte 0x0f, 0x1f, 0x44, 0x00, 0x00
8802: ia2_site IA2_SITE_AVX, 8801b, 8802b
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    .if \n >= \first
    pxor %xmm\n, %xmm\n
    .endif
    .endr
.endm

.macro ia2_scrub_args used
    .if \used < 6
    xor %r9d, %r9d
    .endif
    .if \used < 5
    xor %r8d, %r8d
    .endif
    .if \used < 4
    xor %ecx, %ecx
    .endif
    .if \used < 3
    xor %edx, %edx
    .endif
    .if \used < 2
    xor %esi, %esi
    .endif
    .if \used < 1
    xor %edi, %edi
    .endif
.endm

/* xmm8.. carry what does not fit in argument or result registers: two words each. */
#define IA2_WORDS_IN_REGISTERS 16
.macro ia2_xmm_to_words words
    .irp n, 0,1,2,3,4,5,6,7
    .if 2 * \n < \words
    ia2_store_pair \n
    .endif
    .endr
.endm
.macro ia2_store_pair n
    .if \n == 0
    movups %xmm8, (%rsp)
    .elseif \n == 1
    movups %xmm9, 16(%rsp)
    .elseif \n == 2
    movups %xmm10, 32(%rsp)
    .elseif \n == 3
    movups %xmm11, 48(%rsp)
    .elseif \n == 4
    movups %xmm12, 64(%rsp)
    .elseif \n == 5
    movups %xmm13, 80(%rsp)
    .elseif \n == 6
    movups %xmm14, 96(%rsp)
    .else
    movups %xmm15, 112(%rsp)
    .endif
.endm

/* Vector registers from \first on; of those below, what lies above 16 bytes, or above 32 where \ymm has a bit, or nothing where
 * \zmm has one. A function with such arguments is compiled for a CPU that has them. */
.macro ia2_scrub_vectors first, ymm, zmm
    .if (\ymm | \zmm) == 0
    ia2_scrub_xmm \first
    .else
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    .if \n >= \first
    vpxor %xmm\n, %xmm\n, %xmm\n
    .elseif (\zmm >> \n) & 1
    .elseif (\ymm >> \n) & 1
    vmovaps %ymm\n, %ymm\n
    .else
    vmovaps %xmm\n, %xmm\n
    .endif
    .endr
    .endif
.endm

/* ---- the body ------------------------------------------------------------------------------------------- */

/* %rbx = this thread's record, from the slot in %r15d or (\reload = 1) from thread-local storage. */
.macro ia2_record reload
    .if \reload
    mov ia2_slot@GOTTPOFF(%rip), %rbx
    mov %fs:(%rbx), %r15d
    .endif
    and $IA2_SLOT_MASK, %r15d
    mov %r15d, %ebx
    shl $IA2_RECORD_SHIFT, %rbx
    mov ia2_state@GOTPCREL(%rip), %rbp
    lea IA2_STATE_THREADS(%rbp, %rbx), %rbx
.endm

/* Takes the stack of compartment \key: %r14 = its top, %rax = where it is suspended; marks it running. */
.macro ia2_take_stack key, die
    ia2_rdfsbase
    cmp %rax, IA2_RECORD_FSBASE(%rbx)
    jne .Lia2_die_thread
    mov IA2_RECORD_TOP + 8 * \key(%rbx), %r14
    mov IA2_SUSPENDED_SP(%r14), %rax
    cmp $IA2_RUNNING, %rax
    \die
    movq $IA2_RUNNING, IA2_SUSPENDED_SP(%r14)
.endm

/* One path: compartment \c calls compartment \n. */
.macro ia2_gate_path c, pkru_c, n, pkru_n, table
    ia2_record 1
    mov IA2_RECORD_TOP + 8 * \c(%rbx), %r14
    shl $IA2_DESC_SHIFT, %r11d
    lea \table\()_descs(%rip), %r10
    add %r11, %r10
    cmpq $0, IA2_DESC_BEFORE(%r10)
    je 1f
    call *IA2_DESC_BEFORE(%r10)
1:  sub $24, %rsp
    stmxcsr 16(%rsp)
    mov %rdi, 8(%rsp)
    mov %r10, (%rsp)
    mov %rsp, IA2_SUSPENDED_SP(%r14)
    ia2_wrpkru \pkru_n

    /* with the rights of \n */
    ia2_record 0
    ia2_take_stack \n, "je .Lia2_die_stack"
    lea IA2_FIRST_FRAME(%r14), %rbp
    test %rax, %rax
    cmovz %rbp, %rax
    lea \table\()_descs(%rip), %rbp
    mov %r10, %rcx
    sub %rbp, %rcx
    cmp $\table\()_descs_size, %rcx
    jae .Lia2_die_descriptor
    test $((1 << IA2_DESC_SHIFT) - 1), %cl
    jnz .Lia2_die_descriptor
    testl $(1 << \c), IA2_DESC_CALLERS(%r10)
    jz .Lia2_die_caller
    mov %rax, %rsp
    and $-16, %rsp
    mov %rax, %rbx          /* \n's own: it keeps %rbx and %r14 over the call, as every function does */
    mov %r12, %rcx
    mov %r13, %rdx
    mov IA2_DESC_ENTER(%r10), %r11
    mov $\c, %eax
    xor %ebp, %ebp
    xor %r10d, %r10d
    xor %r12d, %r12d
    xor %r13d, %r13d
    xor %r15d, %r15d
    cld
    ia2_scrub_avx512
    call *%r11
    mov %rbx, IA2_SUSPENDED_SP(%r14)
    mov %rax, %r8
    mov %rdx, %r9
    xor %esi, %esi
    xor %edi, %edi
    xor %ebx, %ebx
    xor %ebp, %ebp
    xor %r10d, %r10d
    xor %r11d, %r11d
    xor %r12d, %r12d
    xor %r13d, %r13d
    xor %r14d, %r14d
    xor %r15d, %r15d
    cld
    ia2_scrub_avx512
    ia2_wrpkru \pkru_c

    /* with the rights of \c: of all registers only %r8, %r9 and xmm are used, as the callee's result */
    ia2_record 1
    ia2_take_stack \c, "jbe .Lia2_die_return"
    mov %rax, %rsp
    mov (%rsp), %r10
    mov 8(%rsp), %rdi
    ldmxcsr 16(%rsp)        /* its control bits are callee-saved (ABI 3.2.1) */
    add $24, %rsp
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
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
.endm

.macro ia2_body_enter
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
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

.macro ia2_bodies
    .text
    .balign 64
    .type __ia2_body, @function
__ia2_body:
    ia2_body_enter
    cmp $IA2_PKRU_SELF, %eax
    je 2f
#define IA2_CALLER(c) ia2_caller c, IA2_PKRU_##c
    IA2_CALLER(0)
    IA2_CALLER(1)
#if IA2_COMPARTMENTS >= 2
    IA2_CALLER(2)
#endif
#if IA2_COMPARTMENTS >= 3
    IA2_CALLER(3)
#endif
#if IA2_COMPARTMENTS >= 4
    IA2_CALLER(4)
#endif
#if IA2_COMPARTMENTS >= 5
    IA2_CALLER(5)
#endif
#if IA2_COMPARTMENTS >= 6
    IA2_CALLER(6)
#endif
#if IA2_COMPARTMENTS >= 7
    IA2_CALLER(7)
#endif
#if IA2_COMPARTMENTS >= 8
    IA2_CALLER(8)
#endif
#if IA2_COMPARTMENTS >= 9
    IA2_CALLER(9)
#endif
#if IA2_COMPARTMENTS >= 10
    IA2_CALLER(10)
#endif
#if IA2_COMPARTMENTS >= 11
    IA2_CALLER(11)
#endif
#if IA2_COMPARTMENTS >= 12
    IA2_CALLER(12)
#endif
#if IA2_COMPARTMENTS >= 13
    IA2_CALLER(13)
#endif
#if IA2_COMPARTMENTS >= 14
    IA2_CALLER(14)
#endif
#if IA2_COMPARTMENTS >= 15
    IA2_CALLER(15)
#endif
    jmp .Lia2_die_caller
    /* The owner calls its own gate, through a pointer: no switch. */
2:  mov %r12, %rcx
    mov %r13, %rdx
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    lea ia2_own_targets(%rip), %r10
    jmp *(%r10, %r11, 8)
    .size __ia2_body, . - __ia2_body

    /* From this compartment to nobody: PKRU 0, on the thread's first stack. */
    .balign 64
    .type __ia2_body_nobody, @function
__ia2_body_nobody:
    ia2_body_enter
    cmp $IA2_PKRU_SELF, %eax
    jne .Lia2_die_caller
    ia2_gate_path IA2_ID, IA2_PKRU_SELF, 0, IA2_PKRU_0, ia2_nobody
    .size __ia2_body_nobody, . - __ia2_body_nobody
.endm

#include "ia2_gate_memory.S"

/* ---- one function --------------------------------------------------------------------------------------- */

.macro ia2_one_gate table, body, symbol, target, callers, args_int, args_sse, ret_int, ret_sse, stack_words, sret_bytes, type, export, caller=, variadic=0, ymm=0, zmm=0, ret_ymm=0, ret_zmm=0
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
    .long \callers
    .long \type
    .section .data.rel.ro.\table\()_targets, "aw", @progbits
    .quad \target

    .text
    .balign 16
    /* Entered with the owner's rights, %rsp as at a function's first instruction. */
.Lenter\@:
    .set .Lresult\@, 16 * ((\stack_words + 1) / 2)
    .set .Lkept\@, .Lresult\@ + 16 * ((\sret_bytes + 15) / 16)
    .set .Lframe\@, .Lkept\@ + 24
    sub $.Lframe\@, %rsp
    mov %eax, .Lkept\@(%rsp)
    .if .Lfew\@
    ia2_xmm_to_words \stack_words
    .else
    mov %rbx, .Lkept\@ + 8(%rsp)
    mov %rcx, %r12
    mov %rdx, %r13
    ia2_fetch_words \stack_words, .Ldesc\@
    mov %r12, %rcx
    mov %r13, %rdx
    mov .Lkept\@ + 8(%rsp), %rbx
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
    mov $\args_sse, %eax                   /* ABI 3.2.3: an upper bound of the vector registers used */
    .endif
    call \target\()@PLT
    .if \sret_bytes
    ia2_scrub_vectors 0, 0, 0
    .if .Lsmall\@
    lea .Lresult\@(%rsp), %rdi
    ia2_load_result \sret_bytes
    .else
    mov .Lkept\@(%rsp), %eax
    mov %rbx, .Lkept\@ + 8(%rsp)
    ia2_deliver_result \sret_bytes, .Lresult\@, .Ldesc\@
    mov .Lkept\@ + 8(%rsp), %rbx
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
    add $.Lframe\@, %rsp
    ret
    /* In the caller: %rdi is the caller's own result buffer, from its own stack. */
    .if \sret_bytes
.Lafter\@:
    .if .Lsmall\@
    ia2_store_result \sret_bytes
    ia2_scrub_vectors 0, 0, 0
    .endif
    mov %rdi, %rax
    ret
    .endif
    /* In the caller, before the switch: 8 (return address) + 48 (registers) + 8 (return address) below the words. */
    .if \stack_words && .Lfew\@
.Lbefore\@:
    ia2_load_words \stack_words, 64
    ret
    .endif
.endm

.macro ia2_load_word_pair n, words, reg, disp, base
    .if 2 * \n + 1 < \words
    movdqu \disp + 16 * \n(\base), \reg
    .elseif 2 * \n < \words
    movq \disp + 16 * \n(\base), \reg
    .endif
.endm
.macro ia2_load_words words, disp
    ia2_load_word_pair 0, \words, %xmm8, \disp, %rsp
    ia2_load_word_pair 1, \words, %xmm9, \disp, %rsp
    ia2_load_word_pair 2, \words, %xmm10, \disp, %rsp
    ia2_load_word_pair 3, \words, %xmm11, \disp, %rsp
    ia2_load_word_pair 4, \words, %xmm12, \disp, %rsp
    ia2_load_word_pair 5, \words, %xmm13, \disp, %rsp
    ia2_load_word_pair 6, \words, %xmm14, \disp, %rsp
    ia2_load_word_pair 7, \words, %xmm15, \disp, %rsp
.endm
/* The enter part's buffer is rounded up to 16 bytes, so whole registers may be loaded from it. */
.macro ia2_load_result bytes
    .set .Lwords\@, (\bytes + 15) / 16 * 2
    ia2_load_word_pair 0, .Lwords\@, %xmm8, 0, %rdi
    ia2_load_word_pair 1, .Lwords\@, %xmm9, 0, %rdi
    ia2_load_word_pair 2, .Lwords\@, %xmm10, 0, %rdi
    ia2_load_word_pair 3, .Lwords\@, %xmm11, 0, %rdi
    ia2_load_word_pair 4, .Lwords\@, %xmm12, 0, %rdi
    ia2_load_word_pair 5, .Lwords\@, %xmm13, 0, %rdi
    ia2_load_word_pair 6, .Lwords\@, %xmm14, 0, %rdi
    ia2_load_word_pair 7, .Lwords\@, %xmm15, 0, %rdi
.endm
/* Exactly \bytes are written: the caller's buffer ends there. */
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
    ia2_store_tail 0, \bytes, %xmm8
    ia2_store_tail 1, \bytes, %xmm9
    ia2_store_tail 2, \bytes, %xmm10
    ia2_store_tail 3, \bytes, %xmm11
    ia2_store_tail 4, \bytes, %xmm12
    ia2_store_tail 5, \bytes, %xmm13
    ia2_store_tail 6, \bytes, %xmm14
    ia2_store_tail 7, \bytes, %xmm15
.endm

/* \ymm, \zmm, \ret_ymm, \ret_zmm: masks of the vector registers that carry 32 and 64 bytes. \variadic: the gate of one list of
 * arguments of a variadic function. A result in x87 registers (long double) just stays there. */
.macro ia2_gate symbol, target, callers, args_int, args_sse, ret_int, ret_sse, stack_words=0, sret_bytes=0, type=0, export=0, variadic=0, ymm=0, zmm=0, ret_ymm=0, ret_zmm=0
    ia2_one_gate ia2_own, __ia2_body, \symbol, \target, \callers, \args_int, \args_sse, \ret_int, \ret_sse, \stack_words, \sret_bytes, \type, \export, , \variadic, \ymm, \zmm, \ret_ymm, \ret_zmm
.endm

/* Gates every compartment has. The runtime alone (key 0) may call them, except where more is said. \caller: the register
 * of the argument that is the caller's key, as the gate knows it. */
.macro ia2_runtime_gate symbol, target, args, ret, callers=1, caller=
    ia2_one_gate ia2_own, __ia2_body, \symbol, \target, \callers, \args, 0, \ret, 0, 0, 0, 0, 0, \caller
.endm
.macro ia2_nobody_gate symbol, target, args, ret
    ia2_one_gate ia2_nobody, __ia2_body_nobody, \symbol, \target, (1 << IA2_ID), \args, 0, \ret, 0, 0, 0, 0, 0
.endm

/* ---- what every compartment has, before its own gates --------------------------------------------------- */

    .section ia2_own_stubs, "ax", @progbits
    .balign 16
ia2_own_stubs_begin:
    .section .data.rel.ro.ia2_own_descs, "aw", @progbits
    .balign 32
ia2_own_descs:
    .section .data.rel.ro.ia2_own_targets, "aw", @progbits
    .balign 8
ia2_own_targets:
    .section ia2_nobody_stubs, "ax", @progbits
    .balign 16
ia2_nobody_stubs_begin:
    .section .data.rel.ro.ia2_nobody_descs, "aw", @progbits
    .balign 32
ia2_nobody_descs:
    .section .data.rel.ro.ia2_nobody_targets, "aw", @progbits
    .balign 8

    ia2_runtime_gate __ia2_main, ia2_compartment_main, 3, 1
    ia2_runtime_gate __ia2_thread, ia2_compartment_thread, 0, 1
    ia2_runtime_gate __ia2_signal, ia2_compartment_signal, 3, 0
    ia2_runtime_gate __ia2_fini, ia2_compartment_fini, 0, 0
    ia2_runtime_gate __ia2_atexit, ia2_compartment_atexit, 1, 0
    ia2_runtime_gate __ia2_atfork_prepare, ia2_compartment_atfork_prepare, 0, 0, 0xffff
    ia2_runtime_gate __ia2_atfork_parent, ia2_compartment_atfork_parent, 0, 0, 0xffff
    ia2_runtime_gate __ia2_atfork_child, ia2_compartment_atfork_child, 0, 0, 0xffff
    ia2_runtime_gate __ia2_client_alloc, ia2_compartment_client_alloc, 3, 1, IA2_HEAP_CLIENTS, %edx
    ia2_runtime_gate __ia2_client_free, ia2_compartment_client_free, 2, 1, IA2_HEAP_CLIENTS, %esi
    /* Shared blocks are everybody's; the compartment that allocated one keeps its books. */
    ia2_runtime_gate __ia2_shared_free, ia2_compartment_shared_free, 1, 1, 0xffff
    ia2_runtime_gate __ia2_shared_resize, ia2_compartment_shared_resize, 2, 1, 0xffff
    ia2_runtime_gate __ia2_shared_size, ia2_compartment_shared_size, 1, 1, 0xffff
    ia2_runtime_gate __ia2_thread_end, ia2_compartment_thread_end, 1, 1

    ia2_nobody_gate __ia2_nobody_exit, ia2_nobody_exit, 1, 0
    ia2_nobody_gate __ia2_nobody_thread_exit, ia2_nobody_thread_exit, 1, 0

/* ---- suspending a compartment that a signal interrupted -------------------------------------------------- */

/* int __ia2_suspend(void), void __ia2_resume(void): called by the runtime's signal entry (key 0) around a handler that
 * interrupted this compartment, for the handler may call it. Suspend returns 1 if the compartment was running; in the middle of a gate
 * it has said itself where its next frame goes, and there is nothing to resume.
 *
 * Anybody can call these, so they take no argument: nobody but the kernel knows the interrupted stack pointer, and a frame that
 * went where a caller says could be laid over the compartment's others. The frames go to a zone of their own instead, whose
 * address follows from the record and a count that only this compartment can write. What one does the other undoes, and
 * neither does anything to a compartment that waits for a call to return.
 *
 * Signals are rare: the thread proves itself by gettid, which no register can forge.
 * They keep everything in registers: there is no stack of the compartment to stand on. */
.macro ia2_suspend_entry name, suspends
    .globl \name
    .hidden \name
    .type \name, @function
\name:
    push %rbx
    push %rbp
    push %r12
    push %r14
    push %r15
    ia2_wrpkru IA2_PKRU_SELF
    mov $186, %eax                          /* gettid: %rcx and %r11 are lost */
    syscall
    mov %rax, %r10
    ia2_record 1
    cmp %r10, IA2_RECORD_TID(%rbx)
    jne .Lia2_die_thread
    ia2_rdfsbase
    cmp %rax, IA2_RECORD_FSBASE(%rbx)
    jne .Lia2_die_thread
    mov IA2_RECORD_TOP + 8 * IA2_ID(%rbx), %r14
    mov IA2_SIGNAL_DEPTH(%r14), %rcx
    xor %r12d, %r12d
    .if \suspends
    cmpq $IA2_RUNNING, IA2_SUSPENDED_SP(%r14)
    jne 1f
    inc %r12d
    inc %rcx
    .endif
    cmp $1, %rcx
    jb .Lia2_die_stack
    cmp $IA2_SIGNAL_DEPTHS, %rcx
    ja .Lia2_die_signals
    lea -1(%rcx), %rdx                      /* the first frame of this depth */
    shl $IA2_SIGNAL_ZONE_SHIFT, %rdx
    add IA2_RECORD_ZONE_SIZE(%rbx), %rdx
    lea IA2_FIRST_FRAME - IA2_SIGNAL_GUARD(%r14), %rax
    sub %rdx, %rax
    .if \suspends
    mov %rcx, IA2_SIGNAL_DEPTH(%r14)
    mov %rax, IA2_SUSPENDED_SP(%r14)
    .else
    cmp %rax, IA2_SUSPENDED_SP(%r14)
    jne .Lia2_die_stack
    decq IA2_SIGNAL_DEPTH(%r14)
    movq $IA2_RUNNING, IA2_SUSPENDED_SP(%r14)
    .endif
1:  xor %r10d, %r10d
    xor %r11d, %r11d
    ia2_wrpkru IA2_PKRU_0
    mov %r12d, %eax
    pop %r15
    pop %r14
    pop %r12
    pop %rbp
    pop %rbx
    ret
    .size \name, . - \name
.endm

/* ---- dying ---------------------------------------------------------------------------------------------- */

/* No register, no stack and no right can be relied on here: two system calls and the end. */
.macro ia2_die label, text
.Lia2_die_\label:
    lea 7001f(%rip), %rsi
    mov $7002f - 7001f, %edx
    jmp .Lia2_die
    .pushsection .rodata.str.ia2, "a", @progbits
7001: .ascii "ia2: compartment "
    .ascii IA2_NAME
    .ascii ": \text\n"
7002:
    .popsection
.endm

.macro ia2_gates_end
    ia2_bodies
    .text
    ia2_suspend_entry __ia2_suspend, 1
    ia2_suspend_entry __ia2_resume, 0

    ia2_die pkru, "call gate: PKRU does not hold the value the gate wrote; the gate was not entered at its start"
    ia2_die thread, "call gate: this thread's FS base is not the one of its record"
    ia2_die stack, "call gate: the compartment is not suspended on this thread"
    ia2_die return, "call gate: return to a compartment that waits for no return from here"
    ia2_die signals, "signals interrupt each other too deeply"
    ia2_die descriptor, "call gate: no such gate"
    ia2_die caller, "call gate: the calling compartment may not call this function"
.Lia2_die:
    mov $1, %eax                            /* write */
    mov $2, %edi
    syscall
    mov $39, %eax                           /* getpid */
    syscall
    mov %eax, %edi
    mov $6, %esi
    mov $62, %eax                           /* kill, SIGABRT */
    syscall
    ud2

    .section .data.rel.ro.ia2_own_descs, "aw", @progbits
    .set ia2_own_descs_size, . - ia2_own_descs
    .section .data.rel.ro.ia2_nobody_descs, "aw", @progbits
    .set ia2_nobody_descs_size, . - ia2_nobody_descs
    .section ia2_own_stubs, "ax", @progbits
ia2_own_stubs_end:

    .hidden __start_ia2_sites, __stop_ia2_sites, __start_ia2_shared_data, __stop_ia2_shared_data
    .section .rodata.str.ia2, "a", @progbits
.Lia2_name:
    .asciz IA2_NAME

    /* struct ia2_compartment_descriptor, found by the runtime through the note below. */
    .section .data.rel.ro.ia2_compartment, "aw", @progbits
    .balign 8
    .globl ia2_this_compartment
    .hidden ia2_this_compartment
    .type ia2_this_compartment, @object
ia2_this_compartment:
    .long IA2_ID
    .long IA2_COMPARTMENTS
    .quad .Lia2_name
    .quad ia2_own_stubs_begin
    .quad ia2_own_stubs_end
    .quad ia2_own_descs
    .quad __start_ia2_sites
    .quad __stop_ia2_sites
    .quad __ia2_main
    .quad __ia2_thread
    .quad __ia2_signal
    .quad __ia2_fini
    .quad __ia2_atexit
    .quad __ia2_thread_end
    .quad __ia2_suspend
    .quad __ia2_resume
    .quad __ia2_client_alloc
    .quad __ia2_client_free
    .quad __ia2_shared_free
    .quad __ia2_shared_resize
    .quad __ia2_shared_size
    .quad ia2_compartment_fini_entries
    .quad __start_ia2_shared_data
    .quad __stop_ia2_shared_data
    .long IA2_PKRU_0
#define IA2_PKRU_ENTRY(n) .long IA2_PKRU_##n
    IA2_PKRU_ENTRY(1)
#if IA2_COMPARTMENTS >= 2
    IA2_PKRU_ENTRY(2)
#endif
#if IA2_COMPARTMENTS >= 3
    IA2_PKRU_ENTRY(3)
#endif
#if IA2_COMPARTMENTS >= 4
    IA2_PKRU_ENTRY(4)
#endif
#if IA2_COMPARTMENTS >= 5
    IA2_PKRU_ENTRY(5)
#endif
#if IA2_COMPARTMENTS >= 6
    IA2_PKRU_ENTRY(6)
#endif
#if IA2_COMPARTMENTS >= 7
    IA2_PKRU_ENTRY(7)
#endif
#if IA2_COMPARTMENTS >= 8
    IA2_PKRU_ENTRY(8)
#endif
#if IA2_COMPARTMENTS >= 9
    IA2_PKRU_ENTRY(9)
#endif
#if IA2_COMPARTMENTS >= 10
    IA2_PKRU_ENTRY(10)
#endif
#if IA2_COMPARTMENTS >= 11
    IA2_PKRU_ENTRY(11)
#endif
#if IA2_COMPARTMENTS >= 12
    IA2_PKRU_ENTRY(12)
#endif
#if IA2_COMPARTMENTS >= 13
    IA2_PKRU_ENTRY(13)
#endif
#if IA2_COMPARTMENTS >= 14
    IA2_PKRU_ENTRY(14)
#endif
#if IA2_COMPARTMENTS >= 15
    IA2_PKRU_ENTRY(15)
#endif
    .skip 4 * (15 - IA2_COMPARTMENTS), 0
    .size ia2_this_compartment, . - ia2_this_compartment

    .section .note.ia2, "a", @note
    .balign 4
    .long 4, 8, 1
    .asciz "IA2"
    .quad ia2_this_compartment - .

    .section ia2_shared_data, "aw", @progbits
    .balign 4096
    /* Pulls these out of libia2_compartment.a, which nothing else names. (.reloc R_X86_64_NONE would take no space, but
     * clang 14's assembler drops the symbol from it.) */
    .section .rodata.ia2_needs, "a", @progbits
    .balign 4
    .long ia2_tls_anchors - .
    .long ia2_shared_data_last - .
    .section .note.GNU-stack, "", @progbits
.endm
