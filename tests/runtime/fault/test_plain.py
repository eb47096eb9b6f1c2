"""In an ordinary build of the same sources the exploits of test_exploit.py succeed, so those tests
can fail."""

import pathlib
import unittest

from tests.runtime.fault.exploiting import FLAGS, MEMORY, SHARED, ExploitCase, compartments, sides


def build(out: pathlib.Path):
    compartments.build_plain(out, "closed", sides({}), flags=FLAGS)


class PlainBuild(ExploitCase):
    def test_is_exploited(self):
        self.every(
            self.must_succeed,
            compartments.program("closed", plain=True),
            [(1, 2), (2, 1), (2, 3)],
            (*MEMORY, *SHARED),
            "rwRW",
            ("main", "worker"),
        )


if __name__ == "__main__":
    unittest.main()
