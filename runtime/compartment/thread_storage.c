/* The thread-local storage of this compartment, on a thread that begins or ends. Before and after,
 * it is part of what libc keeps for threads, where everybody can write it: so its values are set
 * when it is under this compartment's key, and again before it loses the key. */
#include <string.h>

#include "base/die.h"
#include "compartment/compartment.h"
#include "compartment/libc/loading.h"

/* The runtime's gate leads here, but whoever gives up his own rights may call it with key 0; the
 * record says whether it is time. */
void ia2_compartment_thread_storage(uint32_t slot)
{
    const struct ia2_thread_record *record = &ia2_state.thread[slot & IA2_SLOT_MASK];
    const struct ia2_module *own = &ia2_state.module[ia2_this_compartment.id];
    if (record->state != IA2_SLOT_QUIET && !(record->state == IA2_SLOT_LIVE && ia2_is_arriving()))
        ia2_die("compartment %s: the thread-local storage of a thread that runs is to be set",
                ia2_this_compartment.name);
    char *block = (char *)record->fsbase + own->tls_offset;
    memcpy(block, own->tls_image, own->tls_image_size);
    memset(block + own->tls_image_size, 0, own->tls_size - own->tls_image_size);
}
