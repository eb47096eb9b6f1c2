/* viewer STREAM: shows a picture. The viewer also knows a password, of which the decoder knows
   nothing. */

#include "decoder.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct viewer {
    unsigned rows;
    char password[28];
};

static void count_row(void *cookie, unsigned row) {
    struct viewer *const viewer = cookie;
    (void)row;
    viewer->rows++;
}

/* The whole file; its size is in *size. */
static unsigned char *load(const char *path, size_t *size) {
    unsigned char *const stream = malloc(1 << 16);
    FILE *const file = fopen(path, "rb");
    if (!file || !stream) {
        perror(path);
        exit(2);
    }
    *size = fread(stream, 1, 1 << 16, file);
    fclose(file);
    return stream;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s STREAM\n", argv[0]);
        return 2;
    }
    struct viewer *const viewer = calloc(1, sizeof *viewer);
    if (!viewer)
        abort();
    strcpy(viewer->password, "correct horse battery");
    size_t size;
    unsigned char *const stream = load(argv[1], &size);
    struct picture picture;
    if (decode(stream, size, &picture, count_row, viewer)) {
        fprintf(stderr, "%s: not a picture\n", argv[1]);
        return 1;
    }
    for (unsigned y = 0; y < picture.height; y++)
        printf("%.*s\n", (int)picture.width, picture.letters + y * picture.width);
    printf("%u rows\n", viewer->rows);
    free(picture.letters);
    free(stream);
    free(viewer);
    return 0;
}
