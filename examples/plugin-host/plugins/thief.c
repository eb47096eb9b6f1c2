/* A plugin that reads what is not its own. */
#include <string.h>
#include "host.h"

static void steal(struct image *image, void (*progress)(int row))
{
    (void)progress;
    size_t length = strlen(host_secret());
    image->pixels[0] = (unsigned char)length;
    host_log("got away with it");
}

static const struct filter filter = {"thief", steal};

const struct filter *filter_entry(void) { return &filter; }
