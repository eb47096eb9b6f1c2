/* uint32_t ia2_open_keys(void): opens every key and returns the PKRU from before.
 * void ia2_close_keys(uint32_t pkru): sets PKRU.
 * Only the runtime of permissive programs has these functions. That runtime protects nothing. */
#include "ia2_layout.h"

    .text
    .balign 16
    .globl ia2_open_keys
    .hidden ia2_open_keys
    .type ia2_open_keys, @function
ia2_open_keys:
    .cfi_startproc
    xor %ecx, %ecx
    .byte 0x0f, 0x01, 0xee                  /* rdpkru */
    mov %eax, %r8d
    xor %eax, %eax
    xor %edx, %edx
.Lopen:
    .byte 0x0f, 0x01, 0xef                /* wrpkru */
    mov %r8d, %eax
    ret
    .cfi_endproc
    .size ia2_open_keys, . - ia2_open_keys

    .balign 16
    .globl ia2_close_keys
    .hidden ia2_close_keys
    .type ia2_close_keys, @function
ia2_close_keys:
    .cfi_startproc
    mov %edi, %eax
    xor %ecx, %ecx
    xor %edx, %edx
.Lclose:
    .byte 0x0f, 0x01, 0xef                /* wrpkru */
    ret
    .cfi_endproc
    .size ia2_close_keys, . - ia2_close_keys

    .section ia2_sites, "a", @progbits
    .balign 8
    .long .Lopen - .
    .short IA2_SITE_WRPKRU, 3
    .long .Lclose - .
    .short IA2_SITE_WRPKRU, 3
    .section .note.GNU-stack, "", @progbits
