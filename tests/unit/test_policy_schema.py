"""The schema for editors and the reader of the policy agree."""

import json
import pathlib
import re
import subprocess
import tempfile
import tomllib
import unittest

from ia2.base.failure import Failure
from ia2.policy import policy, schema
from tests.support import small_project as small

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
ANNOTATIONS = {"$schema", "title", "description", "default"}
ONE = '[compartment.a]\npkey = 1\nsources = ["**"]\n'
PLUGIN = ONE + '[compartment.b]\npkey = 2\nsources = ["b.c"]\nplugin = "b.so"\n'
# Both accept these.
VALID = (
    ONE,
    ONE + 'reads = []\nguests = false\n[shared]\nvariables = ["a", "b"]\n',
    ONE + 'system_calls = "none"\n',
    ONE + 'system_calls = ["files-read", "threads"]\n',
    ONE + '[allocations]\n"f.g[]" = "a"\n',
    PLUGIN + 'entries = ["f"]\n',
    ONE + '[allocations]\nf = "shared"\n"f.g" = "a"\n',
    ONE + '[parameters]\n"S.m" = { p = "in", q = "out", r = "inout" }\n',
    ONE.replace('"**"', '"**", "!x.c"'),
)
# Both refuse these.
INVALID = (
    "",
    "[compartment]\n",
    ONE + "[other]\n",
    ONE + "other = 1\n",
    ONE.replace("pkey = 1\n", ""),
    ONE.replace("pkey = 1", "pkey = 0"),
    ONE.replace("pkey = 1", "pkey = 13"),
    ONE.replace("pkey = 1", "pkey = true"),
    ONE.replace("pkey = 1", 'pkey = "1"'),
    ONE.replace('sources = ["**"]\n', ""),
    ONE.replace('"**"', ""),
    ONE.replace('"**"', '"!x"'),
    ONE.replace('"**"', '"a", "a"'),
    ONE.replace('"**"', "1"),
    ONE.replace('["**"]', '"**"'),
    ONE.replace("compartment.a", "compartment.shared"),
    ONE.replace("compartment.a", 'compartment."a-b"'),
    ONE.replace("compartment.a", "compartment.1a"),
    ONE + "guests = 1\n",
    ONE + "system_calls = 1\n",
    ONE + 'system_calls = "some"\n',
    ONE + 'system_calls = ["none"]\n',
    ONE + 'reads = "a"\n',
    ONE + 'entries = ["f"]\n',
    PLUGIN,
    PLUGIN + "entries = []\n",
    PLUGIN + 'entries = ["f g"]\n',
    PLUGIN.replace('"b.so"', '"/b.so"') + 'entries = ["f"]\n',
    PLUGIN.replace('"b.so"', '"../b.so"') + 'entries = ["f"]\n',
    PLUGIN.replace('"b.so"', '""') + 'entries = ["f"]\n',
    ONE + "[allocations]\nf = 1\n",
    ONE + '[allocations]\nf.g = "shared"\n',
    ONE + '[allocations]\n"f-g" = "shared"\n',
    ONE + '[shared]\nvariables = ["a b"]\n',
    ONE + "[shared]\nother = []\n",
    ONE + '[parameters]\n"S.m" = {}\n',
    ONE + '[parameters]\n"S.m" = { p = "by value" }\n',
    ONE + '[parameters]\nS.m = { p = "in" }\n',
)
# Only the reader knows.
BEYOND = (
    ONE.replace("pkey = 1", "pkey = 2"),
    ONE + ONE.replace("compartment.a", "compartment.b"),
    ONE + 'reads = ["nobody"]\n',
    ONE + '[allocations]\nf = "nobody"\n',
)


