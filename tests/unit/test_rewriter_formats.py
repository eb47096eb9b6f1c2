"""plan.json as the rewriter reads it; boundary.json and destructors.json as it writes them: by the
samples in formats/ (formats/README.md), against which the engine's loader is tested too."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from tests.unit.format_samples import FOLDER, changed, faults, fields, sample

SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE", FOLDER.parents[2]))
BUILD = pathlib.Path(os.environ.get("IA2_BUILD", SOURCE / "build"))
REWRITER = BUILD / "kit" / "rewriter" / "ia2-rewriter"
UNITS = ("app", "lib", "plugin")


class RewriterFormats(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = pathlib.Path(os.path.realpath(folder.name))
        self.out = self.top / "out"
        shutil.copytree(FOLDER / "program", self.top / "program")
        (self.top / "build").mkdir()
        self.out.mkdir()

    def rewrite(self, plan):
        """Runs the rewriter on the samples' program with a plan like the sample, or with a text."""
        text = plan if isinstance(plan, str) else json.dumps(plan)
        for name in ("program", "build"):
            text = text.replace(f'"/{name}', f'"{self.top}/{name}')
        (self.out / "plan.json").write_text(text)
        (self.out / "compile_commands.json").write_text(
            json.dumps([self.command(name) for name in UNITS])
        )
        command = [
            REWRITER,
            "--policy",
            "plan.json",
            "--root-directory",
            self.top / "program",
            "--output-directory",
            self.out / "rewritten",
            "--output-prefix",
            f"{self.out}/",
            "-p",
            self.out,
        ]
        return subprocess.run(
            command, cwd=self.out, capture_output=True, text=True, timeout=60, check=False
        )

    def command(self, name):
        source = str(self.top / "program" / f"{name}.c")
        options = ["-std=gnu11", "-mavx", "-DIA2_ENABLE=0", f"-I{SOURCE}/runtime/include"]
        return {
            "directory": str(self.top / "build"),
            "file": source,
            "arguments": ["cc", *options, "-c", source, "-o", f"{name}.o"],
        }

    def refusal(self, plan):
        """What the rewriter says of a plan that it refuses."""
        result = self.rewrite(plan)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertEqual(sorted(os.listdir(self.out)), ["compile_commands.json", "plan.json"])
        return result.stderr

    def test_outputs_are_the_samples(self):
        result = self.rewrite(sample("plan.json"))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        for name in ("boundary.json", "destructors.json"):
            self.assertEqual(json.loads((self.out / name).read_text()), sample(name))

    def test_each_fault_of_a_plan_is_refused_with_its_field(self):
        for fault in faults("plan.json"):
            with self.subTest(**fault):
                said = self.refusal(changed(sample("plan.json"), fault))
                start = f"ia2-rewriter: error: plan.json: {fault['field']}: expected "
                self.assertTrue(said.startswith(start), said)
                self.assertIn(fault["expected"], said[len(start) :])

    def test_each_field_of_a_plan_is_needed(self):
        plan = sample("plan.json")
        named = ("parameters.", "allocations.", "policy_lines.", "other_programs.")
        once = {re.sub(r"\[\d+\]", "[0]", field) for field in fields(plan)}
        for field in sorted(field for field in once if not field.startswith(named)):
            with self.subTest(field):
                said = self.refusal(changed(plan, {"field": field}))
                self.assertRegex(
                    said, rf"plan\.json: {re.escape(field)}: expected .*, found nothing"
                )

    def test_unknown_version_is_refused_in_words(self):
        said = self.refusal({**sample("plan.json"), "version": 7, "unknown": 1})
        self.assertEqual(
            said,
            "ia2-rewriter: error: plan.json: version: expected 1, found 7: another version of the"
            " kit made this file; make it again with this one's scripts/rewrite.py\n",
        )

    def test_parameter_needs_the_name_of_a_record(self):
        said = self.refusal({**sample("plan.json"), "parameters": {"fill": {"picture": "in"}}})
        self.assertEqual(
            said,
            'ia2-rewriter: error: plan.json: parameters.fill: expected "RECORD.MEMBER" as its name,'
            " found an object\n",
        )

    def test_what_is_no_json_is_refused_with_its_line(self):
        for text, words in (("{\n", "plan.json:2:"), ("[]", "plan.json: expected an object")):
            with self.subTest(text):
                self.assertIn(words, self.refusal(text))


if __name__ == "__main__":
    unittest.main()
