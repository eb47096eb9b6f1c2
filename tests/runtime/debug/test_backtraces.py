"""gdb's `bt` goes from a callee to its caller through every kind of gate, as it does in a plain
program."""

import pathlib
import shutil
import tempfile
import unittest

from tests.runtime.debug import crossing_program as crossing
from tests.runtime.debug.crossing_program import build  # noqa: F401

NEEDS_PKU = True
ALSO_NATIVE = True
TIMEOUT = 400
WALK = ["app_walk", "main"]


def recursion(depth: int) -> list[str]:
    return ["app_visit", "2>1", "lib_each", "1>2"] * depth


def around(depth: int) -> list[str]:
    """From app_round(depth) on, first called with 5: by way of third where the caller's depth is
    odd."""
    if depth == 5:
        return ["app_round", "2>1", "lib_each", "3>2", "third_around", "1>3", "main"]
    way = ["3>2", "third_around", "1>3"] if depth % 2 == 0 else ["1>2"]
    return ["app_round", "2>1", "lib_each", *way, *around(depth + 1)]


# Label -> each stack with which the program comes there.
EXPECTED = {
    "on stack": [
        [
            "lib_here",
            "lib_on_stack",
            "1>2",
            "app_steps",
            "2>1",
            "lib_each",
            "1>2",
            "app_steps",
            *WALK,
        ]
    ],
    "many": [
        ["lib_here", "lib_many", "1>2", "app_steps", "2>1", "lib_each", "1>2", "app_steps", *WALK],
        ["lib_here", "lib_many", "1>2", "app_steps", *WALK],
    ],
    "recursion": [
        ["app_here", *recursion(3), "app_visit", "2>1", "lib_each", "1>2", "main"],
        ["app_here", *recursion(1), "app_visit", "2>1", "lib_each", "1>2", "app_thread", "0>1"],
    ],
    "third": [
        ["third_here", "third_around", "1>3", *rounds]
        for rounds in (["main"], around(5), around(3), around(1))
    ],
    "round": [["app_here", *around(0)]],
    "hook": [
        ["app_here", "app_hook", "2>1", "lib_hooked", "1>2", "app_hooked", "main"],
        ["app_here", "app_hook", "2>1", "lib_in_header", "lib_hooked", "1>2", "app_hooked", "main"],
    ],
    "signal": [
        [
            "app_here",
            "app_on_signal",
            "15>1",
            "<signal>",
            "lib_raise",
            "1>2",
            *["app_deep", "2>1", "lib_each", "1>2"] * depth,
            "app_deep",
            *end,
        ]
        for depth, end in ((1, WALK), (2, ["main"]))
    ],
    "plain": [
        [
            "lib_here",
            "lib_plain",
            "1>2",
            "app_on_signal",
            "15>1",
            "<signal>",
            "lib_raise",
            "1>2",
            *["app_deep", "2>1", "lib_each", "1>2"] * depth,
            "app_deep",
            *end,
        ]
        for depth, end in ((1, WALK), (2, ["main"]))
    ],
    "exit": [["app_here", "app_at_exit", "0>1", "2>0", "lib_leave", "1>2", "main"]],
}
for label in ("on long stack", "triple", "aligned", "wide", "variadic"):
    EXPECTED[label] = [
        [name.replace("lib_many", "lib_" + label.replace(" ", "_")) for name in stack]
        for stack in EXPECTED["many"]
    ]


class Backtraces(unittest.TestCase):
    def through_every_gate(self, name: str):
        found: dict[str, list] = {}
        for label, stack in crossing.stops(crossing.program(name)):
            found.setdefault(label, []).append(crossing.ours(stack))
        self.maxDiff = None
        self.assertEqual(found, EXPECTED)

    def test_every_gate(self):
        self.through_every_gate("gcc")

    def test_every_gate_by_clang_and_lld(self):
        self.through_every_gate("clang")

    @unittest.skipIf(crossing.enforced(), "the same as without keys, and slow")
    def test_to_the_first_frame_of_the_thread(self):
        ends = {
            tuple(name for name, _, _ in stack[-2:])
            for _, stack in crossing.stops(crossing.program("gcc"))
        }
        self.assertEqual({end for _, end in ends}, {"outermost"})
        # Without libc6-dbg gdb does not know the name of clone3.
        self.assertTrue(
            {start for start, _ in ends}
            <= {
                "_start",
                "clone",
                "clone3",
                "__clone3",
                "__GI___clone3",
                "__clone",
                "? of libc.so.6",
            },
            ends,
        )

    @unittest.skipIf(crossing.enforced(), "the same as without keys, and slow")
    def test_source_lines(self):
        stack = next(
            stack for label, stack in crossing.stops(crossing.program("gcc")) if label == "hook"
        )
        placed = {name: (file, line) for name, file, line in stack}
        for name, file, text in (
            ("app_hooked", "app/app.c", "int sum = lib_hooked(&hooks);"),
            ("lib_hooked", "lib/lib.c", "int once = hooks->visit(0);"),
        ):
            line = next(
                n for n, line in enumerate(crossing.FILES[file].splitlines(), 1) if text in line
            )
            self.assertEqual(placed[name], (file, line))

    def test_a_violation(self):
        labels = {
            label: crossing.ours(stack)
            for label, stack in crossing.stops(crossing.program("gcc"), "steal")
        }
        if not crossing.enforced():
            self.assertNotIn("SIGSEGV", labels)
            return
        self.assertEqual(labels["SIGSEGV"], ["lib_read", "1>2", "main"])
        # In the runtime's handler, which reports it.
        self.assertEqual(labels["report"], ["<signal>", "lib_read", "1>2", "main"])

    @unittest.skipIf(crossing.enforced(), "the same as without keys, and slow")
    def test_stripped_it_stops_at_the_gate(self):
        with tempfile.TemporaryDirectory() as folder:
            for file in crossing.program("gcc").parent.iterdir():
                shutil.copy2(file, folder)
                # Debug information of the program's own code stays.
                crossing.small.run(
                    "objcopy", "--remove-section", ".debug_frame", pathlib.Path(folder, file.name)
                )
                crossing.small.run(
                    crossing.small.SOURCE / "scripts/pad-tls", pathlib.Path(folder, file.name)
                )
            found = {
                label: crossing.ours(stack)
                for label, stack in crossing.stops(pathlib.Path(folder, "prog"))
            }
        self.assertEqual(found["many"][:2], ["lib_here", "lib_many"])
        self.assertNotIn("main", found["many"])


if __name__ == "__main__":
    unittest.main()
