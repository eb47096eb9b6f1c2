"""A destructor that faults is reported, the rest still run, the exit status is kept."""

import pathlib
import signal
import unittest

from tests.support import endings

NEEDS_PKU = True
ALSO_NATIVE = True
END = "last own 3\ndestructor own\nlibrary's destructor library's\n"


def build(out: pathlib.Path):
    for toolchain in endings.compartments.TOOLCHAINS:
        endings.build(out, "faults", ("faults.c", "faults_library.c"), toolchain)


class Faults(unittest.TestCase):
    def goes_on(self, mode, printed, *said, faulted=1, status=6, compiler="gcc"):
        toolchain = next(
            (t for t in endings.compartments.TOOLCHAINS if t.compiler == compiler),
            endings.compartments.GCC,
        )
        done = endings.execute(
            endings.compartments.program("faults", toolchain), mode, IA2_DIAG_EXIT="1"
        )
        self.assertEqual((done.status, done.out), (status, "first own\n" + printed + END), done)
        for text in said:
            self.assertIn(text, done.err)
        self.assertIn(f" faulted={faulted}\n", done.err)

    def test_none(self):
        self.goes_on("nothing", "", faulted=0)

    def test_null_pointer(self):
        for compiler in ("gcc", "clang"):
            self.goes_on(
                "null",
                "faulty\n",
                "IA2_EXIT: event=fault function='faults+0x",
                "kind=atexit compartment=faults signal=SEGV in=faults action=continue\n",
                compiler=compiler,
            )

    @unittest.skipUnless(endings.compartments.enforced(), "needs protection keys")
    def test_violation(self):
        self.goes_on("foreign", "faulty\n", "ia2: violation: compartment faults", "signal=SEGV")

    def test_division(self):
        self.goes_on("division", "faulty\n", "signal=FPE")

    def test_illegal_instruction(self):
        self.goes_on("illegal", "faulty\n", "signal=ILL")

    def test_stack_overflow(self):
        self.goes_on("deep", "faulty\n", "signal=SEGV")

    def test_in_a_call_across(self):
        self.goes_on(
            "nested", "faulty\n", "compartment=faults signal=SEGV in=faults_library action=continue"
        )

    def test_in_a_call_back(self):
        self.goes_on("called-back", "faulty\ncalled back\n", "in=faults action=continue")

    def test_in_the_library(self):
        self.goes_on(
            "library",
            "library's faulty\n",
            "compartment=faults_library signal=SEGV in=faults_library",
        )

    def test_in_a_destructor(self):
        self.goes_on("destructor", "", "kind=fini_array")

    def test_after_three_a_compartment_is_given_up(self):
        done = endings.execute(endings.compartments.program("faults"), "many", IA2_DIAG_EXIT="1")
        self.assertEqual(
            (done.status, done.out),
            (6, "first own\n" + "faulty\n" * 3 + "library's destructor library's\n"),
            done,
        )
        self.assertEqual(done.err.count("event=fault"), 3, done.err)
        self.assertIn("event=given_up", done.err)

    def test_programs_own_handler_is_asked_first(self):
        done = endings.execute(endings.compartments.program("faults"), "handled")
        self.assertEqual((done.status, done.out), (33, "first own\nfaulty\nhandled\n"), done)

    def dies(self, mode, number, printed):
        done = endings.execute(endings.compartments.program("faults"), mode)
        self.assertEqual((done.status, done.out), (-number, printed), done)

    def test_abort_is_no_fault(self):
        self.dies("abort", signal.SIGABRT, "first own\nfaulty\n")

    def test_end_of_a_thread_is_not_the_end_of_the_process(self):
        self.dies("thread", signal.SIGSEGV, "")


if __name__ == "__main__":
    unittest.main()
