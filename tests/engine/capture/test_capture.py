"""What capture finds in a Ninja build directory."""

import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

from ia2.base import shell_command
from ia2.builds import capture, link_line, ninja
from ia2.formats import fields
from ia2.base.failure import Failure
from tests.support.ninja_project import (
    LIBRARY_AND_TOOL,
    POLICY,
    SHARED_BUILD,
    STATIC_BUILD,
    Project,
)

SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE", pathlib.Path(__file__).resolve().parents[3]))


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(os.path.realpath(folder.name))

    def graph(self, project, target="tool"):
        taken = capture.Capture(ninja.Build(str(project.build)))
        program = capture.choose_program(taken, target, None)
        return fields.as_json(capture.graph(taken, program, str(project.root))), taken

    def names(self, graph, items):
        found = []
        for item in items:
            if item["kind"] == "object":
                found.append(os.path.basename(graph["objects"][item["object"]]["path"]))
            elif item["kind"] == "archive":
                found.append(
                    [
                        os.path.basename(graph["objects"][member]["path"])
                        for member in item["members"]
                    ]
                )
        return found


class Closure(Folder):
    def test_shared_library_and_archive(self):
        graph, taken = self.graph(Project(self.path, LIBRARY_AND_TOOL, SHARED_BUILD))
        self.assertEqual(
            [(os.path.basename(link["output"]), link["kind"]) for link in graph["links"]],
            [("tool", "executable"), ("liblib.so.1", "shared")],
        )
        self.assertEqual(self.names(graph, graph["links"][0]["items"]), ["main.o", ["where.o"]])
        self.assertEqual(self.names(graph, graph["links"][1]["items"]), ["lib.o", "add.o"])
        self.assertEqual(
            [item["value"] for item in graph["links"][0]["items"] if item["kind"] == "library"],
            ["-lm"],
        )
        self.assertEqual(len(taken.commands), 4)
        self.assertTrue(all(os.path.isabs(entry["file"]) for entry in taken.commands))
        self.assertIn(str(self.path / "src/private.h"), graph["inputs"])

    def test_assembly_that_asks_for_ia2(self):
        """It is linked as built, without what the split program shall have."""
        text = "#if {}\n.globl extra\nextra: ret\n#endif\n"
        for condition, refused in (("IA2_ENABLE", True), ("defined(OTHER) /* IA2_ */", False)):
            files = {**LIBRARY_AND_TOOL, "src/extra.S": text.format(condition)}
            build = SHARED_BUILD.replace(
                "build liblib.so.1: link ",
                "build lib.p/extra.o: cc ../src/extra.S\nbuild liblib.so.1: link lib.p/extra.o ",
            )
            project = Project(self.path, files, build)
            if not refused:
                self.graph(project)
                continue
            with self.assertRaises(Failure) as caught:
                self.graph(project)
            self.assertIn("src/extra.S:1: assembly asks for IA2_ENABLE", str(caught.exception))

    def test_object_of_another_name(self):
        graph, _ = self.graph(
            Project(
                self.path,
                LIBRARY_AND_TOOL,
                SHARED_BUILD.replace("add.o", "add.sho").replace("where.o", "where.pic"),
            )
        )
        self.assertEqual(self.names(graph, graph["links"][0]["items"]), ["main.o", ["where.pic"]])
        self.assertEqual(self.names(graph, graph["links"][1]["items"]), ["lib.o", "add.sho"])

    def test_thin_archive(self):
        files = {
            **LIBRARY_AND_TOOL,
            "src/unused.c": "int missing(void);\nint unused(void) { return missing(); }\n",
        }
        graph, _ = self.graph(
            Project(
                self.path,
                files,
                STATIC_BUILD.replace(
                    "unused.o: cc ../src/unused.c", "unused.o: cc ../src/unused.c\n  flags = -w"
                ),
            )
        )
        self.assertEqual(
            self.names(graph, graph["links"][0]["items"]),
            ["main.o", "where.o", ["lib.o", "add.o", "unused.o"]],
        )

    def test_cmake_style_commands(self):
        self.assertEqual(
            shell_command.simple_commands(
                ": && /usr/bin/cc -O2 a.o -o \"my prog\" -Wl,-rpath,'$ORIGIN' && :"
            ),
            [["/usr/bin/cc", "-O2", "a.o", "-o", "my prog", "-Wl,-rpath,$ORIGIN"]],
        )
        self.assertEqual(
            [
                command[0]
                for command in shell_command.simple_commands(
                    ": && /usr/bin/cmake -E rm -f l.a && /usr/bin/ar qc l.a a.o && /usr/bin/ranlib"
                    " l.a && :"
                )
            ],
            ["/usr/bin/cmake", "/usr/bin/ar", "/usr/bin/ranlib"],
        )

    def test_library_by_name_in_the_build_directory(self):
        build = (
            SHARED_BUILD.replace("liblib.so.1: link", "liblib.so: link")
            .replace("tool.p/main.o liblib.so.1 libwhere.a", "tool.p/main.o | liblib.so libwhere.a")
            .replace("'-Wl,-rpath,$$ORIGIN' -lm", "-L. -llib -lwhere '-Wl,-rpath,$$ORIGIN' -lm")
        )
        graph, _ = self.graph(Project(self.path, LIBRARY_AND_TOOL, build))
        self.assertEqual(
            [os.path.basename(link["output"]) for link in graph["links"]], ["tool", "liblib.so"]
        )
        self.assertEqual(self.names(graph, graph["links"][0]["items"]), ["main.o", ["where.o"]])

    def test_response_file(self):
        rule = (
            "rule linkrsp\n  command = $cc @$out.rsp -o $out\n  rspfile = $out.rsp\n "
            " rspfile_content = $in\n"
        )
        build = STATIC_BUILD.replace("build tool: link", "build tool: linkrsp")
        files = {**LIBRARY_AND_TOOL, "src/unused.c": ""}
        graph, _ = self.graph(Project(self.path, files, rule + build))
        self.assertEqual(self.names(graph, graph["links"][0]["items"])[:2], ["main.o", "where.o"])


