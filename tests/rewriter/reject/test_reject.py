"""Each *.case file here: the rewriter refuses the program with exactly the diagnostics the file
has, and writes nothing."""

import json
import pathlib
import unittest

from tests.support import rewriter_case

FOLDER = pathlib.Path(__file__).resolve().parent

GOOD = FOLDER.parent / "rewrite" / "callback.case"


class Reject(unittest.TestCase):
    maxDiff = None

    def check(self, name):
        run = rewriter_case.opened(self, FOLDER / f"{name}.case")
        result = run.rewrite()
        self.assertEqual((result.returncode, result.stdout), (1, ""), result.stderr)
        self.assertMultiLineEqual(
            result.stderr.replace(str(run.folder), "/WORK"), run.case.find("refused")
        )
        self.assertEqual(run.written(), {})

    def fatal(self, run, *parts):
        result = run.rewrite()
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        for part in parts:
            self.assertIn(part, result.stderr)
        self.assertEqual(run.written(), {})

    def test_a_refusal_keeps_what_an_earlier_run_made(self):
        run = rewriter_case.opened(self, GOOD)
        self.assertEqual(run.rewrite().returncode, 0)
        before = run.written()
        (run.root / "app.c").write_text("int main(void) { return missing; }\n")
        self.assertEqual(run.rewrite().returncode, 1)
        self.assertEqual(run.written(), before)

    def test_an_output_directory_with_other_files_is_not_cleared(self):
        run = rewriter_case.opened(self, GOOD)
        precious = run.out / "rewritten" / "precious"
        precious.parent.mkdir()
        precious.write_text("mine")
        self.assertIn("holds files that ia2-rewriter did not put there", run.rewrite().stderr)
        self.assertEqual(precious.read_text(), "mine")
        self.assertEqual(len(run.written()), 1)

    def test_no_plan(self):
        run = rewriter_case.opened(self, GOOD)
        (run.out / "plan.json").unlink()
        self.fatal(run, "plan.json", "No such file or directory")

    def test_broken_plan(self):
        run = rewriter_case.opened(self, GOOD)
        (run.out / "plan.json").write_text('{"version": 1,\n oops}')
        self.fatal(run, "plan.json:2:")

    def test_plan_of_another_version(self):
        run = rewriter_case.opened(self, GOOD)
        text = (run.out / "plan.json").read_text()
        (run.out / "plan.json").write_text(text.replace('"version": 1', '"version": 2'))
        self.fatal(run, "plan.json: version: expected 1, found 2: another version of the kit")

    def test_plan_with_a_missing_member(self):
        run = rewriter_case.opened(self, GOOD)
        text = (run.out / "plan.json").read_text()
        plan = json.loads(text)
        del plan["units"]
        (run.out / "plan.json").write_text(json.dumps(plan))
        self.fatal(run, "plan.json: units: expected a list, found nothing")

    def test_plan_with_an_unknown_member(self):
        run = rewriter_case.opened(self, GOOD)
        text = (run.out / "plan.json").read_text()
        (run.out / "plan.json").write_text(text.replace('"units"', '"unites"'))
        self.fatal(run, "plan.json: unites: expected no field of this name")

    def test_broken_compile_database(self):
        run = rewriter_case.opened(self, GOOD)
        (run.out / "compile_commands.json").write_text("[{]")
        self.fatal(run, "compile_commands.json:1:")

    def test_compile_database_without_the_command(self):
        run = rewriter_case.opened(self, GOOD)
        (run.out / "compile_commands.json").write_text("[]")
        self.fatal(run, "the compile database has no entry 0")

    def test_source_that_is_not_there(self):
        run = rewriter_case.opened(self, GOOD)
        (run.root / "app.c").unlink()
        self.fatal(run, "app.c")

    def test_command_line(self):
        run = rewriter_case.opened(self, GOOD)
        result = run.rewrite("--no-such-option")
        self.assertEqual(result.returncode, 2)
        self.assertIn("usage:", result.stderr)
        self.assertEqual(run.written(), {})


rewriter_case.add_cases(Reject, FOLDER)

if __name__ == "__main__":
    unittest.main()
