/* What the host and its plugin agree on. */
#ifndef HOST_H
#define HOST_H

struct offer {
    int *variable, *local, *heap;
    int (*value)(void);
};

typedef const struct offer *start_function(const char *mode, int *host_variable, int (*callback)(int));
const struct offer *plugin_start(const char *mode, int *host_variable, int (*callback)(int));
int plugin_counter(void);
int *plugin_counter_where(void);
void plugin_free(int *block);
long plugin_other(long a, double b);

/* The host's. */
void host_note(const char *text, int value);
int host_for_rival(int value);

#endif
