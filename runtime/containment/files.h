/* System calls that open files. In the monitor. */
#ifndef IA2_FILES_H
#define IA2_FILES_H

#include "containment/denied.h"

/* open, openat, openat2, creat and truncate: opens with the rights of the caller what is not a way
 * around the compartments, and has what the flags ask for. The result of the call. */
long ia2_file_open(const struct ia2_call *call);

/* close, close_range, dup2 and dup3 of a descriptor that the filter lets nobody have: those that
 * the monitor holds at the time are refused. */
long ia2_file_close(const struct ia2_call *call);

#endif
