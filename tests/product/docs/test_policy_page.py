"""docs/policy.md against the reader of policies: each key is on the page, and each example is a
valid policy that uses it."""

import pathlib
import re
import tempfile
import unittest

from tests.product.docs import pages
from ia2.policy import policy

KEYS = {
    "compartment": policy.COMPARTMENT_KEYS,
    "shared": {"variables"},
    "allocations": set(),
    "parameters": set(),
}


class PolicyPage(unittest.TestCase):
    def sections(self):
        """Table -> (text, {key: text}) by the headings."""
        found = {}
        for part in re.split(r"^## ", pages.page("policy.md"), flags=re.MULTILINE)[1:]:
            table = re.match(r"`\[(\w+)", part)[1]
            keys = {
                re.match(r"`(\w+)`", text)[1]: text
                for text in re.split(r"^### ", part, flags=re.MULTILINE)[1:]
            }
            found[table] = part, keys
        return found

    def load(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "compartments.toml")
            path.write_text(text)
            return policy.load(str(path))

    def test_each_table_and_key(self):
        self.assertEqual(set(KEYS), policy.TABLES)
        self.assertEqual({table: set(keys) for table, (_, keys) in self.sections().items()}, KEYS)

    def test_each_has_type_default_and_example(self):
        for table, (text, keys) in self.sections().items():
            for name, part in (keys or {table: text}).items():
                with self.subTest(f"{table}.{name}"):
                    self.assertIn("| type | default | values |", part)
                    examples = [
                        block for language, block in pages.blocks(part) if language == "toml"
                    ]
                    self.assertEqual(len(examples), 1)
                    self.assertRegex(examples[0], rf"(?m)^(\[{name}\]|{name} = )")

    def test_each_example_is_valid(self):
        for language, text in pages.blocks(pages.page("policy.md")):
            self.assertEqual(language, "toml")
            self.load(text)

    def test_the_first_uses_everything(self):
        made = self.load(pages.blocks(pages.page("policy.md"))[0][1])
        self.assertTrue(
            made.allocations
            and made.shared_variables
            and made.parameters
            and made.compartments[0].reads
        )

    def test_directions(self):
        for direction in policy.DIRECTIONS:
            self.assertIn(f'"{direction}"', self.sections()["parameters"][0])

    def test_range_of_keys(self):
        self.assertIn(
            f"{policy.FIRST_KEY} to {policy.LAST_KEY}", self.sections()["compartment"][1]["pkey"]
        )


if __name__ == "__main__":
    unittest.main()
