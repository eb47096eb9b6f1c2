"""More of the random programs, where keys are enforced: what crosses is what may cross, and what
was planted is stopped."""

import json
import os
import pathlib
import unittest

from tests.fuzz.csmith import fuzzing, known_seeds, planted_rewriter
from tests.fuzz.csmith.compared_program import BUILD, Program

NEEDS_PKU = True
SEED, PROGRAMS = known_seeds.ENFORCED
MISTAKE = "global_left_private"


def build(out: pathlib.Path):
    results = fuzzing.campaign(out, SEED, PROGRAMS, keep=True, known=known_seeds.known(SEED))
    bad = [result for result in results if result.verdict == "different"]
    if bad:
        raise RuntimeError(
            "\n".join(f"{result.text}\n{fuzzing.reproduction(out, result.seed)}" for result in bad)
        )
    planted = out / "planted"
    [result] = fuzzing.campaign(
        planted, SEED, 1, keep=True, kit_build=planted_rewriter.kit(out, BUILD, MISTAKE)
    )
    if result.verdict != "same":
        raise RuntimeError(f"a mistake that only keys show is seen without them:\n{result.text}")
    print(f"note: {fuzzing.summary(results)}")
    (out / "seeds.json").write_text(
        json.dumps([result.seed for result in results if result.verdict == "same"])
    )


class Enforced(unittest.TestCase):
    def setUp(self):
        self.out = pathlib.Path(os.environ["IA2_TEST_OUT"])

    def test_same_checksums(self):
        seeds = json.loads((self.out / "seeds.json").read_text())
        self.assertEqual(len(seeds), PROGRAMS)
        for seed in seeds:
            with self.subTest(seed):
                self.assertEqual(
                    Program(self.out / str(seed)).compare(),
                    "",
                    fuzzing.reproduction(self.out, seed),
                )

    def test_what_must_not_cross_is_stopped(self):
        self.assertIn("ia2: violation: ", Program(self.out / "planted" / str(SEED)).compare())


if __name__ == "__main__":
    unittest.main()
