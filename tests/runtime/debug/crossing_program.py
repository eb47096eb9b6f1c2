"""A program of three compartments that crosses between them in every way, split by
scripts/rewrite.py; and what gdb finds on its stack.

At each place of interest it calls app_here, lib_here or third_here with the name of the place."""

import functools
import json
import os
import pathlib
import shutil
import subprocess

from tests.support import small_project as small

READER = pathlib.Path(__file__).resolve().parent / "stack_reader.py"
TOOLCHAINS = {"gcc": ("gcc", "bfd"), "clang": ("clang", "lld")}

FILES = {
    "lib/lib.h": """\
typedef int (*visitor)(int depth);
struct triple { long word[3]; };
struct many { long word[40]; };
struct wide { _Alignas(64) long word[8]; };
struct hooks { visitor visit; };
void lib_here(const char *label);
int lib_plain(int n);
int lib_each(visitor visit, int depth);
int lib_on_stack(int a, int b, int c, int d, int e, int f, int g, int h);
long lib_on_long_stack(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j, long k, long l, long m, long n, long o,
                       long p, long q, long r, long s, long t, long u, long v, long w, long x);
struct triple lib_triple(int n);
struct many lib_many(int n);
int lib_aligned(int n, struct wide wide);
struct wide lib_wide(int n);
int lib_variadic(int count, ...);
int lib_hooked(struct hooks *hooks);
int lib_raise(int number);
int lib_read(unsigned long at);
void lib_leave(void);
static inline int lib_in_header(visitor visit)
{
    int n = visit(0);
    return n + 1;
}
""",  # noqa: E501
    "lib/lib.c": """\
#include "lib.h"
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
__attribute__((noinline)) void lib_here(const char *label) { __asm__ volatile("" : : "r"(label) : "memory"); }
int lib_plain(int n)
{
    lib_here("plain");
    return n + 1;
}
int lib_each(visitor visit, int depth)
{
    int sum = 0;
    sum += visit(depth);
    return sum + 1;
}
int lib_on_stack(int a, int b, int c, int d, int e, int f, int g, int h)
{
    lib_here("on stack");
    return a + b + c + d + e + f + g + h;
}
long lib_on_long_stack(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j, long k, long l, long m, long n, long o,
                       long p, long q, long r, long s, long t, long u, long v, long w, long x)
{
    lib_here("on long stack");
    return a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p + q + r + s + t + u + v + w + x;
}
struct triple lib_triple(int n)
{
    struct triple made = { { n } };
    lib_here("triple");
    return made;
}
struct many lib_many(int n)
{
    struct many made = { { n } };
    lib_here("many");
    return made;
}
int lib_aligned(int n, struct wide wide)
{
    lib_here("aligned");
    return n + (int)wide.word[0];
}
struct wide lib_wide(int n)
{
    struct wide made = { { n } };
    lib_here("wide");
    return made;
}
int lib_variadic(int count, ...)
{
    va_list list;
    va_start(list, count);
    int sum = 0;
    while (count--)
        sum += va_arg(list, int);
    va_end(list);
    lib_here("variadic");
    return sum;
}
int lib_hooked(struct hooks *hooks)
{
    int once = hooks->visit(0);
    return once + lib_in_header(hooks->visit);
}
int lib_raise(int number)
{
    raise(number);
    return number;
}
int lib_read(unsigned long at)
{
    int n = *(const int *)at;
    return n + 1;
}
void lib_leave(void)
{
    exit(0);
}
""",  # noqa: E501
    "third/third.h": "int third_around(int (*visit)(int depth), int depth);\n",
    "third/third.c": """\
#include "third.h"
#include "lib.h"
__attribute__((noinline)) void third_here(const char *label);
void third_here(const char *label) { __asm__ volatile("" : : "r"(label) : "memory"); }
int third_around(int (*visit)(int depth), int depth)
{
    third_here("third");
    return lib_each(visit, depth) + 1;
}
""",
    "app/app.c": """\
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include "lib.h"
#include "third.h"
__attribute__((noinline)) void app_here(const char *label);
void app_here(const char *label) { __asm__ volatile("" : : "r"(label) : "memory"); }
int app_secret = 42;
static int app_visit(int depth)
{
    int sum = 0;
    if (depth == 0)
        app_here("recursion");
    else
        sum = lib_each(app_visit, depth - 1);
    return sum + 1;
}
static int app_round(int depth)
{
    int sum = 0;
    if (depth == 0)
        app_here("round");
    else
        sum = depth % 2 ? third_around(app_round, depth - 1) : lib_each(app_round, depth - 1);
    return sum + 1;
}
static int app_hook(int depth)
{
    app_here("hook");
    return depth + 1;
}
static int app_hooked(void)
{
    struct hooks hooks = { app_hook };
    int sum = lib_hooked(&hooks);
    return sum + 1;
}
static void app_on_signal(int number)
{
    (void)number;
    lib_plain(1);
    app_here("signal");
}
static int app_deep(int depth)
{
    int sum = depth ? lib_each(app_deep, depth - 1) : lib_raise(SIGUSR1);
    return sum + 1;
}
static void *app_thread(void *data)
{
    lib_each(app_visit, 1);
    return data;
}
static void app_at_exit(void) { app_here("exit"); }
static int app_steps(int depth)
{
    struct wide wide = { { depth } };
    int sum = depth ? lib_each(app_steps, depth - 1) : lib_on_stack(1, 2, 3, 4, 5, 6, 7, 8);
    sum += (int)lib_on_long_stack(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24);
    sum += (int)lib_triple(1).word[0] + (int)lib_many(1).word[0] + lib_aligned(1, wide) + (int)lib_wide(1).word[0] + lib_variadic(2, 1, 2);
    return sum;
}
__attribute__((noinline)) int app_walk(void) { return app_steps(1) + app_deep(1); }
int main(int argc, char **argv)
{
    (void)argv;
    pthread_t thread;
    signal(SIGUSR1, app_on_signal);
    atexit(app_at_exit);
    int sum = app_walk();
    lib_each(app_visit, 3);
    third_around(app_round, 5);
    sum += app_hooked();
    app_deep(2);
    pthread_create(&thread, NULL, app_thread, NULL);
    pthread_join(thread, NULL);
    if (argc > 1)
        sum += lib_read((unsigned long)&app_secret);
    lib_leave();
    return sum;
}
""",  # noqa: E501
    "compartments.toml": """\
[compartment.app]
pkey = 1
sources = ["app/**"]
[compartment.lib]
pkey = 2
sources = ["lib/**"]
[compartment.third]
pkey = 3
sources = ["third/**"]
""",
    "Makefile": """\
CFLAGS = -O1 -g -fno-optimize-sibling-calls -Wno-psabi -Ilib -Ithird
OBJECTS = app/app.o lib/lib.o third/third.o
prog: $(OBJECTS)
\t$(CC) -o $@ $(OBJECTS) -pthread
clean:
\trm -f prog $(OBJECTS)
""",
}


