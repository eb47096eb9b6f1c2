"""Each *.case file here: the rewriter makes exactly what the file says, and gcc and clang compile
it."""

import os
import pathlib
import re
import unittest

from tests.support import rewriter_case

FOLDER = pathlib.Path(__file__).resolve().parent


class Rewrite(unittest.TestCase):
    maxDiff = None

    def open(self, name):
        return rewriter_case.opened(self, FOLDER / f"{name}.case")

    def rewritten(self, name):
        run = self.open(name)
        result = run.rewrite()
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))
        return run, result

    def check(self, name):
        run, result = self.rewritten(name)
        made, wanted = run.outputs(result), run.case.outputs()
        self.assertEqual(sorted(made), sorted(wanted))
        for head in wanted:
            self.assertMultiLineEqual(made[head], wanted[head], head)
        self.check_compiles(run)

    def check_compiles(self, run):
        boundary, stops = run.boundary(), set()
        for unit in boundary["recompile"]:
            for compiler in rewriter_case.compilers():
                self.assertEqual(run.compile(compiler, unit, False), "", f"{compiler}, as it was")
                messages = run.compile(compiler, unit, True)
                stopped = run.case.find(f"stopped {compiler}")
                if stopped and messages:
                    found = re.findall(
                        (
                            r"rewritten/(\S+:\d+):\d+: error: call through a pointer: the program"
                            r" is split by what clang sees"
                        ),
                        messages,
                    )
                    self.assertEqual("".join(f"{place}\n" for place in found), stopped)
                    self.assertEqual(messages.count("error:"), len(found), messages)
                    stops.add(compiler)
                else:
                    self.assertEqual(messages, "", f"{compiler}, rewritten")
        self.assertEqual(
            [
                compiler
                for compiler in rewriter_case.compilers()
                if run.case.find(f"stopped {compiler}")
            ],
            sorted(stops),
        )
        for name in run.compartments:
            self.assertEqual(run.assemble(name), "")

    def test_boundary(self):
        run, _ = self.rewritten("callback")
        boundary = run.boundary()
        self.assertEqual(boundary["version"], 1)
        self.assertEqual(boundary["escaping_types"], ["int (*)(int, void *)"])
        self.assertEqual(boundary["recompile"], [0, 1])
        self.assertEqual(boundary["rewritten"], ["app.c", "lib.c"])
        self.assertEqual(boundary["files"], ["app.c", "lib.c", "lib.h"])
        self.assertEqual(
            boundary["gates"][0],
            {
                "symbol": "__ia2_gate_0_add",
                "function": "add",
                "target": "__ia2_target_0_add",
                "owner": 1,
                "callers": [2],
                "export": False,
                "file": "app.c",
                "line": 3,
                "signature": "int (int, void *)",
                "abi": "i4(i4p)",
                "type": 0x7130C252,
                "args_int": 2,
                "args_sse": 0,
                "ret_int": 1,
                "ret_sse": 0,
                "stack_words": 0,
                "sret_bytes": 0,
            },
        )

    def test_what_is_not_rewritten_is_not_compiled_again(self):
        run, _ = self.rewritten("not_position_independent")
        self.assertEqual(run.boundary()["recompile"], [0])
        self.assertEqual(run.boundary()["files"], ["app.c", "lib.h"])

    def test_gates_file(self):
        run, _ = self.rewritten("three_compartments")
        text = (run.out / "callgates" / "app.S").read_text()
        self.assertEqual(
            text,
            """/* Made by ia2-rewriter from plan.json. DO NOT EDIT. */
#define IA2_ID 1
#define IA2_NAME "app"
#define IA2_COMPARTMENTS 3
    .set ia2_pkru_1, 0x55555551
    .set ia2_pkru_2, 0x55555552
    .set ia2_pkru_3, 0x55555553
#include <ia2_gate.S>
ia2_gates_end
""",
        )

    def test_two_runs_make_the_same_bytes(self):
        first, second = (self.rewritten("header_function")[0].contents() for _ in range(2))
        self.assertEqual(first, second)

    def test_a_second_run_touches_nothing(self):
        run, _ = self.rewritten("header_function")
        before = run.written()
        self.assertEqual(run.rewrite().returncode, 0)
        self.assertEqual(run.written(), before)

    def test_a_changed_source_touches_only_its_mirror(self):
        run, _ = self.rewritten("callback")
        before = run.written()
        with open(run.root / "app.c", "a", encoding="utf-8") as stream:
            stream.write("int added;\n")
        self.assertEqual(run.rewrite().returncode, 0)
        changed = {name for name, identity in run.written().items() if before.get(name) != identity}
        self.assertEqual(changed, {"rewritten/app.c"})

    def test_a_file_that_is_no_longer_read_leaves_the_mirror(self):
        run, _ = self.rewritten("header_function")
        self.assertTrue(run.mirrored("lib.h").exists())
        for path in run.root.glob("*.c"):
            path.write_text(
                path.read_text().replace('#include "lib.h"', (run.root / "lib.h").read_text())
            )
        self.assertEqual(run.rewrite().returncode, 0)
        self.assertFalse(run.mirrored("lib.h").exists())

    def test_gates_of_a_compartment_that_is_gone_are_removed(self):
        run, _ = self.rewritten("callback")
        (run.out / "callgates" / "lib.S").rename(run.out / "callgates" / "old.S")
        (run.out / "callgates" / "mine.S").write_text("ret\n")
        self.assertEqual(run.rewrite().returncode, 0)
        self.assertEqual(sorted(os.listdir(run.out / "callgates")), ["app.S", "lib.S", "mine.S"])

    def test_unchanged_files_are_links_to_the_project(self):
        run, _ = self.rewritten("callback")
        self.assertEqual(os.readlink(run.mirrored("lib.h")), str(run.root / "lib.h"))

    def test_line_numbers_stay(self):
        run, _ = self.rewritten("callback")
        text = run.mirrored("app.c").read_text().split("#line 1\n", 1)[1].splitlines()
        for number, line in enumerate((run.root / "app.c").read_text().splitlines()):
            self.assertEqual(
                text[number].split("(")[0].split("=")[0].strip(),
                line.split("(")[0].split("=")[0].strip(),
            )

    def test_options_of_gcc_do_not_stop_the_parser(self):
        run = self.open("callback")
        for command in run.commands:
            command["arguments"][1:1] = [
                "-fno-ipa-cp-clone",
                "-mpreferred-stack-boundary=4",
                "--param",
                "max-inline-insns=1",
                "-Wno-maybe-uninitialized",
                "-MD",
                "-MF",
                "x.d",
                "-fplugin-arg-x=1",
            ]
        run.write_plan()
        self.assertEqual(run.rewrite().stderr, "")

    def test_a_command_may_be_a_shell_line(self):
        run = self.open("callback")
        for command in run.commands:
            command["command"] = " ".join(f"'{argument}'" for argument in command.pop("arguments"))
        run.write_plan()
        self.assertEqual(run.rewrite().stderr, "")

    def test_extra_arguments_reach_the_parser(self):
        run = self.open("callback")
        result = run.rewrite("--extra-arg", "-Dint=syntax error")
        self.assertEqual(result.returncode, 1)
        self.assertIn("clang cannot parse this", result.stderr)

    def test_a_source_may_ask_for_a_permissive_program_if_it_becomes_one(self):
        run = self.open("guide_macros")
        path = run.root / "app.c"
        path.write_text("#include <permissive_mode.h>\n" + path.read_text())
        self.assertIn("app.c:1:10: error: #include <permissive_mode.h>", run.rewrite().stderr)
        self.assertEqual(run.rewrite("--permissive").stderr, "")

    def test_sources_can_be_named(self):
        run = self.open("callback")
        self.assertEqual(run.rewrite(str(run.root / "app.c"), str(run.root / "lib.c")).stderr, "")
        self.assertIn("not a source of the program", run.rewrite(str(run.root / "lib.h")).stderr)


rewriter_case.add_cases(Rewrite, FOLDER)

if __name__ == "__main__":
    unittest.main()
