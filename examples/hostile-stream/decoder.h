/* A decoder of pictures made of letters. */

#include <stddef.h>

struct picture {
    unsigned width, height;
    unsigned char *letters; /* width * height; free() it */
};

/* Called after each row, with the cookie that decode() was given. */
typedef void decode_progress(void *cookie, unsigned row);

/* Decodes a stream into a new picture. 0, or -1 if the stream is no picture. */
int decode(const unsigned char *stream, size_t size, struct picture *picture,
           decode_progress *progress, void *cookie);
