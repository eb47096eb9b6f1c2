"""A program is built permissive, run, and built to enforce with the policy that learn makes of the
run: it then runs clean. With the old policy it dies."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from tests.support import compartments
from tests.support import small_project as small

NEEDS_PKU = True
TIMEOUT = 400

FILES = {
    "lib/lib.h": """\
struct table { int used; int *values; };
void lib_setup(void);
int lib_sum(const int *values, int n);
char *lib_name(void);
struct table *lib_table(void);
void lib_fill(char *text, int size);
int lib_read(const char *file, char *text, int size);
char *lib_word(void);
""",
    "lib/lib.c": """\
#include "lib.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static struct table *own;
static char text[16] = "library";
void lib_setup(void) {
    own = malloc(sizeof(*own));
    own->used = 3;
    own->values = calloc(3, sizeof(int));
}
int lib_sum(const int *values, int n) {
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += values[i];
    return sum;
}
char *lib_name(void) { return text; }
struct table *lib_table(void) { return own; }
void lib_fill(char *to, int size) {
    for (int i = 0; i < size - 1; i++)
        ((volatile char *)to)[i] = 'x';
}
int lib_read(const char *name, char *to, int size) {
    FILE *file = fopen(name, "r");
    int got = file ? (int)fread(to, 1, size, file) : -1;
    if (file)
        fclose(file);
    return got;
}
char *lib_word(void) {
    return strdup("a word");
}
""",
    "tool/main.c": """\
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib.h"
static int numbers[100];
static char buffer[64];
/* The rewriter refuses what it is sure of. */
static struct { int *numbers; char *buffer, *file; } at = { numbers, buffer, 0 };
static void *xmalloc(size_t n) {
    void *p = malloc(n);
    return p ? p : (exit(1), p);
}
static int *make_numbers(int n) {
    int *p = xmalloc(n * sizeof(int));
    for (int i = 0; i < n; i++)
        p[i] = i;
    return p;
}
int main(void) {
    static char name[] = "/proc/self/comm";
    at.file = name;
    lib_setup();
    for (int i = 0; i < 100; i++)
        numbers[i] = i;
    printf("sum %d\\n", lib_sum(at.numbers, 100));
    int *heap = make_numbers(1000);
    printf("sum %d\\n", lib_sum(heap, 1000));
    printf("name %s\\n", lib_name());
    lib_table()->values[1] = 5;
    printf("table %d %d\\n", lib_table()->used, lib_table()->values[1]);
    lib_fill(at.buffer, sizeof(buffer));
    puts(buffer);
    char *text = calloc(100, 1);
    printf("%d %s", lib_read(at.file, text, 100), text);
    char *word = lib_word();
    puts(word);
    free(word);
    free(heap);
    return 0;
}
""",
    "compartments.toml": """\
[compartment.tool]
pkey = 1
sources = ["tool/**"]

[compartment.lib]
pkey = 2
sources = ["lib/**"]
""",
    "meson.build": """\
project('small', 'c', default_options: ['buildtype=debugoptimized'])
lib = static_library('lib', 'lib/lib.c')
executable('prog', 'tool/main.c', include_directories: 'lib', link_with: lib)
""",
}

EXPECTED = """\
[allocations]
lib_word = "shared"
lib_setup = "shared"
"main.text" = "shared"
make_numbers = "shared"

[shared]
variables = ["buffer", "name", "numbers", "text"]

