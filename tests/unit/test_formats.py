"""The files between the stages, as the engine loads and saves them: by the samples in formats/
(formats/README.md), against which the rewriter's reader and writers are tested too."""

import json
import os
import pathlib
import tempfile
import unittest

from ia2.base.failure import Failure
from ia2.formats import fields
from ia2.formats.audit import AuditResult
from ia2.formats.boundary import Boundary
from ia2.formats.build_graph import BuildGraph
from ia2.formats.destructors import Destructors
from ia2.formats.plan import Plan
from tests.unit.format_samples import FOLDER, changed, sample
from tests.unit.format_samples import fields as places

KINDS = {kind.FILE: kind for kind in (AuditResult, Boundary, BuildGraph, Destructors, Plan)}
# Fields that a writer leaves out if they say nothing.
OPTIONAL = ("ungated", "variadic", "align", "vectors", "spelled")


class Formats(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)

    def refused(self, name, text):
        """What the loader says of a file with this text."""
        path = self.path / name
        path.write_text(text if isinstance(text, str) else json.dumps(text))
        with self.assertRaises(Failure) as caught:
            fields.load(KINDS[name], str(path))
        message = str(caught.exception)
        self.assertTrue(message.startswith(f"error: {path}: "), message)
        self.assertNotIn("\n", message)
        return message

    def test_a_sample_is_saved_as_it_was_loaded(self):
        for name, kind in KINDS.items():
            with self.subTest(name):
                made = fields.load(kind, str(FOLDER / name))
                fields.save(made, str(self.path / name))
                self.assertEqual((self.path / name).read_text(), (FOLDER / name).read_text())

    def test_faults_are_refused_with_the_field_and_what_was_expected(self):
        for fault in [*sample("faults.json"), *sample("engine_faults.json")]:
            with self.subTest(fault):
                said = self.refused(fault["file"], changed(sample(fault["file"]), fault))
                self.assertIn(f": {fault['field']}: expected {fault['expected']}", said)
                self.assertIn(", found ", said)

    def test_each_field_is_needed(self):
        for name in KINDS:
            whole = sample(name)
            for place in places(whole):
                # What is in a table of names may be missing.
                last = place.rpartition(".")[2]
                tables = (
                    "allocations.",
                    "parameters.",
                    "policy_lines.",
                    "plugins.",
                    "other_programs.",
                )
                if last in OPTIONAL or place.startswith(tables):
                    continue
                with self.subTest(f"{name}: {place}"):
                    said = self.refused(name, changed(whole, {"field": place}))
                    self.assertIn(f": {place}: expected ", said)

    def test_no_field_may_be_null_that_is_not_said_to_be(self):
        for name, kind in KINDS.items():
            whole = sample(name)
            for place in places(whole):
                made = changed(whole, {"field": place, "value": None})
                with self.subTest(f"{name}: {place}"):
                    try:
                        kept = fields.as_json(fields.checked(kind, made))
                    except fields.Fault as fault:
                        self.assertEqual((fault.field, fault.found), (place, None))
                    else:
                        self.assertEqual(kept, made)

    def test_another_version_is_refused_with_the_remedy(self):
        for name, kind in KINDS.items():
            with self.subTest(name):
                said = self.refused(name, {**sample(name), "version": 7})
                self.assertIn("version: expected 1, found 7", said)
                self.assertIn(f"another version of the kit made the file: {kind.REMEDY}", said)

    def test_a_field_that_is_there_twice(self):
        self.assertIn(
            "program: expected each field once, found it twice",
            self.refused("plan.json", '{"version": 1, "program": "a", "program": "b"}'),
        )

    def test_no_json(self):
        self.assertIn("is not JSON", self.refused("plan.json", '{"version": 1,'))
        self.assertIn("expected an object", self.refused("plan.json", "[]"))

    def test_no_file(self):
        with self.assertRaises(Failure) as caught:
            fields.load(Boundary, str(self.path / "boundary.json"))
        self.assertIn("boundary.json: is missing", str(caught.exception))

    def test_a_failed_save_leaves_the_file(self):
        path = self.path / "plan.json"
        plan = fields.load(Plan, str(FOLDER / "plan.json"))
        fields.save(plan, str(path))
        before = path.read_bytes()
        plan.program = object()  # nothing that JSON can say
        with self.assertRaises(TypeError):
            fields.save(plan, str(path))
        self.assertEqual(path.read_bytes(), before)
        self.assertEqual(os.listdir(self.path), ["plan.json"])


if __name__ == "__main__":
    unittest.main()
