"""The policy file: each mistake has its message, with file and line."""

import os
import pathlib
import tempfile
import unittest

from ia2.policy import policy
from ia2.base.failure import Failure

GOOD = """\
# a comment
[compartment.cli]
pkey = 1
sources = ["tools/**"]
reads = ["lib"]

[compartment.lib]
pkey = 2
sources = [
  "src/**",
  "gen/[x]*.c",
]

[allocations]
make = "shared"
"grow" = "lib"

[shared]
variables = ["errors"]

[parameters]
"Allocator.callback" = { pic = "inout", size = "in" }
"""


class Policy(unittest.TestCase):
    def load(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "compartments.toml")
            pathlib.Path(path).write_text(text)
            return policy.load(path)

    def refused(self, text, line, *parts):
        with self.assertRaises(Failure) as caught:
            self.load(text)
        message = str(caught.exception)
        self.assertNotIn("\n", message)
        for part in parts:
            self.assertIn(part, message)
        place = "compartments.toml" + (f":{line}: " if line else ": ")
        self.assertIn(place, message)

    def test_plugin(self):
        text = GOOD.replace(
            "pkey = 2\n", 'pkey = 2\nplugin = "plugins/libx.so"\nentries = ["open", "table"]\n'
        )
        self.assertEqual(
            [(c.plugin, c.entries) for c in self.load(text).compartments],
            [(None, []), ("plugins/libx.so", ["open", "table"])],
        )
        plugin, entries = 'plugin = "plugins/libx.so"\n', 'entries = ["open", "table"]\n'
        self.refused(
            text.replace(entries, ""), 9, "plugin 'lib' has no entries", 'add entries = ["NAME"]'
        )
        self.refused(text.replace(plugin, ""), 9, "compartment 'lib' has entries but is no plugin")
        self.refused(text.replace(entries, "entries = []\n"), 10, "plugin 'lib' has no entries")
        self.refused(
            text.replace('"table"', '"a b"'),
            10,
            "'a b' is not the name of a C function or variable",
        )
        self.refused(text.replace('"table"', '"open"'), 10, "'open' is given twice")
        self.refused(
            text.replace(plugin, "plugin = 3\n"), 9, "'plugin' must be a string, not an integer"
        )
        for path in ("", "/usr/lib/libx.so", "../libx.so", "a//x.so"):
            self.refused(
                text.replace("plugins/libx.so", path),
                9,
                f"'{path}' is not the path of a file in the build directory",
            )
        self.refused(
            GOOD.replace("pkey = 1\n", "pkey = 1\n" + plugin + entries),
            4,
            "compartment 'cli' with pkey 1 defines main() and cannot be a plugin",
        )
        third = (
            "\n[compartment.other]\npkey = 3\nsources ="
            f" [\"other/**\"]\n{plugin.replace('plugins', 'more')}{entries}"
        )
        self.refused(
            text + third, 29, "the plugins 'lib' and 'other' both have the file name 'libx.so'"
        )

    def test_guests(self):
        text = GOOD.replace("pkey = 2\n", "pkey = 2\nguests = false\n")
        self.assertEqual([c.guests for c in self.load(text).compartments], [True, False])
        self.refused(
            text.replace("= false", '= "no"'), 9, "'guests' must be true or false, not a string"
        )

    def test_good(self):
        made = self.load(GOOD)
        self.assertEqual(
            [(c.name, c.pkey, c.sources, c.reads) for c in made.compartments],
            [("cli", 1, ["tools/**"], ["lib"]), ("lib", 2, ["src/**", "gen/[x]*.c"], [])],
        )
        self.assertEqual(made.allocations, {"make": 0, "grow": 2})
        self.assertEqual(made.shared_variables, ["errors"])
        self.assertEqual(made.parameters, {"Allocator.callback": {"pic": "inout", "size": "in"}})
        self.assertEqual(made.lines["allocations.grow"], 16)
        made = self.load(GOOD.replace('"grow" = "lib"', '"grow.list" = "lib"'))
        self.assertEqual(
            (made.allocations, made.lines["allocations.grow.list"]),
            ({"make": 0, "grow.list": 2}, 16),
        )
        made = self.load(GOOD.replace('"grow" = "lib"', '"grow.list[]" = "lib"'))
        self.assertEqual(
            (made.allocations, made.lines["allocations.grow.list[]"]),
            ({"make": 0, "grow.list[]": 2}, 16),
        )
        self.assertEqual(made.lines["parameters.Allocator.callback"], 22)

    def test_compartments_come_in_key_order(self):
        swapped = (
            GOOD.replace("pkey = 1", "pkey = X")
            .replace("pkey = 2", "pkey = 1")
            .replace("pkey = X", "pkey = 2")
        )
        self.assertEqual([c.name for c in self.load(swapped).compartments], ["lib", "cli"])

    def test_the_example(self):
        source = pathlib.Path(
            os.environ.get("IA2_SOURCE", pathlib.Path(__file__).resolve().parents[3])
        )
        made = policy.load(str(source / "examples/dav1d/compartments.toml"))
        self.assertEqual([c.pkey for c in made.compartments], [1, 2])

    def test_unknown_keys(self):
        self.refused(
            GOOD.replace('sources = ["tools', 'source = ["tools'),
            4,
            "unknown key 'source'",
            "did you mean 'sources'?",
        )
        self.refused(
            GOOD.replace("[allocations]", "[alocations]"),
            14,
            "unknown table or key 'alocations'",
            "did you mean 'allocations'?",
        )
        self.refused(
            GOOD.replace("variables", "funktions"),
            19,
            "unknown key 'funktions'",
            "known: variables",
        )

    def test_keys(self):
        self.refused(GOOD.replace("pkey = 2", "pkey = 13"), 8, "pkey 13 is out of range", "1..12")
        self.refused(GOOD.replace("pkey = 2", "pkey = 0"), 8, "pkey 0 is out of range")
        self.refused(GOOD.replace("pkey = 2", "pkey = -1"), 8, "pkey -1 is out of range")
        self.refused(GOOD.replace("pkey = 2", "pkey = 3"), 8, "pkey 2 is skipped")
        self.refused(GOOD.replace("pkey = 1", "pkey = 3"), 8, "no compartment has pkey 1", "main()")
        self.refused(GOOD.replace("pkey = 2", "pkey = 1"), 8, "'cli' and 'lib' both have pkey 1")
        self.refused(GOOD.replace("pkey = 2", 'pkey = "2"'), 8, "must be an integer, not a string")
        self.refused(
            GOOD.replace("pkey = 2", "pkey = true"), 8, "must be an integer, not a boolean"
        )
        self.refused(GOOD.replace("pkey = 2\n", ""), 7, "compartment 'lib' has no pkey")

    def test_twelve_compartments_and_no_more(self):
        def text(count):
            return "".join(
                f'[compartment.c{n}]\npkey = {n}\nsources = ["{n}/*"]\n'
                for n in range(1, count + 1)
            )

        self.assertEqual(len(self.load(text(12)).compartments), 12)
        self.refused(text(13), 38, "pkey 13 is out of range")

    def test_wrong_types(self):
        self.refused(
            GOOD.replace('sources = ["tools/**"]', 'sources = "tools/**"'), 4, "list of strings"
        )
        self.refused(GOOD.replace('reads = ["lib"]', "reads = [2]"), 5, "list of strings")
        self.refused(
            GOOD.replace('make = "shared"', "make = 0"), 15, "must be a string, not an integer"
        )
        self.refused('compartment = "x"\n', 1, "must be a table, not a string")
        self.refused(GOOD.replace('pic = "inout"', 'pic = "both"'), 22, "'pic'", "'both'")
        self.refused(
            GOOD.replace('"Allocator.callback"', "Allocator.callback"), 22, "one quoted key"
        )

    def test_allocations_of_variables(self):
        self.refused(
            GOOD.replace('"grow" = "lib"', 'grow.list = "lib"'), 16, "'grow' must be one quoted key"
        )
        self.refused(
            GOOD.replace('"grow" = "lib"', '"grow.a.b" = "lib"'), 16, "'grow.a.b' is not the name"
        )
        for wrong in ("grow[]", "grow.list[1]", "grow.[]"):
            self.refused(
                GOOD.replace('"grow" = "lib"', f'"{wrong}" = "lib"'),
                16,
                f"'{wrong}' is not the name",
            )

    def test_unknown_compartments(self):
        self.refused(
            GOOD.replace('reads = ["lib"]', 'reads = ["lbi"]'),
            5,
            "unknown compartment 'lbi'",
            "did you mean 'lib'?",
        )
        self.refused(GOOD.replace('reads = ["lib"]', 'reads = ["cli"]'), 5, "reads itself")
        self.refused(
            GOOD.replace('"grow" = "lib"', '"grow" = "libb"'),
            16,
            "unknown compartment 'libb'",
            "did you mean 'lib'?",
        )

    def test_empty_and_missing(self):
        self.refused("", None, "no compartment is defined")
        self.refused(GOOD.replace('sources = ["tools/**"]\n', ""), 2, "'cli' has no sources")
        self.refused(GOOD.replace('["tools/**"]', '["!tools/**"]'), 4, "'cli' has no sources")
        with self.assertRaises(Failure) as caught:
            policy.load("/nowhere/compartments.toml")
        self.assertIn("/nowhere/compartments.toml: no such policy file", str(caught.exception))

    def test_not_toml(self):
        self.refused(GOOD.replace("pkey = 2", "pkey 2"), 8, "not valid TOML")
        self.refused(GOOD + "\n[compartment.cli]\n", 24, "not valid TOML")

    def test_names(self):
        self.refused(
            GOOD.replace("compartment.cli", "compartment.shared"),
            2,
            "'shared' cannot name a compartment",
        )
        self.refused(
            GOOD.replace("compartment.cli", 'compartment."a b"'),
            2,
            "'a b' cannot name a compartment",
        )
        self.refused(
            GOOD.replace('variables = ["errors"]', 'variables = ["a.b"]'),
            19,
            "'a.b' is not the name of a C variable",
        )
        self.refused(
            GOOD.replace('variables = ["errors"]', 'variables = ["a", "a"]'), 19, "given twice"
        )
