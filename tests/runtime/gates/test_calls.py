"""Calls through gates and gate pointers: nested, recursive, to oneself; from those who may not, and
to what is no gate."""

import pathlib
import unittest

from tests.support import compartments
from tests.support.compartments import Compartment

NEEDS_PKU = True
ALSO_NATIVE = True
HERE = pathlib.Path(__file__).resolve().parent


def build(out: pathlib.Path):
    for toolchain in compartments.TOOLCHAINS:
        parts = [
            Compartment("app", [HERE / "calls.c"]),
            Compartment("library", [HERE / "calls_lib.c"]),
            Compartment("third", [HERE / "calls_third.c"]),
        ]
        compartments.build(out, "calls", parts, toolchain, [f"-I{HERE}"])


class Calls(unittest.TestCase):
    def both(self, name):
        for toolchain in compartments.TOOLCHAINS:
            with self.subTest(toolchain=toolchain.name):
                yield compartments.execute(compartments.program("calls", toolchain), name)

    def gives(self, name, result):
        for done in self.both(name):
            self.assertEqual((done.status, done.out), (0, f"result {result}\n"), done)

    def aborts(self, name, message):
        for done in self.both(name):
            self.assertEqual((done.status, done.out), (-6, ""), done)
            self.assertIn(message, done.err)

    def test_nested_callbacks(self):
        self.gives("nested", 500)

    def test_recursion(self):
        self.gives("recursion", 1000)

    def test_callback(self):
        self.gives("callback", 90)

    def test_owner_calls_its_own_gate(self):
        self.gives("own-gate", 40 + 1000)

    def test_function_that_nobody_exports(self):
        self.gives("private-gate", 1006)

    def test_third_compartment(self):
        self.gives("third", 18 + 4)

    def test_caller_in_the_mask(self):
        self.gives("allowed-caller", 3)

    def test_caller_not_in_the_mask(self):
        self.aborts(
            "wrong-caller",
            (
                "ia2: compartment library: call gate: the calling compartment may not call this"
                " function"
            ),
        )

    def test_function_that_has_no_gate(self):
        self.aborts("raw", "is no call gate")

    def test_function_of_libc(self):
        self.aborts("libc", "is no call gate")

    def test_data(self):
        self.aborts("data", "is no call gate")

    def test_middle_of_a_gate(self):
        self.aborts("misaligned", "is no call gate")

    def test_gate_of_another_type(self):
        self.aborts("type", "(0x78, not 0x77)")

    def test_gate_of_the_right_type(self):
        self.gives("right-type", 1)

    def test_null_pointer_faults_as_ever(self):
        for done in self.both("null"):
            self.assertEqual((done.status, done.out), (-11, ""), done)


if __name__ == "__main__":
    unittest.main()
