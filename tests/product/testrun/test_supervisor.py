"""The test runner itself: whatever a test does, it is counted once, and as what it was."""

import pathlib
import tempfile
import unittest

from tests.product.testrun.planted import Planted

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
        print("said before the end", flush=True)
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
    def test_j_skips_a_subtest_and_fails_in_another(self):
        with self.subTest(number=0):
            self.skipTest("not this one")
        with self.subTest(number=1):
            self.fail("but this one")
    def test_k_skips_a_subtest(self):
        with self.subTest(number=0):
            self.skipTest("not this one")
        with self.subTest(number=1):
            print("note: the other was run")
class FixtureFails(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise ValueError("broken fixture")
    def test_one(self): pass
    def test_two(self): pass
class FixtureHangs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        time.sleep(1000)
    def test_one(self): pass
    def test_two(self): pass
class FixtureSkips(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise unittest.SkipTest("nothing to test")
    def test_one(self): pass
class FixtureFailsAtTheEnd(unittest.TestCase):
    @classmethod
    def tearDownClass(cls):
        raise ValueError("broken at the end")
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
    "A.test_j_skips_a_subtest_and_fails_in_another": "failed",
    "A.test_k_skips_a_subtest": "skipped",
    "FixtureFails.test_one": "failed",
    "FixtureFails.test_two": "failed",
    "FixtureHangs.test_one": "failed",
    "FixtureHangs.test_two": "failed",
    "FixtureSkips.test_one": "skipped",
    "FixtureFailsAtTheEnd.test_one": "failed",
    "Exits.test_leaves_quietly": "failed",
}


class Case(unittest.TestCase):
    """Has a planted project of its own modules, test_NAME by NAME."""

    def planted(self, **modules: str) -> Planted:
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        return Planted(folder / "planted", **modules)


class Supervision(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.run_of_it = Planted(folder / "planted", test_planted=MODULE).run("-v")
        cls.lines, cls.text = cls.run_of_it.lines, cls.run_of_it.texts

    def test_each_is_counted_once_as_what_it_was(self):
        self.assertEqual(self.run_of_it.results, EXPECTED)
        kinds = list(EXPECTED.values())
        self.assertEqual(
            self.lines[-1],
            f"{kinds.count('ok')} passed, {kinds.count('failed')} failed,"
            f" {kinds.count('skipped')} skipped",
        )
        told = [line.split(" (")[0] for line in self.lines if line[:8].strip() in WORDS]
        for name, result in EXPECTED.items():
            self.assertEqual(told.count(f"{WORD[result]:8}room/test_planted {name}"), 1, name)
        self.assertEqual(self.run_of_it.status, 1)

    def test_failures_say_why(self):
        self.assertIn("1 != 2", self.text["A.test_b_fails"])
        self.assertNotIn("noise", self.text["A.test_b_fails"])
        self.assertIn("    said before", self.lines)
        self.assertIn("the test process died (SIGABRT)", self.text["A.test_d_dies"])
        self.assertIn("said before the end", self.text["A.test_d_dies"])
        self.assertIn("time limit of 3 s reached", self.text["A.test_e_hangs"])
        printed = "\n".join(self.lines)
        self.assertIn("in subtest (number=0)", printed)
        self.assertIn("further failure (number=2)", printed)
        self.assertIn("but this one", self.text["A.test_j_skips_a_subtest_and_fails_in_another"])
        self.assertIn("broken fixture", self.text["FixtureFails.test_two"])
        self.assertIn("time limit of 3 s reached", self.text["FixtureHangs.test_two"])
        self.assertIn("broken at the end", self.text["FixtureFailsAtTheEnd.test_one"])
        self.assertIn("ended early", self.text["Exits.test_leaves_quietly"])
        self.assertIn("a reason", self.text["A.test_c_is_skipped"])
        self.assertIn("nothing to test", self.text["FixtureSkips.test_one"])

    def test_a_note_is_all_that_is_kept_of_what_a_passing_test_printed(self):
        self.assertIn("        three counted", self.lines)
        self.assertIn("        none lost", self.lines)
        self.assertNotIn("noise", "\n".join(self.lines))


WORD = {"ok": "passed", "skipped": "skipped", "failed": "FAILED"}
WORDS = WORD.values()
PASSES = "    def test_{}(self): pass\n"
CLASS = "import unittest\nclass A(unittest.TestCase):\n"
SKIPS = "    def test_{}(self): self.skipTest('the reason')\n"


class Reports(Case):
    def test_all_passed(self):
        run = self.planted(test_x=CLASS + PASSES.format(1) + PASSES.format(2)).run()
        self.assertEqual(
            (run.status, run.lines[-1]),
            (0, "2 passed, 0 failed, 0 skipped"),
        )
        self.assertTrue(any(line.startswith("ok      room/test_x: 2 passed") for line in run.lines))

    def test_a_skip_is_no_pass_and_says_why(self):
        text = CLASS + PASSES.format(1) + SKIPS.format(2) + SKIPS.format(3)
        run = self.planted(test_x=text).run()
        self.assertEqual(
            (run.status, run.lines[-2:]),
            (0, ["skipped room/test_x: the reason (2 tests)", "1 passed, 0 failed, 2 skipped"]),
        )

    def test_a_failure_is_a_failure(self):
        text = CLASS + PASSES.format(1) + "    def test_2(self): self.fail('the reason')\n"
        run = self.planted(test_x=text).run()
        self.assertEqual(
            (run.status, run.lines[-2:]),
            (1, ["failed  room/test_x A.test_2", "1 passed, 1 failed, 0 skipped"]),
        )

    def test_notes_are_shown(self):
        text = (
            "def build(out):\n    print('note: built')\n"
            + CLASS
            + "    def test_1(self): print('note: three\\nnote: counted')\n"
        )
        run = self.planted(test_x=text).run()
        notes = [line for line in run.lines if line.startswith("        ")]
        self.assertEqual(
            (run.status, notes), (0, ["        built", "        three", "        counted"])
        )

    def test_nothing_run_is_a_failure(self):
        planted = self.planted(test_x=CLASS + PASSES.format(1))
        run = planted.run("--only", "no such test")
        self.assertEqual((run.status, run.lines[-1]), (1, "0 passed, 0 failed, 0 skipped"))
        self.assertIn("check: error: no test has 'no such test' in its name", "\n".join(run.lines))
        self.assertEqual(planted.run("-k", "no_such_test").status, 1)
        self.assertEqual(self.planted(test_x=CLASS + SKIPS.format(1)).run().status, 1)

    def test_a_module_that_cannot_be_loaded_fails_alone(self):
        planted = self.planted(
            test_x="import no_such_module\n",
            test_y=CLASS + PASSES.format(1),
            test_z="import unittest\nraise unittest.SkipTest('no such machine')\n",
        )
        run = planted.run()
        self.assertEqual((run.status, run.lines[-1]), (1, "1 passed, 1 failed, 1 skipped"))
        self.assertIn("failed  room/test_x (module)", run.lines)
        self.assertIn("skipped room/test_z: no such machine", run.lines)
        self.assertIn("No module named 'no_such_module'", "\n".join(run.lines))
        self.assertEqual(planted.run("--only", "room/test_y").status, 0)

    def test_a_build_that_fails_fails_all_tests_of_its_module(self):
        text = "def build(out):\n    print('said first')\n    raise ValueError('no compiler')\n"
        run = self.planted(
            test_x=text + CLASS + PASSES.format(1) + PASSES.format(2),
            test_y=CLASS + PASSES.format(1),
        ).run()
        self.assertEqual((run.status, run.lines[-1]), (1, "1 passed, 2 failed, 0 skipped"))
        self.assertIn("said first", run.texts["A.test_2"])
        self.assertIn("no compiler", run.texts["A.test_2"])
        self.assertIn("    for the same reason", run.lines)


if __name__ == "__main__":
    unittest.main()
