"""500 random signatures where protection keys are enforced."""

import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import campaign  # noqa: E402

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
