"""gdb's `bt` is right at every instruction on the way through the gates, and nothing of that is in
the program's memory."""

import collections
import pathlib
import unittest

from tests.runtime.debug import crossing_program as crossing
from tests.runtime.debug.crossing_program import build  # noqa: F401

TIMEOUT = 400


def readelf(file: pathlib.Path, *options: str) -> str:
    return crossing.small.run("readelf", "-W", *options, file).stdout


class Steps(unittest.TestCase):
    def walk(self, function: str, through: set[str]):
        """Single-steps through `function`, which gets to all of `through`."""
        stops = crossing.stops(crossing.program("gcc"), steps=function)
        wrong = collections.Counter()
        for place, stack in stops:
            names = [name for name, _, _ in stack]
            # On the way back from nobody, who has no stack of his own, there are some instructions
            # where nothing tells whose thread it is.
            if names != ["1>0", "outermost"] and (
                names[-2:] != ["_start", "outermost"] or crossing.ours(stack)[-1] != "main"
            ):
                wrong[place, *names] += 1
        self.assertFalse(wrong, list(wrong.items())[:3])
        self.assertLessEqual(
            through, {name for _, stack in stops for name in crossing.ours(stack)[:1]}
        )

    def test_calls_and_callbacks(self):
        self.walk(
            "app_walk",
            {
                "1>2",
                "2>1",
                "lib_each",
                "lib_on_long_stack",
                "lib_many",
                "lib_aligned",
                "lib_wide",
                "app_steps",
            },
        )

    def test_signal(self):
        self.walk("ia2_signal_arrived", {"15>1", "app_on_signal", "1>2", "lib_plain"})

    def test_nobody(self):
        self.walk("__wrap_pthread_create", {"1>0"})


class Files(unittest.TestCase):
    def test_debug_frame_is_not_loaded(self):
        for name in crossing.TOOLCHAINS:
            for file in ("prog", "lib.ia2.so", "third.ia2.so"):
                sections = {
                    line.split("]")[1].split()[0]: line
                    for line in readelf(crossing.program(name).parent / file, "-S").splitlines()
                    if "] ." in line
                }
                self.assertNotIn(" A ", sections[".debug_frame"])
                self.assertIn(" A ", sections[".eh_frame"])

    def test_unwinders_in_the_process_know_no_gate(self):
        """Of the gates' code there is nothing in .eh_frame, which is loaded; of the program's
        functions there is."""
        for name in crossing.TOOLCHAINS:
            file = crossing.program(name).parent / "lib.ia2.so"
            code = {
                fields[7]: (int(fields[1], 16), int(fields[2], 0))
                for fields in map(str.split, readelf(file, "-s").splitlines())
                if len(fields) == 8 and fields[3] == "FUNC"
            }
            covered = {"eh": [], "debug": []}
            for part in readelf(file, "--debug-dump=frames").split("Contents of the ")[1:]:
                kind = covered["debug" if part.startswith(".debug_frame") else "eh"]
                kind += [
                    tuple(int(end, 16) for end in line.partition("pc=")[2].split(".."))
                    for line in part.splitlines()
                    if "pc=" in line
                ]
            for symbol, kind in (
                ("__morestack", "debug"),
                ("__wrap_lib_many.entered", "debug"),
                ("__wrap_lib_many", "debug"),
                ("lib_many", "eh"),
            ):
                start, size = code[symbol]
                for other, ranges in covered.items():
                    self.assertEqual(
                        any(low < start + size and start < high for low, high in ranges),
                        other == kind,
                        (name, symbol, other),
                    )


if __name__ == "__main__":
    unittest.main()
