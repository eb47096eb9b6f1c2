"""Whoever enters a gate anywhere but at its start, or forges what it looks at, gains no right."""

import pathlib
import unittest

from tests.support import compartments
from tests.support.compartments import Compartment

NEEDS_PKU = True
ALSO_NATIVE = True
TIMEOUT = 300
HERE = pathlib.Path(__file__).resolve().parent
DIES = (-6, -11)


def parts():
    text = (HERE / "forging.c.in").read_text()
    attackers = [
        ("forging1.c", text.replace("@KEY@", "1")),
        ("forging2.c", text.replace("@KEY@", "2")),
    ]
    return [
        Compartment("app", [attackers[0], HERE / "forging_main.c", HERE / "entry.S"]),
        Compartment("library", [attackers[1], HERE / "forging_lib.c", HERE / "entry.S"]),
    ]


def build(out: pathlib.Path):
    compartments.build(out, "forging", parts(), flags=[f"-I{HERE}"])


class Forging(unittest.TestCase):
    def go(self, attacker, *words):
        done = compartments.execute(compartments.program("forging"), attacker, *words, timeout=280)
        self.assertNotIn("compromised", done.out)
        return done

    def every_site(self, attacker, name):
        quick = ["quick"] if compartments.enforced() else []
        done = self.go(attacker, name, *quick)
        self.assertEqual(done.status, 0, done)
        self.assertRegex(done.out, r"\A(contained\n)*result \d\d\d+\n\Z")
        self.assertIn("PKRU does not hold the value", done.err)
        self.assertIn("is not suspended", done.err)

    def test_program_enters_at_every_wrpkru(self):
        self.every_site(1, "sites")

    def test_library_enters_at_every_wrpkru(self):
        self.every_site(2, "sites")

    def test_program_enters_while_library_waits_for_it(self):
        self.every_site(1, "sites-suspended")

    def stopped(self, name, message, statuses=(-6,)):
        for attacker in (1, 2):
            with self.subTest(attacker=attacker):
                done = self.go(attacker, name)
                self.assertIn(done.status, statuses, done)
                self.assertNotIn("result", done.out)
                self.assertIn(message, done.err)

    def test_forged_fs_base(self):
        self.stopped("fs", "this thread's FS base is not the one of its record")

    def test_null_fs_base(self):
        self.stopped("fs-null", "", DIES)

    def test_another_threads_slot(self):
        self.stopped("slot", "this thread's FS base is not the one of its record")

    def test_slot_of_no_thread(self):
        self.stopped("slot-free", "", DIES)

    def test_fs_base_of_another_thread(self):
        """A gate takes a thread for who its FS base says it is. With that of a thread whose
        victim's stack is in use it is refused; with that of one whose victim is idle the call is an
        ordinary call on the other thread's stack.
        """
        self.assertEqual(self.go(2, "fs-thread").status, -6)
        done = self.go(1, "fs-thread")
        self.assertTrue(done.status in DIES or done.out == "result 42\n", done)

    def test_slot_out_of_range(self):
        self.stopped("slot-huge", "", DIES)

    def test_no_slot(self):
        self.stopped("slot-zero", "", DIES)

    def test_gate_for_nobody(self):
        self.stopped("not-nobody", "the calling compartment may not call this function")

    def test_gate_of_the_runtime(self):
        self.stopped("main", "the calling compartment may not call this function")

    def test_setting_the_storage_of_a_thread_that_runs(self):
        """Who enters a gate in its middle can seem to be nobody, so what is the runtime's alone
        does not rely on who calls."""
        self.stopped("storage", "the thread-local storage of a thread that runs is to be set")

    def test_destructors_of_thread_specific_values(self):
        """Added or deleted in the victim's name; run as what it is not."""
        for name in ("key-add", "key-delete"):
            self.stopped(name, "registers or deletes an exit function of another compartment")
        self.stopped("key-run", "a thread-specific value's destructor is no exit function")

    def test_jump_in_anothers_name(self):
        done = self.go(2, "jump-forged")
        self.assertEqual(done.status, -6, done)
        self.assertIn("a jump in its name that it does not make", done.err)
        self.assertEqual(self.go(1, "jump-forged").status, -6)

    def test_jump_without_an_older_frame(self):
        """What it skips is cut on the way, and then the process ends."""
        for attacker in (1, 2):
            done = self.go(attacker, "jump-nowhere")
            self.assertEqual(done.status, -6, done)
            self.assertRegex(
                done.err, "a jump in its name that it does not make|made by what is no compartment"
            )

    def test_cutting_a_stack_from_outside(self):
        self.stopped("jump-entry", "", DIES)

    def test_return_with_the_direction_flag_set(self):
        """The program goes on. The library has not said that it no longer runs, so it is not
        entered again, at exit."""
        done = self.go(2, "direction")
        self.assertEqual((done.status, done.out), (-6, "result 7\n"), done)


if __name__ == "__main__":
    unittest.main()
