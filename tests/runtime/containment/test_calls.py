"""System calls of a program in which one compartment may have the kernel do nothing."""

import pathlib
import signal
import tempfile
import unittest

from ia2.policy import system_calls
from tests.support import compartments
from tests.support.compartments import Compartment

NEEDS_PKU = True
HERE = pathlib.Path(__file__).resolve().parent


def build(out: pathlib.Path):
    for toolchain in compartments.TOOLCHAINS:
        none = system_calls.mask("none")
        parts = [
            Compartment("program", [HERE / "calls.c"]),
            Compartment("library", [HERE / "calls_lib.c"], calls=none),
        ]
        flags = [f"-I{HERE}", f"-I{HERE.parent}"]
        compartments.build(out, "calls", parts, toolchain, flags)


class Calls(unittest.TestCase):
    def go(self, case, toolchain=compartments.GCC):
        with tempfile.TemporaryDirectory() as folder:
            program = compartments.program("calls", toolchain)
            return compartments.execute(program, case, cwd=folder)

    def works(self, case):
        """Returns what the runtime said."""
        for toolchain in compartments.TOOLCHAINS:
            with self.subTest(toolchain=toolchain.name):
                done = self.go(case, toolchain)
                self.assertEqual((done.status, done.out), (0, "done\n"), done)
        return done.err

    def test_the_library_may_not_open_files(self):
        said = self.works("library-opens")
        self.assertIn('denied: compartment library may not call openat(..., "/etc/passwd"', said)
        self.assertIn('to allow it: [compartment.library] system_calls = [..., "files-read"]', said)

    def test_the_library_may_not_make_files(self):
        self.assertIn('system_calls = [..., "files"]', self.works("library-creates"))

    def test_the_library_may_not_fork(self):
        self.assertIn('system_calls = [..., "threads"]', self.works("library-forks"))

    def test_the_library_may_not_send_signals(self):
        self.assertIn('system_calls = [..., "signals"]', self.works("library-kills"))

    def test_the_library_may_not_make_sockets(self):
        self.assertIn('system_calls = [..., "network"]', self.works("library-connects"))

    def test_the_library_may_not_unmap_what_is_not_its_own(self):
        self.assertIn("the memory is another's, or code", self.works("library-unmaps"))

    def test_some_calls_are_nobodys(self):
        said = self.works("nobody-may")
        self.assertIn("compartment program may not call ptrace(", said)
        self.assertIn("compartment library may not call system call 1000", said)

    def test_a_place_is_told_of_once(self):
        said = self.works("library-unmaps")
        self.assertEqual(said.count("may not call munmap"), 1, said)

    def test_the_library_allocates_and_has_threads(self):
        self.assertEqual(self.works("library-computes"), "")

    def test_files(self):
        self.assertEqual(self.works("files"), "")

    def test_files_that_show_the_process(self):
        self.works("process-files")

    def test_files_of_code_are_not_written(self):
        self.works("code-files")

    def test_memory(self):
        self.works("memory")

    def test_signals(self):
        self.assertEqual(self.works("signals"), "")

    def test_processes(self):
        self.works("processes")

    def test_libraries_come_with_dlopen(self):
        self.assertEqual(self.works("libraries"), "")

    def test_a_trap_cannot_be_forged(self):
        self.works("forged")

    def test_a_signal_return_that_is_no_return(self):
        done = self.go("sigreturn")
        self.assertEqual(done.status, -signal.SIGABRT, done)
        self.assertIn("returns from a signal that it did not get", done.err)
