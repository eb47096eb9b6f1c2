"""A small project of a tool and a library, with a build file for each front; how to build and split
it.

The tool's `--attack` reads the library's memory: with keys enforced it must not get there."""

import collections.abc
import os
import pathlib
import shutil
import subprocess
import time
import unittest

SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE") or pathlib.Path(__file__).resolve().parents[2])
KIT_BUILD = pathlib.Path(os.environ.get("IA2_BUILD") or SOURCE / "build")
REWRITE = SOURCE / "scripts/rewrite.py"

FILES = {
    "lib/counter.h": """\
void counter_put(int value);
void counter_each(void (*visit)(int value));
const int *counter_where(void);
""",
    "lib/counter.c": """\
#include "counter.h"
#include "limit.h"
static int values[COUNTER_LIMIT], used;
void counter_put(int value) { if (used < COUNTER_LIMIT) values[used++] = value; }
void counter_each(void (*visit)(int value)) { for (int i = 0; i < used; i++) visit(values[i]); }
const int *counter_where(void) { return values; }
""",
    "lib/limit.h": "#define COUNTER_LIMIT 8\n",
    "tool/main.c": """\
#include <stdio.h>
#include "counter.h"
static int total;
static void add(int value) { total += value; }
int main(int argc, char **argv) {
    (void)argv;
    counter_put(2);
    counter_put(3);
    counter_each(add);
    printf("total %d\\n", total);
    fflush(stdout);
    if (argc > 1)
        printf("stolen %d\\n", *counter_where());
    return 0;
}
""",
    "compartments.toml": """\
[compartment.tool]
pkey = 1
sources = ["tool/**"]

[compartment.counter]
pkey = 2
sources = ["lib/**"]
""",
}

MAKEFILE = """\
CFLAGS = -O2 -Ilib
tool/counter: tool/main.o lib/libcounter.a
\t$(CC) -o $@ tool/main.o -Llib -lcounter
lib/libcounter.a: lib/counter.o
\t$(AR) rcs $@ $^
lib/counter.o: lib/counter.h lib/limit.h
tool/main.o: lib/counter.h
clean:
\trm -f tool/counter tool/*.o lib/*.o lib/*.a
"""

MESON = """\
project('small', 'c')
counter = library('counter', 'lib/counter.c')
exe = executable('counter', 'tool/main.c', include_directories: 'lib', link_with: counter)
"""

CMAKE = """\
cmake_minimum_required(VERSION 3.25)
project(small C)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
add_library(counter_lib STATIC lib/counter.c)
add_executable(counter tool/main.c)
target_include_directories(counter PRIVATE lib)
target_link_libraries(counter PRIVATE counter_lib)
"""


def make(folder: pathlib.Path, **files: str) -> pathlib.Path:
    """A fresh project in `folder`; `files` adds or replaces some, "__" for "/" and "___" for "." in
    their names."""
    shutil.rmtree(folder, ignore_errors=True)
    named = {name.replace("___", ".").replace("__", "/"): text for name, text in files.items()}
    for name, text in {**FILES, **named}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def edit(path: pathlib.Path, old: str, new: str) -> None:
    """Replaces `old`, which must be there, in a file; the file is then newer than all that was made
    before."""
    text = path.read_text()
    if old not in text:
        raise RuntimeError(f"{path} does not hold {old!r}")
    time.sleep(0.02)
    path.write_text(text.replace(old, new))


def expect_total(number: int, program: pathlib.Path) -> None:
    """Runs the tool; RuntimeError unless it prints `total NUMBER`."""
    done = run(program)
    if f"total {number}\n" not in done.stdout:
        raise RuntimeError(f"no total {number}: {done.stdout}")


def compiled(out: pathlib.Path) -> dict[str, int]:
    """Source -> when the kit last compiled it, in the output directory `out`. Compiled by every
    front: both sources of FILES."""
    return {
        path.name.split(".", 1)[1].removesuffix(".o"): path.stat().st_mtime_ns
        for path in (out / "obj").glob("[0-9]*.c.o")
    }


def parsed(out: pathlib.Path) -> set[tuple[str, int]]:
    """The syntax trees that the rewriter keeps, with the time of each one's parsing."""
    return {(path.name, path.stat().st_mtime_ns) for path in (out / "trees").glob("*.tree")}


def touch_one_source(
    case: unittest.TestCase,
    project: pathlib.Path,
    out: pathlib.Path,
    build: collections.abc.Callable[[], object],
    program: pathlib.Path,
) -> None:
    """`build` builds `project` and splits it, with the kit's output in `out`: only what a change
    concerns is made again."""
    build()
    library = out / "bin/counter.ia2.so"
    before, linked, trees = compiled(out), library.stat().st_mtime_ns, parsed(out)
    case.assertEqual(set(before), {"counter.c", "main.c"})
    edit(project / "lib/counter.c", "= value;", "= value * 3;")
    build()
    after = compiled(out)
    case.assertEqual({name for name in after if after[name] != before[name]}, {"counter.c"})
    case.assertEqual(len(parsed(out) - trees), 1)
    case.assertNotEqual(linked, library.stat().st_mtime_ns)
    expect_total(15, program)
    # A function more that crosses: a gate more, and both sides see it.
    edit(
        project / "lib/counter.c",
        "int *counter_where(void) {",
        (
            "int *counter_where(void); int counter_more(void); int counter_more(void) { return 100;"
            " }\nconst int *counter_where(void) {"
        ),
    )
    edit(
        project / "tool/main.c",
        'printf("total',
        'extern int counter_more(void); total += counter_more(); printf("total',
    )
    build()
    case.assertIn("__wrap_counter_more", (out / "boundary.json").read_text())
    expect_total(115, program)
    again = compiled(out), parsed(out)
    build()
    case.assertEqual(again, (compiled(out), parsed(out)))


def run(*command, check=True, **options) -> subprocess.CompletedProcess:
    """Runs a command; what it printed is in the result's stdout. RuntimeError with that if it
    fails."""
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        **options,
    )
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(str(word) for word in command)}\n{done.stdout}")
    return done


def rewrite(
    project: pathlib.Path, out: pathlib.Path, *arguments, check=True
) -> subprocess.CompletedProcess:
    return run(
        REWRITE,
        "--policy",
        project / "compartments.toml",
        "--out",
        out,
        "--kit-build",
        KIT_BUILD,
        *arguments,
        check=check,
    )
