"""C sources for every shape of call a gate may have to take across: the caller knows what must come
back."""

HEAD = (
    "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <sys/mman.h>\n#include"
    ' "ia2.h"\n#include "abi_types.h"\n'
)

TYPES = """#ifndef ABI_TYPES_H
#define ABI_TYPES_H
#include <stdint.h>
struct int_double { long i; double d; };
struct double_int { double d; long i; };
struct two_ints { long a, b; };
struct two_doubles { double a, b; };
struct small { int a; short b; char c; };
"""

# name, declaration, gate fields, body, the caller's check
FIXED = [
    ("f_void", "void f_void(void)", "", "{ }", "f_void();"),
    (
        "f_float",
        "float f_float(float x, int n)",
        "args_int=1 args_sse=1 ret_sse=1",
        "{ return x * n; }",
        "CHECK(f_float(1.25f, 6) == 7.5f);",
    ),
    (
        "f_double",
        "double f_double(double a, float b, double c)",
        "args_sse=3 ret_sse=1",
        "{ return a * b - c; }",
        "CHECK(f_double(3, 4, 0.5) == 11.5);",
    ),
    (
        "f_eight",
        (
            "double f_eight(double a, double b, double c, double d, double e, double f, double g,"
            " double h)"
        ),
        "args_sse=8 ret_sse=1",
        "{ return a+2*b+3*c+4*d+5*e+6*f+7*g+8*h; }",
        "CHECK(f_eight(1,2,3,4,5,6,7,8) == 204);",
    ),
    (
        "f_ten",
        (
            "double f_ten(double a, double b, double c, double d, double e, double f, double g,"
            " double h, double i, int n, double j)"
        ),
        "args_int=1 args_sse=8 stack_words=2 ret_sse=1",
        "{ return a+b+c+d+e+f+g+h+10*i+100*j+n; }",
        "CHECK(f_ten(1,1,1,1,1,1,1,1,2,5,3) == 333);",
    ),
    (
        "f_bool",
        "_Bool f_bool(_Bool x)",
        "args_int=1 ret_int=1",
        "{ return !x; }",
        "CHECK(f_bool(0) && !f_bool(1));",
    ),
    (
        "f_char",
        "signed char f_char(signed char x)",
        "args_int=1 ret_int=1",
        "{ return (signed char)-x; }",
        "CHECK(f_char(100) == -100);",
    ),
    (
        "f_wide",
        "__int128 f_wide(__int128 x, long y)",
        "args_int=3 ret_int=2",
        "{ return x * y; }",
        "CHECK(f_wide((__int128)1 << 70, -3) == -((__int128)3 << 70));",
    ),
    (
        "f_pointer",
        "const char *f_pointer(const char *p, unsigned long n)",
        "args_int=2 ret_int=1",
        "{ return p + n; }",
        "static const char word[8]; CHECK(f_pointer(word, 5) == word + 5);",
    ),
    (
        "f_int_double",
        "struct int_double f_int_double(struct int_double x)",
        "args_int=1 args_sse=1 ret_int=1 ret_sse=1",
        "{ return (struct int_double){x.i * 2, x.d / 2}; }",
        (
            "struct int_double r = f_int_double((struct int_double){7, 5}); CHECK(r.i == 14 && r.d"
            " == 2.5);"
        ),
    ),
    (
        "f_double_int",
        "struct double_int f_double_int(struct double_int x)",
        "args_int=1 args_sse=1 ret_int=1 ret_sse=1",
        "{ return (struct double_int){x.d / 2, x.i * 2}; }",
        (
            "struct double_int r = f_double_int((struct double_int){5, 7}); CHECK(r.i == 14 && r.d"
            " == 2.5);"
        ),
    ),
    (
        "f_two_ints",
        "struct two_ints f_two_ints(struct two_ints x)",
        "args_int=2 ret_int=2",
        "{ return (struct two_ints){x.b, x.a}; }",
        "struct two_ints r = f_two_ints((struct two_ints){1, 2}); CHECK(r.a == 2 && r.b == 1);",
    ),
    (
        "f_two_doubles",
        "struct two_doubles f_two_doubles(struct two_doubles x)",
        "args_sse=2 ret_sse=2",
        "{ return (struct two_doubles){x.b, x.a}; }",
        (
            "struct two_doubles r = f_two_doubles((struct two_doubles){1, 2}); CHECK(r.a == 2 &&"
            " r.b == 1);"
        ),
    ),
    (
        "f_small",
        "struct small f_small(int a, struct small x)",
        "args_int=2 ret_int=1",
        "{ x.a += a; return x; }",
        (
            "struct small r = f_small(5, (struct small){1, 2, 3}); CHECK(r.a == 6 && r.b == 2 &&"
            " r.c == 3);"
        ),
    ),
]


