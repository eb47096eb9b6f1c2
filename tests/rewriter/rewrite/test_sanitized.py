"""The rewriter under AddressSanitizer, UndefinedBehaviorSanitizer and LeakSanitizer, on every case
of this room."""

import os
import pathlib
import random
import tempfile
import unittest

from tests.support import rewriter_case
from tests.support.checked_rewriter import SANITIZED

FOLDER = pathlib.Path(__file__).resolve().parent

TIMEOUT = 300


def build(out: pathlib.Path):
    SANITIZED.build()


class Sanitized(unittest.TestCase):
    def run_case(self, name, **options):
        """One run per function `damage` of the bytes of a tree: with the trees of the run before,
        all damaged so."""
        damages = options.pop("damages", ())
        with tempfile.TemporaryDirectory() as folder:
            run = rewriter_case.Run(
                rewriter_case.Case(FOLDER / f"{name}.case"), os.path.realpath(folder)
            )
            trees = run.folder / "trees"
            arguments = (
                run.out / "plan.json",
                run.root,
                run.out,
                run.out,
                "--cache-directory",
                trees,
            )
            done = [SANITIZED.run(*arguments, **options)]
            for damage in damages:
                kept = sorted(trees.glob("*.tree"))
                self.assertEqual(len(kept), len(run.units))
                for path in kept:
                    path.write_bytes(damage(path.read_bytes()))
                done.append(SANITIZED.run(*arguments, **options))
        return [(ended.returncode, ended.stderr) for ended in done]

    def test_cases(self):
        """Each cold, and with the trees of that."""
        for case in sorted(FOLDER.glob("*.case")):
            with self.subTest(case.stem):
                self.assertEqual(
                    self.run_case(case.stem, damages=[lambda data: data]), [(0, "")] * 2
                )

    def test_damaged_trees(self):
        chance = random.Random(1)

        def damage(data):
            at = chance.randrange(len(data))
            return chance.choice(
                (
                    data[:at],
                    data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :],
                )
            )

        for case in ("callback", "macros", "locals_by_flow", "variadic_calls", "guide_macros"):
            with self.subTest(case):
                self.assertEqual(self.run_case(case, damages=[damage] * 8), [(0, "")] * 9)

    def test_what_is_wrong_is_seen(self):
        for error, (_, words) in SANITIZED.errors.items():
            [(status, said)] = self.run_case("callback", error=error)
            self.assertNotEqual(status, 0)
            self.assertIn(words, said)


if __name__ == "__main__":
    unittest.main()
