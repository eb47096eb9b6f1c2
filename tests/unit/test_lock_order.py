"""The order of the runtime's locks: a debug build aborts in words when a thread breaks it."""

import os
import pathlib
import signal
import subprocess
import unittest

HERE = pathlib.Path(__file__).resolve().parent
RUNTIME = pathlib.Path(os.environ["IA2_SOURCE"]) / "runtime"
OUT = pathlib.Path(os.environ["IA2_TEST_OUT"])


def build(out: pathlib.Path):
    for name, debug in (("debug", 1), ("release", 0)):
        subprocess.run(
            [
                "gcc",
                "-std=gnu11",
                "-O1",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-DIA2_PERMISSIVE=0",
                f"-DIA2_DEBUG={debug}",
                "-iquote",
                RUNTIME,
                HERE / "lock_order.c",
                RUNTIME / "base/end_process.S",
                *(RUNTIME / f"base/{part}.c" for part in ("die", "format", "lock", "log")),
                "-pthread",
                "-o",
                out / name,
            ],
            check=True,
        )


class LockOrder(unittest.TestCase):
    def run_program(self, build_name: str, order: str):
        return subprocess.run([OUT / build_name, order], capture_output=True, text=True)

    def stopped(self, order: str, message: str):
        done = self.run_program("debug", order)
        self.assertEqual((done.returncode, done.stdout), (-signal.SIGABRT, ""))
        self.assertIn(message, done.stderr)

    def test_order_that_is_right(self):
        for name in ("debug", "release"):
            done = self.run_program(name, "in-order")
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "done\n", ""), name)

    def test_order_that_is_wrong(self):
        self.stopped(
            "wrong-order",
            'ia2: lock order: a thread takes the lock "plugins" (rank 0) while it holds "thread'
            ' storage" (rank 4); take locks in the order of base/lock.h\n',
        )

    def test_second_lock_of_the_same_rank(self):
        self.stopped("equal-rank", 'takes the lock "thread storage" (rank 4) while it holds')

    def test_lock_that_is_not_held(self):
        self.stopped("not-held", 'gives back the lock "thread storage", which it does not hold')

    def test_other_builds_check_nothing(self):
        done = self.run_program("release", "wrong-order")
        self.assertEqual((done.returncode, done.stdout), (0, "done\n"))
