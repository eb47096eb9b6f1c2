/* .debug_frame, by which a debugger gets from a callee's stack to the caller's. The section is not
 * loaded, and nothing in the program reads it. Nothing at run time therefore follows what a
 * compartment writes into its own memory. Only gdb follows that, from outside.
 *
 * Where the stack pointer has a constant distance to the caller's, the .cfi directives say so. In a
 * gate's body, between the two switches, a debugger finds the caller's frame in memory, as the gate
 * itself does (`ia2_frame_of_caller`). This takes addresses, which .cfi_escape cannot hold. The
 * body's entry is therefore written out here.
 *
 * Rejected alternatives:
 *   - The caller's stack pointer in a register over the call: the register would tell the callee
 *     how deep the caller is, and the gate scrubs the register.
 *   - .eh_frame: the section is loaded, and unwinders in the process would act upon it.
 *   - A script for gdb: gdb loads none from a program's folder unless told to, and finds no
 *     other. */

    .cfi_sections .debug_frame

#define IA2_CFA_SAVED 56 /* six registers and the return address */

/* DW_CFA_... and DW_OP_... (DWARF 5, 6.4.2 and 2.5.1); registers as in the ABI, figure 3.36. */
#define CFA_NOP 0x00
#define CFA_ADVANCE_LOC4 0x04
#define CFA_UNDEFINED 0x07
#define CFA_SAME_VALUE 0x08
#define CFA_REMEMBER_STATE 0x0a
#define CFA_RESTORE_STATE 0x0b
#define CFA_DEF_CFA 0x0c
#define CFA_DEF_CFA_OFFSET 0x0e
#define CFA_DEF_CFA_EXPRESSION 0x0f
#define CFA_OFFSET 0x80
#define OP_ADDR 0x03
#define OP_DEREF 0x06
#define OP_CONST1U 0x08
#define OP_CONST1S 0x09
#define OP_CONST4U 0x0c
#define OP_DUP 0x12
#define OP_DROP 0x13
#define OP_OVER 0x14
#define OP_PICK 0x15
#define OP_SWAP 0x16
#define OP_ROT 0x17
#define OP_AND 0x1a
#define OP_MINUS 0x1c
#define OP_NEG 0x1f
#define OP_PLUS 0x22
#define OP_PLUS_UCONST 0x23
#define OP_SHRA 0x26
#define OP_XOR 0x27
#define OP_BRA 0x28
#define OP_EQ 0x29
#define OP_GE 0x2a
#define OP_GT 0x2b
#define OP_LE 0x2c
#define OP_LT 0x2d
#define OP_SKIP 0x2f
#define OP_LIT0 0x30
#define OP_BREG0 0x70
#define DWARF_RAX 0
#define DWARF_RBX 3
#define DWARF_RBP 6
#define DWARF_RSP 7
#define DWARF_RIP 16

/* The entry of the code \begin .. \end. What follows until ia2_frames_end is added to the entry. At
 * \begin the frame is as at a function's start. */
.macro ia2_frames_begin name, begin, end
    .pushsection .debug_frame, "", @progbits
.Lframes_\name:
    .long .Lframes_end_\name - .Lframes_from_\name
.Lframes_from_\name:
    .long .Lia2_frames
    .quad \begin
    .quad \end - \begin
    .popsection
.endm
.macro ia2_frames_end name
    .pushsection .debug_frame, "", @progbits
    .balign 8, 0
.Lframes_end_\name:
    .popsection
.endm

/* A row: from \at on, the frame is as \bytes say. \from is where the row before begins. */
.macro ia2_frames_row from, at, bytes:vararg
    .pushsection .debug_frame, "", @progbits
    .byte CFA_ADVANCE_LOC4
    .long \at - \from
    .byte \bytes
    .popsection
.endm

/* Expressions. This one turns a word of a chain into the frame that the word names. The word may be
 * complemented. */
.macro ia2_op_frame
    .byte OP_DUP, OP_CONST1U, 63, OP_SHRA, OP_XOR
.endm
/* Pushes 1 if the frame on top is a call of a gate in \table, else 0. */
.macro ia2_op_calls table
    .byte OP_DUP, OP_DEREF, OP_ADDR
    .quad \table\()_descs
    .byte OP_MINUS, OP_DUP, OP_LIT0, OP_GE, OP_SWAP, OP_CONST4U
    .long \table\()_descs_size
    .byte OP_LT, OP_AND
.endm
.macro ia2_op_goto op, label
    .byte \op
    .short \label - (. + 2)
.endm

/* The path's caller is suspended, or was until just now. The expression gives the stack pointer at
 * which the caller waits, plus the size of what the caller had pushed.
 *
 * The calls in progress of each compartment are a chain (IA2_SUSPENDED_SP). The calls of \c's chain
 * that lead to \n are the entries of \n's chain that came by this path, in the same order. The
 * expression counts both from the thread's first call on, since between two stacks the last call is
 * in only one of the chains.
 *
 * The thread's record is the one in which %rsp lies on \n's stack. Key 0 has no stack of its own:
 * its record is the one whose top is in %r14. The comments say what the expression's stack
 * holds. */
