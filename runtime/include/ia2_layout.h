/* Numbers that C and assembly share. Each offset is checked by a _Static_assert in state.h. */
#ifndef IA2_LAYOUT_H
#define IA2_LAYOUT_H

#define IA2_MAX_COMPARTMENTS 16 /* key 0 and 1..15 */

/* struct ia2_state */
#define IA2_STATE_THREADS 0x4000
#define IA2_STATE_EXIT_FLAGS 0x3ff8

/* exit_flags: what the environment asked for at start-up */
#define IA2_EXIT_KNOWN 1
#define IA2_EXIT_TRACE 2
#define IA2_EXIT_DIAG 4
#define IA2_EXIT_ALLOW_ALL 8
#define IA2_EXIT_LEGACY 16
#define IA2_EXIT_OPEN_ALL 32 /* one of the last two */

/* struct ia2_thread_record: power of two, so a slot becomes an offset by one shift */
#define IA2_RECORD_SHIFT 8
#define IA2_SLOT_COUNT 4096
#define IA2_SLOT_MASK (IA2_SLOT_COUNT - 1)
#define IA2_RECORD_FSBASE 0
#define IA2_RECORD_TID 8
#define IA2_RECORD_TOP 16
#define IA2_RECORD_ZONE_SIZE 144

/* struct ia2_module and its compartment's descriptor */
#define IA2_STATE_MODULES 16
#define IA2_MODULE_SIZE 176
#define IA2_COMPARTMENT_UNWOUND 128

/* The word below a stack's top that says where the compartment's next frame goes: 0 never entered,
 * otherwise the stack pointer at which the compartment is suspended or idle. While it runs, the
 * complement (so, negative) of where that will be when the call in progress is over, which is also
 * where the frames of this call begin. A suspended compartment has this word in its frame, so the
 * calls that are in progress in it are a chain, which only it can write; jumps follow it. */
#define IA2_SUSPENDED_SP (-16)
#define IA2_FIRST_FRAME (-64)

/* The frame of a call that leaves a compartment, at the stack pointer where it is suspended:
 * descriptor, result buffer, MXCSR, the word above, six registers, return address, stack arguments.
 * Where a signal suspended it there is the word alone. */
#define IA2_FRAME_RESULT 8
#define IA2_FRAME_MXCSR 16
#define IA2_FRAME_RUNNING 24
#define IA2_FRAME_SIZE 32
#define IA2_FRAME_WORDS 88

/* While a signal has interrupted the compartment its frames go to a signal zone, which lies a guard
 * page below its stack: one part for each depth of interruption. The word that counts the depth is
 * beside the other. */
#define IA2_SIGNAL_DEPTH (-24)
#define IA2_SIGNAL_DEPTHS 4
#define IA2_SIGNAL_ZONE_SHIFT 16
#define IA2_SIGNAL_ZONE (IA2_SIGNAL_DEPTHS << IA2_SIGNAL_ZONE_SHIFT)
#define IA2_SIGNAL_GUARD 4096

/* struct ia2_gate_descriptor */
#define IA2_DESC_SHIFT 5
#define IA2_DESC_ENTER 0
#define IA2_DESC_BEFORE 8
#define IA2_DESC_AFTER 16
#define IA2_DESC_CALLERS 24
#define IA2_DESC_TYPE 28

/* struct ia2_compartment_descriptor: where the audit (kit/ia2/audit.py) finds what a program was
 * built as */
#define IA2_DESCRIPTOR_PERMISSIVE 292

/* One gate stub: what a boundary function's address is. */
#define IA2_STUB_SHIFT 4

/* ia2_sites entry kinds */
#define IA2_SITE_RDPKRU 1
#define IA2_SITE_WRPKRU 2
#define IA2_SITE_AVX512 3
#define IA2_SITE_AVX 4
#define IA2_SITE_RDFSBASE 5

/* PKRU with which the kernel starts a program and enters a signal handler: only key 0 is open. */
#define IA2_PKRU_0 0x55555554

#endif
