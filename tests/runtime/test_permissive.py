"""A program that is built permissive prints what the plain program prints, and its log has each
violation; built to enforce, it dies."""

import json
import os
import pathlib
import signal
import tempfile
import unittest

from tests.support import compartments
from tests.support.compartments import CLANG_LLD, GCC, Compartment

NEEDS_PKU = True
TIMEOUT = 240
HERE = pathlib.Path(__file__).resolve().parent
COMPARTMENTS = (("app", "permissive.c"), ("library", "permissive_lib.c"))


def build(out: pathlib.Path):
    made = [Compartment(name, [HERE / source]) for name, source in COMPARTMENTS]
    for toolchain in (GCC, CLANG_LLD):
        compartments.build(
            out, "permissive", made, toolchain, [f"-I{HERE}"], compartments.PERMISSIVE
        )
    compartments.build(out, "enforcing", made, flags=[f"-I{HERE}"])
    compartments.build_plain(out, "plain", made, flags=[f"-I{HERE}"])


class Permissive(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.log = pathlib.Path(folder.name) / "log.json"

    def run_permissive(self, what, toolchain=GCC, **environment):
        return compartments.execute(
            compartments.program("permissive", toolchain),
            what,
            IA2_VIOLATION_LOG=str(self.log),
            **environment,
        )

    def lines(self):
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        self.assertEqual(
            (lines[0]["kind"], lines[0]["pkeys"], lines[0]["compartments"]),
            ("run", True, ["app", "library"]),
        )
        self.allocated = [line for line in lines if line["kind"] == "allocated"]
        return [line for line in lines[1:] if line["kind"] != "allocated"]

    def same(self, what, toolchain=GCC):
        """What the plain program prints; the violations. The same program, enforcing, dies of the
        first."""
        plain = compartments.execute(compartments.program("plain", plain=True), what)
        self.assertEqual(plain.status, 0, plain)
        done = self.run_permissive(what, toolchain)
        self.assertEqual((done.status, done.out), (0, plain.out), done)
        self.assertIn("warning: permissive: nothing is enforced", done.err)
        lines = self.lines()
        total = sum(line["count"] for line in lines)
        self.assertIn(
            (
                f"nothing was enforced: {total} violations, {len(lines)} different ones, are in"
                f" {self.log}"
            ),
            done.err,
        )
        enforcing = compartments.execute(compartments.program("enforcing"), what)
        self.assertNotEqual((enforcing.status, enforcing.out), (0, plain.out), enforcing)
        return lines

    def test_loop_is_one_record(self):
        for toolchain in (GCC, CLANG_LLD):
            (line,) = self.same("loop", toolchain)
            self.assertEqual(
                (line["kind"], line["access"], line["accessor"], line["owner"], line["count"]),
                ("access", "read", "library", "app", 3000),
            )
            self.assertEqual(line["at"]["function"], "lib_sum")
            self.assertTrue(line["at"]["object"].endswith("/library.ia2.so"))
            self.assertEqual(
                (line["memory"]["kind"], line["memory"]["name"], line["memory"]["size"]),
                ("global", "numbers", 4000),
            )

    def test_place_with_many_violations_opens_its_pages(self):
        """What is on other pages is still recorded."""
        lines = {line["memory"]["name"].partition(".")[0]: line for line in self.same("hot")}
        self.assertEqual(set(lines), {"many", "numbers"})
        self.assertEqual(lines["many"]["at"]["function"], "lib_sum")
        self.assertEqual((lines["many"]["opened"], lines["numbers"]["opened"]), (True, False))
        self.assertGreater(lines["many"]["count"], 4096)
        self.assertLess(lines["many"]["count"], 4096 + 1200)  # of each page at most one more

    def test_objects(self):
        lines = self.same("objects")
        found = {(line["accessor"], line["access"], line["memory"]["kind"]) for line in lines}
        self.assertEqual(
            found,
            {
                ("library", access, kind)
                for access in ("read", "write")
                for kind in ("stack", "thread-local", "heap", "global")
            }
            - {("library", "read", "global")}
            | {("app", "read", "heap")},
        )
        heap = [
            line for line in lines if line["memory"]["kind"] == "heap" and line["owner"] == "app"
        ]
        self.assertIn("objects", [frame.get("function") for frame in heap[0]["memory"]["frames"]])
        self.assertEqual(heap[0]["memory"]["size"], 16)
        stack = [line for line in lines if line["memory"]["kind"] == "stack"]
        self.assertEqual(stack[0]["memory"]["frames"][0]["function"], "objects")
        foreign = [line for line in lines if line["accessor"] == "app"]
        self.assertIn(
            "lib_text", [frame.get("function") for frame in foreign[0]["memory"]["frames"]]
        )
        self.assertIn("objects", [line["caller"]["function"] for line in foreign if line["caller"]])

    def test_caller_of_libc_is_unwound(self):
        """The stack is full of return addresses of functions that have ended."""
        for toolchain in (GCC, CLANG_LLD):
            lines = self.same("printed", toolchain)
            found = {
                (line["access"], line["caller"] and line["caller"].get("function"))
                for line in lines
                if line["memory"].get("name") in ("text", "copy")
                and not line["at"]["object"].endswith("/library.ia2.so")
            }
            self.assertEqual(found - {("write", "lib_print")}, {("read", "print_it")}, lines)

    def readers_and_makers(self, what):
        makers = {"make_text", "make_neighbour"}
        return {
            (
                line["at"]["function"],
                *({frame.get("function") for frame in line["memory"]["frames"]} & makers),
            )
            for line in self.same(what)
        }

    def test_vector_loads_past_a_block(self):
        """They are no violation of the neighbour, nor of memory that nobody allocated."""
        self.assertEqual(self.readers_and_makers("vectors"), {("lib_length", "make_text")})

    def test_reads_of_a_neighbour(self):
        self.assertEqual(
            self.readers_and_makers("neighbours"),
            {
                (function, maker)
                for function in ("lib_length", "lib_sum")
                for maker in ("make_text", "make_neighbour")
            },
        )

    def test_log_says_how_much_each_place_allocates(self):
        """Freed or not, and touched by others or not."""
        self.same("vectors")
        made = {
            frame["function"]: (line["owner"], line["blocks"], line["bytes"])
            for line in self.allocated
            for frame in line["frames"]
            if frame.get("function", "").startswith("make_")
        }
        self.assertEqual(made, {"make_text": ("app", 12, 576), "make_neighbour": ("app", 12, 576)})

    def test_string_instructions(self):
        lines = self.same("strings")
        self.assertLess(sum(line["count"] for line in lines), 100, "a record per byte")
        self.assertEqual({line["at"]["function"] for line in lines}, {"lib_copy", "lib_fill"})

    def test_threads(self):
        (line,) = self.same("threads")
        self.assertEqual(line["count"], 1600)

    def test_signals_blocked(self):
        self.same("masks")

    def test_signals_during_violations(self):
        self.same("storm")

    def test_own_handlers(self):
        self.same("handlers")

    def test_handler_for_one_fault(self):
        """SA_RESETHAND is for the program's own fault, and no violation takes the handler away."""
        self.assertEqual({line["at"]["function"] for line in self.same("reset")}, {"lib_set"})

    def test_second_fault_after_such_a_handler_kills(self):
        done = self.run_permissive("second")
        self.assertEqual((done.status, done.out), (-signal.SIGSEGV, "1 1\n1 7\n"), done)
        self.assertEqual(self.ended(), "died")

    def test_pointers_for_the_kernel(self):
        lines = [line for line in self.same("kernel") if line["kind"] == "kernel"]
        self.assertEqual(
            {(line["function"], line["access"]) for line in lines},
            {
                ("write", "read"),
                ("read", "write"),
                ("open", "read"),
                ("fopen", "read"),
                ("fread", "write"),
            },
        )
        self.assertEqual(
            {line["at"]["function"] for line in lines},
            {"lib_read", "lib_write", "lib_open", "lib_stdio"},
        )

    def test_blocks_of_another_heap(self):
        lines = [line for line in self.same("blocks") if line["kind"] == "block"]
        self.assertEqual([line["function"] for line in lines], ["realloc", "free"])
        self.assertEqual([line["caller"]["function"] for line in lines], ["lib_grow", "lib_free"])
        self.assertIn("blocks", [frame.get("function") for frame in lines[1]["memory"]["frames"]])

    def test_call_of_what_is_no_gate(self):
        lines = self.same("calls")
        self.assertEqual(
            [
                (line["kind"], line["owner"], line["at"]["function"])
                for line in lines
                if line["kind"] == "call"
            ],
            [("call", "app", "lib_call")],
        )

    def test_forked_children_share_the_log(self):
        (line,) = self.same("forked")
        self.assertEqual(line["count"], 4)

    def dies(self, what, number):
        done = self.run_permissive(what)
        self.assertEqual(done.status, -number, done)
        self.assertNotIn("after", done.out)
        return self.lines()

    def test_null_pointer_kills_in_the_middle_of_a_violation(self):
        self.assertEqual(
            [line["at"]["function"] for line in self.dies("null", signal.SIGSEGV)],
            ["lib_set", "lib_move"],
        )

    def test_trap_kills(self):
        self.assertEqual(len(self.dies("trap", signal.SIGTRAP)), 1)

    def test_abort_keeps_the_log(self):
        self.assertEqual(len(self.dies("aborts", signal.SIGABRT)), 1)

    def refused(self, message, **environment):
        done = self.run_permissive("loop", **environment)
        self.assertEqual((done.status, done.out), (-signal.SIGABRT, ""), done)
        self.assertIn(message, done.err)

    def test_is_no_program_that_needs_keys(self):
        self.refused(
            "permissive: nothing is enforced in this program, and IA2_REQUIRE_PKU is set",
            IA2_REQUIRE_PKU="1",
        )

    def test_log_that_cannot_be_written(self):
        self.log = pathlib.Path("/nonexistent/log")
        self.refused("permissive: cannot write /nonexistent/log (ENOENT)")

    def test_nothing_switches_an_enforcing_program(self):
        done = compartments.execute(
            compartments.program("enforcing"),
            "loop",
            IA2_VIOLATION_LOG=str(self.log),
            IA2_PERMISSIVE="1",
        )
        self.assertEqual((done.status, done.out), (-signal.SIGSEGV, ""), done)
        self.assertFalse(self.log.exists())

    def test_parts_of_both_kinds_do_not_run(self):
        """An enforcing library beside a permissive program, and the reverse."""
        permissive, enforcing = (
            compartments.program("permissive").parent,
            compartments.program("enforcing").parent,
        )
        for program, library in ((permissive, enforcing), (enforcing, permissive)):
            with tempfile.TemporaryDirectory() as folder:
                for name in ("prog", "library.ia2.so"):
                    os.symlink((program if name == "prog" else library) / name, f"{folder}/{name}")
                for side in (permissive, enforcing):
                    for runtime in side.glob("libia2*"):
                        os.symlink(runtime, f"{folder}/{runtime.name}")
                done = compartments.execute(
                    "/bin/sh", "-c", f"LD_LIBRARY_PATH={folder} exec {folder}/prog loop"
                )
                self.assertNotEqual(done.status, 0, done)
                self.assertEqual(done.out, "")

    def ended(self):
        return json.loads(self.log.read_text().splitlines()[0])["ended"]

    def test_log_says_how_the_run_ended(self):
        self.assertEqual(self.run_permissive("loop").status, 0)
        self.assertEqual(self.ended(), "exit")
        self.assertEqual(self.run_permissive("quick-exit").status, 0)
        self.assertEqual(self.ended(), "exit")
        self.assertEqual(self.run_permissive("null").status, -signal.SIGSEGV)
        self.assertEqual(self.ended(), "died")
        self.assertEqual(self.run_permissive("kill").status, -signal.SIGKILL)
        self.assertIsNone(self.ended())

    def test_log_name_has_the_time(self):
        self.log = self.log.parent / "%t.json"
        for _ in range(2):
            self.assertEqual(self.run_permissive("loop").status, 0)
        names = [path.name for path in self.log.parent.iterdir()]
        self.assertRegex(" ".join(names), r"\A\d{19}\.json \d{19}\.json\Z")

    def test_log_name_has_the_process(self):
        self.log = self.log.parent / "%p.json"
        self.assertEqual(self.run_permissive("loop").status, 0)
        names = [path.name for path in self.log.parent.iterdir()]
        self.assertRegex(" ".join(names), r"\A\d+\.json\Z")


if __name__ == "__main__":
    unittest.main()
