#include "ia2_macros.h"

#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "input/branches.h"
#include "parser/parse.h"

static const char agree[] = "make the two agree";

static const char *compartment_text(const struct program *program, unsigned key)
{
    return intern_format("compartment %s (%u)", program->plan.compartments[key - 1].name, key);
}

/* The compartment that defines a function: that of the unit, if it does, else any; 0 if none. */
static unsigned compartment_of(const struct program *program, const struct unit *unit,
                               const char *name)
{
    unsigned found = 0;
    for (size_t u = 0; u < program->unit_count; u++)
        for (size_t f = 0; f < program->units[u].function_count; f++) {
            const struct function *const function = &program->units[u].functions[f];
            const bool here = &program->units[u] == unit;
            if (function->name == name && (here || (!found && !function->is_static)))
                found = program->units[u].plan->compartment;
            if (function->name == name && here)
                return found;
        }
    return found;
}

static void check_handler(const struct program *program, const struct unit *unit,
                          const struct annotation *annotation)
{
    static const char mark[] = "ia2_sighandler:", variable[] = "ia2_guide_handler_";
    const char *const digits = annotation->text + sizeof(mark) - 1;
    if (strncmp(annotation->text, mark, sizeof(mark) - 1) ||
        strspn(digits, "0123456789") != strlen(digits) || !*digits)
        return; /* another mark, or an expression that only the compiler knows */
    const char *const name = intern(cursor_name(annotation->function) + sizeof(variable) - 1);
    const unsigned owner = compartment_of(program, unit, name),
                   wanted = (unsigned)strtoul(digits, NULL, 10);
    if (owner != wanted)
        refuse_at(annotation->function, intern_format("signal handler %s", name),
                  intern_format(
                      "it is to run with key %u, and %s", wanted,
                      owner ? intern_format("is a function of %s", compartment_text(program, owner))
                            : "is no function of the program"),
                  "give it the key of its compartment, or move it");
}

static bool constant_argument(struct cursor call, unsigned index, long long *value)
{
    return cursor_integer(strip_casts(cursor_argument(call, index)), value);
}

static void check_registration(const struct program *program, struct cursor call)
{
    long long key = 0;
    if (cursor_argument_count(call) != 3)
        return; /* not the guide's */
    if (!constant_argument(call, 1, &key))
        refuse_at(call, "ia2_register_compartment",
                  "its key is not a constant, so it cannot be compared with the policy's",
                  "write the number");
    else if (key < 0 || key > program->plan.compartment_count) /* 0: what all share */
        refuse_at(call, intern_format("ia2_register_compartment of key %lld", key),
                  intern_format("the policy has %u compartments", program->plan.compartment_count),
                  agree);
    if (!is_null_constant(cursor_argument(call, 2)))
        refuse_at(call, "ia2_register_compartment with further libraries",
                  "which libraries a compartment has is said by the policy",
                  "pass NULL, and name the libraries in `libraries` of the compartment");
}

static void check_main(const struct program *program, const struct unit *unit)
{
    for (size_t f = 0; f < unit->function_count; f++)
        if (!strcmp(unit->functions[f].name, "ia2_main") && unit->plan->compartment != 1)
            refuse_at(unit->functions[f].cursor, "ia2_main",
                      intern_format("it runs before main, and is in %s",
                                    compartment_text(program, unit->plan->compartment)),
                      "move it to the compartment of main");
}

static void refuse_text(struct source *source, size_t at, const char *construct, const char *reason,
                        const char *remedy)
{
    unsigned line, column;
    source_position(source, at, &line, &column);
    diag_refuse(source->shown, line, column, construct, reason, remedy);
}

/* IA2_CALL(p, id) that calls nothing is the call without arguments of newer versions of the guide.
 */
static void check_guide_call(struct source *source, size_t at)
{
    const size_t open = source_skip_blank(source, at + strlen("IA2_CALL")),
                 end = source_skip_brackets(source, open);
    size_t commas = 0;
    for (size_t i = open + 1; i + 1 < end; i = source_skip_blank(source, i)) {
        commas += source->text[i] == ',';
        const size_t after = source_skip_brackets(source, i);
        i = after ? after : source_skip_token(source, i);
    }
    if (end && commas == 1 && source->text[source_skip_blank(source, end)] != '(')
        refuse_text(source, at, "IA2_CALL",
                    "no list of arguments follows it, so nothing would be called",
                    "write IA2_CALL(pointer, id)()");
}

/* Whether no unit sees what is there, whichever compiler compiles it. */
static bool is_skipped(const struct program *program, const struct source *source, size_t at)
{
    const struct branches *const branches = program->branches;
    for (size_t b = 0; b < branches->count; b++)
        if (branches->list[b].source == source && branches->list[b].begin <= at &&
            at < branches->list[b].end)
            return false;
    for (size_t u = 0; u < program->unit_count; u++)
        if (unit_reads(&program->units[u], source) && !parse_skips(&program->units[u], source, at))
            return false;
    return true;
}

