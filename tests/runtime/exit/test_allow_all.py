"""Functions of unknown owner never get every key, unless that was asked for in so many words."""

import pathlib
import unittest

from tests.support import endings

NEEDS_PKU = True
ALSO_NATIVE = True
KNOWN = [
    "library_at_exit library's 1\n",
    "main_at_exit main's\n",
    "main_cleanup main's 108\n",
    "library_cleanup library's 1\n",
]


def build(out: pathlib.Path):
    endings.build(out, "allow_all", ("dl_debug_exit_phase2.c", "dl_debug_library.c"))
    endings.build(out, "legacy", ("dl_debug_test.c", "dl_debug_library.c"))


class AllowAll(unittest.TestCase):
    def go(self, name, *words, **environment):
        return endings.execute(
            endings.compartments.program(name),
            *words,
            IA2_DIAG_EXIT="1",
            IA2_TRACE_EXIT="1",
            **environment,
        )

    @unittest.skipUnless(endings.compartments.enforced(), "needs protection keys")
    def test_never_without_it(self):
        done = self.go("allow_all", "unknown")
        self.assertNotIn("library_internal", done.out)
        self.assertNotIn("ALL KEYS", done.err)
        self.assertEqual(done.status, 4)

    def test_unknown_owner_with_it(self):
        done = self.go("allow_all", "unknown", IA2_EXIT_ALLOW_ALL="1")
        self.assertEqual(done.status, 4, done)
        self.assertIn("library_internal library's 0\n", done.out)
        for line in KNOWN:
            self.assertIn(line, done.out)
        self.assertIn(
            (
                "ia2: warning: IA2_EXIT_ALLOW_ALL=1: exit functions of unknown owner run with ALL"
                " keys open\n"
            ),
            done.err,
        )
        self.assertIn("action=run_with_all_keys\n", done.err)
        # Only that one.
        self.assertEqual(done.err.count("ALL KEYS"), 1, done.err)
        self.assertIn(
            f"IA2_DIAG_EXIT: success={6 + endings.COMPILERS} fallback=1 unknown=1 faulted=0\n",
            done.err,
        )

    def test_known_owners_with_it(self):
        done = self.go("allow_all", IA2_EXIT_ALLOW_ALL="1")
        self.assertEqual(done.status, 4, done)
        self.assertNotIn("ALL KEYS", done.err)

    def test_legacy(self):
        done = self.go("legacy", IA2_EXIT_FORCE_LEGACY="1")
        printed = (
            "main\nlibrary_at_exit library's 0\nmain_at_exit main's 0\nmain_cleanup main's"
            " 0\nlibrary_cleanup library's 0\n"
        )
        self.assertEqual((done.status, done.out), (5, printed), done)
        self.assertIn(
            (
                "ia2: warning: IA2_EXIT_FORCE_LEGACY=1: all destructors run with ALL keys open; for"
                " comparison only\n"
            ),
            done.err,
        )
        self.assertIn(
            f"IA2_DIAG_EXIT: success=0 fallback={4 + endings.COMPILERS} unknown=0 faulted=0\n",
            done.err,
        )


if __name__ == "__main__":
    unittest.main()
