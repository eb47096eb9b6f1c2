"""The heaps: a private one for each compartment, a shared one, and what belongs to libc."""

import pathlib
import unittest

from tests.support import compartments
from tests.support.compartments import Compartment

NEEDS_PKU = True
ALSO_NATIVE = True
# The misuse is on purpose; and _FORTIFY_SOURCE makes asprintf another function.
FLAGS = {
    "gcc": ["-Wno-use-after-free", "-Wno-free-nonheap-object"],
    "clang": ["-D_FORTIFY_SOURCE=2"],
}
HERE = pathlib.Path(__file__).resolve().parent


def build(out: pathlib.Path):
    for toolchain in compartments.TOOLCHAINS:
        parts = [
            Compartment("app", [HERE / "heap.c"], reads=(2,)),
            Compartment("library", [HERE / "heap_lib.c"], clients=(1,)),
            Compartment("third", [HERE / "heap_third.c"]),
        ]
        compartments.build(
            out, "heap", parts, toolchain, [f"-I{HERE}", "-fno-builtin", *FLAGS[toolchain.compiler]]
        )


class Heap(unittest.TestCase):
    def go(self, name, toolchain=compartments.GCC):
        return compartments.execute(compartments.program("heap", toolchain), name)

    def passes(self, name):
        for toolchain in compartments.TOOLCHAINS:
            with self.subTest(toolchain=toolchain.name):
                done = self.go(name, toolchain)
                self.assertEqual((done.status, done.out), (0, "done\n"), done)

    def aborts(self, name, message):
        done = self.go(name)
        self.assertEqual((done.status, done.out), (-6, ""), done)
        self.assertRegex(done.err, message)

    def test_malloc_and_family(self):
        self.passes("family")

    def test_allocation_scopes(self):
        self.passes("scopes")

    def test_shared_heap(self):
        self.passes("shared")

    def test_threads(self):
        self.passes("threads")

    def test_what_constructors_allocate(self):
        self.passes("early")

    @unittest.skipUnless(compartments.enforced(), "needs protection keys")
    def test_what_constructors_allocate_is_closed(self):
        done = self.go("early-is-closed")
        self.assertEqual(done.status, -11)
        self.assertIn("heap of compartment app", done.err)

    def test_free_of_another_compartments_block(self):
        self.aborts(
            "foreign-free",
            "compartment library frees 0x[0-9a-f]+, which belongs to the heap of compartment app",
        )

    def test_free_of_a_block_that_was_not_allocated_for_it(self):
        self.aborts(
            "foreign-free-of-the-library",
            "compartment app frees 0x[0-9a-f]+, which belongs to the heap of compartment library",
        )

    def test_realloc_of_another_compartments_block(self):
        self.aborts(
            "foreign-realloc",
            "compartment library resizes 0x[0-9a-f]+, which belongs to the heap of compartment app",
        )

    def test_lent_block_freed_twice(self):
        self.aborts("lent-twice", "compartment app frees .* heap of compartment library")

    def test_lent_block_freed_by_owner_then_client(self):
        self.aborts(
            "freed-by-owner-then-client", "compartment app frees .* heap of compartment library"
        )

    def test_lent_block_freed_by_third(self):
        self.aborts("lent-to-another", "may not call this function|compartment third frees")

    def test_address_inside_a_lent_block(self):
        self.aborts("inside-lent", "compartment app frees .* heap of compartment library")

    def test_allocation_by_who_is_no_client(self):
        self.aborts("not-a-client", "may not call this function")

    def test_private_block_to_shared_free(self):
        self.aborts("shared-free-of-private", "ia2: ")

    def test_shared_block_freed_twice(self):
        self.aborts("shared-twice", "ia2: ")

    def test_address_inside_a_shared_block(self):
        self.aborts("inside-shared", "ia2: ")

    def test_address_on_the_stack(self):
        """libc looks at it, for it might be its own."""
        done = self.go("stack")
        self.assertIn(done.status, (-6, -11), done)


if __name__ == "__main__":
    unittest.main()
