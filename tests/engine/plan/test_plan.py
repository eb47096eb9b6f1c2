"""Policy and build graph brought together."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from ia2.builds import capture, ninja
from ia2.formats import fields
from ia2.policy import policy
from ia2.stages import plan
from ia2.base.failure import Failure
from tests.support.ninja_project import (
    LIBRARY_AND_TOOL,
    POLICY,
    SHARED_BUILD,
    STATIC_BUILD,
    Project,
)

SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE", pathlib.Path(__file__).resolve().parents[3]))


UNUSED = {"src/unused.c": "int missing(void);\nint unused(void) { return missing(); }\n"}


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(os.path.realpath(folder.name))

    def plan(self, files=None, build=SHARED_BUILD, text=POLICY, cc="gcc"):
        project = Project(self.path, {**LIBRARY_AND_TOOL, **(files or {})}, build, cc)
        (self.path / "compartments.toml").write_text(text)
        taken = capture.Capture(ninja.Build(str(project.build)))
        rules = policy.load(str(self.path / "compartments.toml"))
        graph = capture.graph(
            taken, capture.choose_program(taken, "tool", None), str(project.root), rules
        )
        return fields.as_json(plan.make(rules, graph, taken.commands, {}))

    def refused(self, *parts, **arguments):
        with self.assertRaises(Failure) as caught:
            self.plan(**arguments)
        message = str(caught.exception)
        self.assertNotIn("\n", message)
        for part in parts:
            self.assertIn(part, message)


class OtherPrograms(Folder):
    """One policy for two programs of a build."""

    FILES = {
        "tool/second.c": (
            "#include <stdlib.h>\n/* commented(void) { */\nint second_level;\n"
            "struct ops { void (*fill)(int *); };\nstatic void run(struct ops *o, int *n)"
            " { o->fill(n); }\nstatic inline __attribute__((cold)) char *\nsecond_buffer(size_t n,"
            " void (*f)(void)) { char *block = malloc(n); if (!block) f(); return block; }\n"
            "static int old_style(a, b) int a; char *b[2]; { return a + !b[0]; }\n"
            "#define made_up(x) {\nint called(void);\nint main(void) { if (called()) { run(0, 0); }"
            " return old_style(1, 0) + !second_buffer(1, 0); }\nint called(void) { return 0; }\n"
        ),
    }
    BUILD = (
        SHARED_BUILD
        + """\
build second.o: cc ../tool/second.c
  flags = -O2 -w -std=gnu11
build second: link second.o
"""
    )

    def elsewhere(self, lines):
        return self.plan(self.FILES, self.BUILD, POLICY + lines)["other_programs"]

    def test_entries_that_another_program_has(self):
        second = str(self.path / "tool/second.c")
        self.assertEqual(
            self.elsewhere(
                "[allocations]\nsecond_buffer = 'shared'\n'second_buffer.block' = 'shared'\n"
                "old_style = 'shared'\n[shared]\nvariables = ['second_level']\n"
                "[parameters]\n'ops.fill' = { n = 'in' }\n"
            ),
            {
                name: second
                for name in (
                    "allocations.second_buffer",
                    "allocations.second_buffer.block",
                    "allocations.old_style",
                    "parameters.ops.fill",
                    "shared.variables.second_level",
                )
            },
        )

    def test_entries_that_none_has(self):
        self.assertEqual(
            self.elsewhere(
                "[allocations]\nmalloc = 'shared'\ncommented = 'shared'\nmade_up = 'shared'\n"
                "'second_buffer.n' = 'shared'\nlib_add = 'shared'\n[shared]\n"
                "variables = ['second_buffer', 'nowhere']\n"
                "[parameters]\n'ops.empty' = { n = 'in' }\n"
            ),
            {},
        )


class Copies(Folder):
    """add.c is compiled for the library, and again for the program."""

    BUILD = (
        SHARED_BUILD.replace("-fPIC -O2 -fvisibility=hidden", "-fPIC -O2").replace(
            "tool.p/main.o liblib", "tool.p/main.o tool.p/add.o liblib"
        )
        + "build tool.p/add.o: cc ../src/add.c\n  flags = $more\n"
    )

    def objects(self, text, build=BUILD):
        made = self.plan({"src/add.c": text}, build)
        return [os.path.relpath(record["path"], self.path / "build") for record in made["objects"]]

    def test_the_programs_is_kept(self):
        text = "int added;\nstatic int n;\nint hidden_add(int a, int b) { return a + b + n++; }\n"
        self.assertEqual(
            self.objects(text), ["tool.p/main.o", "tool.p/add.o", "lib.p/lib.o", "tool.p/where.o"]
        )

    def test_used_side_by_side(self):
        text = "static int n;\nint hidden_add(int a, int b) { return a + b + n++; }\n"
        for build in (
            self.BUILD.replace("-fPIC -O2\n", "-fPIC -O2 -fvisibility=hidden\n"),
            self.BUILD.replace("-shared -fPIC", "-shared -fPIC -Wl,-Bsymbolic"),
        ):
            with self.assertRaisesRegex(
                Failure,
                r"add\.c: is compiled for tool and again for liblib.so.1, and has variables",
            ):
                self.objects(text, build)
            self.assertIn("tool.p/add.o", self.objects(text.replace("n++", "0"), build))

    def test_more_names_in_one(self):
        with self.assertRaisesRegex(Failure, "and one defines more than the other"):
            self.objects(
                "int hidden_add(int a, int b) { return a + b; }\n#ifdef __PIC__\n#if __PIC__ == 2"
                " && !defined __PIE__\nint more;\n#endif\n#endif\n"
            )

    def test_constructors(self):
        with self.assertRaisesRegex(Failure, "they would run once instead of twice"):
            self.objects(
                "int hidden_add(int a, int b) { return a + b; }\n"
                "static __attribute__((constructor)) void begin(void) { hidden_add(1, 2); }\n"
            )


class Plugins(Folder):
    FILES = {
        "plugin/a.c": (
            "int lib_add(int, int);\nint entry(void) { return lib_add(1, 2); }\nint"
            ' table[3];\n__thread int counter;\n__attribute__((visibility("hidden"))) int'
            " inner(void) { return 1; }\n"
        ),
        "plugin/b.c": "int entry(void) { return 2; }\n",
    }
    BUILD = (
        SHARED_BUILD
        + """\
