/* The runtime's own memory under its keys. */
#ifndef IA2_RUNTIME_MEMORY_H
#define IA2_RUNTIME_MEMORY_H

/* Start-up: reserves the monitor's stacks and buffers. Aborts on failure. */
void ia2_state_reserve(void);

/* Start-up: puts the state and the monitor's stacks under their keys. From here on only the monitor
 * writes them. Aborts on failure. */
void ia2_state_close(void);

#endif