.macro ia2_frame_of_caller c, n, table
    .byte CFA_DEF_CFA_EXPRESSION
    .uleb128 .Lexpression_end\@ - .Lexpression\@
.Lexpression\@:
    .byte OP_ADDR
    .quad .Lia2_state
    .byte OP_DEREF, OP_PLUS_UCONST
    .uleb128 IA2_STATE_THREADS
.Lrecord\@:                             /* record */
    .byte OP_DUP, OP_PLUS_UCONST
    .uleb128 IA2_RECORD_TOP + 8 * \n
    .byte OP_DEREF
    .if \n
    .byte OP_BREG0 + DWARF_RSP, 0, OP_MINUS, OP_DUP, OP_LIT0, OP_GT, OP_SWAP
    .byte OP_PICK, 2, OP_PLUS_UCONST
    .uleb128 IA2_RECORD_ZONE_SIZE
    .byte OP_DEREF, OP_PLUS_UCONST
    .uleb128 IA2_SIGNAL_GUARD + IA2_SIGNAL_ZONE
    .byte OP_LE, OP_AND
    .else
    .byte OP_BREG0 + 14, 0, OP_EQ
    .endif
    ia2_op_goto OP_BRA, .Lon_stack\@
    .byte OP_PLUS_UCONST
    .uleb128 1 << IA2_RECORD_SHIFT
    ia2_op_goto OP_SKIP, .Lrecord\@

.Lon_stack\@:                           /* record; down to the frame where \n was entered */
    .byte OP_DUP, OP_PLUS_UCONST
    .uleb128 IA2_RECORD_TOP + 8 * \n
    .byte OP_DEREF, OP_CONST1S, IA2_SUSPENDED_SP, OP_PLUS, OP_DEREF
.Ldown\@:                               /* record, word */
    ia2_op_frame
    .byte OP_DUP, OP_CONST1S, -16, OP_AND, OP_BREG0 + DWARF_RSP, 0, OP_CONST1S, -16, OP_AND, OP_EQ
    ia2_op_goto OP_BRA, .Lat_entry\@
    .byte OP_PLUS_UCONST, IA2_FRAME_RUNNING, OP_DEREF
    ia2_op_goto OP_SKIP, .Ldown\@

.Lat_entry\@:
    .byte OP_LIT0 + 1, OP_SWAP
.Lentries\@:                            /* record, entries so far, frame */
    .byte OP_PLUS_UCONST, IA2_FRAME_RUNNING, OP_DEREF, OP_DUP
    ia2_op_frame
    .byte OP_DUP, OP_LIT0, OP_EQ
    ia2_op_goto OP_BRA, .Lentries_end\@
    .byte OP_DUP, OP_CONST1S, -16, OP_AND, OP_CONST1S, -8, OP_PLUS, OP_DEREF, OP_ADDR
    .quad .Lback_\table\()_\c
    .byte OP_EQ, OP_PICK, 2, OP_LIT0, OP_LT, OP_AND
    /* record, entries, word, frame, 1 if the frame is an entry by this path */
    .byte OP_ROT, OP_SWAP, OP_DROP, OP_ROT, OP_PLUS, OP_SWAP
    ia2_op_goto OP_SKIP, .Lentries\@

.Lentries_end\@:                        /* record, entries, word, frame */
    .byte OP_DROP, OP_DROP, OP_SWAP, OP_PLUS_UCONST
    .uleb128 IA2_RECORD_TOP + 8 * \c
    .byte OP_DEREF, OP_CONST1S, IA2_SUSPENDED_SP, OP_PLUS, OP_DEREF, OP_SWAP, OP_NEG, OP_OVER
.Lcalls\@:                              /* \c's word, calls so far - entries, word */
    ia2_op_frame
    .byte OP_DUP, OP_LIT0, OP_EQ
    ia2_op_goto OP_BRA, .Lcalls_end\@
    ia2_op_calls \table
    .byte OP_ROT, OP_PLUS_UCONST, IA2_FRAME_RUNNING, OP_DEREF, OP_ROT, OP_PLUS, OP_SWAP
    ia2_op_goto OP_SKIP, .Lcalls\@

.Lcalls_end\@:
    .byte OP_DROP, OP_SWAP
.Lskip\@:                               /* calls to leave out, word */
    ia2_op_frame
    ia2_op_calls \table
    .byte OP_DUP, OP_PICK, 3, OP_LIT0, OP_EQ, OP_AND
    ia2_op_goto OP_BRA, .Lskipped\@
    .byte OP_ROT, OP_PLUS_UCONST, IA2_FRAME_RUNNING, OP_DEREF, OP_ROT, OP_SWAP, OP_MINUS, OP_SWAP
    ia2_op_goto OP_SKIP, .Lskip\@