def stack_words(words):
    """Six register arguments and `words` more; odd ones are doubles past the eighth when mixed."""
    names = [f"a{n}" for n in range(1, 7 + words)]
    declaration = f"long f_stack{words}({', '.join('long ' + name for name in names)})"
    body = (
        "{ return "
        + " + ".join(f"{name} * {3 ** (n % 7) + n}" for n, name in enumerate(names))
        + "; }"
    )
    values = [17 * n * n + 1 for n in range(len(names))]
    want = sum(value * (3 ** (n % 7) + n) for n, value in enumerate(values))
    check = f"CHECK(f_stack{words}({', '.join(map(str, values))}) == {want});"
    return f"f_stack{words}", declaration, f"args_int=6 ret_int=1 stack_words={words}", body, check


def memory_return(size):
    """The hidden pointer written out, so that every size can be had, of any class."""
    body = "{ for (int i = 0; i < %d; i++) out[i] = (char)(seed + i); return out; }" % size
    check = (
        f"char *p = end - {size}; memset(p - 64, 0x5a, {size} + 64); CHECK(f_memory{size}(p,"
        f" {size}) == p);\n    for (int i = 0; i < {size}; i++) CHECK(p[i] == (char)({size} +"
        " i));\n    for (int i = 1; i <= 64; i++) CHECK(p[-i] == 0x5a);"
    )
    return (
        f"f_memory{size}",
        f"char *f_memory{size}(char *out, int seed)",
        f"args_int=2 ret_int=1 sret_bytes={size}",
        body,
        check,
    )


def memory_with_stack(size, words):
    names = [f"a{n}" for n in range(5 + words)]
    declaration = (
        f"struct s{size}w{words} {{ int v[{size // 4}]; }};\nstruct"
        f" s{size}w{words} f_both{size}w{words}({', '.join('long ' + n for n in names)})"
    )
    body = "{ struct s%dw%d r; for (int i = 0; i < %d; i++) r.v[i] = (int)(%s) + i; return r; }" % (
        size,
        words,
        size // 4,
        " + ".join(f"{n + 1} * {name}" for n, name in enumerate(names)),
    )
    values = list(range(3, 3 + len(names)))
    want = sum((n + 1) * value for n, value in enumerate(values))
    check = (
        f"struct s{size}w{words} r = f_both{size}w{words}({', '.join(map(str, values))}); "
        f"for (int i = 0; i < {size // 4}; i++) CHECK(r.v[i] == {want} + i);"
    )
    return (
        f"f_both{size}w{words}",
        declaration,
        f"args_int=6 ret_int=1 stack_words={words} sret_bytes={size}",
        body,
        check,
    )


def shapes():
    made = [*FIXED, *(stack_words(n) for n in (*range(1, 21), 33, 64))]
    made += [memory_return(n) for n in (*range(1, 145), 200, 255, 256, 257, 1000, 1023)]
    both = (
        (20, 1),
        (24, 3),
        (64, 8),
        (124, 15),
        (128, 16),
        (20, 20),
        (260, 3),
        (260, 31),
        (1000, 40),
    )
    return [*made, *(memory_with_stack(size, words) for size, words in both)]


def sources():
    """(types header, callee, caller)."""
    made = shapes()
    types = TYPES + "".join(f"{declaration};\n" for _, declaration, *_ in made) + "#endif\n"
    callee = HEAD + "".join(
        f"/* gate {name}{' ' * bool(gate)}{gate} */\n{declaration.splitlines()[-1]}\n{body}\n"
        for name, declaration, gate, body, _ in made
    )
    caller = (
        HEAD
        + 'static int bad;\n#define CHECK(x) do { if (!(x)) { printf("%s: %s\\n", __func__, #x);'
        " bad++; } } while (0)\n"
    )
    caller += "static char *end;\n" + "".join(
        f"static void t_{name}(void)\n{{\n    {check}\n}}\n" for name, *_, check in made
    )
    caller += (
        "int main(void)\n{\n    end = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE |"
        " MAP_ANONYMOUS, -1, 0);\n    end += 4096;\n    if (mprotect(end, 4096, PROT_NONE)) return"
        " 2;\n"
    )
    caller += (
        "".join(f"    t_{name}();\n" for name, *_ in made)
        + f'    printf("{len(made)} shapes, %d bad\\n", bad);\n    return bad != 0;\n}}\n'
    )
    return types, callee, caller
