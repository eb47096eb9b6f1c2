/* class: libc
 * source: fopencookie(3); libc keeps the functions in the stream, mixed with a word that all can read
 * tries: to put the payload into a stream of its own without a call of fopencookie
 * must: have no effect on other compartments
 * expect: stopped */
#include "attack.h"

ATTACK
{
    static char cookie[1];
    cookie_io_functions_t functions;
    memset(&functions, 0, sizeof functions);
    FILE *file = fopencookie(cookie, "w", functions);
    word secret, *mangled = (word *)((char *)file + 0xe8);
    asm("mov %%fs:0x30, %0" : "=r"(secret));
    word pointer = (word)payload ^ secret;
    for (int i = 0; i < 4; i++)
        mangled[i] = pointer << 17 | pointer >> 47;
    ((struct _IO_FILE *)file)->_flags |= 2; /* unbuffered */
    *(FILE **)exported("stdout") = file;
    victim_call(PUTS, 0, 0);
}
