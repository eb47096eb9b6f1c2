"""Where the entries of a policy are in its text, and how lines are added to it."""

import os
import pathlib
import tempfile
import unittest

from ia2.base.failure import Failure
from ia2.policy import policy, policy_edit

SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE") or pathlib.Path(__file__).resolve().parents[2])
TEXT = """\
# The tool and its library.
[compartment.tool]
pkey = 1
sources = [
  "tool/**",  # [not.a.table]
  "!tool/test.c",
]

[ compartment . lib ]
pkey = 2
sources = ["lib/**"]

[allocations]
"lib_open" = "shared"
'lib_frame.picture' = "tool"

[shared]
variables = ["count"]
"""


class Lines(unittest.TestCase):
    def test_tables_and_keys(self):
        self.assertEqual(
            policy.entry_lines(TEXT),
            {
                "compartment.tool": 2,
                "compartment.tool.pkey": 3,
                "compartment.tool.sources": 4,
                "compartment.lib": 9,
                "compartment.lib.pkey": 10,
                "compartment.lib.sources": 11,
                "allocations": 13,
                "allocations.lib_open": 14,
                "allocations.lib_frame.picture": 15,
                "shared": 17,
                "shared.variables": 18,
            },
        )

    def test_text_that_only_looks_like_entries(self):
        text = 'a = """\n[table]\nkey = 1\n"""\nb = { c = 1 }\n[t]\nd = [\n  "e = 1",\n]\n'
        self.assertEqual(policy.entry_lines(text), {"a": 1, "b": 5, "t": 6, "t.d": 7})

    def test_a_message_names_the_nearest_entry(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "compartments.toml")
            path.write_text(TEXT)
            made = policy.load(str(path))
            for dotted, line in (
                ("compartment.tool.sources", ":4"),
                ("compartment.tool.reads", ":2"),
                ("shared.more", ":17"),
                ("parameters", ""),
            ):
                self.assertEqual(made.where(dotted), f"{path}{line}")


class Missing(unittest.TestCase):
    def test_the_remedy_names_the_page_of_the_policy(self):
        with self.assertRaises(Failure) as caught:
            policy.load("/no/such/compartments.toml")
        self.assertIn("see docs/policy.md", str(caught.exception))
        self.assertTrue((SOURCE / "docs" / "policy.md").exists())


class Added(unittest.TestCase):
    def added(self, additions, text=TEXT):
        return policy_edit.edited(text, additions, "compartments.toml")

    def test_comments_and_order_stay(self):
        made = self.added({("shared",): {"variables": ["other"]}})
        self.assertEqual(made, TEXT.replace('["count"]', '["count", "other"]'))

    def test_an_entry_and_a_table_that_were_not_there(self):
        made = self.added({("compartment", "lib"): {"reads": ["tool"]}})
        old = 'sources = ["lib/**"]\n'
        self.assertEqual(made, TEXT.replace(old, old + 'reads = ["tool"]\n'))
        made = self.added({("parameters",): {"filler.fill": "in"}})
        self.assertEqual(made, TEXT + '\n[parameters]\n"filler.fill" = "in"\n')

    def test_what_is_there_already_changes_nothing(self):
        self.assertEqual(self.added({("shared",): {"variables": ["count"]}}), TEXT)

    def test_a_way_of_writing_that_is_not_known_is_refused(self):
        inline = 'shared = { variables = ["count"] }\n' + TEXT.partition("[shared]")[0]
        with self.assertRaises(Failure) as caught:
            self.added({("shared",): {"variables": ["other"]}}, inline)
        self.assertIn("add the lines by hand", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
