#include "state/compartment_name.h"

#include "state/state.h"

int ia2_has_compartment(int key)
{
    return key >= 1 && key <= IA2_LAST_COMPARTMENT && ia2_state.module[key].descriptor;
}

const char *ia2_compartment_name(int key)
{
    if (key == 0)
        return "key 0";
    if (ia2_has_compartment(key))
        return ia2_state.module[key].descriptor->name;
    if (key == IA2_KEY_STATE || key == IA2_KEY_MONITOR)
        return "the runtime";
    return key >= 1 && (uint32_t)key <= ia2_state.count ? "a plugin that is not loaded"
                                                        : "no compartment";
}
