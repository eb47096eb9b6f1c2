/* Start-up: from a process with every page under key 0 to one whose compartments are closed. */
#ifndef IA2_START_H
#define IA2_START_H

/* Called by the executable's main wrapper, once, on the only thread, after all constructors. Finds
 * the compartments, takes keys 1..n, closes everything, and runs the program's main in
 * compartment 1. Returns what main returns, with the rights of key 0 alone. Aborts with a message
 * when something cannot be closed. */
int ia2_start(int argc, char **argv, char **envp);

#endif
