/* The plugin. Its file, with another text here, is the file that must not come in its
 * place (attack_project.py). */
#include <unistd.h>

static const volatile char kind[] = "the plugin itself";

/* Whether this runs with the plugin's key, 4. */
static int has_key(void)
{
    unsigned pkru, zero;
    asm volatile("rdpkru" : "=a"(pkru), "=d"(zero) : "c"(0));
    return !(pkru & 3 << 8);
}

/* In unsafe.ia2.so this is a WRPKRU, for which the file must be refused. */
static __attribute__((used)) void never_called(void)
{
    asm volatile("rdpkru; .ascii \"HERE\"");
}

long filter_entry(long a)
{
    static const char text[] = "EFFECT: another file came as the plugin\n";
    if (kind[0] != 't' && has_key() && write(1, text, sizeof text - 1) > 0)
        return -1;
    return a;
}
