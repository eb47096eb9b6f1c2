/* calls CASE: calls across compartments, good ones and bad. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ia2.h"
#include "calls.h"

/* gate app_back args_int=2 ret_int=1 type=0x77 export=0 */
/* gate app_other args_int=2 ret_int=1 type=0x78 export=0 */
IA2_DECLARE_GATE(app_back);
IA2_DECLARE_GATE(app_other);

/* Between library and program until depth is 0, both at its own depth on its own stack. */
int app_back(int depth, void *back)
{
    if (ia2_get_compartment() != PKEY)
        abort();
    if (!back)
        return depth * 2;
    return depth ? lib_ping(depth - 1, (callback *)back) + 1 : 0;
}

int app_other(int n, void *p)
{
    return n + (p != NULL);
}

static int raw(int n, void *p)
{
    puts("compromised");
    return n + (p != NULL);
}

static int call_own(callback *function)
{
    return IA2_CALL(function, TYPE_CALLBACK)(20, NULL);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    int result = -1;
    if (!strcmp(name, "nested"))
        result = lib_ping(500, IA2_FN(app_back));
    else if (!strcmp(name, "recursion"))
        result = lib_recurse(1000);
    else if (!strcmp(name, "callback"))
        result = lib_call(IA2_FN(app_back), 10);
    else if (!strcmp(name, "own-gate")) /* the owner's own pointer, called in the owner: app's in app, library's in library */
        result = call_own(IA2_FN(app_back)) + lib_call(lib_own(), 1);
    else if (!strcmp(name, "private-gate")) /* a function nobody exports, through its pointer */
        result = IA2_CALL(lib_own(), TYPE_CALLBACK)(5, "");
    else if (!strcmp(name, "third"))
        result = lib_call(third_gate(), 4) + third_calls_library(0);
    else if (!strcmp(name, "allowed-caller"))
        result = lib_first_only(1);
    else if (!strcmp(name, "wrong-caller"))
        result = third_calls_library(1);
    else if (!strcmp(name, "raw"))
        result = lib_call(raw, 1);
    else if (!strcmp(name, "misaligned"))
        result = lib_call((callback *)((char *)IA2_FN(app_back) + 5), 1);
    else if (!strcmp(name, "type"))
        result = lib_call(IA2_FN(app_other), 1);
    else if (!strcmp(name, "right-type"))
        result = lib_call_as(IA2_FN(app_other), TYPE_OTHER);
    else if (!strcmp(name, "null"))
        result = lib_call(NULL, 1);
    else if (!strcmp(name, "libc"))
        result = lib_call((callback *)(void *)abs, 1);
    else if (!strcmp(name, "data"))
        result = lib_call((callback *)(void *)&result, 1);
    else
        return 2;
    printf("result %d\n", result);
    return 0;
}
