"""What a program can ask about its destructors."""

import pathlib
import unittest

from tests.support import endings

NEEDS_PKU = True
ALSO_NATIVE = True
PRINTED = (
    "[phase0] metadata_smoke\n[phase0] metadata_json_export\n[phase0] basic_compartment_check\n"
)


def build(out: pathlib.Path):
    endings.build(out, "phase0", ("dl_debug_exit_phase0.c", "dl_debug_library.c"))


class Phase0(unittest.TestCase):
    def go(self, **environment):
        done = endings.execute(endings.compartments.program("phase0"), **environment)
        self.assertEqual(
            (done.status, done.out), (0, PRINTED + "library_cleanup library's 1\n"), done
        )
        return done.err

    def test_checks(self):
        self.assertNotIn("IA2_TRACE", self.go())

    def test_tables_of_both_compartments_are_imported(self):
        err = self.go(IA2_TRACE_EXIT="1")
        self.assertIn("IA2_TRACE: Importing static table for compartment main (1 entry)\n", err)
        self.assertIn(
            "IA2_TRACE: Importing static table for compartment dl_debug_exit_phase0 (2 entries)\n",
            err,
        )
        self.assertIn(
            "IA2_TRACE: Importing static table for compartment dl_debug_library (2 entries)\n", err
        )
        self.assertIn("IA2_TRACE: Registered destructor 'main_cleanup'\n", err)


if __name__ == "__main__":
    unittest.main()
