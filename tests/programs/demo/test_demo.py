"""The demo's verdicts: it says bit-exact only of what is, and fails otherwise."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from ia2.demo import demo
from ia2.vm import command_batch
from ia2.vm.command_batch import Command, Outcome

ROW = demo.Row("stream", pathlib.Path("/stream.ivf"), 1, "0" * 32)
RIGHT = Outcome(0, "0" * 32 + "\n", "", 1.0)


class Verdicts(unittest.TestCase):
    def test_right(self):
        self.assertEqual(demo.verdict(ROW, RIGHT, RIGHT), "bit-exact")

    def test_wrong(self):
        other = Outcome(0, "1" * 32, "", 1.0)
        died = Outcome(-11, "", "", 1.0)
        reported = Outcome(0, "0" * 32, "libia2: violation: ...", 1.0)
        refused = Outcome(1, "", "no protection keys", 1.0)
        self.assertEqual(demo.verdict(ROW, RIGHT, other), "DIFFERS from plain")
        self.assertEqual(demo.verdict(ROW, other, other), "DIFFERS from aomdec")
        self.assertEqual(demo.verdict(ROW, RIGHT, died), "VIOLATION")
        self.assertEqual(demo.verdict(ROW, RIGHT, reported), "VIOLATION")
        self.assertEqual(demo.verdict(ROW, RIGHT, refused), "ended with 1")
        self.assertEqual(demo.verdict(ROW, died, RIGHT), "plain ended with -11")

    def test_keys_are_required(self):
        self.assertEqual(demo.command(pathlib.Path("/x"), ROW).env["IA2_REQUIRE_PKU"], "1")


class Refusals(unittest.TestCase):
    def demo(self, *arguments):
        return subprocess.run(
            ["/usr/bin/python3", "-m", "ia2.demo.demo", *arguments], capture_output=True, text=True
        )

    def test_not_a_source_tree(self):
        with tempfile.TemporaryDirectory() as folder:
            done = self.demo("--source", folder, "--streams", __file__)
        self.assertEqual(done.returncode, 1)
        self.assertIn("is not a source tree: it has no meson.build", done.stderr)

    def test_no_such_stream(self):
        done = self.demo("--streams", "/no/such/stream.ivf")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/no/such/stream.ivf: no such stream", done.stderr)


class Batch(unittest.TestCase):
    def test_outcomes_come_back_in_order(self):
        script = (
            "import os, sys, time; n = int(sys.argv[1]); time.sleep((3 - n) / 5); print(n,"
            " flush=True); os._exit(n)"
        )
        commands = [Command((sys.executable, "-c", script, str(n)), {}, 60) for n in range(3)]
        commands.append(Command(("sh", "-c", "kill -SEGV $$"), {}, 60))
        commands.append(Command(("sleep", "100"), {}, 1))
        commands.append(Command(("no-such-command",), {}, 60))
        commands.append(Command(("sh", "-c", "echo $VALUE"), {"VALUE": "set"}, 60))
        outcomes = command_batch.run_enforced(commands, timeout=100)
        self.assertEqual([o.status for o in outcomes], [0, 1, 2, -11, 124, 127, 0])
        self.assertEqual([o.out for o in outcomes], ["0\n", "1\n", "2\n", "", "", "", "set\n"])

    @unittest.skipIf(
        os.environ["IA2_PKU"] == "hardware", "this CPU has protection keys, so there is no VM"
    )
    def test_a_vm_that_dies_is_an_error(self):
        with self.assertRaisesRegex(
            command_batch.BatchError, "the VM stopped while the command ran"
        ):
            command_batch.run_enforced(
                [Command(("sh", "-c", "echo c >/proc/sysrq-trigger"), {}, 60)]
            )


if __name__ == "__main__":
    unittest.main()