.Lskipped\@:
    .byte OP_DROP, OP_PLUS_UCONST, IA2_FRAME_WORDS
.Lexpression_end\@:
.endm

/* A path's rows while %rsp is on the callee's stack, from \at on. */
.macro ia2_frames_of_callee from, at, c, n, table
    .pushsection .debug_frame, "", @progbits
    .byte CFA_ADVANCE_LOC4
    .long \at - \from
    ia2_frame_of_caller \c, \n, \table
    .popsection
.endm

/* After \no_top, %r14 no longer holds key 0's top. At \resumed the caller counts as running, and
 * its stack pointer is in %rax. From \back on, %rsp is the caller's again. */
.macro ia2_frames_of_return from, no_top, resumed, back, n
    .if \n
    ia2_frames_row \from, \resumed, CFA_DEF_CFA, DWARF_RAX, IA2_FRAME_WORDS
    .else
    ia2_frames_row \from, \no_top, CFA_UNDEFINED, DWARF_RIP
    ia2_frames_row \no_top, \resumed, CFA_DEF_CFA, DWARF_RAX, IA2_FRAME_WORDS, \
        CFA_OFFSET + DWARF_RIP, 1
    .endif
    ia2_frames_row \resumed, \back, CFA_DEF_CFA, DWARF_RSP, IA2_FRAME_WORDS
.endm

/* For the part of a gate that runs for the owner, if the stack arguments are aligned to more than
 * the stack. The body has set %rbx, which the owner keeps. %rbx says where the return address
 * is. */
.macro ia2_frames_aligned reg
    .cfi_escape CFA_DEF_CFA_EXPRESSION, 5, OP_BREG0 + \reg, 0, OP_CONST1S, 0xf0, OP_AND
.endm
/* The same while %rbx is kept at \kept(%rsp). */
.macro ia2_frames_kept kept, align
    .if \align > 16
    .cfi_escape CFA_DEF_CFA_EXPRESSION, 12, OP_BREG0 + DWARF_RSP, 0, OP_CONST4U, \
        (\kept) & 255, (\kept) >> 8 & 255, (\kept) >> 16 & 255, 0, \
        OP_PLUS, OP_DEREF, OP_CONST1S, 0xf0, OP_AND
    .endif
.endm

/* ---- names ----------------------------------------------------------------------------------- */

/* gdb's name of each path: the caller's key and the callee's. Without the name, gdb would show
 * __morestack (ia2_gate.S). */
.macro ia2_path_name c, n, begin, end
    .pushsection .debug_info, "", @progbits
    .uleb128 3
    .asciz "ia2_gate_from_\c\()_to_\n"
    .quad \begin
    .quad \end - \begin
    .popsection
.endm

.macro ia2_names_begin
    .pushsection .debug_abbrev, "", @progbits
.Lia2_abbreviations:
    .uleb128 1, 0x11                        /* DW_TAG_compile_unit, with children */
    .byte 1
    /* name: string, language: data2, low_pc: addr, high_pc: data8 */
    .uleb128 0x03, 0x08, 0x13, 0x05, 0x11, 0x01, 0x12, 0x07, 0, 0
    .uleb128 2, 0x2e                        /* DW_TAG_subprogram, with children */
    .byte 1
    .uleb128 0x03, 0x08, 0x11, 0x01, 0x12, 0x07, 0, 0
    .uleb128 3, 0x2e                        /* DW_TAG_subprogram */
    .byte 0
    .uleb128 0x03, 0x08, 0x11, 0x01, 0x12, 0x07, 0, 0
    .byte 0
    .popsection
    .pushsection .debug_info, "", @progbits
    .long .Lia2_names_end - .Lia2_names
.Lia2_names:
    .short 4
    .long .Lia2_abbreviations
    .byte 8
    .uleb128 1
    .asciz "call gates"
    .short 0x8001                           /* DW_LANG_Mips_Assembler */
    .quad .Lia2_bodies
    .quad .Lia2_bodies_end - .Lia2_bodies
    .uleb128 2
    .asciz "ia2_gate"
    .quad .Lia2_bodies
    .quad .Lia2_bodies_end - .Lia2_bodies
    .popsection
.endm
.macro ia2_names_end
    .pushsection .debug_info, "", @progbits
    .byte 0, 0
.Lia2_names_end:
    .popsection
.endm

/* All entries written here begin with this: the frame as at a function's first instruction. */
    .pushsection .debug_frame, "", @progbits
    .balign 8, 0
.Lia2_frames:
    .long .Lia2_frames_end - . - 4
    .long 0xffffffff
    .byte 1
    .asciz ""
    .uleb128 1
    .sleb128 -8
    .byte DWARF_RIP
    .byte CFA_DEF_CFA, DWARF_RSP, 8, CFA_OFFSET + DWARF_RIP, 1
    .balign 8, 0
.Lia2_frames_end:
    .popsection
