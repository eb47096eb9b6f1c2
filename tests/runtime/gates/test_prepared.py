"""Memory that the runtime gives to a compartment is what the compartment, and nobody else, has made
of it."""

import pathlib
import unittest

from tests.support import compartments
from tests.support.compartments import Compartment

NEEDS_PKU = True
ALSO_NATIVE = True
HERE = pathlib.Path(__file__).resolve().parent


def build(out: pathlib.Path):
    compartments.build(
        out,
        "prepared",
        [
            Compartment("app", [HERE / "prepared.c"]),
            Compartment("library", [HERE / "prepared_lib.c"]),
        ],
        flags=[f"-I{HERE}"],
    )


class Prepared(unittest.TestCase):
    def contained(self, attack, statuses=(0,)):
        done = compartments.execute(compartments.program("prepared"), attack)
        self.assertNotIn("compromised", done.out)
        self.assertIn(done.status, statuses, done)
        return done.out

    def test_stack(self):
        self.contained("stack")

    def test_thread_pointer(self):
        said = self.contained("thread-pointer", (-11,) if compartments.enforced() else (0,))
        self.assertTrue(said.startswith("intact\n"), said)

    @unittest.skipUnless(
        compartments.enforced(), "without keys the storage is everybody's at any time"
    )
    def test_storage(self):
        """The attacker dies if it looks a moment too late."""
        self.contained("storage", (0, -11))


if __name__ == "__main__":
    unittest.main()
