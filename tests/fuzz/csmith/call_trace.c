/* Linked into a program compiled with -finstrument-functions: writes each different call that it made, in order, as two offsets in
 * the program (caller, callee) a line, to the file named by CALL_TRACE. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define PLAIN __attribute__((no_instrument_function))

extern const char __executable_start[];
void __cyg_profile_func_enter(void *function, void *site);
void __cyg_profile_func_exit(void *function, void *site);

static struct { uintptr_t caller, callee; } calls[4096];
static uintptr_t stack[4096];
static size_t call_count, depth;

PLAIN void __cyg_profile_func_enter(void *function, void *site) {
    const uintptr_t callee = (uintptr_t)function - (uintptr_t)__executable_start, caller = depth ? stack[depth - 1] : 0;
    (void)site;
    if (depth == 4096)
        abort();
    stack[depth++] = callee;
    for (size_t i = 0; i < call_count; i++)
        if (calls[i].caller == caller && calls[i].callee == callee)
            return;
    if (call_count < 4096) {
        calls[call_count].caller = caller;
        calls[call_count++].callee = callee;
    }
}

PLAIN void __cyg_profile_func_exit(void *function, void *site) {
    (void)function, (void)site;
    depth--;
}

PLAIN static __attribute__((destructor)) void write_calls(void) {
    const char *const name = getenv("CALL_TRACE");
    FILE *const out = name ? fopen(name, "w") : NULL;
    for (size_t i = 0; out && i < call_count; i++)
        fprintf(out, "%zx %zx\n", calls[i].caller, calls[i].callee);
    if (out)
        fclose(out);
}
