"""ia2_layout.h: made of the runtime's C by either compiler, and read by the engine."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from ia2.base import layout
from ia2.base.failure import Failure

SOURCE = pathlib.Path(os.environ["IA2_SOURCE"])
HERE = SOURCE / "runtime" / "layout"
BUILT = pathlib.Path(os.environ["IA2_BUILD"]) / "runtime" / "layout" / "ia2_layout.h"


class Layout(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        self.addCleanup(layout.use, None)

    def write(self, assembly: str):
        (self.path / "layout.s").write_text(assembly)
        return subprocess.run(
            [
                "/usr/bin/python3",
                HERE / "write_layout.py",
                self.path / "layout.s",
                self.path / "ia2_layout.h",
            ],
            capture_output=True,
            text=True,
        )

    def test_both_compilers_make_the_same(self):
        for compiler in ("gcc", "clang"):
            with self.subTest(compiler):
                done = subprocess.run(
                    [
                        compiler,
                        "-std=gnu11",
                        "-O1",
                        "-S",
                        "-DIA2_PERMISSIVE=0",
                        "-iquote",
                        SOURCE / "runtime",
                        f"-I{SOURCE / 'runtime' / 'include'}",
                        HERE / "layout.c",
                        "-o",
                        "-",
                    ],
                    capture_output=True,
                    text=True,
                    check=True,
                )
                self.assertEqual(self.write(done.stdout).returncode, 0)
                self.assertEqual((self.path / "ia2_layout.h").read_text(), BUILT.read_text())

    def test_numbers_of_the_built_kit(self):
        self.assertEqual(layout.IA2_PKRU_0, 0x65555554)
        self.assertEqual(layout.IA2_PAGE, 4096)

    def test_name_that_is_not_there(self):
        with self.assertRaisesRegex(AttributeError, "IA2_NONE is not in ia2_layout.h; add it"):
            layout.IA2_NONE

    def test_value_that_is_no_integer(self):
        done = self.write('\t.ascii "->#define IA2_A some"\n')
        self.assertEqual(done.returncode, 1)
        self.assertIn("is neither a title nor a #define of an integer", done.stderr)
        self.assertFalse((self.path / "ia2_layout.h").exists())

    def test_name_that_is_defined_twice(self):
        done = self.write('\t.ascii "->#define IA2_A 1"\n' * 2)
        self.assertIn("IA2_A is defined twice", done.stderr)

    def test_assembly_without_numbers(self):
        self.assertIn("no string begins with '->'", self.write("nop\n").stderr)

    def test_kit_that_is_not_built(self):
        layout.use(str(self.path))
        with self.assertRaisesRegex(Failure, "the kit is not built"):
            layout.IA2_PAGE

    def test_header_that_is_damaged(self):
        (self.path / "runtime" / "layout").mkdir(parents=True)
        (self.path / "runtime" / "layout" / "ia2_layout.h").write_text("#define IA2_PAGE 4 + 4\n")
        layout.use(str(self.path))
        with self.assertRaisesRegex(Failure, "line 1 is not a #define of an integer"):
            layout.IA2_PAGE


if __name__ == "__main__":
    unittest.main()
