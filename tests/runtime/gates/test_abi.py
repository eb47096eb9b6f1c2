"""Arguments and results of every shape arrive, results of exactly their size."""

import pathlib
import unittest

from tests.runtime.gates import abi_sources
from tests.support import compartments
from tests.support.compartments import Compartment

NEEDS_PKU = True
ALSO_NATIVE = True


def build(out: pathlib.Path):
    types, callee, caller = abi_sources.sources()
    (out / "abi_types.h").write_text(types)
    for toolchain in compartments.TOOLCHAINS:
        compartments.build(
            out,
            "abi",
            [
                Compartment("caller", [("caller.c", caller)]),
                Compartment("callee", [("callee.c", callee)]),
            ],
            toolchain,
            [f"-I{out}"],
        )
    compartments.build_plain(
        out,
        "abi",
        [
            Compartment("caller", [("caller.c", caller)]),
            Compartment("callee", [("callee.c", callee)]),
        ],
        flags=[f"-I{out}"],
    )
    # A gate that is told one byte, one word or one register too few.
    wrong = (
        callee.replace("sret_bytes=77 ", "sret_bytes=76 ")
        .replace("stack_words=7 ", "stack_words=6 ")
        .replace("gate f_eight args_sse=8", "gate f_eight args_sse=7")
    )
    compartments.build(
        out,
        "wrong",
        [
            Compartment("caller", [("caller.c", caller)]),
            Compartment("callee", [("callee.c", wrong)]),
        ],
        flags=[f"-I{out}"],
    )


class Abi(unittest.TestCase):
    def every_shape(self, program):
        done = compartments.execute(program)
        self.assertEqual(
            (done.status, done.out), (0, f"{len(abi_sources.shapes())} shapes, 0 bad\n"), done
        )

    def test_gcc(self):
        self.every_shape(compartments.program("abi"))

    def test_clang_and_lld(self):
        self.every_shape(compartments.program("abi", compartments.CLANG_LLD))

    def test_plain(self):
        self.every_shape(compartments.program("abi", plain=True))

    def test_a_wrong_gate_is_noticed(self):
        done = compartments.execute(compartments.program("wrong"))
        self.assertEqual(done.status, 1)
        for name in ("f_memory77", "f_stack7", "f_eight"):
            self.assertIn(f"t_{name}:", done.out)


if __name__ == "__main__":
    unittest.main()
