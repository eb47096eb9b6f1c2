#include "compdb.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "base/intern.h"

/* Splits a shell command as a compile database's "command" has it: blanks, quotes, backslashes. */
static void split_command(struct command *command, const char *line)
{
    size_t capacity = 0;
    struct text word = {0};
    bool in_word = false;
    char quote = 0;
    for (const char *p = line;; p++) {
        if (!*p || (!quote && strchr(" \t\n", *p))) {
            if (in_word)
                *PUSH(command->arguments, command->argument_count, capacity) =
                    intern(word.data ? word.data : "");
            in_word = false;
            word.length = 0;
            if (word.data)
                word.data[0] = 0;
            if (!*p)
                break;
            continue;
        }
        in_word = true;
        if (quote ? *p == quote : *p == '"' || *p == '\'') {
            quote = quote ? 0 : *p;
            continue;
        }
        if (*p == '\\' && p[1] && quote != '\'' && (!quote || strchr("\"\\$`", p[1])))
            p++;
        text_add(&word, p, 1);
    }
}

static void read_command(struct command *command, json_t *entry, const char *path, size_t index)
{
    json_t *const directory = json_object_get(entry, "directory"), *const file = json_object_get(
                                                                       entry, "file");
    json_t *const arguments = json_object_get(entry, "arguments"), *const line = json_object_get(
                                                                       entry, "command");
    if (!json_is_string(directory) || !json_is_string(file) ||
        !(json_is_array(arguments) || json_is_string(line)))
        diag_fatal("%s: entry %zu needs 'directory', 'file' and 'arguments' or 'command'", path,
                   index);
    command->directory = intern(json_string_value(directory));
    command->file = intern(json_string_value(file));
    if (json_is_array(arguments)) {
        size_t i, capacity = 0;
        json_t *item;
        json_array_foreach(arguments, i, item)
        {
            if (!json_is_string(item))
                diag_fatal("%s: entry %zu: 'arguments' holds something that is no string", path,
                           index);
            *PUSH(command->arguments, command->argument_count, capacity) =
                intern(json_string_value(item));
        }
    } else {
        split_command(command, json_string_value(line));
    }
    if (!command->argument_count)
        diag_fatal("%s: entry %zu has no arguments", path, index);
}

void compdb_read(struct compdb *db, const char *path)
{
    struct stat status;
    if (!stat(path, &status) && S_ISDIR(status.st_mode))
        path = intern_format("%s/compile_commands.json", path);
    json_error_t error;
    json_t *const root = json_load_file(path, 0, &error), *entry;
    if (!root)
        diag_fatal("%s:%d:%d: %s", path, error.line, error.column, error.text);
    if (!json_is_array(root))
        diag_fatal("%s: not a compile database", path);
    db->count = json_array_size(root);
    db->commands = must_alloc(db->count * sizeof(*db->commands));
    size_t i;
    json_array_foreach(root, i, entry) read_command(&db->commands[i], entry, path, i);
    json_decref(root);
}

static bool starts(const char *text, const char *prefix)
{
    return !strncmp(text, prefix, strlen(prefix));
}

/* Options whose value, if not attached, is the next argument, and which decide how the unit parses.
 */
static const char *const valued[] = {
    "-D",       "-U",        "-I", "-isystem", "-iquote",      "-idirafter",         "-include",
    "-imacros", "-isysroot", "-x", "-iprefix", "-iwithprefix", "-iwithprefixbefore", NULL};

/* Options to keep as they are. Warnings are not among them, nor what clang does not know. */
static const char *const kept[] = {"-std=",
                                   "-ansi",
                                   "-nostdinc",
                                   "-pthread",
                                   "--sysroot=",
                                   "-fopenmp",
                                   "-fsigned-char",
                                   "-funsigned-char",
                                   "-fshort-enums",
                                   "-fshort-wchar",
                                   "-fpack-struct",
                                   "-fms-extensions",
                                   "-fgnu89-inline",
                                   "-fPIC",
                                   "-fpic",
                                   "-fPIE",
                                   "-fpie",
                                   "-ffreestanding",
                                   "-fno-builtin",
                                   "-ffast-math",
                                   "-fblocks",
                                   "-m32",
                                   "-m64",
                                   "-mx32",
                                   "-march=",
                                   "-mcpu=",
                                   "-msse",
                                   "-mssse3",
                                   "-mavx",
                                   "-mfma",
                                   "-mbmi",
                                   "-mpopcnt",
                                   "-mlzcnt",
                                   "-maes",
                                   "-mpclmul",
                                   "-mf16c",
                                   "-mmmx",
                                   "-mno-",
                                   "-O",
                                   "-Wp,-D",
                                   "-Wp,-U",
                                   NULL};