build a.o: cc ../plugin/a.c
  flags = -fPIC
build b.o: cc ../plugin/b.c
  flags = -fPIC
build plugins/a.so: link a.o
  flags = -shared
build plugins/b.so: link b.o
  flags = -shared
"""
    )
    TEXT = (
        POLICY
        + """\
[compartment.a]
pkey = 3
sources = ["plugin/a.c"]
plugin = "plugins/a.so"
entries = ["entry", "table"]
[compartment.b]
pkey = 4
sources = ["plugin/b.c"]
plugin = "plugins/b.so"
entries = ["entry"]
"""
    )

    def test_plugins(self):
        made = self.plan(self.FILES, self.BUILD, self.TEXT)
        self.assertEqual(
            made["entries"],
            [
                {"symbol": "entry", "owner": 3, "kind": "function"},
                {"symbol": "table", "owner": 3, "kind": "data"},
                {"symbol": "entry", "owner": 4, "kind": "function"},
            ],
        )
        self.assertEqual([c["plugin"] for c in made["compartments"]], [None, None, "a.so", "b.so"])
        self.assertEqual(
            {i["symbol"]: (i["owner"], i["callers"]) for i in made["imports"]}["lib_add"],
            (2, [1, 3]),
        )

    def test_not_made_by_the_build(self):
        self.refused(
            "compartments.toml:11: the build makes no shared library 'plugins/c.so'",
            "shared libraries of this build: liblib.so.1, plugins/a.so, plugins/b.so",
            files=self.FILES,
            build=self.BUILD,
            text=self.TEXT.replace("a.so", "c.so"),
        )

    def test_entries_that_are_none(self):
        for name, message in (
            ("missing", "the plugin 'a' has no function or variable 'missing'"),
            ("inner", "the plugin 'a' has no visible function or variable 'inner'"),
            ("counter", "the entry 'counter' of the plugin 'a' is thread-local"),
        ):
            self.refused(
                "compartments.toml:12: " + message,
                files=self.FILES,
                build=self.BUILD,
                text=self.TEXT.replace('"table"', f'"{name}"'),
            )

    def test_linked_with_the_program_too(self):
        self.refused(
            "compartments.toml:15: 'plugin/b.c' of the plugin 'b' is also linked into tool",
            files=self.FILES,
            text=self.TEXT,
            build=self.BUILD.replace("tool.p/main.o liblib", "tool.p/main.o b.o liblib"),
        )

    def test_called_without_dlsym(self):
        self.refused(
            "uses 'entry' of the plugin 'b', which is linked with it, from compartment 'lib'",
            "plugin/more.c",
            files={
                **self.FILES,
                "plugin/more.c": "int entry(void);\nint more(void) { return entry(); }\n",
            },
            text=self.TEXT.replace('"src/**"', '"src/**", "plugin/more.c"'),
            build=self.BUILD.replace("plugins/b.so: link b.o", "plugins/b.so: link b.o more.o")
            + "build more.o: cc ../plugin/more.c\n  flags = -fPIC\n",
        )

    def test_name_of_the_program_too(self):
        files = {
            **self.FILES,
            "tool/where.c": LIBRARY_AND_TOOL["tool/where.c"] + "int entry(void) { return 3; }\n",
        }
        self.plan(files, self.BUILD, self.TEXT)
        self.refused(
            "'entry' is defined by 'tool/where.c' and by 'plugin/a.c'",
            files=files,
            text=self.TEXT,
            build=self.BUILD.replace("-lm", "-lm -rdynamic"),
        )


class Plan(Folder):
    def test_shared_library(self):
        made = self.plan()
        self.assertEqual(
            [(i["symbol"], i["kind"], i["owner"], i["callers"]) for i in made["imports"]],
            [
                ("lib_add", "function", 2, [1]),
                ("lib_count", "function", 2, [1]),
                ("lib_where", "function", 2, [1]),
            ],
        )
        units = {os.path.basename(unit["file"]): unit for unit in made["units"]}
        self.assertEqual(
            {name: (unit["compartment"], unit["pic"]) for name, unit in units.items()},
            {"main.c": (1, False), "where.c": (1, False), "lib.c": (2, True), "add.c": (2, True)},
        )
        self.assertEqual([unit["id"] for unit in made["units"]], list(range(4)))
        self.assertEqual(
            [compartment["file"] for compartment in made["compartments"]], ["tool", "lib.ia2.so"]
        )
        self.assertEqual(made["program"], "tool")

    def test_destructors_are_those_of_the_objects(self):
        source = (
            "static int n;\n#define AT_EXIT __attribute__((destructor))\nAT_EXIT static void"
            " first(void) { n++; }\n__attribute__((destructor)) void second(void) { n--;"
            " }\n__attribute__((destructor(200))) static void early(void) { n = 2; }\n"
        )
        for cc in ("gcc", "clang"):
            with self.subTest(cc=cc):
                self.setUp()
                made = self.plan({"src/add.c": LIBRARY_AND_TOOL["src/add.c"] + source}, cc=cc)
                unit = next(unit["id"] for unit in made["units"] if unit["file"].endswith("add.c"))
                self.assertEqual(
                    sorted(
                        (d["symbol"], d["compartment"], d["unit"], d["priority"], d["visible"])
                        for d in made["destructors"]
                    ),
                    [
                        ("early", 2, unit, 200, False),
                        ("first", 2, unit, None, False),
                        ("second", 2, unit, None, True),
                    ],
                )

    def test_static_library_takes_only_the_members_needed(self):
        made = self.plan(UNUSED, STATIC_BUILD)
        self.assertNotIn("unused.c", [os.path.basename(unit["file"]) for unit in made["units"]])
        self.assertEqual(
            [i["symbol"] for i in made["imports"]], ["lib_add", "lib_count", "lib_where"]
        )

    def test_whole_archive(self):
        files = {"src/unused.c": "int unused(void) { return 1; }\n"}
        build = STATIC_BUILD.replace(
            "tool.p/where.o liblib.a",
            (
                "tool.p/where.o | liblib.a\n  flags = -Wl,--whole-archive liblib.a"
                " -Wl,--no-whole-archive"
            ),
        )
        self.assertIn(
            "unused.c",
            [os.path.basename(unit["file"]) for unit in self.plan(files, build)["units"]],
        )

    def test_hidden_functions_cross_within_one_link(self):
        files = {
            **UNUSED,
            "tool/where.c": (
                "int hidden_add(int, int);\nconst char *tool_where(void) { return hidden_add(0, 1)"
                ' ? "x" : 0; }\n'
            ),
        }
        build = STATIC_BUILD.replace(
            "../src/add.c\n  flags = -O2", "../src/add.c\n  flags = -O2 -fvisibility=hidden"
        )
        self.assertIn("hidden_add", [i["symbol"] for i in self.plan(files, build)["imports"]])

    def test_both_ways(self):
        files = {
            "src/add.c": (
                '#include "private.h"\nint tool_log(void);\nint hidden_add(int a, int b) { return a'
                " + b + tool_log(); }\n"
            ),
            "tool/where.c": (
                '#include "tool.h"\nint tool_log(void) { return 0; }\nconst char *tool_where(void)'
                ' { return ""; }\n'
            ),
            **UNUSED,
        }
        found = {
            i["symbol"]: (i["owner"], i["callers"])
            for i in self.plan(files, STATIC_BUILD)["imports"]
        }
        self.assertEqual(found["tool_log"], (1, [2]))
        self.assertEqual(found["lib_add"], (2, [1]))

    def test_three_compartments(self):
        text = (
            POLICY.replace('sources = ["src/**"]', 'sources = ["src/lib.c"]')
            + '[compartment.add]\npkey = 3\nsources = ["src/add.c"]\nreads = ["lib"]\n'
        )
        made = self.plan(text=text)
        self.assertEqual(
            {i["symbol"]: (i["owner"], i["callers"]) for i in made["imports"]}["hidden_add"],
            (3, [2]),
        )
        self.assertEqual(
            [hex(c["pkru"]) for c in made["compartments"]],
            ["0x65555550", "0x65555544", "0x65555524"],
        )

    def test_pkru(self):
        self.assertEqual(plan.pkru(1, [2]), 0x65555560)
        self.assertEqual(plan.pkru(2, []), 0x65555544)
        self.assertEqual(plan.pkru(12, []), 0x64555554)

    def test_assembler_object_follows_its_source_or_its_library(self):
        if subprocess.run(["which", "nasm"], capture_output=True).returncode:
            self.skipTest("no nasm")
        files = {
            "src/lib.c": (
                '#include "lib.h"\n'
                + "int fast(void);\nint lib_add(int a, int b) { return a + b + fast(); }\nint"
                " lib_count(void) { return 0; }\nconst char *lib_where(void) { return"
                " __FILE__; }\n"
            ),
            "src/fast.asm": "global fast:function\nsection .text\nfast: xor eax, eax\n ret\n",
        }
        rule = "rule nasm\n  command = nasm -f elf64 -o $out $in\n"
        build = rule + SHARED_BUILD.replace(
            "build liblib.so.1: link",
            "build lib.p/fast.obj: nasm ../src/fast.asm\nbuild liblib.so.1: link lib.p/fast.obj",
        )
        for text in (POLICY, POLICY.replace('"src/**"', '"src/*.c"')):
            objects = {
                os.path.basename(item["path"]): item
                for item in self.plan(files, build, text)["objects"]
            }
            self.assertEqual(
                (objects["fast.obj"]["compartment"], objects["fast.obj"]["unit"]), (2, None)
            )

    def test_one_source_built_twice(self):
        files = {
            "src/lib.c": (
                LIBRARY_AND_TOOL["src/lib.c"]
                .replace("hidden_add(a, b)", "add8(a, b) + add16(a, b)")
                .replace(
                    "static int count;", "static int count; int add8(int, int), add16(int, int);"
                )
            ),
            "src/add.c": "int NAME(int a, int b) { return a + b; }\n",
        }
        build = SHARED_BUILD.replace(
            "build lib.p/add.o: cc ../src/add.c\n  flags = ",
            (
                "build lib.p/add16.o: cc ../src/add.c\n  flags = -fPIC -DNAME=add16\n"
                "build lib.p/add.o: cc ../src/add.c\n  flags = -DNAME=add8 "
            ),
        ).replace("lib.p/lib.o lib.p/add.o", "lib.p/lib.o lib.p/add.o lib.p/add16.o")
        files_of = [os.path.basename(unit["file"]) for unit in self.plan(files, build)["units"]]
        self.assertEqual(files_of.count("add.c"), 2)

    def test_pic_flags(self):
        for flags, expected in (
            (["-fPIC"], True),
            (["-fpic"], True),
            ([], False),
            (["-fPIC", "-fPIE"], False),
            (["-fno-pic", "-fPIC"], True),
            (["-fPIE"], False),
            (["-fPIC", "-fno-PIC"], False),
        ):
            self.assertEqual(plan.is_pic(["cc", *flags, "-c"]), expected, flags)

    def test_globs(self):
        for glob, path, expected in (
            ("src/**", "src/a/b.c", True),
            ("src/*", "src/a/b.c", False),
            ("src/*", "src/a.c", True),
            ("**/x.c", "x.c", True),
            ("**/x.c", "a/b/x.c", True),
            ("src/?.c", "src/a.c", True),
            ("src/a.c", "src/aXc", False),
            ("src/**", "src2/a.c", False),
            ("a/[x].c", "a/[x].c", True),
        ):
            self.assertEqual(bool(plan.glob_pattern(glob).match(path)), expected, (glob, path))

    def test_glob_that_matches_nothing(self):
        for glob in ("sorc/**", "!src/tests/**"):
            self.refused(
                f"the glob '{glob}' matches no file of the source tree or the build",
                "compartments.toml:7",
                text=POLICY.replace('"src/**"', f'"src/**", "{glob}"'),
            )

    def test_glob_for_another_program_of_the_tree(self):
        files = {"other/main.c": "int main(void) { return 0; }\n", "src/tests/t.c": "int t;\n"}
        self.plan(
            {**LIBRARY_AND_TOOL, **files},
            text=POLICY.replace('"src/**"', '"src/**", "other/*.c", "!src/tests/**"'),
        )

    def test_excluded_glob(self):
        made = self.plan(text=POLICY.replace('"src/**"', '"**", "!tool/**"'))
        self.assertEqual(
            {os.path.basename(unit["file"]): unit["compartment"] for unit in made["units"]}[
                "main.c"
            ],
            1,
        )


class Refused(Folder):
    def test_source_in_two_compartments(self):
        self.refused(
            "'src/lib.c' is in two compartments",
            "'tool' and 'lib'",
            "compartments.toml:7",
            text=POLICY.replace('"tool/**"', '"tool/**", "**/lib.c"'),
        )

    def test_source_above_the_source_tree(self):
        """The build runs in a folder below the sources, which is taken for their top."""
        files = {name.replace("tool/", "../more/"): text for name, text in LIBRARY_AND_TOOL.items()}
        folder = self.path
        self.path = self.path / "top"
        self.path.mkdir()
        with self.assertRaises(Failure) as caught:
            project = Project(self.path, files, SHARED_BUILD.replace("../tool/", "../../more/"))
            (self.path / "compartments.toml").write_text(POLICY)
            taken = capture.Capture(ninja.Build(str(project.build)))
            rules = policy.load(str(self.path / "compartments.toml"))
            program = capture.choose_program(taken, "tool", None)
            graph = capture.graph(taken, program, str(project.root), rules)
            plan.make(rules, graph, taken.commands, {})
        self.assertIn(
            f"'{folder}/more/main.c', '{folder}/more/where.c', outside of the source tree"
            f" {folder}/top (name the top of the sources: --source-root {folder}.",
            str(caught.exception),
        )

    def test_source_in_none(self):
        self.refused(
            "in no compartment",
            "'src/add.c'",
            "compartments.toml",
            text=POLICY.replace('"src/**"', '"src/l*.c"'),
        )

    def test_empty_compartment(self):
        self.refused(
            "no source of tool is in compartment 'more'",
            "compartments.toml:10",
            text=POLICY + '[compartment.more]\npkey = 3\nsources = ["more/**"]\n',
        )

    def test_main_elsewhere(self):
        swapped = (
            POLICY.replace("pkey = 1", "pkey = X")
            .replace("pkey = 2", "pkey = 1")
            .replace("pkey = X", "pkey = 2")
        )
        self.refused(
            "main is defined by 'tool/main.c', in compartment 'tool' with pkey 2",
            "compartments.toml:2",
            text=swapped,
        )

    def test_variable_that_crosses(self):
        files = {
            "src/add.c": LIBRARY_AND_TOOL["src/add.c"] + "int counter, limit;\n",
            "tool/where.c": (
                "extern int counter, limit;\nconst char *tool_where(void) { return counter < limit"
                ' ? "x" : 0; }\n'
            ),
            **UNUSED,
        }
        self.refused(
            (
                "the variable 'counter' of compartment 'lib' (src/add.c) is used by 'tool/where.c'"
                " of compartment 'tool' (and 1 more)"
            ),
            '[shared] variables = ["counter", "limit"]',
            "compartments.toml",
            files=files,
            build=STATIC_BUILD,
        )
        made = self.plan(
            files, STATIC_BUILD, POLICY + '[shared]\nvariables = ["counter", "limit"]\n'
        )
        self.assertEqual(
            [i["symbol"] for i in made["imports"] if i["kind"] == "data"], ["counter", "limit"]
        )

    def test_constant_that_crosses_needs_no_line(self):
        files = {
            "src/add.c": (
                LIBRARY_AND_TOOL["src/add.c"]
                + 'const int limit = 3;\nconst char *const names[] = { "x" };\nconst char *name ='
                ' "y";\n'
            ),
            "tool/where.c": (
                "extern const int limit;\nextern const char *const names[], *name;\n"
                "const char *tool_where(void) { return limit ? names[0] : name; }\n"
            ),
            **UNUSED,
        }
        self.refused(
            (
                "the variable 'name' of compartment 'lib' (src/add.c) is used by 'tool/where.c' of"
                " compartment 'tool' (to"
            ),
            '[shared] variables = ["name"]',
            files=files,
            build=STATIC_BUILD,
        )
        made = self.plan(files, STATIC_BUILD, POLICY + '[shared]\nvariables = ["name"]\n')
        self.assertEqual(
            [i["symbol"] for i in made["imports"] if i["kind"] == "data"],
            ["limit", "name", "names"],
        )

    def test_thread_local_that_crosses(self):
        files = {
            "src/add.c": LIBRARY_AND_TOOL["src/add.c"] + "__thread int counter;\n",
            "tool/where.c": (
                'extern __thread int counter;\nconst char *tool_where(void) { return counter ? "x"'
                " : 0; }\n"
            ),
            **UNUSED,
        }
        self.refused(
            "thread-local variable 'counter'", "cannot be shared", files=files, build=STATIC_BUILD
        )

    def test_link_time_optimization(self):
        build = SHARED_BUILD.replace(
            "../src/add.c\n  flags = -fPIC -O2", "../src/add.c\n  flags = -fPIC -O2 -flto"
        )
        self.refused("lib.p/add.o", "link-time optimization", build=build)

    def test_visible_name_in_two_compartments(self):
        extra = "int version(void) { return %d; }\n"
        files = {
            "src/add.c": LIBRARY_AND_TOOL["src/add.c"] + extra % 1,
            "tool/where.c": LIBRARY_AND_TOOL["tool/where.c"] + extra % 2,
        }
        build = SHARED_BUILD.replace("-fvisibility=hidden", "")
        self.refused(
            "'version' is defined by", "'src/add.c'", "'tool/where.c'", files=files, build=build
        )
        self.plan(files, SHARED_BUILD)

    def test_object_with_variables_linked_twice(self):
        files = {
            "src/both.c": "int both(void) { static int n; return ++n; }\n",
            "src/add.c": (
                '#include "private.h"\nint both(void);\nint hidden_add(int a, int b) { return a + b'
                " + both(); }\n"
            ),
            "tool/where.c": (
                LIBRARY_AND_TOOL["tool/where.c"]
                + "int both(void);\nint use(void) { return both(); }\n"
            ),
        }
        build = SHARED_BUILD.replace(
            "build liblib.so.1: link",
            (
                "build lib.p/both.o: cc ../src/both.c\n  flags = -fPIC -fvisibility=hidden\n"
                "build liblib.so.1: link lib.p/both.o"
            ),
        ).replace("build tool: link", "build tool: link lib.p/both.o")
        self.refused("lib.p/both.o", "linked into both", files=files, build=build)

    def test_prebuilt_archive_in_two_compartments(self):
        (self.path / "prebuilt.c").write_text("int counter(void) { static int n; return ++n; }\n")
        subprocess.run(
            "gcc -c prebuilt.c && ar csr libprebuilt.a prebuilt.o",
            shell=True,
            check=True,
            cwd=self.path,
        )
        one = {
            "src/add.c": (
                '#include "private.h"\nint counter(void);\nint hidden_add(int a, int b) { return a'
                " + b + counter(); }\n"
            ),
            **UNUSED,
        }
        two = {
            **one,
            "tool/where.c": (
                'int counter(void);\nconst char *tool_where(void) { return counter() ? "x" : 0; }\n'
            ),
        }
        build = STATIC_BUILD.replace(
            "tool.p/where.o liblib.a", "tool.p/where.o liblib.a ../libprebuilt.a"
        )
        self.plan(one, build)
        self.refused(
            (
                "libprebuilt.a: is used by both 'tool/where.c' of compartment 'tool' and"
                " 'src/add.c' of compartment 'lib'"
            ),
            files=two,
            build=build,
        )

    def test_cxx(self):
        build = SHARED_BUILD.replace("cc ../src/add.c", "cc ../src/add.cpp").replace(
            "-O2 -fvisibility=hidden", "-O2 -x c++"
        )
        files = {"src/add.cpp": 'extern "C" int hidden_add(int a, int b) { return a + b; }\n'}
        self.refused("src/add.cpp", "C++", files=files, build=build)
