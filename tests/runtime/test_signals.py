"""Signals: a handler runs in the compartment that installed it, whatever it interrupts."""

import os
import pathlib
import signal
import subprocess
import unittest

from tests.support import compartments
from tests.support.compartments import Compartment

NEEDS_PKU = True
ALSO_NATIVE = True
# SIGILL: a gate's end while the runtime has SIGABRT blocked.
ENDS = (-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGILL)
HERE = pathlib.Path(__file__).resolve().parent


def build(out: pathlib.Path):
    compartments.build(
        out,
        "signals",
        [
            Compartment("app", [HERE / "signals.c"]),
            Compartment("library", [HERE / "signals_lib.c"]),
        ],
        flags=[f"-I{HERE}"],
    )


class Signals(unittest.TestCase):
    def go(self, name):
        return compartments.execute(compartments.program("signals"), name)

    def passes(self, name):
        done = self.go(name)
        self.assertEqual(done.status, 0, done)
        self.assertRegex(done.out, r"\Ahandled \d+\n\Z")
        return int(done.out.split()[1])

    def test_handler_in_its_own_compartment(self):
        self.assertEqual(self.passes("own"), 1)

    def test_handler_while_the_other_runs(self):
        self.assertEqual(self.passes("while-library-runs"), 1)

    def test_handler_calls_across_and_back(self):
        self.assertEqual(self.passes("handler-calls"), 4)

    def test_librarys_handler(self):
        self.passes("librarys-own")

    def test_signals_inside_gates(self):
        self.passes("storm")

    def test_signals_inside_gates_with_handlers_that_call(self):
        self.passes("storm-calling")

    def test_signals_inside_gates_for_the_library(self):
        self.passes("storm-library")

    def test_signals_while_threads_start_and_end(self):
        self.passes("churn")

    def test_signals_to_a_thread(self):
        self.passes("between-threads")

    def test_old_values(self):
        self.passes("old-values")

    def test_masks_and_nesting(self):
        self.passes("masks")

    def test_siginfo(self):
        self.passes("siginfo")

    def test_resethand(self):
        done = self.go("reset")
        self.assertEqual((done.status, done.out), (-signal.SIGUSR1, "once\n"), done)

    def test_sigint_during_a_call(self):
        with subprocess.Popen(
            [compartments.program("signals"), "interrupt"], stdout=subprocess.PIPE, text=True
        ) as process:
            self.assertEqual(process.stdout.readline(), "waiting\n")
            os.kill(process.pid, signal.SIGINT)
            self.assertEqual(process.stdout.read(), "handled 1\n")
            self.assertEqual(process.wait(), 0)

    def test_handler_that_plays_with_the_interrupted_compartment(self):
        """It may end the process, but not go on with the other's stack in disorder."""
        self.assertEqual(self.passes("attack0"), 1)
        for how in (1, 2, 3):
            done = self.go(f"attack{how}")
            self.assertIn(done.status, ENDS, done)
            self.assertEqual(done.out, "")

    def dies(self, name, number):
        done = self.go(name)
        self.assertEqual((done.status, done.out), (-number, ""), done)
        return done

    def test_null_pointer_kills(self):
        self.assertNotIn("violation", self.dies("null", signal.SIGSEGV).err)

    def test_sent_sigsegv_kills(self):
        self.dies("sent-segv", signal.SIGSEGV)
        self.dies("raised-segv", signal.SIGSEGV)

    def test_other_signals_kill(self):
        self.dies("abort", signal.SIGABRT)

    @unittest.skipUnless(compartments.enforced(), "needs protection keys")
    def test_handler_does_not_hide_a_violation(self):
        self.assertIn("ia2: violation", self.dies("own-segv-handler", signal.SIGSEGV).err)


if __name__ == "__main__":
    unittest.main()
