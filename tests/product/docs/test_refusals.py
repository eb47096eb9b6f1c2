"""docs/refusals.md says what the test cases and the sources of the stages say, sorted."""

import pathlib
import re
import tempfile
import unittest

from ia2.tools import limits, refusals
from tests.product.docs import pages

ANEW = "run: PYTHONPATH=kit python3 -m ia2.tools.refusals"


class Refusals(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.text = pages.page("refusals.md")

    def test_is_up_to_date(self):
        self.assertMultiLineEqual(self.text, refusals.text(pages.SOURCE), ANEW)

    def test_each_table_is_sorted_by_its_text(self):
        tables = re.findall(r"^\|---.*\n((?:\|.*\n)+)", self.text, re.MULTILINE)
        self.assertEqual(len(tables), 2)
        for table in tables:
            first = [row.split("|")[1].strip().lower() for row in table.splitlines()]
            self.assertGreater(len(first), 70)
            self.assertEqual(first, sorted(first))

    def test_every_rejected_case_is_in_it(self):
        for path in (pages.SOURCE / "tests/rewriter/reject").glob("*.case"):
            found = re.findall(r"^\S+: error: .*?: (.*)\n  remedy:", path.read_text(), re.MULTILINE)
            self.assertTrue(found, path)
            for reason in found:
                self.assertIn(f"| {limits.cell(reason)} |", self.text)


class Reading(unittest.TestCase):
    def of(self, code: str) -> list[tuple[str, str]]:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "a.py")
            path.write_text(code)
            return list(refusals.failures(path))

    def test_message_and_remedy(self):
        self.assertEqual(self.of('Failure("no cat", path, "feed it")'), [("no cat", "feed it")])
        self.assertEqual(self.of('Failure("no cat", remedy="feed it")'), [("no cat", "feed it")])
        self.assertEqual(self.of('self.fail("no cat", "x.y")'), [("no cat", "")])

    def test_what_is_filled_in(self):
        self.assertEqual(
            self.of('Failure(f"cat {name} " + color, path, "wash" if wet else "dry")'),
            [("cat ... ...", "wash / dry")],
        )
        self.assertEqual(self.of("Failure(str(error), path)"), [])


if __name__ == "__main__":
    unittest.main()
