/* Sites: instructions that start-up patches for the CPU at hand (load/sites.c). For the gates, and
 * for the runtime's own assembly. */

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
.Lsite\@:
    .byte 0x0f, 0x01, 0xee
    .byte 0x0f, 0x1f, 0x44, 0x00, 0x00
.Lsite_end\@:
    ia2_site IA2_SITE_RDPKRU, .Lsite\@, .Lsite_end\@
.endm

.macro ia2_wrpkru value
    mov $\value, %eax
    xor %ecx, %ecx
    xor %edx, %edx
.Lsite\@:
    .byte 0x0f, 0x01, 0xef
    .byte 0x0f, 0x1f, 0x44, 0x00, 0x00
.Lsite_end\@:
    ia2_site IA2_SITE_WRPKRU, .Lsite\@, .Lsite_end\@
    cmp $\value, %eax
    jne .Lia2_die_pkru
.endm

/* The site is wide enough for mov %fs:0, %rax, which start-up puts here without FSGSBASE. */
.macro ia2_rdfsbase
.Lsite\@:
    rdfsbase %rax
    .byte 0x0f, 0x1f, 0x40, 0x00
.Lsite_end\@:
    ia2_site IA2_SITE_RDFSBASE, .Lsite\@, .Lsite_end\@
.endm
