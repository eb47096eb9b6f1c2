"""The map of destructors: any pointer may be asked for, nobody may change it."""

import pathlib
import signal
import unittest

from tests.support import endings

NEEDS_PKU = True
ALSO_NATIVE = True


def build(out: pathlib.Path):
    endings.build(out, "lookup", ("destructor_lookup.c", "dl_debug_library.c"))


class Lookup(unittest.TestCase):
    def go(self, *words):
        return endings.execute(endings.compartments.program("lookup"), *words)

    def test_fuzzed(self):
        for seed in (1, 20, 300):
            done = self.go(seed)
            self.assertEqual(
                (done.status, done.out), (0, "done\nlibrary_cleanup library's 1\n"), done
            )

    @unittest.skipIf(endings.compartments.enforced(), "with protection keys nobody can tamper")
    def test_tampering_aborts(self):
        for how in ("owner", "function", "name", "count"):
            with self.subTest(how):
                done = self.go("tamper", how)
                self.assertEqual((done.status, done.out), (-signal.SIGABRT, ""), done)
                self.assertIn("ia2: the map of destructors was tampered with", done.err)

    @unittest.skipUnless(endings.compartments.enforced(), "needs protection keys")
    def test_nobody_can_tamper(self):
        for how in ("owner", "function", "name", "count"):
            with self.subTest(how):
                done = self.go("tamper", how)
                self.assertEqual((done.status, done.out), (-signal.SIGSEGV, ""), done)
                self.assertIn("may not write", done.err)
                self.assertIn("state of compartment the runtime", done.err)

    @unittest.skipUnless(endings.compartments.enforced(), "needs protection keys")
    def test_read_only(self):
        self.assertEqual(self.go("write").status, -signal.SIGSEGV)


if __name__ == "__main__":
    unittest.main()
