/* host PLUGIN...: lets each plugin, a shared library, change a small picture. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include "host.h"

static char secret[] = "the host's own";
static int rows;

const char *host_secret(void) { return secret; }
void host_log(const char *text) { printf("  log: %s\n", text); }
static void progress(int row) { rows += row >= 0; }

static struct image *image_new(int width, int height)
{
    struct image *image = malloc(sizeof(*image));
    *image = (struct image){width, height, malloc((size_t)(width * height))};
    for (int i = 0; i < width * height; i++)
        image->pixels[i] = i % width == width / 2 ? 9 : 0;
    return image;
}

static void image_print(const struct image *image)
{
    for (int i = 0; i < image->width * image->height; i++)
        printf("%d%s", image->pixels[i], (i + 1) % image->width ? "" : "\n");
}

static int run(const char *path, struct image *image)
{
    void *plugin = dlopen(path, RTLD_NOW);
    if (!plugin) {
        fprintf(stderr, "host: %s\n", dlerror());
        return 1;
    }
    const struct filter *(*entry)(void) = (const struct filter *(*)(void))dlsym(plugin, "filter_entry");
    if (!entry) {
        fprintf(stderr, "host: %s\n", dlerror());
        return 1;
    }
    const struct filter *filter = entry();
    printf("%s\n", filter->name);
    fflush(stdout);
    filter->apply(image, progress);
    return dlclose(plugin);
}

int main(int argc, char **argv)
{
    struct image *image = image_new(7, 3);
    for (int i = 1; i < argc; i++)
        if (run(argv[i], image))
            return 1;
    image_print(image);
    printf("%d rows, secret: %s\n", rows, secret);
    return 0;
}
