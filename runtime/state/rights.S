/* void ia2_keep_key0(void): gives up every right but key 0's. The function can only lose rights, so
 * a jump into it gains nothing.
 *
 * void ia2_take_all_keys(void): see rights.h. Nothing before the WRPKRU is a check. Who jumps there
 * gets the keys only if the environment asked for that at start-up. The state holds the answer, and
 * these rights do not let anybody write it.
 *
 * ia2_die_pkru and its like: where the runtime's own entries end if a check fails. No register,
 * no stack and no right can be relied on there, so the code makes only system calls. */
#include "ia2_layout.h"
#include "gates/ia2_gate_sites.S"

    .text
    .balign 16
    .globl ia2_keep_key0
    .hidden ia2_keep_key0
    .type ia2_keep_key0, @function
ia2_keep_key0:
    ia2_wrpkru IA2_PKRU_0
    ret
.Lia2_die_pkru:
    jmp ia2_die_pkru
    .size ia2_keep_key0, . - ia2_keep_key0

    .balign 16
    .globl ia2_take_all_keys
    .hidden ia2_take_all_keys
    .type ia2_take_all_keys, @function
ia2_take_all_keys:
    ia2_wrpkru IA2_PKRU_ALL
    mov ia2_state@GOTPCREL(%rip), %r8
    testl $IA2_EXIT_OPEN_ALL, IA2_STATE_EXIT_FLAGS(%r8)
    jz 1f
    ret
    /* No fault here: a compartment could own the handler, which would get a frame with these
     * rights. */
1:  mov $231, %eax                          /* exit_group */
    mov $134, %edi
    syscall
    ud2
    .size ia2_take_all_keys, . - ia2_take_all_keys

.macro refusal label, text
    .globl ia2_die_\label
    .hidden ia2_die_\label
    .type ia2_die_\label, @function
ia2_die_\label:
    lea .Ltext\@(%rip), %rsi
    mov $.Ltext_end\@ - .Ltext\@, %edx
    jmp .Ldie
    .size ia2_die_\label, . - ia2_die_\label
    .pushsection .rodata.ia2, "a", @progbits
.Ltext\@:
    .ascii "ia2: the runtime: \text\n"
.Ltext_end\@:
    .popsection
.endm
    refusal pkru, "PKRU does not hold the value that the runtime wrote"
    refusal thread, "the thread is not the one of its record"
    refusal entry, "the signal entry was not entered by the kernel"
    refusal monitor, "a signal has interrupted the monitor"

    .type ia2_dies, @function
ia2_dies:
.Ldie:
    mov $1, %eax                            /* write */
    mov $2, %edi
    syscall
    jmp ia2_end_process_now
    .size ia2_dies, . - ia2_dies
    .section .note.GNU-stack, "", @progbits
