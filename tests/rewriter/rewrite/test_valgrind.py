"""The rewriter as it is built, under valgrind: no error, and nothing lost, on a few cases of this
room."""

import os
import pathlib
import tempfile
import unittest

from tests.support import rewriter_case
from tests.support.checked_rewriter import VALGRIND

FOLDER = pathlib.Path(__file__).resolve().parent

CASES = ("callback", "locals_by_flow", "macros", "variadic_pointers", "pasted_names")
TIMEOUT = 400


def build(out: pathlib.Path):
    VALGRIND.build()


class Valgrind(unittest.TestCase):
    def run_case(self, name, **options):
        with tempfile.TemporaryDirectory() as folder:
            run = rewriter_case.Run(
                rewriter_case.Case(FOLDER / f"{name}.case"), os.path.realpath(folder)
            )
            return VALGRIND.run(
                run.out / "plan.json", run.root, run.out, run.out, timeout=TIMEOUT - 10, **options
            )

    def test_cases(self):
        for name in CASES:
            with self.subTest(name):
                done = self.run_case(name)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_what_is_wrong_is_seen(self):
        for error, (_, words) in VALGRIND.errors.items():
            done = self.run_case(CASES[0], error=error)
            self.assertEqual(done.returncode, 99)
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
