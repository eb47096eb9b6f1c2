/* void ia2_keep_key0(void): gives up every right but key 0's. The function can only lose rights, so
 * a jump into it gains nothing. On a CPU without keys, the virtual PKRU is a thread-local word. */
#include "ia2_layout.h"

    .text
    .balign 16
    .globl ia2_keep_key0
    .hidden ia2_keep_key0
    .type ia2_keep_key0, @function
ia2_keep_key0:
    mov ia2_state@GOTPCREL(%rip), %r8
    cmpl $0, IA2_STATE_PKEYS(%r8)
    je 1f
    mov $IA2_PKRU_0, %eax
    xor %ecx, %ecx
    xor %edx, %edx
.Lwrpkru:
    .byte 0x0f, 0x01, 0xef                  /* wrpkru */
    cmp $IA2_PKRU_0, %eax
    jne 2f
1:  mov ia2_virtual_pkru@GOTTPOFF(%rip), %r8
    movl $IA2_PKRU_0, %fs:(%r8)
    ret
2:  ud2
    .size ia2_keep_key0, . - ia2_keep_key0
    /* The audit wants every WRPKRU listed. Start-up never patches this one. */
    .section ia2_sites, "a", @progbits
    .balign 8
    .long .Lwrpkru - .
    .short IA2_SITE_WRPKRU, 3
    .section .note.GNU-stack, "", @progbits
