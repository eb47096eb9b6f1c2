#include "assembly.h"

#include "analysis/gates.h"
#include "base/intern.h"
#include "destructors.h"

/* How many gates of the same function follow the one that is its address. */
static unsigned further_gates(const struct gates *gates, const struct gate *gate)
{
    const struct gate *const end = gates->list + gates->count;
    unsigned count = 0;
    if (gate->symbol == gate->family)
        while (gate + 1 + count < end && gate[1 + count].owner == gate->owner &&
               gate[1 + count].family == gate->family)
            count++;
    return count;
}

char *assembly_text(const struct program *program, const struct compartment *compartment,
                    size_t *length)
{
    const struct plan *const plan = &program->plan;
    const struct gates *const gates = program->gates;
    struct text out = {0};
    text_puts(&out, "/* Made by ia2-rewriter from plan.json. DO NOT EDIT. */\n");
    text_printf(&out, "#define IA2_ID %u\n#define IA2_NAME \"%s\"\n#define IA2_COMPARTMENTS %u\n",
                compartment->key, compartment->name, plan->compartment_count);
    for (unsigned i = 0; i < plan->compartment_count; i++)
        text_printf(&out, "    .set ia2_pkru_%u, 0x%08x\n", i + 1, plan->compartments[i].pkru);
    unsigned plugin_keys = 0;
    for (unsigned i = 0; i < plan->compartment_count; i++)
        plugin_keys |= plan->compartments[i].plugin ? 1u << (i + 1) : 0;
    if (plugin_keys)
        text_printf(&out, "#define IA2_PLUGIN_KEYS 0x%x\n", plugin_keys);
    if (compartment->system_calls != ALL_SYSTEM_CALLS)
        text_printf(&out, "#define IA2_SYSTEM_CALLS 0x%x\n", compartment->system_calls);
    if (compartment->heap_clients)
        text_printf(&out, "#define IA2_HEAP_CLIENTS 0x%x\n", compartment->heap_clients);
    text_puts(&out, "#include <ia2_gate.S>\n");
    for (size_t i = 0; i < gates->count; i++) {
        const struct gate *const g = &gates->list[i];
        if (g->owner != compartment->key)
            continue;
        if (g->ungated) {
            text_printf(&out, "ia2_no_gate symbol=%s, target=%s\n", g->symbol, g->target);
            continue;
        }
        text_printf(&out,
                    "ia2_gate symbol=%s, target=%s, callers=0x%x, args_int=%u, args_sse=%u, "
                    "ret_int=%u, ret_sse=%u, "
                    "stack_words=%u, sret_bytes=%u, type=0x%08x, export=%d",
                    g->symbol, g->target, g->callers, g->shape.args_int, g->shape.args_sse,
                    g->shape.ret_int, g->shape.ret_sse, g->shape.stack_words, g->shape.sret_bytes,
                    g->type, g->exported);
        if (g->shape.variadic)
            text_puts(&out, ", variadic=1");
        const unsigned further = further_gates(gates, g);
        if (further)
            text_printf(&out, ", further=%u", further);
        if (g->shape.ret_x87)
            text_printf(&out, ", ret_x87=%u", g->shape.ret_x87);
        if (g->shape.align)
            text_printf(&out, ", align=%u", g->shape.align);
        if (g->shape.ymm | g->shape.zmm | g->shape.ret_ymm | g->shape.ret_zmm)
            text_printf(&out, ", ymm=0x%x, zmm=0x%x, ret_ymm=0x%x, ret_zmm=0x%x", g->shape.ymm,
                        g->shape.zmm, g->shape.ret_ymm, g->shape.ret_zmm);
        text_puts(&out, "\n");
    }
    for (unsigned i = 0; i < plan->compartment_count; i++)
        if (plan->compartments[i].plugin && compartment->key == 1)
            text_printf(&out, "ia2_plugin key=%u, file=\"%s\", name=\"%s\"\n", i + 1,
                        plan->compartments[i].file, plan->compartments[i].plugin);
    destructors_assembly(&out, program->destructors, compartment->key);
    text_puts(&out, "ia2_gates_end\n");
    *length = out.length;
    return out.data;
}
