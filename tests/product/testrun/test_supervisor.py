"""The test runner itself: whatever a test does, it is counted once, and as what it was."""

import contextlib
import io
import os
import pathlib
import subprocess
import tempfile
import unittest

from ia2 import test_supervisor, test_worker, testrun

MODULE = """
import os, time, unittest
TIMEOUT = 3
class A(unittest.TestCase):
    def test_a_passes(self):
        print("noise\\nnote: three counted\\nnote: none lost")
    def test_b_fails(self):
        print("said before")
        self.assertEqual(1, 2)
    def test_c_is_skipped(self):
        self.skipTest("a reason")
    def test_d_dies(self):
        os.abort()
    def test_e_hangs(self):
        time.sleep(1000)
    def test_f_passes_after_all_that(self):
        pass
    def test_g_fails_in_two_subtests(self):
        for i in range(3):
            with self.subTest(number=i):
                self.assertEqual(i, 1)
    @unittest.expectedFailure
    def test_h_passes_unexpectedly(self):
        pass
    @unittest.expectedFailure
    def test_i_fails_as_expected(self):
        self.fail()
class FixtureFails(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise ValueError("broken fixture")
    def test_one(self): pass
    def test_two(self): pass
class FixtureSkips(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise unittest.SkipTest("nothing to test")
    def test_one(self): pass
class Exits(unittest.TestCase):
    def test_leaves_quietly(self):
        os._exit(0)
"""
EXPECTED = {
    "A.test_a_passes": "ok",
    "A.test_b_fails": "failed",
    "A.test_c_is_skipped": "skipped",
    "A.test_d_dies": "failed",
    "A.test_e_hangs": "failed",
    "A.test_f_passes_after_all_that": "ok",
    "A.test_g_fails_in_two_subtests": "failed",
    "A.test_h_passes_unexpectedly": "failed",
    "A.test_i_fails_as_expected": "ok",
    "FixtureFails.test_one": "failed",
    "FixtureFails.test_two": "failed",
    "FixtureSkips.test_one": "skipped",
    "Exits.test_leaves_quietly": "failed",
}


class Supervision(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "test_planted.py")
            path.write_text(MODULE)
            listed = subprocess.run(
                test_supervisor.worker_command("list", path),
                capture_output=True,
                text=True,
                env=test_supervisor.worker_environment(folder),
                check=True,
            )
            cls.module = {**test_worker.json.loads(listed.stdout), "out": folder}
            cls.events = []
            test_supervisor.supervise([cls.module], 2, lambda **event: cls.events.append(event))
        cls.text = {event["test"]: event["text"] for event in cls.events}

    def test_each_is_counted_once_as_what_it_was(self):
        self.assertEqual(len(self.events), len(EXPECTED))
        self.assertEqual({event["test"]: event["result"] for event in self.events}, EXPECTED)

    def test_failures_say_why(self):
        self.assertIn("1 != 2", self.text["A.test_b_fails"])
        self.assertIn("said before", self.text["A.test_b_fails"])
        self.assertNotIn("noise", self.text["A.test_b_fails"])
        self.assertIn("the test process died (SIGABRT)", self.text["A.test_d_dies"])
        self.assertIn("time limit of 3 s reached", self.text["A.test_e_hangs"])
        self.assertIn("number=0", self.text["A.test_g_fails_in_two_subtests"])
        self.assertIn("number=2", self.text["A.test_g_fails_in_two_subtests"])
        self.assertIn("broken fixture", self.text["FixtureFails.test_two"])
        self.assertIn("ended early", self.text["Exits.test_leaves_quietly"])
        self.assertEqual(self.text["A.test_c_is_skipped"], "a reason")
        self.assertEqual(self.text["FixtureSkips.test_one"], "nothing to test")

    def test_a_note_is_all_that_is_kept_of_what_a_passing_test_printed(self):
        self.assertEqual(self.text["A.test_a_passes"], "three counted\nnone lost")
        self.assertEqual(self.text["A.test_f_passes_after_all_that"], "")


class Reports(unittest.TestCase):
    def report(self, *results, note=""):
        path = str(testrun.SOURCE / "tests" / "room" / "test_x.py")
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            report = testrun.Report(False)
            for i, result in enumerate(results):
                report.add(
                    "", path, f"A.test_{i}", result, note if result == "ok" else "the reason", 0.1
                )
            status = report.end()
        return status, out.getvalue().splitlines()

    def test_all_passed(self):
        self.assertEqual(self.report("ok", "ok"), (0, ["2 passed, 0 failed, 0 skipped"]))

    def test_a_skip_is_no_pass_and_says_why(self):
        status, lines = self.report("ok", "skipped", "skipped")
        self.assertEqual(
            (status, lines),
            (0, ["skipped room/test_x: the reason (2 tests)", "1 passed, 0 failed, 2 skipped"]),
        )

    def test_a_failure_is_a_failure(self):
        status, lines = self.report("ok", "failed")
        self.assertEqual(
            (status, lines[-2:]),
            (1, ["failed  room/test_x A.test_1", "1 passed, 1 failed, 0 skipped"]),
        )

    def test_notes_are_shown(self):
        self.assertEqual(
            self.report("ok", note="three\ncounted"),
            (0, ["        three", "        counted", "1 passed, 0 failed, 0 skipped"]),
        )

    def test_nothing_run_is_a_failure(self):
        self.assertEqual(self.report()[0], 1)
        done = subprocess.run(
            ["/usr/bin/python3", "-m", "ia2.testrun", "--only", "no such test"],
            text=True,
            capture_output=True,
            env=os.environ,
        )
        self.assertEqual((done.returncode, done.stdout), (1, "0 passed, 0 failed, 0 skipped\n"))


if __name__ == "__main__":
    unittest.main()
