"""What is in the registers on both sides of a call: arguments and results, and nothing else."""

import pathlib
import unittest

from tests.support import compartments
from tests.support.compartments import Compartment

NEEDS_PKU = True
ALSO_NATIVE = True
HERE = pathlib.Path(__file__).resolve().parent
SHAPES = ("nothing", "ints", "all", "stack", "memory", "pair", "doubles")


def parts():
    return [
        Compartment("caller", [HERE / "registers.c", HERE / "planting.S"]),
        Compartment("callee", [HERE / "registers_lib.c", HERE / "planting.S"]),
    ]


def build(out: pathlib.Path):
    for toolchain in compartments.TOOLCHAINS:
        compartments.build(out, "registers", parts(), toolchain, [f"-I{HERE}"])
    compartments.build_plain(
        out,
        "registers",
        [
            Compartment("caller", [HERE / "registers.c", HERE / "planting.S"]),
            Compartment("callee", [HERE / "planting.S"]),
        ],
        flags=[f"-I{HERE}"],
    )


class Registers(unittest.TestCase):
    def clean(self, *arguments, toolchain=compartments.GCC):
        done = compartments.execute(compartments.program("registers", toolchain), *arguments)
        self.assertEqual((done.status, done.out[8:]), (0, "clean\n"), done)

    def test_only_arguments_and_results_pass(self):
        for shape in SHAPES:
            with self.subTest(shape=shape):
                self.clean(shape)

    def test_callee_that_keeps_no_register(self):
        for shape in SHAPES:
            with self.subTest(shape=shape):
                self.clean(shape, "hostile")

    def test_clang_and_lld(self):
        for shape in ("all", "stack", "memory"):
            with self.subTest(shape=shape):
                self.clean(shape, toolchain=compartments.CLANG_LLD)

    def test_a_plain_call_leaks(self):
        done = compartments.execute(compartments.program("registers", plain=True), "ints")
        self.assertEqual(done.status, 1)
        self.assertIn("callee: rbx is 0x5ec2e7", done.out)


if __name__ == "__main__":
    unittest.main()
