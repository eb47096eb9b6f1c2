"""compartments.toml(5): each table and key of the policy, well-formed, with a valid example."""

import pathlib
import re
import subprocess
import tempfile
import unittest

from tests.product.docs import pages
from ia2.policy import policy

PAGE = pages.SOURCE / "packaging/man/compartments.toml.5"


class Manual(unittest.TestCase):
    def setUp(self):
        self.text = PAGE.read_text()

    def test_each_table_and_key(self):
        tables = set(re.findall(r"^\\fB\[(\w+)", self.text, re.MULTILINE))
        keys = set(re.findall(r"^\\fB(\w+)\\fR = ", self.text, re.MULTILINE))
        self.assertEqual(tables, policy.TABLES)
        self.assertEqual(keys, policy.COMPARTMENT_KEYS | {"variables"})

    def test_range_of_keys_and_directions(self):
        self.assertIn(f"{policy.FIRST_KEY} to {policy.LAST_KEY}", self.text)
        for direction in policy.DIRECTIONS:
            self.assertIn(rf"\fI{direction}\fR", self.text)

    def test_is_well_formed(self):
        done = subprocess.run(
            ["groff", "-man", "-Tutf8", "-ww", PAGE], capture_output=True, text=True
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("compartments.toml - how IA2 splits", done.stdout.replace("−", "-"))

    def test_the_example_is_valid_and_uses_every_table(self):
        example = self.text.partition(".EX\n")[2].partition(".EE")[0]
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "compartments.toml")
            path.write_text(example)
            made = policy.load(str(path))
        self.assertTrue(made.allocations and made.shared_variables and made.parameters)


if __name__ == "__main__":
    unittest.main()
