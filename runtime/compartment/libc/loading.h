/* dlopen and its like. */
#ifndef IA2_COMPARTMENT_LOADING_H
#define IA2_COMPARTMENT_LOADING_H

#pragma GCC visibility push(hidden)

/* Whether this compartment is a plugin whose constructors have not been called yet. */
int ia2_is_arriving(void);

/* Whether the policy says of this compartment: guests = false. */
int ia2_refuses_guests(void);

#pragma GCC visibility pop

#endif
