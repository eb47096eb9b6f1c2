"""The options of scripts/check that are pytest's, and what pytest brings to a test module."""

import pathlib
import subprocess
import time
import unittest

from ia2.vm import vm

from tests.product.testrun.test_supervisor import CLASS, PASSES, Case

FIRST = CLASS + PASSES.format("apple") + PASSES.format("pear")
SECOND = (
    CLASS
    + PASSES.format("apple")
    + "    def test_broken(self): self.assertFalse(MARK.exists())\n"
    + "import os, pathlib\nMARK = pathlib.Path(os.environ['IA2_TEST_OUT'], 'mark')\n"
)
BUILT = """
import os, pathlib, time, unittest
OUT = pathlib.Path(os.environ["IA2_TEST_OUT"])
def build(out):
    time.sleep(0.3)
    (out / "made").write_text("here")
class A(unittest.TestCase):
    def test_sees_what_was_built(self):
        time.sleep(0.1)
        self.assertEqual((OUT / "made").read_text(), "here")
        self.assertEqual(pathlib.Path.cwd(), OUT)
"""
KEYED = (
    BUILT
    + """
    def test_only_one_place(self):
        self.assertEqual(os.environ["IA2_PKU"], "none")
    def test_dies_in_the_vm(self):
        if os.environ["IA2_PKU"] == "vm":
            os.abort()
NEEDS_PKU = ALSO_NATIVE = True
"""
)
WITH_FIXTURES = """
import pytest

@pytest.fixture
def doubled(request, tmp_path):
    (tmp_path / "number").write_text(str(2 * request.param))
    return tmp_path / "number"

@pytest.mark.parametrize("doubled,wanted", [(1, "2"), (2, "4"), (3, "5")], indirect=["doubled"])
def test_doubled(doubled, wanted):
    assert doubled.read_text() == wanted

@pytest.mark.parametrize("text", ["a b", "ä [VM]"])
def test_odd_names(text):
    assert text
"""


HANGS = """
import os, pathlib, subprocess, unittest
OUT = pathlib.Path(os.environ["IA2_TEST_OUT"])
class A(unittest.TestCase):
    def test_waits(self):
        process = subprocess.Popen(["sleep", "1000"])
        (OUT / "new").write_text(str(process.pid))
        (OUT / "new").rename(OUT / "started")
        process.wait()
"""


