"""From the sources to the trace: a project as it is, through the whole engine, ends as the
project's own program does."""

import json
import pathlib
import re
import shutil
import unittest

from tests.support import endings
from tests.support.ninja_project import POLICY, SHARED_BUILD, Project

NEEDS_PKU = True
ALSO_NATIVE = True
FILES = {
    "include/lib.h": "int lib_open(int);\nvoid lib_cleanup(void);\n",
    "src/lib.c": """#include <stdio.h>
#include <stdlib.h>
#include "lib.h"
#define AT_EXIT __attribute__((destructor))
static int state = 3;
AT_EXIT static void lib_fini(void) { printf("lib_fini %d\\n", state); }
__attribute__((destructor(200))) static void lib_late(void) { printf("lib_late %d\\n", state); }
static void lib_quick(void) { printf("lib_quick %d\\n", state); fflush(stdout); }
void lib_cleanup(void) { printf("lib_cleanup %d\\n", state++); }
int lib_open(int n) { at_quick_exit(lib_quick); atexit(lib_cleanup); if (n == 2) exit(9); if (n == 3) quick_exit(10); return n; }
""",  # noqa: E501
    "src/add.c": "int lib_number(void) { return 1; }\n",
    "tool/main.c": """#include <stdio.h>
#include <stdlib.h>
#include "lib.h"
static char name[] = "tool";
static void tool_on_exit(int status, void *arg) { printf("tool_on_exit %d %s\\n", status, (char *)arg); }
static void tool_at_exit(void) { printf("tool_at_exit %s\\n", name); }
__attribute__((destructor)) void tool_fini(void) { printf("tool_fini %s\\n", name); }
int main(int argc, char **argv) {
    atexit(tool_at_exit);
    on_exit(tool_on_exit, name);
    int n = lib_open(argc > 1 ? atoi(argv[1]) : 1);
    atexit(lib_cleanup);
    return n + 4;
}
""",  # noqa: E501
    "tool/where.c": "int tool_number(void) { return 2; }\n",
}
WAYS = ("1", "2", "3")


def build(out: pathlib.Path):
    for compiler in ("gcc", "clang"):
        folder = out / compiler
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        project = Project(folder / "project", FILES, SHARED_BUILD, compiler)
        (folder / "compartments.toml").write_text(POLICY)
        endings.compartments.run(
            "/usr/bin/python3",
            endings.compartments.SOURCE / "scripts/rewrite.py",
            "--policy",
            folder / "compartments.toml",
            "--out",
            folder / "out",
            "--target",
            "tool",
            "--kit-build",
            endings.BUILD,
            project.build,
        )
        endings.save(
            folder / "expected.json",
            {way: endings.execute(project.build / "tool", way) for way in WAYS},
        )


class Rewritten(unittest.TestCase):
    def test_ends_as_the_projects_own_program(self):
        for compiler in ("gcc", "clang"):
            expected = endings.load(endings.out() / compiler / "expected.json")
            for way in WAYS:
                with self.subTest(compiler=compiler, way=way):
                    done = endings.execute(endings.out() / compiler / "out/bin/tool", way)
                    self.assertEqual((done.status, done.out), expected[way], done)
                    self.assertNotIn("IA2_EXIT", done.err)

    def test_trace_has_the_names(self):
        for compiler in ("gcc", "clang"):
            done = endings.execute(
                endings.out() / compiler / "out/bin/tool", "1", IA2_TRACE_EXIT="1"
            )
            self.assertIn(
                "IA2_TRACE: Importing static table for compartment tool (3 entries)\n", done.err
            )
            self.assertIn(
                "IA2_TRACE: Importing static table for compartment lib (4 entries)\n", done.err
            )
            found = re.findall(r"running '([a-z_]+)' \((\w+)\) target compartment (\w+) ", done.err)
            # The gate of lib_cleanup that the tool has registered has no name.
            self.assertEqual(
                found,
                [
                    ("lib_cleanup", "atexit", "lib"),
                    ("tool_on_exit", "on_exit", "tool"),
                    ("tool_at_exit", "atexit", "tool"),
                    ("tool_fini", "fini_array", "tool"),
                    ("lib_fini", "fini_array", "lib"),
                    ("lib_late", "fini_array", "lib"),
                ],
                done.err,
            )

    def test_sidecar(self):
        listed = json.loads((endings.out() / "gcc/out/destructors.json").read_text())["destructors"]
        self.assertEqual(
            [(d["symbol"], d["compartment"], d["kind"], d["priority"]) for d in listed],
            [
                ("tool_at_exit", "tool", "atexit", None),
                ("tool_fini", "tool", "destructor", None),
                ("tool_on_exit", "tool", "on_exit", None),
                ("lib_cleanup", "lib", "atexit", None),
                ("lib_fini", "lib", "destructor", None),
                ("lib_late", "lib", "destructor", 200),
                ("lib_quick", "lib", "at_quick_exit", None),
            ],
        )
        self.assertTrue(
            all(d["file"].endswith(("lib.c", "main.c")) and d["line"] for d in listed), listed
        )


if __name__ == "__main__":
    unittest.main()
