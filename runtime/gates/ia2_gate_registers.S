/* Registers at a gate: which ones are scrubbed, and which ones carry more than in a plain call. */

/* zmm16-31 and the mask registers carry neither arguments nor results. */
.macro ia2_scrub_avx512
.Lsite\@:
    .irp n, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    vpxord %xmm\n, %xmm\n, %xmm\n
    .endr
    .irp n, 0,1,2,3,4,5,6,7
    kxorq %k\n, %k\n, %k\n
    .endr
.Lsite_end\@:
    ia2_site IA2_SITE_AVX512, .Lsite\@, .Lsite_end\@
.endm

/* Scrubs the upper halves of ymm0-15/zmm0-15, then every xmm register from \first on. ([m] vzeroall
 * is slower than the sixteen zeroing idioms on Zen 5.) */
.macro ia2_scrub_xmm first
.Lsite\@:
    vzeroupper
    .byte 0x0f, 0x1f, 0x44, 0x00, 0x00
.Lsite_end\@:
    ia2_site IA2_SITE_AVX, .Lsite\@, .Lsite_end\@
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

/* xmm8 and up carry what does not fit in argument or result registers: two words each. */
#define IA2_WORDS_IN_REGISTERS 16
.macro ia2_xmm_to_words words
    .irp r, 8,9,10,11,12,13,14,15
    .if 2 * (\r - 8) < \words
    movups %xmm\r, 16 * (\r - 8)(%rsp)
    .endif
    .endr
.endm
.macro ia2_words_to_xmm words, disp, base
    .irp r, 8,9,10,11,12,13,14,15
    .if 2 * (\r - 8) + 1 < \words
    movdqu \disp + 16 * (\r - 8)(\base), %xmm\r
    .elseif 2 * (\r - 8) < \words
    movq \disp + 16 * (\r - 8)(\base), %xmm\r
    .endif
    .endr
.endm

/* Scrubs the vector registers from \first on. A register below \first keeps 16 bytes, or 32 bytes
 * where \ymm has a bit, or all bytes where \zmm has a bit. A function with such arguments is
 * compiled for a CPU that has these registers. */
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


/* ---- floating point -------------------------------------------------------------------------- */

/* As a program starts (ABI 3.4.1): all exceptions masked, rounding to nearest. */
#define IA2_MXCSR 0x1f80
#define IA2_X87_CONTROL 0x37f

/* Flags that a compartment must not leave to another one: trap, direction, alignment check. */
#define IA2_FLAGS_OFF 0x40500

    .pushsection .rodata.ia2, "a", @progbits
    .balign 4
.Lia2_mxcsr:
    .long IA2_MXCSR
.Lia2_x87_control:
    .short IA2_X87_CONTROL
    .popsection

/* Empties the x87 registers, which the MMX registers are part of. Wants no pending exception. */
.macro ia2_scrub_x87
    .irp n, 0,1,2,3,4,5,6,7
    pxor %mm\n, %mm\n
    .endr
    emms
.endm

/* The labels 26 to 29 and 35 to 39 are of these macros alone. Other macros come between the two
 * parts of each. */

/* For the callee, on its stack. The words are mostly as they should be, and reading them costs less
 * than setting them. A pending exception would come at the next x87 instruction, so the status word
 * is looked at too. %eax is lost. */
.macro ia2_float_default
    stmxcsr -8(%rsp)
    cmpl $IA2_MXCSR, -8(%rsp)
    jne 28f
26: fnstcw -8(%rsp)
    cmpw $IA2_X87_CONTROL, -8(%rsp)
    jne 29f
    fnstsw %ax
    test %ax, %ax
    jnz 29f
27: ia2_scrub_x87
.endm
/* Further on in the same function. Most code that computes leaves a flag in MXCSR, and none in the
 * x87 status word: FNINIT is slow. */
.macro ia2_float_default_seldom
28: ldmxcsr .Lia2_mxcsr(%rip)
    jmp 26b
29: fninit
    jmp 27b
.endm

/* For the caller, on its frame: the same with the caller's own words. %r10 = the descriptor. %eax
 * and %ecx are lost. */
.macro ia2_float_restore
    testl $(3 << IA2_DESC_X87_SHIFT), IA2_DESC_CALLERS(%r10)
    jnz 39f
    stmxcsr -8(%rsp)
    mov -8(%rsp), %ecx
    cmp IA2_FRAME_MXCSR(%rsp), %ecx
    jne 37f
35: fnstcw -8(%rsp)
    movzwl -8(%rsp), %ecx
    cmp IA2_FRAME_X87(%rsp), %cx
    jne 38f
    fnstsw %ax
    test %ax, %ax
    jnz 38f
    ia2_scrub_x87
36:
.endm
.macro ia2_float_restore_seldom
37: ldmxcsr IA2_FRAME_MXCSR(%rsp)
    jmp 35b
38: fninit
    ia2_scrub_x87
    fldcw IA2_FRAME_X87(%rsp)
    jmp 36b
    /* With a result in one or two x87 registers. The callee's control word and exceptions must not
     * have a say while it is read. */
39: fnclex
    fldcw .Lia2_x87_control(%rip)
    fstpt -24(%rsp)
    testl $(2 << IA2_DESC_X87_SHIFT), IA2_DESC_CALLERS(%r10)
    jz 1f
    fstpt -40(%rsp)
1:  fninit
    ia2_scrub_x87
    testl $(2 << IA2_DESC_X87_SHIFT), IA2_DESC_CALLERS(%r10)
    jz 1f
    fldt -40(%rsp)
1:  fldt -24(%rsp)
    fldcw IA2_FRAME_X87(%rsp)
    ldmxcsr IA2_FRAME_MXCSR(%rsp)
    jmp 36b
.endm
