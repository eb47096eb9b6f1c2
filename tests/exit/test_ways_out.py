"""Every way out, from every compartment, on every thread: what the plain program prints, in its order, with its status.

All combinations run without keys; in the VM each way with each compartment and each thread, but not each pair of these, unless
all vectors are asked for.
"""

import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import endings  # noqa: E402

NEEDS_PKU = True
ALSO_NATIVE = True
SOURCES = ("ways_out.c", "library.c", "third.c")
WAYS = ("return", "exit", "_exit", "_Exit", "quick_exit", "ia2_safe_exit", "pthread_exit", "abort", "killed", "caught", "caught_quick",
        "caught_immediate", "exits_again", "registers", "destructor_registers", "destructor_signalled", "destructor_exits", "timer")
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
    endings.save(out / "expected.json", results)


class WaysOut(unittest.TestCase):
    pass


def test_of(way):
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
    setattr(WaysOut, f"test_{name}", test_of(name))


if __name__ == "__main__":
    unittest.main()
