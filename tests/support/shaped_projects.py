"""small_project in the shapes that real builds have, for the tests of each front: built by two
compilers and two linkers, run where keys are enforced.

A shape is a set of files and what the program prints. The build files are the fronts' own, in
tests/engine: meson, cmake, make."""

import os
import pathlib
import unittest

from tests.support import small_project as small

# Name of a variant -> compiler, linker. The first two differ in both; a shape that is about the
# linker takes all four.
VARIANTS = {
    "gcc": ("gcc", "bfd"),
    "clang_lld": ("clang", "lld"),
    "gcc_lld": ("gcc", "lld"),
    "clang": ("clang", "bfd"),
}
TWO, ALL = ("gcc", "clang_lld"), tuple(VARIANTS)

ATTACK = (
    '    fflush(stdout);\n    if (argc > 1)\n        printf("stolen %d\\n", *counter_where());\n   '
    " return 0;\n}\n"
)

# One source compiled twice with different defines, both with an address that becomes a gate's; a
# generated header and a generated source; a header by -include; definitions that stand in a
# response file, or after -Wp; options that Clang does not know.
MANY = {
    "tool/main.c": (
        """\
#include <stdio.h>
#include "counter.h"
#include "made.h"
#if !defined FORCED || !defined FROM_FILE || !defined PAST_DRIVER
#error a command was not understood
#endif
int sum_once(void), sum_tenfold(void), made(void);
int main(int argc, char **argv) {
    (void)argv;
    counter_put(MADE);
    counter_put(3);
    printf("total %d\\n", sum_once() + sum_tenfold() + made());
"""
        + ATTACK
    ),
    "tool/sum_tmpl.c": """\
#include "counter.h"
static int total;
static void add(int value) { total += value * FACTOR; }
int NAME(void) { counter_each(add); return total; }
""",
    "tool/forced.h": "#define FORCED 1\n",
    "tool/flags.rsp": '-DRESPONSE="1 2" -DFROM_FILE\n',
    "tool/make.sh": """\
#!/bin/sh
case $1 in
h) echo '#define MADE 2' ;;
c) cat <<'END'
#include "counter.h"
static int count;
static void one(int value) { (void)value; count++; }
int made(void) { counter_each(one); return count; }
END
;;
esac > $2
""",
    "compartments.toml": small.FILES["compartments.toml"].replace(
        '"tool/**"', '"tool/**", "build/**"'
    ),
}
MANY_TOTAL = 5 + 50 + 2
GCC_ONLY = (
    "-fipa-pta -Wlogical-op -fconserve-stack -mpreferred-stack-boundary=4 -fno-tree-vectorize"
    " -save-temps"
)

# A header with a function whose text is rewritten, precompiled: it is nowhere else included.
PRECOMPILED = {
    "tool/all.h": """\
#ifndef ALL_H
#define ALL_H
#include <stdio.h>
#include "../lib/counter.h"
static int total;
static void add(int value) { total += value; }
static inline int sum(void) { counter_each(add); return total; }
#endif
""",
    "tool/main.c": (
        """\
int two(void);
int main(int argc, char **argv) {
    (void)argv;
    counter_put(2);
    counter_put(3);
    printf("total %d\\n", sum() + two());
"""
        + ATTACK
    ),
    "tool/two.c": "int two(void) { return sum() * 10; }\n",
}
PRECOMPILED_TOTAL = 5 + 50

# Sources that a unity build makes one unit of, in each compartment.
UNITY = {
    "lib/more.c": "int more(void);\nint more(void) { return 40; }\n",
    "tool/more.c": (
        '#include "counter.h"\nstatic int many;\nstatic void one(int value) { (void)value; many++;'
        " }\nint how_many(void);\nint how_many(void) { counter_each(one); return many; }\n"
    ),
    "tool/main.c": (
        small.FILES["tool/main.c"]
        .replace("static int total", "int more(void), how_many(void);\nstatic int total")
        .replace('\\n", total)', '\\n", total + more() + how_many())')
    ),
}
UNITY_TOTAL = 5 + 40 + 2


def make(folder: pathlib.Path, **files: str) -> pathlib.Path:
    """As small_project's; a file that is a script can be run."""
    small.make(folder, **files)
    for path in folder.rglob("*.sh"):
        path.chmod(0o755)
    return folder


def named(files: dict) -> dict:
    """`files` with their names as make() takes them."""
    return {name.replace("/", "__").replace(".", "___"): text for name, text in files.items()}


def built(shapes: dict, builder, out: pathlib.Path) -> None:
    """Calls builder(folder, shape's own record, compiler, linker) for each variant of each
    shape."""
    for shape, record in shapes.items():
        for variant in record["variants"]:
            builder(out / f"{shape}-{variant}", record, *VARIANTS[variant])


class Runs(unittest.TestCase):
    """A front's module derives from it, sets `program` (where it is in the project), and calls
    add_tests()."""

    program = ""

    def check(self, folder: str, total: int):
        program = pathlib.Path(os.environ["IA2_TEST_OUT"], folder, self.program)
        enforced = os.environ.get("IA2_PKU") != "none"
        done = small.run(program)
        self.assertIn(f"total {total}\n", done.stdout)
        self.assertEqual("NOT protected" in done.stdout, not enforced)
        # The tool reads the library's memory: with keys it dies there; without, the attack must
        # work, or this tests nothing.
        done = small.run(program, "--attack", check=False)
        self.assertIn(f"total {total}\n", done.stdout)
        self.assertEqual("stolen 2\n" in done.stdout, not enforced)
        self.assertEqual(done.returncode, -11 if enforced else 0)


def add_tests(case: type, shapes: dict) -> None:
    def test(folder, total):
        return lambda self: self.check(folder, total)

    for shape, record in shapes.items():
        for variant in record["variants"]:
            setattr(
                case, f"test_{shape}_{variant}", test(f"{shape}-{variant}", record.get("total", 5))
            )
