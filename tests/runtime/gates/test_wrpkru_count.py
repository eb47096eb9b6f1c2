"""A call across a boundary costs two WRPKRU and no system call, whatever it takes across; counted
instruction by instruction."""

import os
import pathlib
import re
import unittest

from tests.support import compartments
from tests.support.compartments import Compartment

NEEDS_PKU = True
ALSO_NATIVE = True
HERE = pathlib.Path(__file__).resolve().parent


def build(out: pathlib.Path):
    compartments.build(
        out,
        "stepped",
        [
            Compartment("app", [HERE / "stepped.c"]),
            Compartment("library", [HERE / "stepped_lib.c"]),
        ],
        flags=[f"-I{HERE}"],
    )
    compartments.run(
        "gcc",
        "-O1",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-D_GNU_SOURCE",
        HERE / "stepping.c",
        "-o",
        out / "stepping",
    )


class WrpkruCount(unittest.TestCase):
    def count(self, case):
        done = compartments.execute(
            pathlib.Path(os.environ["IA2_TEST_OUT"]) / "stepping",
            compartments.program("stepped"),
            case,
        )
        self.assertEqual(done.status, 0, done)
        found = {name: int(value, 0) for name, value in re.findall(r"(\S+) (0x\w+|\d+)", done.out)}
        self.assertEqual((found["exit"], found["syscalls"]), (0, 0))
        written = found["wrpkru" if compartments.enforced() else "virtual-writes"]
        self.assertEqual(found["virtual-writes" if compartments.enforced() else "wrpkru"], 0)
        return written

    def test_plain_call(self):
        self.assertEqual(self.count("plain"), 0)

    def test_direct_call(self):
        self.assertEqual(self.count("direct"), 2)

    def test_call_with_stack_arguments(self):
        self.assertEqual(self.count("many"), 2)

    def test_call_that_returns_in_memory(self):
        self.assertEqual(self.count("sret"), 2)

    def test_indirect_call(self):
        self.assertEqual(self.count("indirect"), 2)

    def test_call_of_ones_own_gate(self):
        self.assertEqual(self.count("own"), 0)

    def test_call_that_calls_back(self):
        self.assertEqual(self.count("back"), 4)


if __name__ == "__main__":
    unittest.main()
