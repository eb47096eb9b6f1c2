/* What messages call a compartment. */
#ifndef IA2_COMPARTMENT_NAME_H
#define IA2_COMPARTMENT_NAME_H

/* The name that the policy gives the compartment with this key; "key 0", "a plugin that is not
 * loaded" or "no compartment" for others. Any number may be asked for. Constant memory;
 * async-signal-safe. */
const char *ia2_compartment_name(int key);

/* Whether the compartment is there, so that it has a name of its own. */
int ia2_has_compartment(int key);

#endif
