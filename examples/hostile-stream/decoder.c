/* The decoder. A stream is width, height, and then for each row operations that end with END.

   It has one mistake, a usual one: nobody checks that `at` stays inside of `row`. */

#include "decoder.h"
#include <stdlib.h>

enum { WIDTH = 64, COPY = 0x80, SEEK, END };

struct decoder {
    unsigned char row[WIDTH];
    const unsigned char *palette; /* 128 letters */
    decode_progress *progress;
    void *cookie;
};

static unsigned char grey[128];

static unsigned char *new_letters(size_t count) {
    return calloc(count, 1);
}

/* Where the operations of the next row begin, or NULL at the end of the stream. */
static const unsigned char *decode_row(struct decoder *d, const unsigned char *in,
                                       const unsigned char *end) {
    unsigned char *const row = d->row;
    unsigned at = 0;
    while (in < end) {
        const unsigned char operation = *in++;
        if (operation == END)
            return in;
        if (operation < COPY) { /* a letter of the palette */
            row[at++] = d->palette[operation];
        } else if (operation == SEEK && in < end) { /* SEEK place */
            at = *in++;
        } else if (operation == COPY && end - in >= 2) { /* COPY count distance: from behind */
            unsigned count = *in++;
            const int distance = (signed char)*in++;
            for (; count; count--, at++)
                row[at] = row[(int)at - distance];
        }
    }
    return NULL;
}

int decode(const unsigned char *stream, size_t size, struct picture *picture,
           decode_progress *progress, void *cookie) {
    if (size < 2 || !stream[0] || stream[0] > WIDTH || !stream[1])
        return -1;
    for (unsigned i = 0; i < sizeof grey; i++)
        grey[i] = " .:-=+*#%@"[i % 10];
    picture->width = stream[0], picture->height = stream[1];
    picture->letters = new_letters((size_t)picture->width * picture->height);
    struct decoder *const d = calloc(1, sizeof *d);
    if (!picture->letters || !d)
        abort();
    d->palette = grey, d->progress = progress, d->cookie = cookie;
    const unsigned char *in = stream + 2;
    for (unsigned y = 0; in && y < picture->height; y++) {
        in = decode_row(d, in, stream + size);
        for (unsigned x = 0; x < picture->width; x++)
            picture->letters[y * picture->width + x] = d->row[x];
        d->progress(d->cookie, y);
    }
    free(d);
    return 0;
}