class LinkLine(unittest.TestCase):
    def parse(self, text):
        return link_line.parse(shell_command.simple_commands(text)[0], "build.ninja")

    def test_what_is_kept(self):
        line = self.parse(
            "ccache cc -o p a.o -Wl,--as-needed -Wl,-rpath,/opt/x -Wl,-rpath-link,/b"
            " -Wl,--start-group liba.a -pthread -lm -Wl,--end-group -Wl,-z,relro -Wl,-z,now"
            " -fuse-ld=lld -static-libgcc -Wl,-soname -Wl,x.so -Wl,--version-script=m"
        )
        self.assertEqual((line.driver, line.output, line.shared), (["cc"], "p", False))
        self.assertEqual(
            [item.value for item in line.items if item.kind == "option"],
            ["-Wl,--as-needed", "-pthread", "-fuse-ld=lld", "-static-libgcc"],
        )
        self.assertEqual(
            [item.value for item in line.items if item.kind == "file"], ["a.o", "liba.a"]
        )
        self.assertEqual([item.value for item in line.items if item.kind == "rpath"], ["/opt/x"])

    def test_whole_archive(self):
        line = self.parse("cc -shared -o l.so -Wl,--whole-archive a.a -Wl,--no-whole-archive b.a")
        self.assertEqual(
            [(item.value, item.whole_archive) for item in line.items],
            [("a.a", True), ("b.a", False)],
        )

    def test_what_cannot_be_split(self):
        for option, reason in (
            ("-static", "static"),
            ("-Wl,-T,x.ld", "linker script"),
            ("-nostdlib", "standard library"),
            ("-flto", "link-time"),
            ("-Wl,-z,execstack", "executable stack"),
            ("-Wl,-z -Wl,execstack", "executable stack"),
        ):
            with self.subTest(option), self.assertRaises(Failure) as caught:
                self.parse(f"cc -o p a.o {option}")
            self.assertIn(reason, str(caught.exception))


