"""500 random signatures where protection keys are enforced."""

import os
import pathlib
import unittest

from tests.fuzz.abi_fuzz import campaign

NEEDS_PKU = True
# The VM has no wide vectors.
CONFIGURATIONS = [
    it for it in campaign.CONFIGURATIONS if it.widest == 16 and len(set(it.compilers)) == 2
]


def parts(out) -> list:
    return campaign.parts(pathlib.Path(out), "enforced", 500, CONFIGURATIONS)


def build(out: pathlib.Path):
    for name, text in campaign.build_all(parts(out), 1).items():
        raise RuntimeError(f"{name}: {text}")


class Enforced(unittest.TestCase):
    def test_every_call(self):
        for part in parts(os.environ["IA2_TEST_OUT"]):
            with self.subTest(part.name):
                self.assertEqual(part.compare(), {})


if __name__ == "__main__":
    unittest.main()