def build(out: pathlib.Path) -> None:
    for name, (compiler, linker) in TOOLCHAINS.items():
        project = out / name
        shutil.rmtree(project, ignore_errors=True)
        for path, text in FILES.items():
            (project / path).parent.mkdir(parents=True, exist_ok=True)
            (project / path).write_text(text)
        small.rewrite(
            project,
            project / "out",
            "--ld",
            linker,
            "--capture",
            f"make CC={compiler}",
            "--target",
            "prog",
            project,
        )


def enforced() -> bool:
    return os.environ.get("IA2_PKU") != "none"


def program(name: str) -> pathlib.Path:
    return pathlib.Path(os.environ["IA2_TEST_OUT"], name, "out/bin/prog")


@functools.lru_cache(maxsize=None)
def stops(path: pathlib.Path, *words: str, steps: str = "") -> list:
    """(label, stack) of each stop of the program in gdb, as stack_reader.py has it."""
    command = [
        "timeout",
        "350",
        "gdb",
        "-nx",
        "-batch",
        "-x",
        str(READER),
        "--args",
        str(path),
        *words,
    ]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "IA2_STEPS": steps},
        check=False,
    )
    found = [json.loads(line[2:]) for line in done.stdout.splitlines() if line.startswith("@ ")]
    if not found:
        raise RuntimeError(done.stdout)
    return found


def ours(stack: list) -> list[str]:
    """The program's own functions and the gates, up to main or the thread's start."""
    names = [
        name
        for name, _, _ in stack
        if name.startswith(("app_", "lib_", "third_", "<signal>", "main")) or ">" in name
    ]
    return names[: names.index("main") + 1] if "main" in names else names
