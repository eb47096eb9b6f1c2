"""Where arguments and results are, by the System V ABI: kit/rewriter/abi/sysv_abi.c."""

import pathlib
import unittest

from tests.unit.c_behaviours import add_behaviours, compile_program


def build(out: pathlib.Path):
    compile_program(out, "sysv_classification", "abi/sysv_abi.c")


class SysvClassification(unittest.TestCase):
    pass


add_behaviours(SysvClassification, "sysv_classification")

if __name__ == "__main__":
    unittest.main()
