/* uint32_t ia2_open_keys(void): opens every key and gives the PKRU there was. void ia2_close_keys(uint32_t pkru): sets it. In the
 * runtime of permissive programs only, which protects nothing. */
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
8801: .byte 0x0f, 0x01, 0xef                /* wrpkru */
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
8802: .byte 0x0f, 0x01, 0xef                /* wrpkru */
    ret
    .cfi_endproc
    .size ia2_close_keys, . - ia2_close_keys

    .section ia2_sites, "a", @progbits
    .balign 8
    .long 8801b - .
    .short 2, 3                             /* IA2_SITE_WRPKRU */
    .long 8802b - .
    .short 2, 3
    .section .note.GNU-stack, "", @progbits
