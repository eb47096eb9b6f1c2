/* What the host and its plugins agree on. */
#ifndef HOST_H
#define HOST_H

struct image {
    int width, height;
    unsigned char *pixels;
};

struct filter {
    const char *name;
    void (*apply)(struct image *image, void (*progress)(int row));
};

/* Each plugin has this one; the host finds it with dlsym. The filter stays the plugin's. */
const struct filter *filter_entry(void);

/* The host has these, for its plugins. */
void host_log(const char *text);
const char *host_secret(void);

#endif
