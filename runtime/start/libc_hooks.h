/* What a compartment can set in libc to have its code run when others call libc. */
#ifndef IA2_LIBC_HOOKS_H
#define IA2_LIBC_HOOKS_H

struct ia2_code_pages;

/* Closes the hooks that need no other place for libc's data:
 *
 * - register_printf_*() and __nss_configure_lookup() end the process, in words. libc reads the
 *   tables of the former from a constant, whatever a compartment writes there.
 * - GCONV_PATH has no effect later: libc finds its character sets now.
 *
 * docs/threat-model.md lists the hooks that stay open. Notes changes of code in \a pages. Call it
 * once, before code of a compartment runs and while there is one thread. Ends the process, in
 * words, if libc is not as it is known to be. */
void ia2_libc_hooks_close(struct ia2_code_pages *pages);

#endif