# Why:
# [allocations] lib_setup = "shared": 2 blocks, 28 bytes, 2 places, for all to read and write
#   tool reads what lib_setup (lib/lib.c:8) allocates of lib in main (tool/main.c:30), N times
#   tool reads what lib_setup (lib/lib.c:10) allocates of lib in main (tool/main.c:30), once
#   tool reads what lib_setup (lib/lib.c:8) allocates of lib in main (tool/main.c:29), once
#   tool writes what lib_setup (lib/lib.c:10) allocates of lib in main (tool/main.c:29), once
# [allocations] lib_word = "shared": 1 block, 7 bytes, 1 place, for all to read and write
#   tool calls free for what lib_word allocates, in the heap of lib, in main (tool/main.c:37), once
#   tool reads what lib_word allocates of lib in main (tool/main.c:36), in libc.so.6, N times
# [allocations] "main.text" = "shared": 1 block, 100 bytes, 1 place, for all to read and write
#   lib writes what main (tool/main.c:33) allocates of tool in lib_read (lib/lib.c:26), by fread(), once
# [allocations] make_numbers = "shared": 1 block, 4000 bytes, 1 place, for all to read and write
#   lib reads what make_numbers (tool/main.c:14), through xmalloc allocates of tool in lib_sum (lib/lib.c:15), 1000 times
# [shared] variables = ["buffer"]
#   lib writes 'buffer' (tool/main.c:6) of tool in lib_fill (lib/lib.c:22), 63 times
# [shared] variables = ["name"]
#   lib reads 'name' (tool/main.c:20) of tool in lib_read (lib/lib.c:25), by fopen(), once
# [shared] variables = ["numbers"]
#   lib reads 'numbers' (tool/main.c:5) of tool in lib_sum (lib/lib.c:15), 100 times
# [shared] variables = ["text"]
#   tool reads 'text' (lib/lib.c:6) of lib in main (tool/main.c:28), in libc.so.6, N times
"""  # noqa: E501


def build(out: pathlib.Path):
    project = small.make(
        out / "project",
        **{name.replace("/", "__").replace(".", "___"): text for name, text in FILES.items()},
    )
    small.run("meson", "setup", project / "build", project, env={**os.environ, "CC": "gcc"})
    small.run("ninja", "-C", project / "build")
    for name, options in (("permissive", ["--permissive"]), ("enforcing", [])):
        small.rewrite(project, out / name, *options, "--target", "prog", project / "build")


class EndToEnd(unittest.TestCase):
    def lines(self, text):
        """Of each table the entries with their reasons, in an order that does not depend on how
        libc touches memory."""
        text = re.sub(
            (
                r"(in libc\.so\.6|lib/lib\.c:8\) allocates of lib in main \(tool/main\.c:30\)),"
                r" (\d+ times|once)"
            ),
            r"\1, N times",
            text,
        )
        return sorted(text.splitlines())

    def test_learned_policy_runs_clean(self):
        out = pathlib.Path(os.environ["IA2_TEST_OUT"]).resolve()
        project = out / "project"
        plain = compartments.execute(project / "build/prog")
        self.assertEqual(plain.status, 0, plain)
        enforcing = compartments.execute(out / "enforcing/bin/prog")
        self.assertEqual((enforcing.status, enforcing.out), (-11, ""), enforcing)
        with tempfile.TemporaryDirectory() as folder:
            log, policy = f"{folder}/log.json", f"{folder}/compartments.toml"
            permissive = compartments.execute(out / "permissive/bin/prog", IA2_VIOLATION_LOG=log)
            self.assertEqual((permissive.status, permissive.out), (0, plain.out), permissive)
            learned = subprocess.run(
                [
                    small.SOURCE / "scripts/learn",
                    "--policy",
                    project / "compartments.toml",
                    "--write",
                    policy,
                    log,
                ],
                capture_output=True,
                text=True,
                cwd=project,
            )
            self.assertEqual((learned.returncode, learned.stderr), (0, ""), learned)
            self.assertEqual(
                self.lines(learned.stdout.split("\n\n", 1)[1]), self.lines(EXPECTED), learned.stdout
            )
            small.run(
                small.REWRITE,
                "--policy",
                policy,
                "--out",
                f"{folder}/out",
                "--kit-build",
                small.KIT_BUILD,
                "--target",
                "prog",
                project / "build",
            )
            clean = compartments.execute(f"{folder}/out/bin/prog")
            self.assertEqual((clean.status, clean.out), (0, plain.out), clean)


if __name__ == "__main__":
    unittest.main()
