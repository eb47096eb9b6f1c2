#define _GNU_SOURCE
#include "signals/signals.h"

#include <cpuid.h>
#include <errno.h>
#include <string.h>

#include "base/die.h"
#include "permissive/let_through.h"
#include "signals/arrival.h"
#include "signals/entry.h"
#include "state/monitor.h"
#include "state/state.h"
#include "state/system_calls.h"

/* What the kernel gets for a signal that comes to the runtime first. */
static struct sigaction entered(int flags)
{
    struct sigaction act = {.sa_sigaction = ia2_signal_entry,
                            .sa_flags = flags | SA_SIGINFO | SA_ONSTACK};
    sigfillset(&act.sa_mask);
    return act;
}

/* The same for a signal that nobody handles: the runtime explains it. */
static void catch (int number)
{
    struct sigaction act = entered(0), old;
    if (!ia2_sys_action(number, NULL, &old) &&
        (old.sa_handler == SIG_DFL || ia2_permissive_catches(number)))
        ia2_sys_action(number, &act, NULL);
}

/* What one call of sigaction is about. */
struct setting {
    struct sigaction act, old;
    int number, acts;
};

/* The monitor's part: sets, and fills in what was set before. 0 or a negative errno. */
static int set(struct setting *it, int owner)
{
    struct ia2_signal *signal = &ia2_state.signal[it->number], before = *signal, now = {0};
    const struct sigaction *act = &it->act;
    struct sigaction raw = *act, raw_old;
    if (it->acts) {
        int caught = (it->number == SIGSEGV && act->sa_handler == SIG_DFL) ||
                     ia2_permissive_catches(it->number);
        now.mask = ia2_mask_bits(&act->sa_mask);
        /* SA_RESETHAND, SA_NODEFER ... stay the kernel's; SIG_DFL and SIG_IGN are no code. Where
         * violations are let through, SA_RESETHAND would take the runtime's own handler. */
        if (act->sa_handler != SIG_DFL && act->sa_handler != SIG_IGN) {
            now.handler = act->sa_sigaction;
            now.owner = (uint32_t)owner;
            now.flags = (uint32_t)act->sa_flags;
            caught = 1;
        } else if (caught) {
            now.handler = act->sa_sigaction; /* SIG_DFL or SIG_IGN, for who asks what it was */
        }
        if (caught)
            raw = entered(act->sa_flags & ~(ia2_permissive_catches(it->number) ? SA_RESETHAND : 0));
        *signal = now;
    }
    int r = ia2_sys_action(it->number, it->acts ? &raw : NULL, &raw_old);
    if (r) {
        *signal = before;
        return r;
    }
    it->old = raw_old;
    if (raw_old.sa_sigaction == ia2_signal_entry && raw_old.sa_flags & SA_SIGINFO) {
        it->old.sa_sigaction = before.handler; /* NULL is SIG_DFL: the runtime's own handler */
        it->old.sa_flags = (int)before.flags;
        sigemptyset(&it->old.sa_mask);
        memcpy(&it->old.sa_mask, &before.mask, sizeof(before.mask));
    }
    return 0;
}

long ia2_signal_setting(long given, long unused1, long unused2, long unused3, int caller)
{
    (void)unused1, (void)unused2, (void)unused3;
    struct setting it;
    ia2_monitor_copy_in(caller, &it, (const void *)given, sizeof(it));
    if (ia2_state.contained && it.number == SIGSYS)
        return -EINVAL;
    if (it.number < 1 || it.number >= _NSIG || caller < 1 || caller > IA2_LAST_COMPARTMENT)
        return -EINVAL;
    int r = set(&it, caller);
    if (!r)
        ia2_monitor_copy_out(caller, (void *)given, &it, sizeof(it));
    return r;
}

int ia2_signal_set(int number, const struct sigaction *act, struct sigaction *old)
{
    struct setting it = {.number = number, .acts = act != NULL};
    if (act)
        it.act = *act;
    long r = ia2_monitor(IA2_DO_SIGNAL_SET, (long)&it, 0, 0, 0);
    if (r) {
        errno = (int)-r;
        return -1;
    }
    if (old)
        *old = it.old;
    return 0;
}

void ia2_signals_catch_faults(void)
{
    static int done;
    if (done++)
        return;
    catch (SIGBUS);
    catch (SIGFPE);
    catch (SIGILL);
}

void ia2_signals_start(void)
{
    unsigned a, b, c, d;
    if (ia2_state.pkeys && __get_cpuid_count(0xd, 9, &a, &b, &c, &d))
        ia2_state.pkru_offset = b;
    catch (SIGSEGV);
    if (ia2_permissive_catches(SIGTRAP))
        catch (SIGTRAP);
}

void ia2_signals_catch_calls(void)
{
    struct sigaction act = entered(0);
    if (!ia2_state.hides_frames) {
        act.sa_sigaction = ia2_trap_entry;
        act.sa_flags &= ~SA_ONSTACK;
    }
    int r = ia2_sys_action(SIGSYS, &act, NULL);
    if (r)
        ia2_die("cannot catch SIGSYS (%s)", strerrorname_np(-r));
}