/* Options of the output, whose value is the next argument. */
static const char *const dropped_valued[] = {
    "-o",        "-MF",       "-MT",      "-MQ",      "-Xlinker", "-Xassembler", "-Xpreprocessor",
    "-Xclang",   "-mllvm",    "-L",       "-T",       "-u",       "-z",          "--param",
    "-aux-info", "-dumpbase", "-dumpdir", "-wrapper", "-G",       NULL};

/* How many arguments from argument `i` on go past the driver to the preprocessor and are kept:
   -Xpreprocessor -DNAME, or -Xclang -include -Xclang FILE, as CMake has it for precompiled headers.
 */
static size_t past_driver(const struct command *command, size_t i)
{
    const size_t left = command->argument_count - i;
    if (left >= 2 && !strcmp(command->arguments[i], "-Xpreprocessor"))
        return starts(command->arguments[i + 1], "-D") || starts(command->arguments[i + 1], "-U")
                   ? 2
                   : 0;
    if (left >= 4 && !strcmp(command->arguments[i], "-Xclang") &&
        !strcmp(command->arguments[i + 1], "-include"))
        return !strcmp(command->arguments[i + 2], "-Xclang") ? 4 : 0;
    return 0;
}

bool compdb_disables_ia2(const struct command *command)
{
    bool disabled = false;
    for (size_t i = 1; i < command->argument_count; i++) {
        const char *argument = command->arguments[i];
        const bool defines = starts(argument, "-D");
        if (!defines && !starts(argument, "-U"))
            continue;
        argument += 2;
        if (!*argument && i + 1 < command->argument_count)
            argument = command->arguments[++i];
        if (!strcmp(argument, "IA2_ENABLE") || starts(argument, "IA2_ENABLE="))
            disabled = defines && !strcmp(argument, "IA2_ENABLE=0");
    }
    return disabled;
}

const char **compdb_parse_arguments(const struct command *command, size_t *count)
{
    const char **result = NULL;
    size_t used = 0, capacity = 0;
    for (size_t i = 1; i < command->argument_count; i++) {
        const char *const argument = command->arguments[i];
        const size_t past = past_driver(command, i);
        for (size_t k = 0; k < past; k++)
            *PUSH(result, used, capacity) = command->arguments[i + k];
        if (past) {
            i += past - 1;
            continue;
        }
        for (size_t k = 0; valued[k]; k++) {
            if (!starts(argument, valued[k]))
                continue;
            *PUSH(result, used, capacity) = argument;
            if (!argument[strlen(valued[k])] && i + 1 < command->argument_count)
                *PUSH(result, used, capacity) = command->arguments[++i];
            goto next;
        }
        for (size_t k = 0; kept[k]; k++) {
            if (starts(argument, kept[k])) {
                *PUSH(result, used, capacity) = argument;
                goto next;
            }
        }
        for (size_t k = 0; dropped_valued[k]; k++)
            if (!strcmp(argument, dropped_valued[k]))
                i++;
next:;
    }
    if (compdb_disables_ia2(command)) {
        *PUSH(result, used, capacity) = "-UIA2_ENABLE";
        *PUSH(result, used, capacity) = "-DIA2_ENABLE=1";
        *PUSH(result, used, capacity) = "-DIA2_READ";
    }
    *count = used;
    *PUSH(result, used, capacity) = NULL;
    return result;
}

const char *compdb_path(const struct command *command, const char *path)
{
    return path[0] == '/' ? intern(path) : intern_format("%s/%s", command->directory, path);
}
