"""From a built project to linked compartments, with a stand-in for the runtime and the rewriter."""

import fcntl
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

from ia2.formats.build_graph import Spelled
from ia2.formats.plan import Unit
from tests.engine.link import stand_in
from ia2.stages import plan, recompile
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
    @classmethod
    def setUpClass(cls):
        cls.kit_folder = tempfile.TemporaryDirectory()
        cls.kit = stand_in.make(pathlib.Path(os.path.realpath(cls.kit_folder.name)))

    @classmethod
    def tearDownClass(cls):
        cls.kit_folder.cleanup()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(os.path.realpath(folder.name))
        self.out = self.path / "out"

    def project(self, files=None, build=SHARED_BUILD, cc="gcc", policy=POLICY):
        made = Project(self.path / "p", {**LIBRARY_AND_TOOL, **UNUSED, **(files or {})}, build, cc)
        (self.path / "compartments.toml").write_text(policy)
        return made

    def run_stages(self, project, *arguments, **environment):
        return subprocess.run(
            [
                SOURCE / "scripts/rewrite.py",
                "--policy",
                self.path / "compartments.toml",
                "--out",
                self.out,
                "--kit-build",
                self.kit / "build",
                "--target",
                "tool",
                *arguments,
                project.build,
            ],
            capture_output=True,
            text=True,
            env={**os.environ, **environment},
        )

    def linked(self, project, *arguments):
        done = self.run_stages(project, *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def says(self, program):
        done = subprocess.run([program], capture_output=True, text=True, cwd="/")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def refused(self, done, *parts):
        self.assertEqual(done.returncode, 1, done.stdout)
        last = done.stderr.strip().splitlines()[-1]
        self.assertTrue(last.startswith("error: "), done.stderr)
        for part in parts:
            self.assertIn(part, done.stderr)
        self.assertFalse([name for name in os.listdir(self.out) if name.startswith(".bin")])


class Works(Folder):
    def test_compilers_linkers_and_kinds_of_library(self):
        for cc in ("gcc", "clang"):
            for ld in (None, "bfd", "lld"):
                for build in (SHARED_BUILD, STATIC_BUILD):
                    if shutil.which(cc) is None or ld == "lld" and shutil.which("ld.lld") is None:
                        self.fail(f"{cc} or lld is not installed")
                    with self.subTest(
                        f"{cc} {ld} {'static' if build is STATIC_BUILD else 'shared'}"
                    ):
                        shutil.rmtree(self.path)
                        self.path.mkdir()
                        project = self.project(build=build, cc=cc)
                        plain = self.says(project.build / "tool")
                        self.linked(project, *(["--ld", ld] if ld else []))
                        self.assertEqual(
                            sorted(os.listdir(self.out / "bin")),
                            ["lib.ia2.so", "libia2.so", "tool"],
                        )
                        self.assertEqual(self.says(self.out / "bin/tool"), plain)

    def test_other_compiler_than_the_projects(self):
        project = self.project()
        self.linked(project, "--cc", "clang")
        self.assertEqual(self.says(self.out / "bin/tool"), self.says(project.build / "tool"))

    def test_paths_read_as_in_the_projects_own_build(self):
        files = {
            "src/lib.c": (
                LIBRARY_AND_TOOL["src/lib.c"] + '#include "generated.h"\n#include "sub/deep.h"\n'
                "const char *paths(void) { return GENERATED __BASE_FILE__; }\n"
            ),
            "src/sub/deep.h": (
                "static inline const char *deep(void) { return __FILE__; }\nconst char *(*const"
                " deep_pointer)(void) = deep;\n"
            ),
            "build/generated.h": (
                "#define GENERATED __FILE__\nstatic inline const char *generated(void) { return"
                " __FILE__; }\nconst char *(*const generated_pointer)(void) = generated;\n"
            ),
        }
        for cc in ("gcc", "clang"):
            with self.subTest(cc):
                shutil.rmtree(self.path)
                self.path.mkdir()
                project = self.project(
                    files,
                    SHARED_BUILD.replace(
                        "-I../include -fPIC", "-I. -I../include -isystem ../src/sub -fPIC"
                    ),
                    cc,
                )
                self.linked(project)
                made = next((self.out / "obj").glob("*.lib.c.o"))

                def strings(path):
                    said = subprocess.run(["strings", "-a", path], capture_output=True, text=True)
                    return sorted(
                        text
                        for text in said.stdout.split("\n")
                        if ".h" in text or ".c" in text and "-" not in text and " " not in text
                    )

                self.assertEqual(
                    [text for text in strings(made) if "ia2.h" not in text],
                    strings(project.build / "lib.p/lib.o"),
                )
                info = subprocess.run(
                    ["readelf", "--debug-dump=info,line", made], capture_output=True, text=True
                ).stdout
                self.assertNotIn("rewritten", info)
                self.assertIn("../src/lib.c", info)
                self.assertIn(str(project.build), info)

    def test_two_compartments_call_each_other(self):
        files = {
            "src/add.c": (
                '#include "private.h"\nint tool_log(int);\nint hidden_add(int a, int b) { return'
                " tool_log(a + b); }\n"
            ),
            "tool/where.c": (
                '#include "tool.h"\nint tool_log(int x) { return 10 * x; }\nconst char'
                ' *tool_where(void) { return "w"; }\n'
            ),
        }
        project = self.project(files, STATIC_BUILD)
        self.linked(project)
        self.assertTrue(self.says(self.out / "bin/tool").startswith("50 "))

    def test_two_libraries_call_each_other(self):
        files = {
            "src/add.c": (
                '#include "private.h"\nint lib_back(int);\nint hidden_add(int a, int b) { return'
                " lib_back(a + b); }\n"
            ),
            "src/lib.c": LIBRARY_AND_TOOL["src/lib.c"] + "int lib_back(int x) { return 3 * x; }\n",
        }
        policy = (
            POLICY.replace('"src/**"', '"src/lib.c"')
            + '[compartment.add]\npkey = 3\nsources = ["src/add.c"]\n'
        )
        for ld in ("bfd", "lld"):
            project = self.project(files, STATIC_BUILD, policy=policy)
            self.linked(project, "--ld", ld)
            self.assertTrue(self.says(self.out / "bin/tool").startswith("15 "))

    def test_shared_variable(self):
        files = {
            "src/add.c": LIBRARY_AND_TOOL["src/add.c"] + "int level = 4;\n",
            "tool/where.c": (
                'extern int level;\nconst char *tool_where(void) { return level == 4 ? "four" :'
                ' "other"; }\n'
            ),
        }
        project = self.project(
            files, STATIC_BUILD, policy=POLICY + '[shared]\nvariables = ["level"]\n'
        )
        self.linked(project)
        self.assertIn(" four ", self.says(self.out / "bin/tool"))

    def test_folders_with_spaces(self):
        self.path = self.path / "a b"
        self.out = self.path / "o u t"
        project = self.project()
        self.linked(project)
        self.assertEqual(self.says(self.out / "bin/tool"), self.says(project.build / "tool"))

    def test_the_project_is_only_read(self):
        project = self.project()
        before = {path: path.stat().st_mtime_ns for path in project.root.rglob("*")}
        self.linked(project)
        self.assertEqual(
            {path: path.stat().st_mtime_ns for path in project.root.rglob("*")}, before
        )


class Again(Folder):
    def objects(self):
        return {
            path.name.partition(".")[2]: path.stat().st_mtime_ns
            for path in (self.out / "obj").glob("*.c.o")
        }

    def test_nothing_changed(self):
        project = self.project()
        self.linked(project)
        again = self.linked(project)
        self.assertEqual(
            [line.split(maxsplit=1)[1] for line in again.splitlines()], ["up to date"] * 6
        )

    def test_one_source_changed(self):
        project = self.project()
        self.linked(project)
        before = self.objects()
        time.sleep(0.05)
        project.write("src/add.c", LIBRARY_AND_TOOL["src/add.c"].replace("a + b", "a + b + 100"))
        self.refused(
            self.run_stages(project), "src/add.c: is newer than", f"ninja -C {project.build}"
        )
        self.assertTrue(self.says(self.out / "bin/tool").startswith("5 "))
        project.make()
        self.linked(project)
        after = self.objects()
        self.assertEqual([name for name in after if after[name] != before[name]], ["add.c.o"])
        self.assertTrue(self.says(self.out / "bin/tool").startswith("105 "))

    def test_a_header_changed(self):
        project = self.project()
        self.linked(project)
        before = self.objects()
        time.sleep(0.05)
        project.write("src/private.h", LIBRARY_AND_TOOL["src/private.h"] + "/* more */\n")
        project.make()
        self.linked(project)
        after = self.objects()
        self.assertEqual(
            sorted(name for name in after if after[name] != before[name]), ["add.c.o", "lib.c.o"]
        )

    def changed_with_an_old_time(self, project, more=""):
        """The header has new text, the source that the kit compiles again too, and neither is newer
        than an object, as `tar x` leaves them."""
        header = project.root / "src/limit.h"
        old = header.stat().st_mtime
        project.write("src/limit.h", f"#define LIMIT 70\n{more}")
        os.utime(header, (old, old))

    LIMITS = {
        "src/limit.h": "#define LIMIT 2\n",
        "src/add.c": '#include "limit.h"\nint hidden_add(int a, int b) { return a + b + LIMIT; }\n',
        "src/lib.c": LIBRARY_AND_TOOL["src/lib.c"] + '#include "limit.h"\nint limit = LIMIT;\n',
    }

    def test_a_header_with_new_text_and_an_old_time(self):
        project = self.project(self.LIMITS)
        self.linked(project)
        said = self.says(self.out / "bin/tool")
        self.changed_with_an_old_time(project)
        project.make()
        self.refused(
            self.run_stages(project),
            f"{project.root}/src/limit.h: holds something else than {project.build}/lib.p/",
            f"touch {project.root}/src/limit.h",
        )
        self.assertEqual(self.says(self.out / "bin/tool"), said)
        (project.root / "src/limit.h").touch()
        project.make()
        self.linked(project)
        self.assertTrue(self.says(self.out / "bin/tool").startswith("75 "))

    def test_a_header_with_new_text_and_an_old_time_before_the_first_run(self):
        project = self.project(self.LIMITS)
        time.sleep(0.05)
        self.changed_with_an_old_time(project)
        project.make()
        self.refused(self.run_stages(project), "src/limit.h: holds something else than")
        (project.root / "src/limit.h").touch()
        project.make()
        self.linked(project)

    def test_a_header_with_the_same_text_and_times(self):
        """Copying a tree changes the inode's time of all files. The text decides."""
        project = self.project(self.LIMITS)
        time.sleep(0.05)
        self.changed_with_an_old_time(project, "/* no other code */\n")
        project.write("src/limit.h", self.LIMITS["src/limit.h"])
        old = (project.build / "lib.p/add.o").stat().st_mtime - 100
        os.utime(project.root / "src/limit.h", (old, old))
        self.linked(project)
        project.write("src/limit.h", self.LIMITS["src/limit.h"])
        os.utime(project.root / "src/limit.h", (old, old))
        self.linked(project)

    def test_a_damaged_record_of_what_objects_were_made_from(self):
        project = self.project()
        self.linked(project)
        for text in ("", "[]", '{"version": 1, "objects": {"a": 3}, "files": {}}'):
            (self.out / "object-inputs.json").write_text(text)
            (self.out / "stamps.json").unlink()
            self.linked(project)

    def test_output_that_was_removed_is_made_again(self):
        project = self.project()
        self.linked(project)
        (self.out / "bin/lib.ia2.so").unlink()
        self.linked(project)
        self.says(self.out / "bin/tool")

    def test_stages_alone(self):
        project = self.project()
        for stage, makes in (
            ("capture", "build-graph.json"),
            ("canonicalize", "compile_commands.json"),
            ("plan", "plan.json"),
            ("rewrite", "boundary.json"),
            ("link", "bin"),
            ("audit", "audit.json"),
        ):
            self.linked(project, "--stage", stage)
            self.assertTrue((self.out / makes).exists(), makes)


class Refused(Folder):
    def test_failures_leave_the_previous_program(self):
        project = self.project()
        self.linked(project)
        before = {path: path.read_bytes() for path in (self.out / "bin").iterdir()}
        policy = self.path / "compartments.toml"
        policy.write_text(POLICY + "# changed\n")
        self.refused(
            self.run_stages(project, STAND_IN_REFUSES="1"), "error: x: reason", "remedy: y"
        )
        policy.write_text(POLICY.replace('"src/**"', '"src/l*"'))
        self.refused(self.run_stages(project), "in no compartment")
        self.assertEqual({path: path.read_bytes() for path in (self.out / "bin").iterdir()}, before)

    def test_unit_that_does_not_compile(self):
        files = {
            "src/add.c": LIBRARY_AND_TOOL["src/add.c"] + "#ifdef IA2_UNIT\n#error no\n#endif\n"
        }
        self.refused(
            self.run_stages(self.project(files)),
            "src/add.c: the rewritten unit does not compile",
            "compile.log",
        )
        self.assertFalse((self.out / "bin").exists())

    def test_assembler_object_that_is_not_position_independent(self):
        files = {
            "src/fast.asm": (
                "global fast:function\nsection .data\nvalue: dd 1\nsection .text\nfast: mov eax,"
                " [value]\n ret\n"
            ),
            "src/lib.c": (
                LIBRARY_AND_TOOL["src/lib.c"]
                + "int fast(void);\nint use(void) { return fast(); }\n"
            ),
        }
        build = "rule nasm\n  command = nasm -f elf64 -o $out $in\n" + STATIC_BUILD.replace(
            "build tool: link", "build fast.o: nasm ../src/fast.asm\nbuild tool: link fast.o"
        ).replace("liblib.a\n", "liblib.a\n  flags = -no-pie\n").replace(
            "build liblib.a: ar lib.p/lib.o lib.p/add.o lib.p/unused.o\n  flags = -no-pie",
            "build liblib.a: ar lib.p/lib.o lib.p/add.o lib.p/unused.o",
        )
        for ld in ("bfd", "lld"):
            done = self.run_stages(self.project(files, build), "--ld", ld)
            self.refused(done, "fast.o", "not position-independent")

    def test_archive_of_the_system_that_is_not_position_independent(self):
        """As Debian makes them: for programs, not for shared libraries."""
        source = (
            "#include <stdio.h>\nint sys_value(void) { return stderr != 0; }\n"
            "int (*sys_pointer(void))(void) { return sys_value; }\n"
        )
        folder = self.path / "system"
        folder.mkdir()
        (folder / "sys.c").write_text(source)
        making = ["sh", "-ec", "gcc -fPIE -c sys.c && ar rcs libsys.a sys.o"]
        subprocess.run(making, cwd=folder, check=True)
        use = "\nint sys_value(void);\nint used(void);\nint used(void) { return sys_value(); }\n"
        for user, linked, library in (
            ("src/add.c", "lib.ia2.so", f"{folder}/libsys.a"),
            ("src/add.c", "lib.ia2.so", f"-L{folder} -lsys"),
            ("tool/where.c", "tool", f"{folder}/libsys.a"),
        ):
            build = STATIC_BUILD.rstrip("\n") + f"\n  flags = {library}\n"
            project = self.project({user: LIBRARY_AND_TOOL[user] + use}, build)
            for ld in ("bfd", "lld"):
                with self.subTest(linked=linked, library=library, ld=ld):
                    self.refused(
                        self.run_stages(project, "--ld", ld),
                        f"{folder}/libsys.a: linking {linked} failed: ",
                        "the archive is not position-independent",
                        "(link the shared library instead, or",
                    )

    def test_the_linkers_own_lines_are_shown(self):
        project = self.project()
        for name in ("bfd", "lld"):
            done = self.run_stages(
                project, "--ld", name, "--ldflag=-Wl,--defsym=one=no_such_name", "-q"
            )
            self.refused(done, "no_such_name")
            last = done.stderr.strip().splitlines()[-1]
            self.assertIn("no_such_name", last)
            self.assertNotIn("collect2", done.stderr)
            self.assertNotIn("linker command failed", done.stderr)

    def test_instruction_that_opens_keys(self):
        files = {
            "src/add.c": (
                '#include "private.h"\nint hidden_add(int a, int b) { __asm__ volatile(".byte 0x0f,'
                ' 0x01, 0xef"); return a + b; }\n'
            )
        }
        self.refused(
            self.run_stages(self.project(files)), "lib.ia2.so", "WRPKRU at 0x", "hidden_add"
        )
        self.assertFalse((self.out / "bin").exists())

    def test_kit_not_built(self):
        self.refused(
            self.run_stages(self.project(), "--kit-build", str(self.path / "none")),
            "the kit is not built",
            "--kit-build",
        )

    def test_output_directory(self):
        project = self.project()
        done = subprocess.run(
            [
                SOURCE / "scripts/rewrite.py",
                "--policy",
                self.path / "compartments.toml",
                "--out",
                project.build,
                project.build,
            ],
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("is the project's build directory", done.stderr)
        self.out = self.path / "a=b"
        self.assertIn("an equals sign", self.run_stages(project).stderr)
        self.assertFalse(self.out.exists())

    def test_output_directory_with_the_users_files(self):
        """--out names the source tree, which has a bin/ and a compile database of its own."""
        project = self.project()
        for name in ("bin/tool", "compile_commands.json"):
            project.write(name, "the user's\n")
        before = sorted(self.path.rglob("*"))
        self.out = project.root
        self.refused(
            self.run_stages(project),
            "holds files that rewrite.py did not put there: bin, build, compile_commands.json, ...",
            "--out",
        )
        self.assertEqual(sorted(self.path.rglob("*")), before)
        for name in ("bin/tool", "compile_commands.json"):
            self.assertEqual((project.root / name).read_text(), "the user's\n")

    def test_new_empty_and_own_output_directory(self):
        project = self.project()
        self.out.mkdir()
        self.linked(project)
        self.linked(project)

    def test_the_users_files_in_bin(self):
        """A file that no run made stays, and is neither replaced nor published."""
        project = self.project()
        self.linked(project, "--publish", self.path / "published")
        made = sorted(os.listdir(self.out / "bin"))
        (self.out / "bin/tool.conf").write_text("the user's\n")
        edited = (project.root / "src/add.c").read_text().replace("a + b", "a - b")
        project.write("src/add.c", edited)
        project.make()
        self.linked(project, "--publish", self.path / "published")
        self.assertEqual(sorted(os.listdir(self.out / "bin")), sorted([*made, "tool.conf"]))
        self.assertEqual(sorted(os.listdir(self.path / "published")), made)
        # A library that a new compartment makes has the name of the user's file.
        (self.out / "bin/add.ia2.so").write_text("the user's\n")
        (self.path / "compartments.toml").write_text(
            POLICY.replace('"src/**"', '"src/lib.c"')
            + '[compartment.add]\npkey = 3\nsources = ["src/add.c"]\n'
        )
        self.refused(self.run_stages(project), "bin/add.ia2.so", "rewrite.py did not make it")
        self.assertEqual((self.out / "bin/add.ia2.so").read_text(), "the user's\n")
        (self.out / "bin/add.ia2.so").unlink()
        self.linked(project)
        (self.path / "compartments.toml").write_text(POLICY)
        self.linked(project)
        self.assertEqual(sorted(os.listdir(self.out / "bin")), sorted([*made, "tool.conf"]))

    def test_two_runs_at_once(self):
        project = self.project()
        self.linked(project)
        with open(self.out / ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refused(self.run_stages(project), "another run uses this output directory")

    def test_damaged_stamps_mean_that_all_is_done_again(self):
        project = self.project()
        self.linked(project)
        for text in ("", "[]", '{"link": 7}', '{"link": {"key": [], "files": 3}}'):
            (self.out / "stamps.json").write_text(text)
            self.linked(project)


class Command(unittest.TestCase):
    """The command of a recompiled unit."""

    def command(self, *arguments, pic=True):
        mirror = recompile.Mirror("/out", "/p", "/b")
        spelled = Spelled(
            "../p/src/a.c", "/b", ["cc", *arguments, "-o", "a.o", "-c", "../p/src/a.c"]
        )
        return recompile.command(
            spelled,
            Unit(7, 0, "/p/src/a.c", 1, "/b/a.o", pic, False),
            mirror,
            "/kit/include",
            None,
            "/out/obj/7.a.c.o",
        )

    def test_build_directory_outside_of_the_source_tree(self):
        made = self.command("-I.", "-I../p/include", "-I/usr/include/x", "-Dx=-I.")
        self.assertEqual(
            made[1:5],
            [
                "-I/out/./rewritten/.build",
                "-I/out/././rewritten/include",
                "-I/usr/include/x",
                "-Dx=-I.",
            ],
        )
        self.assertIn("/out/./././rewritten/src/a.c", made)
        for option in (
            "-ffile-prefix-map=/out/./rewritten/.build=.",
            "-ffile-prefix-map=/out/././rewritten/include=../p/include",
            "-ffile-prefix-map=/out/./././rewritten/src/=../p/src/",
        ):
            self.assertIn(option, made)

    def test_unit_built_without_ia2(self):
        for flags in (["-DIA2_ENABLE=0"], ["-DIA2_ENABLE", "-D", "IA2_ENABLE=0"]):
            made = self.command(*flags)
            after = made[made.index(flags[-1]) :]
            self.assertLess(after.index("-UIA2_ENABLE"), after.index("-DIA2_ENABLE=1"))
        for flags in (["-DIA2_ENABLE=1"], ["-DIA2_ENABLE=0", "-UIA2_ENABLE"], ["-DIA2_ENABLED=0"]):
            self.assertEqual(self.command(*flags).count("-DIA2_ENABLE=1"), "=1" in flags[0])

    def test_flags(self):
        made = self.command(
            "-fPIE",
            "-O2",
            "-Werror",
            "-Werror=vla",
            "-MD",
            "-MF",
            "a.d",
            "-MQa.o",
            "-Wp,-MMD,x.d",
            pic=False,
        )
        for flag in ("-fPIE", "-Werror", "a.d", "-MQa.o", "-Wp,-MMD,x.d", "a.o"):
            self.assertNotIn(flag, made)
        for flag in ("-fPIC", "-O2", "-Wvla", "-DIA2_UNIT=7", "-fno-semantic-interposition"):
            self.assertIn(flag, made)
        self.assertTrue(plan.is_pic(made))
        self.assertEqual(
            made[-9:],
            [
                "-idirafter",
                "/kit/include",
                "-fdiagnostics-color=never",
                "-MD",
                "-MF",
                "/out/obj/7.a.c.o.d",
                "-c",
                "-o",
                "/out/obj/7.a.c.o",
            ],
        )
