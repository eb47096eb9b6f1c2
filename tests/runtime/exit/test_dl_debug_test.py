"""A synthetic destructor per compartment, with tracing on and off."""

import os
import pathlib
import re
import unittest

from tests.support import endings

NEEDS_PKU = True
ALSO_NATIVE = True
PRINTED = (
    "main\nlibrary_at_exit library's 1\nmain_at_exit main's 1\nmain_cleanup main's"
    " 1\nlibrary_cleanup library's 1\n"
)
NAMES = ["library_at_exit", "main_at_exit", "main_cleanup", "library_cleanup"]


def build(out: pathlib.Path):
    for toolchain in endings.compartments.TOOLCHAINS:
        endings.build(out, "dl_debug", ("dl_debug_test.c", "dl_debug_library.c"), toolchain)


class DlDebug(unittest.TestCase):
    def go(self, toolchain=endings.compartments.GCC, **environment):
        done = endings.execute(endings.compartments.program("dl_debug", toolchain), **environment)
        self.assertEqual((done.status, done.out), (5, PRINTED), done)
        return done.err

    def test_silent(self):
        for toolchain in endings.compartments.TOOLCHAINS:
            self.assertNotIn("IA2_", self.go(toolchain))

    def test_zero_is_off(self):
        self.assertNotIn(
            "IA2_",
            self.go(
                IA2_TRACE_EXIT="0",
                IA2_DIAG_EXIT="0",
                IA2_EXIT_ALLOW_ALL="0",
                IA2_EXIT_FORCE_LEGACY="0",
            ),
        )

    def test_traced(self):
        for toolchain in endings.compartments.TOOLCHAINS:
            err = self.go(toolchain, IA2_TRACE_EXIT="1")
            self.assertEqual(
                [name for name in re.findall(r"IA2_TRACE: running '(\w+)'", err) if name in NAMES],
                NAMES,
                err,
            )
            self.assertIn(
                "IA2_TRACE: Importing static table for compartment dl_debug_test (2 entries)\n", err
            )
            self.assertIn(
                "IA2_TRACE: Importing static table for compartment dl_debug_library (2 entries)\n",
                err,
            )
            for name in NAMES:
                self.assertIn(f"IA2_TRACE: Registered destructor '{name}'\n", err)
            self.assertNotIn("IA2_DIAG", err)

    def test_counted(self):
        err = self.go(IA2_DIAG_EXIT="1")
        self.assertRegex(
            err,
            (
                rf"(?m)^IA2_DIAG_EXIT: success={4 + endings.COMPILERS} fallback=0 unknown=0"
                r" faulted=0\n\Z"
            ),
        )
        self.assertNotIn("IA2_TRACE", err)

    @unittest.skipIf(os.environ.get("IA2_PKU") == "vm", "GDB takes too long in the VM")
    def test_gdb_recipe_of_the_documentation(self):
        text = (
            (endings.compartments.SOURCE / "docs" / "exit-handling.md")
            .read_text()
            .split("## In GDB")[1]
        )
        recipe = endings.out() / "exit.gdb"
        recipe.write_text(
            # gdb 13 fails to call functions on a CPU with AMX, so the recipe calls none.
            "set debuginfod enabled off\nset may-call-functions off\n"
            + "".join(line[4:] + "\n" for line in text.splitlines() if line.startswith("    "))
        )
        program = endings.compartments.program("dl_debug")
        done = endings.execute("gdb", "-nx", "-q", "-batch", "-x", recipe, program, timeout=100)
        found = re.findall(
            r"destructor of compartment (\d): (\w+).*\n  PKRU before:"
            r" 0x65555554\n(?:Temporary.*\n)?"
            r"  PKRU inside: (0x[0-9a-f]+)\n  PKRU after: 0x65555554\n",
            done.out,
        )
        self.assertEqual(
            [(int(key), name) for key, name, _ in found if name in NAMES],
            [(1 + name.startswith("library"), name) for name in NAMES],
            done,
        )
        self.assertTrue(
            all(int(pkru, 16) == endings.compartments.pkru(int(key), ()) for key, _, pkru in found),
            done,
        )


if __name__ == "__main__":
    unittest.main()
