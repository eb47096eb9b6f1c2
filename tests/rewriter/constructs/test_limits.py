"""docs/limits.md says what the test cases say."""

import os
import pathlib
import unittest

from ia2.tools import limits

SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE") or pathlib.Path(__file__).resolve().parents[3])


class Limits(unittest.TestCase):
    maxDiff = None

    def test_is_up_to_date(self):
        found = (SOURCE / "docs" / "limits.md").read_text(encoding="utf-8")
        self.assertMultiLineEqual(
            found, limits.text(SOURCE), "run: PYTHONPATH=kit python3 -m ia2.tools.limits"
        )

    def test_every_case_is_in_it(self):
        found = (SOURCE / "docs" / "limits.md").read_text(encoding="utf-8")
        for folder in ("constructs", "rewrite"):
            for path in (SOURCE / "tests" / "rewriter" / folder).glob("*.case"):
                self.assertIn(f"| {folder}/{path.stem} |", found)


if __name__ == "__main__":
    unittest.main()
