#include "base/diag.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/intern.h"

struct refusal {
    const char *file;
    unsigned line, column;
    const char *text;
};

static struct refusal *refusals;
static size_t refusal_count, refusal_capacity;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void diag_refuse(const char *file, unsigned line, unsigned column, const char *construct,
                 const char *reason, const char *remedy)
{
    struct text text = {0};
    if (line)
        text_printf(&text, "%s:%u:%u: error: %s: %s\n", file, line, column, construct, reason);
    else
        text_printf(&text, "%s: error: %s: %s\n", file, construct, reason);
    text_printf(&text, "  remedy: %s\n", remedy);
    const char *const interned = intern(text.data);
    free(text.data);

    pthread_mutex_lock(&lock);
    size_t i = 0;
    while (i < refusal_count && refusals[i].text != interned)
        i++;
    if (i == refusal_count)
        *PUSH(refusals, refusal_count, refusal_capacity) =
            (struct refusal){intern(file), line, column, interned};
    pthread_mutex_unlock(&lock);
}

unsigned diag_count(void)
{
    return (unsigned)refusal_count;
}

int compare_places(const char *file, unsigned line, const char *other_file, unsigned other_line)
{
    const int files = strcmp(file, other_file);
    return files ? files : (line > other_line) - (line < other_line);
}

static int compare(const void *left, const void *right)
{
    const struct refusal *const a = left, *const b = right;
    const int place = compare_places(a->file, a->line, b->file, b->line);
    if (place)
        return place;
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    return strcmp(a->text, b->text);
}

void diag_print(void)
{
    if (refusal_count)
        qsort(refusals, refusal_count, sizeof(*refusals), compare);
    for (size_t i = 0; i < refusal_count; i++)
        fputs(refusals[i].text, stderr);
}

void diag_fatal(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("ia2-rewriter: error: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}