class Choice(Folder):
    BUILD = (
        SHARED_BUILD
        + "build other.p/o.o: cc ../tool/other.c\nbuild other: link other.p/o.o\nbuild test.p/t.o:"
        " cc ../test/t.c\nbuild t: link test.p/t.o\n"
    )
    FILES = {
        **LIBRARY_AND_TOOL,
        "tool/other.c": "int main(void) { return 0; }\n",
        "test/t.c": "int main(void) { return 0; }\n",
    }

    def rewrite(self, project, *arguments, policy=POLICY):
        (self.path / "policy.toml").write_text(policy)
        return subprocess.run(
            [
                SOURCE / "scripts/rewrite.py",
                "--policy",
                self.path / "policy.toml",
                "--out",
                self.path / "out",
                "--stage",
                "capture",
                *arguments,
                project,
            ],
            capture_output=True,
            text=True,
        )

    def test_only_program_of_key_1(self):
        build = self.BUILD.replace(
            "build other.p/o.o: cc ../tool/other.c\nbuild other: link other.p/o.o\n", ""
        )
        project = Project(self.path, self.FILES, build)
        self.assertEqual(self.rewrite(project.build).returncode, 0)
        graph = json.loads((self.path / "out/build-graph.json").read_text())
        self.assertEqual(graph["program"], "tool")

    def test_two_programs_need_a_target(self):
        project = Project(self.path, self.FILES, self.BUILD)
        done = self.rewrite(project.build)
        self.assertEqual(done.returncode, 1)
        self.assertIn("several programs", done.stderr)
        self.assertIn("--target", done.stderr)
        self.assertEqual(self.rewrite(project.build, "--target", "tool").returncode, 0)
        self.assertIn("other, t, tool", self.rewrite(project.build, "--target", "nothing").stderr)

    def test_no_program(self):
        project = Project(self.path, self.FILES, self.BUILD)
        done = self.rewrite(project.build, policy=POLICY.replace("tool/**", "nowhere/**"))
        self.assertIn(
            "no program of the build has its main() in the compartment with pkey 1", done.stderr
        )

    def test_not_a_ninja_build(self):
        done = self.rewrite(self.path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("neither a Ninja build directory", done.stderr)
        self.assertIn("no such build directory", self.rewrite(self.path / "missing").stderr)


class Freshness(Folder):
    def test_not_built(self):
        project = Project(self.path, LIBRARY_AND_TOOL, SHARED_BUILD, make=False)
        with self.assertRaises(Failure) as caught:
            self.graph(project)
        self.assertIn("has not been built", str(caught.exception))
        self.assertIn(f"ninja -C {project.build}", str(caught.exception))

    def test_source_and_header_newer_than_the_object(self):
        project = Project(self.path, LIBRARY_AND_TOOL, SHARED_BUILD)
        for name in ("src/add.c", "src/private.h"):
            with self.subTest(name):
                later = time.time() + 10
                os.utime(self.path / name, (later, later))
                with self.assertRaises(Failure) as caught:
                    self.graph(project)
                self.assertIn(f"{self.path / name}: is newer", str(caught.exception))
                self.assertIn(f"ninja -C {project.build}", str(caught.exception))
                earlier = time.time() - 1000
                os.utime(self.path / name, (earlier, earlier))

    def test_the_build_directory_is_only_read(self):
        project = Project(self.path, LIBRARY_AND_TOOL, SHARED_BUILD)
        before = {path: path.stat().st_mtime_ns for path in project.root.rglob("*")}
        self.graph(project)
        self.assertEqual(
            {path: path.stat().st_mtime_ns for path in project.root.rglob("*")}, before
        )


class BrokenCMakeBuild(unittest.TestCase):
    """Files of CMake's that were cut off or edited are told of, without a traceback."""

    def refused(self, database, link):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "CMakeFiles/x.dir").mkdir(parents=True)
            for name, text in (
                ("CMakeCache.txt", ""),
                ("Makefile", ""),
                ("compile_commands.json", database),
                ("CMakeFiles/x.dir/link.txt", link),
            ):
                (root / name).write_text(text)
            with self.assertRaises(Failure) as raised:
                capture.find_build(folder, folder, False)
            return str(raised.exception)

    def test_compile_database(self):
        for text in (
            '[{"directory": "/x", "file": "a.c"}]',
            "[3]",
            '[{"directory": "/x", "file": "a.c", "command": "gcc \\"a"}]',
            "3",
            '[{"directory": "/x", "file": "a.c", "command": ""}]',
        ):
            with self.subTest(text):
                self.assertRegex(
                    self.refused(text, ""),
                    (
                        r"compile_commands.json: entry 0 is not as CMake writes it .*\(configure"
                        r" the build again\)"
                    ),
                )
        self.assertIn("is not JSON", self.refused("[", ""))

    def test_link_script(self):
        self.assertIn(
            "link.txt: the command cannot be split: No closing quotation",
            self.refused("[]", 'gcc "x -o\n'),
        )
