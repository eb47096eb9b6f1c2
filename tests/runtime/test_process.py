"""Start-up, fork and exit: what runs then runs in its owner, whoever asks for it."""

import pathlib
import resource
import unittest

from tests.support import compartments
from tests.support.compartments import Compartment

NEEDS_PKU = True
ALSO_NATIVE = True
HERE = pathlib.Path(__file__).resolve().parent
DESTROYED = "program destroyed 1 program\nlibrary destroyed 2 library\n"
EXIT_FUNCTIONS = "program says bye program\nlibrary says bye library\nprogram says bye program\n"
WARNING = "ia2: warning: this CPU or kernel has no protection keys"


def build(out: pathlib.Path):
    for toolchain in compartments.TOOLCHAINS:
        parts = [
            Compartment("program", [HERE / "process.c"]),
            Compartment("library", [HERE / "process_lib.c"]),
        ]
        compartments.build(out, "process", parts, toolchain, [f"-I{HERE}"])


class Process(unittest.TestCase):
    def go(self, *words, toolchain=compartments.GCC, **environment):
        return compartments.execute(
            compartments.program("process", toolchain), *words, **environment
        )

    def ends(self, name, status, out):
        for toolchain in compartments.TOOLCHAINS:
            with self.subTest(toolchain=toolchain.name):
                done = self.go(name, toolchain=toolchain)
                self.assertEqual((done.status, done.out), (status, out), done)

    def test_fork(self):
        self.ends("fork", 0, DESTROYED + "done\n" + DESTROYED)

    def test_fork_in_a_thread(self):
        done = self.go("fork-in-thread")
        self.assertEqual((done.status, done.out), (0, DESTROYED * 2 + "done\n" + DESTROYED), done)

    def test_fork_among_busy_threads(self):
        done = self.go("fork-among-threads")
        self.assertEqual((done.status, done.out), (0, "done\n" + DESTROYED), done)

    def test_fork_that_takes_long(self):
        done = self.go("slow-fork")
        self.assertEqual((done.status, done.out), (0, "done\n" + DESTROYED), done)

    def test_atfork_handlers(self):
        done = self.go("atfork")
        self.assertEqual((done.status, done.out), (0, DESTROYED + "done\n" + DESTROYED), done)

    def test_other_programs(self):
        done = self.go("spawn")
        self.assertEqual((done.status, done.out), (0, "done\n" + DESTROYED), done)

    def test_return_from_main(self):
        self.ends("return", 7, "done\n" + EXIT_FUNCTIONS + DESTROYED)

    def test_return_with_busy_threads(self):
        self.ends("return-busy", 7, "done\n" + EXIT_FUNCTIONS + DESTROYED)

    def test_exit_in_the_program(self):
        self.ends("exit-program", 3, EXIT_FUNCTIONS + DESTROYED)

    def test_exit_in_the_library(self):
        self.ends("exit-library", 4, EXIT_FUNCTIONS + DESTROYED)

    def test_exit_with_busy_threads(self):
        self.ends("exit-library-busy", 4, EXIT_FUNCTIONS + DESTROYED)

    def test_exit_in_a_worker(self):
        self.ends("exit-worker", 5, EXIT_FUNCTIONS + DESTROYED)

    def test_exit_in_the_library_in_a_worker(self):
        self.ends("exit-worker-library", 6, EXIT_FUNCTIONS + DESTROYED)

    def test_immediate_exit(self):
        self.ends("_exit", 8, "")

    def test_limited_address_space(self):
        """The runtime reserves no more than its stacks and what heaps ask for."""
        limit = 1 << 30
        before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
        try:
            done = self.go("nothing")
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)
        self.assertEqual((done.status, done.out), (0, "done\n" + DESTROYED), done)

    def test_unlimited_stack(self):
        before = resource.getrlimit(resource.RLIMIT_STACK)
        resource.setrlimit(resource.RLIMIT_STACK, (before[1], before[1]))
        try:
            done = self.go("nothing")
        finally:
            resource.setrlimit(resource.RLIMIT_STACK, before)
        self.assertEqual((done.status, done.out), (0, "done\n" + DESTROYED), done)


@unittest.skipIf(compartments.enforced(), "for CPUs without protection keys")
class WithoutKeys(unittest.TestCase):
    def test_warns_once(self):
        done = compartments.execute(compartments.program("process"), "fork")
        self.assertEqual(done.err.count(WARNING), 1, done)

    def test_refuses_if_keys_are_required(self):
        done = compartments.execute(compartments.program("process"), "nothing", IA2_REQUIRE_PKU="1")
        self.assertNotEqual(done.status, 0)
        self.assertEqual(done.out, "")
        self.assertIn("no protection keys and IA2_REQUIRE_PKU is set", done.err)

    def test_required_by_zero_is_not_required(self):
        self.assertEqual(
            compartments.execute(
                compartments.program("process"), "nothing", IA2_REQUIRE_PKU="0"
            ).status,
            0,
        )


@unittest.skipUnless(compartments.enforced(), "needs protection keys")
class WithKeys(unittest.TestCase):
    def test_says_nothing(self):
        done = compartments.execute(compartments.program("process"), "nothing", IA2_REQUIRE_PKU="1")
        self.assertEqual((done.status, done.err), (0, ""), done)


if __name__ == "__main__":
    unittest.main()
