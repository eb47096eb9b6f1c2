/* dlopen and its like. */
#ifndef IA2_COMPARTMENT_LOADING_H
#define IA2_COMPARTMENT_LOADING_H

#pragma GCC visibility push(hidden)

/* Whether this compartment is a plugin whose constructors have not been called yet. */
int ia2_is_arriving(void);

#pragma GCC visibility pop

#endif
