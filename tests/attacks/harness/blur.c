/* The plugin. Its file, with another text here, is the file that must not come in its place. */
#include <unistd.h>

static const volatile char kind[] = "the plugin itself";

/* Whether this runs with the plugin's key, 4. */
static int has_key(void)
{
    unsigned pkru, zero;
    asm volatile("rdpkru" : "=a"(pkru), "=d"(zero) : "c"(0));
    return !(pkru & 3 << 8);
}

long filter_entry(long a)
{
    static const char text[] = "EFFECT: another file came as the plugin\n";
    if (kind[0] != 't' && has_key() && write(1, text, sizeof text - 1) > 0)
        return -1;
    return a;
}
