"""No thread of a program in compartments has a restartable sequence.

The kernel would read where it may send a thread from memory that every compartment can write."""

import pathlib
import unittest

from tests.support import compartments
from tests.support.compartments import Compartment

NEEDS_PKU = True
ALSO_NATIVE = True
HERE = pathlib.Path(__file__).resolve().parent
THREADS = ("first", "second", "child")


def parts():
    return [Compartment("app", [HERE / "rseq.c"]), Compartment("library", [HERE / "rseq_lib.c"])]


def build(out: pathlib.Path):
    compartments.build(out, "rseq", parts(), flags=[f"-I{HERE}"])
    compartments.build_plain(out, "rseq", parts(), flags=[f"-I{HERE}"])


class Rseq(unittest.TestCase):
    def test_no_thread_has_one(self):
        done = compartments.execute(compartments.program("rseq"))
        lines = [f"{t}: not registered, cpu_id negative, sched_getcpu works\n" for t in THREADS]
        self.assertEqual((done.status, done.out), (0, "".join(lines)), done)

    def test_a_plain_program_has_one(self):
        """What the other test looks at is there to be seen."""
        done = compartments.execute(compartments.program("rseq", plain=True))
        self.assertIn("first: registered", done.out)


if __name__ == "__main__":
    unittest.main()
