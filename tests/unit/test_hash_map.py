"""The rewriter's hash map and interned strings."""

import pathlib
import unittest

from tests.unit.c_behaviours import add_behaviours, compile_program


def build(out: pathlib.Path):
    compile_program(out, "hash_map", "base/intern.c")


class HashMap(unittest.TestCase):
    pass


add_behaviours(HashMap, "hash_map")

if __name__ == "__main__":
    unittest.main()
