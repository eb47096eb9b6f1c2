#define _GNU_SOURCE
#include "state/signal_frame.h"

#include <string.h>

#include "base/die.h"
#include "state/state.h"

#define PKRU_FEATURE (1u << 9)
#define XSTATE_HEADER 512

/* Where PKRU is, if XSAVE stored it. */
static char *place(const ucontext_t *context)
{
    /* struct _fpx_sw_bytes at byte 464 of the FXSAVE area (arch/x86/include/uapi/asm/sigcontext.h).
     */
    char *area = (char *)context->uc_mcontext.fpregs;
    uint32_t magic;
    uint64_t features;
    memcpy(&magic, area + 464, sizeof(magic));
    memcpy(&features, area + 472, sizeof(features));
    if (magic != 0x46505853 || !(features & PKRU_FEATURE))
        ia2_die("signal frame without PKRU");
    return area + ia2_state.pkru_offset;
}

uint32_t ia2_frame_pkru(const ucontext_t *context)
{
    if (!ia2_state.pkeys)
        return ia2_virtual_pkru;
    const char *at = place(context);
    uint64_t present;
    uint32_t pkru;
    /* PKRU may be in its initial state (0), which XSAVE need not store. */
    memcpy(&present, (char *)context->uc_mcontext.fpregs + XSTATE_HEADER, sizeof(present));
    memcpy(&pkru, at, sizeof(pkru));
    return present & PKRU_FEATURE ? pkru : 0;
}

void ia2_frame_set_pkru(ucontext_t *context, uint32_t pkru)
{
    if (!ia2_state.pkeys)
        return;
    char *at = place(context), *header = (char *)context->uc_mcontext.fpregs + XSTATE_HEADER;
    uint64_t present;
    memcpy(&present, header, sizeof(present));
    present |= PKRU_FEATURE;
    memcpy(header, &present, sizeof(present));
    memcpy(at, &pkru, sizeof(pkru));
}
