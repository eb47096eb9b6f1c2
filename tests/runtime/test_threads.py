"""Threads: made, ended and looked after by either compartment."""

import pathlib
import unittest

from tests.support import compartments
from tests.support.compartments import Compartment

NEEDS_PKU = True
ALSO_NATIVE = True
HERE = pathlib.Path(__file__).resolve().parent


def build(out: pathlib.Path):
    for toolchain in compartments.TOOLCHAINS:
        compartments.build(
            out,
            "threads",
            [
                Compartment("app", [HERE / "threads.c"]),
                Compartment("library", [HERE / "threads_lib.c"]),
            ],
            toolchain,
            [f"-I{HERE}"],
        )


class Threads(unittest.TestCase):
    def passes(self, *words, out="done\n", toolchain=compartments.GCC):
        done = compartments.execute(compartments.program("threads", toolchain), *words, timeout=110)
        self.assertEqual((done.status, done.out), (0, out), done)

    def test_results_and_fresh_thread_locals(self):
        self.passes("many", 30)

    def test_sixty_four_at_once(self):
        self.passes("at-once", 64)

    def test_created_and_joined_again_and_again(self):
        self.passes("churn", 100 if compartments.enforced() else 2000)

    def test_clang_and_lld(self):
        self.passes("many", 10, toolchain=compartments.CLANG_LLD)

    def test_stack_size_of_the_attribute(self):
        self.passes("sized")

    def test_stack_overflow_kills(self):
        self.assertEqual(
            compartments.execute(compartments.program("threads"), "overflow").status, -11
        )

    def test_detached(self):
        self.passes("detached", 40)

    def test_pthread_exit_in_either_compartment(self):
        self.passes("exit")

    def test_cleanup_handlers(self):
        self.passes("cleanup")

    def test_destructors_of_thread_specific_values(self):
        self.passes("specific")

    def test_library_starts_threads(self):
        self.passes("library-starts", 20)

    def test_first_thread_ends_before_the_last(self):
        self.passes("main-exits", out="bye\n")

    def test_first_thread_ends_in_the_library(self):
        self.passes("main-exits", 1, out="bye\n")

    def test_reused_stacks_are_empty(self):
        self.passes("reuse")

    def test_storage_of_an_ended_thread_is_empty(self):
        self.passes("storage")

    def test_threads_of_c11(self):
        self.passes("c11")


if __name__ == "__main__":
    unittest.main()