/* What must be edited where it stands: IA2_CALL, IA2_FN and IA2_FN_ADDR name a gate or a type that
 * a macro's body cannot know. */
static void check_text(const struct program *program, struct source *source)
{
    static const char *const edited[] = {"IA2_CALL", "IA2_FN", "IA2_FN_ADDR"};
    for (size_t at = 0; at < source->size;) {
        const size_t blank = source_skip_blank(source, at);
        if (blank != at) {
            at = blank;
            continue;
        }
        for (size_t i = 0; i < sizeof(edited) / sizeof(*edited); i++) {
            if (!source_is_word(source, at, edited[i]))
                continue;
            size_t name_end;
            if (source_in_define(source, at, &name_end) && at >= name_end &&
                !is_skipped(program, source, at))
                refuse_text(source, at, intern_format("%s in the body of a macro", edited[i]),
                            "what it becomes depends on what the macro is given",
                            "leave it out: what it marks is found without it");
            else if (i == 0 && !source_in_define(source, at, &name_end))
                check_guide_call(source, at);
        }
        at = source_skip_token(source, at);
    }
}

/* Where a unit includes a file of the kit. */
struct inclusion {
    struct unit *unit;
    const char *name, *file; /* file: NULL if it does not */
    unsigned line, column;
};

static struct inclusion find_inclusion(struct unit *unit, const char *name)
{
    struct inclusion inclusion = {.unit = unit, .name = name};
    size_t count;
    const struct tree_inclusion *const all = tree_inclusions(unit->tree, &count);
    for (size_t i = 0; i < count; i++) {
        const struct source *const source = all[i].depth ? unit_source(unit, all[i].file) : NULL;
        if (!source || !source_is_kits(source, name))
            continue;
        const struct place from = place_in_file(unit, (struct location){unit->tree, all[i].from});
        if (from.source)
            source_position(from.source, from.offset, &inclusion.line, &inclusion.column);
        inclusion.file = from.source ? from.source->shown : unit->plan->file;
    }
    return inclusion;
}

/* A number that must be the unit's key: at the line that includes what says it, or for the command
 * line at no line. */
static void check_key(const struct program *program, struct unit *unit,
                      const struct guide_number *guide_number, long long number)
{
    static const struct {
        const char *name, *macro, *file;
    } keys[] = {{"ia2_guide_compartment", "IA2_COMPARTMENT", "ia2_compartment_init.inc"},
                {"ia2_guide_pkey", "PKEY", ""}};
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        if (strcmp(guide_number->name, keys[i].name) || number == unit->plan->compartment)
            continue;
        const struct inclusion at = find_inclusion(unit, keys[i].file);
        diag_refuse(at.file           ? at.file
                    : unit->main_file ? unit->main_file->shown
                                      : unit->plan->file,
                    at.line, at.column, intern_format("%s %lld", keys[i].macro, number),
                    intern_format("the policy has this source in %s",
                                  compartment_text(program, unit->plan->compartment)),
                    agree);
    }
}

static void check_number(const struct program *program, struct unit *unit,
                         const struct guide_number *guide_number)
{
    const long long number = type_count(type_canonical(cursor_type(guide_number->cursor)));
    const unsigned count = program->plan.compartment_count;
    if (strcmp(guide_number->name, "ia2_guide_compartments"))
        check_key(program, unit, guide_number, number);
    else if (number != count)
        refuse_at(guide_number->cursor, intern_format("INIT_RUNTIME(%lld)", number),
                  intern_format("the policy has %u compartments", count), agree);
}

static void check_permissive(struct unit *unit)
{
    const struct inclusion inclusion = find_inclusion(unit, "permissive_mode.h");
    if (inclusion.file)
        diag_refuse(inclusion.file, inclusion.line, inclusion.column,
                    "#include <permissive_mode.h>",
                    "the source asks for a program that goes on after a violation, and this one is "
                    "made to enforce",
                    "remove the line, or make a permissive program (rewrite.py --permissive), "
                    "which protects nothing");
}

void ia2_macros_check(struct program *program)
{
    struct map seen = {0};
    for (size_t u = 0; u < program->unit_count; u++) {
        struct unit *const unit = &program->units[u];
        for (size_t i = 0; i < unit->guide_number_count; i++)
            check_number(program, unit, &unit->guide_numbers[i]);
        for (size_t i = 0; i < unit->annotation_count; i++)
            check_handler(program, unit, &unit->annotations[i]);
        for (size_t i = 0; i < unit->registration_count; i++)
            check_registration(program, unit->registrations[i]);
        check_main(program, unit);
        bool has_guide = false;
        for (size_t i = 0; i < unit->include_count; i++)
            has_guide |= source_is_kits(unit->includes[i], "ia2_guide.h");
        for (size_t i = 0; has_guide && i < unit->include_count; i++)
            if (unit->includes[i]->rel_count && map_add(&seen, key_of(unit->includes[i])))
                check_text(program, unit->includes[i]);
        if (!program->options->permissive)
            check_permissive(unit);
    }
    map_free(&seen);
}
