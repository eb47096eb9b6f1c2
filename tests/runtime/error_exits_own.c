#include <stdio.h>
void error(const char *text);
void error(const char *text)
{
    fputs(text, stderr);
}
