"""Every way out, from every compartment, on every thread: what the plain program prints, in its
order, with its status.

All combinations run without keys; in the VM each way with each compartment and each thread, but not
each pair of these, unless all vectors are asked for.
"""

import os
import pathlib
import unittest

from tests.support import endings

NEEDS_PKU = True
ALSO_NATIVE = True
SOURCES = ("ways_out.c", "library.c", "third.c")
WAYS = (
    "return",
    "exit",
    "_exit",
    "_Exit",
    "quick_exit",
    "ia2_safe_exit",
    "pthread_exit",
    "abort",
    "killed",
    "caught",
    "caught_quick",
    "caught_immediate",
    "exits_again",
    "registers",
    "destructor_registers",
    "destructor_signalled",
    "destructor_exits",
    "timer",
)
COMPARTMENTS = ("app", "library", "third")
THREADS = ("first", "worker", "last")


def cases():
    for number, way in enumerate(WAYS):
        for who, compartment in enumerate(COMPARTMENTS):
            for thread, which in enumerate(THREADS):
                yield f"{way} in {compartment} on {which}", (number, who, thread)


def build(out: pathlib.Path):
    endings.build(out, "ways_out", SOURCES)
    plain = endings.build_plain(out, "ways_out", SOURCES)
    results = {name: endings.execute(plain, *numbers, timeout=20) for name, numbers in cases()}
    results["early"] = endings.execute(plain, 0, 0, 0, LEAVE_EARLY="1")
    endings.save(out / "expected.json", results)


class WaysOut(unittest.TestCase):
    def go(self, way, **environment):
        return endings.execute(
            endings.compartments.program("ways_out"), WAYS.index(way), 1, 0, **environment
        )

    def test_from_a_constructor(self):
        done = self.go("return", LEAVE_EARLY="1")
        # There are no compartments yet, which is all that differs.
        self.assertEqual(
            (done.status, done.out.replace(" 0\n", " 1\n")),
            endings.load(endings.out() / "expected.json")["early"],
            done.err,
        )

    def test_counters_are_printed_whatever_the_way(self):
        for way, success in (
            ("quick_exit", 6),
            ("caught_quick", 6),
            ("_exit", None),
            ("killed", None),
            ("abort", None),
        ):
            err = self.go(way, IA2_DIAG_EXIT="1").err
            if success:
                self.assertIn(
                    f"IA2_DIAG_EXIT: success={success} fallback=0 unknown=0 faulted=0\n", err
                )
            else:
                self.assertNotIn("IA2_DIAG_EXIT", err)
        self.assertIn("fallback=0 unknown=0 faulted=0\n", self.go("exit", IA2_DIAG_EXIT="1").err)

    def test_dt_fini_is_gated(self):
        done = self.go("exit", IA2_TRACE_EXIT="1")
        self.assertIn("library DT_FINI 1\n", done.out)
        self.assertRegex(done.err, r"running '[^']*' \(fini\) target compartment library \(key 2\)")

    def test_thread_specific_destructors_have_records(self):
        """Of a worker; the program has no table of names."""
        program = endings.compartments.program("ways_out")
        err = endings.execute(program, WAYS.index("pthread_exit"), 1, 1, IA2_TRACE_EXIT="1").err
        for compartment in ("ways_out", "library", "third"):
            self.assertRegex(
                err,
                (
                    rf"running '{compartment}\+0x\w+' \(thread-specific\) in compartment"
                    rf" {compartment}: "
                ),
            )


def method_of(way):
    def test(self):
        expected = endings.load(endings.out() / "expected.json")
        program = endings.compartments.program("ways_out")
        everything = os.environ["IA2_PKU"] != "vm" or os.environ.get("IA2_ALL_VECTORS") == "1"
        for name, numbers in cases():
            if not name.startswith(way + " ") or not (everything or sum(numbers) % 3 == 0):
                continue
            with self.subTest(name):
                done = endings.execute(program, *numbers, timeout=40)
                self.assertEqual((done.status, done.out), expected[name], done.err)

    return test


for name in WAYS:
    setattr(WaysOut, f"test_{name}", method_of(name))


if __name__ == "__main__":
    unittest.main()