def faults(value, rule, place="policy"):
    """What `value` breaks of a schema. Of the keywords, those that schema.py uses."""
    found = []

    def need(holds, keyword):
        if not holds:
            found.append(f"{place}: {keyword}")

    for keyword, given in rule.items():
        if keyword == "type":
            right = isinstance(value, TYPES[given])
            need(right and not (given == "integer" and isinstance(value, bool)), keyword)
            if not right:
                return found
        elif keyword == "enum":
            need(value in given, keyword)
        elif keyword == "anyOf":
            need(any(not faults(value, each) for each in given), keyword)
        elif keyword == "pattern":
            need(re.search(given, value), keyword)
        elif keyword in ("minimum", "maximum"):
            need(value >= given if keyword == "minimum" else value <= given, keyword)
        elif keyword in ("minItems", "minProperties"):
            need(len(value) >= given, keyword)
        elif keyword == "maxProperties":
            need(len(value) <= given, keyword)
        elif keyword == "uniqueItems":
            need(len({json.dumps(item) for item in value}) == len(value), keyword)
        elif keyword == "contains":
            need(any(not faults(item, given) for item in value), keyword)
        elif keyword == "items":
            found += [each for item in value for each in faults(item, given, f"{place}[]")]
        elif keyword == "required":
            need(set(given) <= set(value), keyword)
        elif keyword == "dependentRequired":
            need(all(set(given[key]) <= set(value) for key in given if key in value), keyword)
        elif keyword == "propertyNames":
            found += [each for key in value for each in faults(key, given, f"{place}.{key}")]
        elif keyword in ("properties", "additionalProperties"):
            known = rule.get("properties", {})
            for key, item in value.items():
                if keyword == "properties" and key in known:
                    found += faults(item, known[key], f"{place}.{key}")
                elif keyword == "additionalProperties" and key not in known:
                    inner = {"enum": []} if given is False else given
                    found += faults(item, inner, f"{place}.{key}")
        elif keyword not in ANNOTATIONS:
            raise AssertionError(f"the test does not know the keyword {keyword}")
    return found


def reader_accepts(text):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "compartments.toml")
        path.write_text(text)
        try:
            policy.load(str(path))
        except Failure:
            return False
    return True


class Schema(unittest.TestCase):
    def setUp(self):
        self.schema = schema.schema()

    def test_every_table_and_key_and_no_other(self):
        tables = self.schema["properties"]
        self.assertEqual(set(tables), policy.TABLES)
        compartment = tables["compartment"]["additionalProperties"]
        self.assertEqual(set(compartment["properties"]), policy.COMPARTMENT_KEYS)

    def test_agrees_with_the_reader(self):
        for texts, by_schema, by_reader in (
            (VALID, True, True),
            (INVALID, False, False),
            (BEYOND, True, False),
        ):
            for text in texts:
                with self.subTest(text):
                    self.assertEqual(not faults(tomllib.loads(text), self.schema), by_schema)
                    self.assertEqual(reader_accepts(text), by_reader)

    def test_every_policy_of_the_tree(self):
        found = sorted(small.SOURCE.glob("examples/*/*.toml"))
        found += sorted(small.SOURCE.glob("tests/**/compartments*.toml"))
        self.assertGreater(len(found), 10)
        for path in found:
            with self.subTest(path):
                self.assertEqual(faults(tomllib.loads(path.read_text()), self.schema), [])

    def test_other_validator(self):
        try:
            import jsonschema
        except ImportError:
            self.skipTest("jsonschema is not installed: apt-get install python3-jsonschema")
        checker = jsonschema.Draft202012Validator(self.schema)
        checker.check_schema(self.schema)
        for text in (*VALID, *INVALID, *BEYOND):
            with self.subTest(text):
                tree = tomllib.loads(text)
                self.assertEqual(checker.is_valid(tree), not faults(tree, self.schema))

    def test_the_built_file(self):
        done = subprocess.run(
            ["/usr/bin/python3", "-m", "ia2.policy.schema"], capture_output=True, text=True
        )
        self.assertEqual(json.loads(done.stdout), self.schema)
        built = small.KIT_BUILD / "packaging/compartments.schema.json"
        self.assertEqual(built.read_text(), done.stdout)


if __name__ == "__main__":
    unittest.main()
