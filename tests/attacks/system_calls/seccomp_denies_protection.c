/* class: system_calls
 * source: seccomp(2)
 * tries: to install a filter by which the victim's pkey_mprotect "succeeds" without being made
 * must: not install a filter
 * expect: stopped */
#include "attack.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

ATTACK
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pkey_mprotect, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {4, code};
    SYS(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    SYS(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
    long page = victim_call(MAP, 0, 0);
    if (page > 0)
        leak((char *)page);
}
