#include "outputs.h"

#include <stdlib.h>
#include <string.h>

#include "assembly.h"
#include "base/intern.h"
#include "boundary.h"
#include "destructors.h"
#include "mirror.h"

static void write_gates(const struct program *program, const char *directory)
{
    struct map wanted = {0};
    for (unsigned i = 0; i < program->plan.compartment_count; i++) {
        const struct compartment *const compartment = &program->plan.compartments[i];
        size_t length;
        char *const text = assembly_text(program, compartment, &length);
        const char *const path = intern_format("%s/%s.S", directory, compartment->name);
        mirror_write_file(path, text, length);
        map_add(&wanted, key_of(path));
        free(text);
    }
    mirror_remove_gates(directory, &wanted);
    map_free(&wanted);
}

void outputs_write(const struct program *program)
{
    const struct options *const options = program->options;
    char *const boundary = boundary_text(program), *const destructors = destructors_text(program);
    mirror_write(program, options->output);
    write_gates(program, intern_format("%scallgates", options->prefix));
    mirror_write_file(intern_format("%sboundary.json", options->prefix), boundary,
                      strlen(boundary));
    mirror_write_file(intern_format("%sdestructors.json", options->prefix), destructors,
                      strlen(destructors));
    free(boundary);
    free(destructors);
}