class Options(Case):
    def test_k_selects_by_an_expression(self):
        planted = self.planted(test_first=FIRST, test_second=SECOND)
        self.assertEqual(planted.run("-k", "apple and not second").ran, ["A.test_apple"])
        run = planted.run("-k", "pear or broken")
        self.assertEqual((run.status, run.ran), (0, ["A.test_broken", "A.test_pear"]))

    def test_x_stops_at_the_first_failure(self):
        fails = CLASS + "".join(f"    def test_{n}(self): self.fail()\n" for n in range(9))
        run = self.planted(test_fails=fails).run("-x")
        self.assertEqual((run.status, run.lines[-1]), (1, "0 passed, 1 failed, 0 skipped"))

    def test_lf_runs_what_failed_last(self):
        planted = self.planted(test_first=FIRST, test_second=SECOND)
        self.assertEqual(planted.run().status, 0)
        mark = planted.folder / "build" / "tests" / "room" / "test_second" / "mark"
        mark.touch()
        self.assertEqual(planted.run().lines[-1], "3 passed, 1 failed, 0 skipped")
        run = planted.run("--lf")
        self.assertEqual((run.status, run.ran), (1, ["A.test_broken"]))
        mark.unlink()
        run = planted.run("--lf")
        self.assertEqual((run.status, run.ran), (0, ["A.test_broken"]))
        self.assertEqual(len(planted.run("--lf").ran), 3)

    def test_only_is_a_part_of_the_name(self):
        planted = self.planted(test_first=FIRST, test_second=SECOND)
        self.assertEqual(planted.run("--only", "room/test_first A.test_ap").ran, ["A.test_apple"])
        self.assertEqual(len(planted.run("--only", "room/").ran), 3)
        self.assertEqual(planted.run("--only", "second", "-k", "broken").ran, ["A.test_broken"])

    def test_durations_name_builds_and_tests(self):
        run = self.planted(test_built=BUILT).run("--durations=2")
        text = "\n".join(run.lines)
        self.assertRegex(text, r"0\.[3-9]\ds build +room/test_built")
        self.assertRegex(text, r"s call +tests/room/test_built\.py::A::test_sees_what_was_built")
        self.assertRegex(text, r"in +\d+\.\d s  room/test_built \(build\)")
        self.assertEqual(run.lines[-1], "1 passed, 0 failed, 0 skipped")

    def test_parameters_and_fixtures(self):
        run = self.planted(test_fixtures=WITH_FIXTURES).run()
        self.assertEqual((run.status, run.lines[-1]), (1, "4 passed, 1 failed, 0 skipped"))
        self.assertIn("failed  room/test_fixtures test_doubled[3-5]", run.lines)
        self.assertIn("assert '6' == '5'", "\n".join(run.lines))

    def test_collect_only_runs_nothing(self):
        run = self.planted(test_built=BUILT).run("--collect-only", "-q")
        self.assertIn("tests/room/test_built.py::A::test_sees_what_was_built", run.lines)
        self.assertFalse(any(line.startswith("build ") for line in run.lines))

    def test_a_run_that_is_stopped_leaves_no_process(self):
        planted = self.planted(test_hangs=HANGS)
        command, how = planted.command()
        started = planted.folder / "build" / "tests" / "room" / "test_hangs" / "started"
        with subprocess.Popen(command, **how) as run:
            while not started.exists():
                self.assertIsNone(run.poll())
                time.sleep(0.05)
            run.terminate()
            lines = run.stdout.read().splitlines()
        self.assertEqual((run.returncode, lines[-1]), (143, "0 passed, 0 failed, 0 skipped"))
        self.assertIn("stopped: by SIGTERM", lines)
        state = pathlib.Path("/proc", started.read_text(), "stat")
        # What has ended may still wait for its parent to ask how.
        self.assertTrue(not state.exists() or state.read_text().split(") ")[1][0] == "Z")

    def test_a_wrong_option_is_refused(self):
        run = self.planted(test_built=BUILT).run("--no-such-option")
        self.assertEqual(run.status, 4)


@unittest.skipIf(vm.pku_host(), "this CPU has protection keys: there is no VM")
class Places(Case):
    def test_a_module_runs_here_and_in_the_vm(self):
        planted = self.planted(test_keyed=KEYED, test_plain=FIRST)
        run = planted.run("--durations=0")
        self.assertEqual(
            run.results,
            {
                "A.test_apple": "ok",
                "A.test_pear": "ok",
                "A.test_sees_what_was_built [no PKU]": "ok",
                "A.test_sees_what_was_built [VM]": "ok",
                "A.test_only_one_place [no PKU]": "ok",
                "A.test_only_one_place [VM]": "failed",
                "A.test_dies_in_the_vm [no PKU]": "ok",
                "A.test_dies_in_the_vm [VM]": "failed",
            },
        )
        self.assertIn("SIGABRT", run.texts["A.test_dies_in_the_vm [VM]"])
        self.assertIn("'vm' != 'none'", run.texts["A.test_only_one_place [VM]"])
        self.assertEqual(run.lines[-1], "6 passed, 2 failed, 0 skipped")
        self.assertRegex("\n".join(run.lines), r"room/test_keyed \(run\) \[VM\]")
        again = planted.run("--lf", "-x")
        self.assertEqual(len(again.ran), 1)
        self.assertEqual(again.lines[-1], "0 passed, 1 failed, 0 skipped")
        self.assertTrue(again.ran[0].endswith(" [VM]"))


if __name__ == "__main__":
    unittest.main()
