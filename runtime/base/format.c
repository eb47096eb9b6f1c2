#include "base/format.h"

#include <stdint.h>

struct output {
    char *text;
    size_t size, length;
};

struct conversion {
    int left, plus, space, zeros, prefix; /* flags */
    size_t width;
    int is_long; /* of length l or z: 64 bits both */
    char kind;
};

static void put(struct output *output, char c)
{
    if (output->length + 1 < output->size)
        output->text[output->length] = c;
    output->length++;
}

static void put_times(struct output *output, char c, size_t from, size_t to)
{
    for (; from < to; from++)
        put(output, c);
}

static void put_text(struct output *output, const struct conversion *c, const char *text)
{
    size_t length = 0;
    while (text[length])
        length++;
    if (!c->left)
        put_times(output, ' ', length, c->width);
    for (size_t i = 0; i < length; i++)
        put(output, text[i]);
    if (c->left)
        put_times(output, ' ', length, c->width);
}

/* \a sign: what comes before the number, a sign or "0x". */
static void put_number(struct output *output, const struct conversion *c, const char *sign,
                       uint64_t number, unsigned base)
{
    char digits[20]; /* of 2^64 - 1, in tens */
    size_t count = 0, length;
    do
        digits[count++] = "0123456789abcdef"[number % base];
    while ((number /= base));
    for (length = count; sign[length - count]; length++)
        ;
    if (!c->left && !c->zeros)
        put_times(output, ' ', length, c->width);
    while (*sign)
        put(output, *sign++);
    if (!c->left && c->zeros)
        put_times(output, '0', length, c->width);
    while (count)
        put(output, digits[--count]);
    if (c->left)
        put_times(output, ' ', length, c->width);
}

/* What stands behind a %; returns its end. */
static const char *read_conversion(const char *at, struct conversion *c)
{
    *c = (struct conversion){.left = 0};
    for (;; at++) {
        if (*at == '-')
            c->left = 1;
        else if (*at == '+')
            c->plus = 1;
        else if (*at == ' ')
            c->space = 1;
        else if (*at == '0')
            c->zeros = 1;
        else if (*at == '#')
            c->prefix = 1;
        else
            break;
    }
    for (; *at >= '0' && *at <= '9'; at++)
        c->width = c->width * 10 + (size_t)(*at - '0');
    if (*at == 'l' || *at == 'z') {
        c->is_long = 1;
        at++;
    }
    c->kind = *at;
    return *at ? at + 1 : at;
}

size_t ia2_format_list(char *text, size_t size, const char *format, va_list arguments)
{
    struct output output = {text, size, 0};
    while (*format) {
        struct conversion c;
        const char *start = format++;
        if (*start != '%') {
            put(&output, *start);
            continue;
        }
        format = read_conversion(format, &c);
        if (c.kind == '%') {
            put(&output, '%');
        } else if (c.kind == 's') {
            const char *string = va_arg(arguments, const char *);
            put_text(&output, &c, string ? string : "(null)");
        } else if (c.kind == 'c') {
            char character[2] = {(char)va_arg(arguments, int), 0};
            put_text(&output, &c, character);
        } else if (c.kind == 'd') {
            int64_t n = c.is_long ? va_arg(arguments, long) : va_arg(arguments, int);
            put_number(&output, &c,
                       n < 0     ? "-"
                       : c.plus  ? "+"
                       : c.space ? " "
                                 : "",
                       n < 0 ? -(uint64_t)n : (uint64_t)n, 10);
        } else if (c.kind == 'u' || c.kind == 'x') {
            uint64_t n = c.is_long ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned);
            int prefixed = c.kind == 'x' && c.prefix && n;
            put_number(&output, &c, prefixed ? "0x" : "", n, c.kind == 'x' ? 16 : 10);
        } else if (c.kind == 'p') {
            uintptr_t n = (uintptr_t)va_arg(arguments, void *);
            if (n)
                put_number(&output, &c, "0x", n, 16);
            else
                put_text(&output, &c, "(nil)");
        } else {
            while (*start)
                put(&output, *start++);
            break;
        }
    }
    if (size)
        text[output.length < size ? output.length : size - 1] = 0;
    return output.length;
}

size_t ia2_format(char *text, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t length = ia2_format_list(text, size, format, arguments);
    va_end(arguments);
    return length;
}
