#include <ia2.h>
typedef double wide __attribute__((vector_size(32)));
struct aligned {
    _Alignas(32) char bytes[32];
};
struct picture {
    int *pixels;
};
typedef struct {
    int (*fill)(struct picture *picture);
} filler;
IA2_BEGIN_NO_WRAP
int lib_version(void);
IA2_END_NO_WRAP
extern int lib_count;
int lib_open(const filler *filler, struct picture *picture);
int lib_print(const char *format, ...);
int lib_aligned(struct aligned value);
wide lib_wide(wide value);
void *lib_buffer(void);
