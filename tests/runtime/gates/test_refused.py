"""A refused call ends the process, whatever the program does about SIGABRT."""

import pathlib
import unittest

from tests.support import compartments
from tests.support.compartments import Compartment

NEEDS_PKU = True
ALSO_NATIVE = True
HERE = pathlib.Path(__file__).resolve().parent


def build(out: pathlib.Path):
    parts = [
        Compartment("app", [HERE / "refused.c"]),
        Compartment("library", [HERE / "refused_lib.c"]),
    ]
    compartments.build(out, "refused", parts, flags=[f"-I{HERE}"])


class Refused(unittest.TestCase):
    def ends(self, *words):
        done = compartments.execute(compartments.program("refused"), *words)
        self.assertEqual((done.status, done.out), (-6, ""), done)
        self.assertIn("ia2: compartment 1 calls", done.err)

    def test_without_handler(self):
        self.ends()

    def test_a_handler_that_jumps(self):
        self.ends("handled")

    def test_ignored(self):
        self.ends("ignored")

    def test_blocked(self):
        self.ends("blocked")


if __name__ == "__main__":
    unittest.main()
