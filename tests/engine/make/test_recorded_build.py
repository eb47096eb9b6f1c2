"""rewrite.py --capture: builds that leave nothing behind but their files."""

import json
import os
import pathlib
import shutil
import socket
import tempfile
import unittest
from unittest import mock

from tests.support import small_project as small
from ia2 import failure, recorded_build

CONFIGURE = """\
#!/bin/sh
echo 'int main(void) { return 0; }' > conftest.c && ${CC:-cc} -o conftest conftest.c && ./conftest || exit 1
rm -f conftest conftest.c
sed 's/^CFLAGS =/CFLAGS = -DCONFIGURED/' Makefile.in > Makefile
"""  # noqa: E501


# A header that has to be rewritten, and a program that includes it as LINE says.
ADDING = (
    "static void add(int value) { total += value; }\nstatic void all(void) { counter_each(add);"
    " }\nstatic const char *where(void) { return __FILE__; }\n"
)


def includes(line: str) -> str:
    return (
        small.FILES["tool/main.c"]
        .replace("static void add(int value) { total += value; }", line)
        .replace("counter_each(add)", "all(); puts(where())")
    )


class Recorded(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(os.path.realpath(folder.name))
        self.out = self.root / "out"

    def project(self, **files):
        return small.make(self.root / "project", **files)

    def capture(self, project, command="make -j2", *arguments, check=True):
        return small.rewrite(
            project,
            self.out,
            "--capture",
            command,
            "--target",
            "counter",
            *arguments,
            project,
            check=check,
        ).stdout

    def graph(self):
        return json.loads((self.out / "build-graph.json").read_text())

    def runs(self):
        self.assertIn("total 5\n", small.run(self.out / "bin/counter").stdout)

    def refused(self, text, *parts):
        lines = [line for line in text.splitlines() if line.startswith("error: ")]
        self.assertEqual(len(lines), 1, text)
        for part in parts:
            self.assertIn(part, lines[0])

    def test_makefile_with_archive(self):
        project = self.project(Makefile=small.MAKEFILE)
        self.capture(project)
        self.runs()
        graph = self.graph()
        self.assertEqual(
            [item["kind"] for item in graph["links"][0]["items"]], ["object", "folder", "archive"]
        )
        self.assertEqual(
            [os.path.relpath(record["path"], project) for record in graph["objects"]],
            ["tool/main.o", "lib/counter.o"],
        )
        self.assertIn(str(project / "lib/limit.h"), graph["inputs"])

    def test_nothing_changed_does_nothing(self):
        project = self.project(Makefile=small.MAKEFILE)
        self.capture(project)
        before = {path: path.stat().st_mtime_ns for path in self.out.rglob("*") if path.is_file()}
        text = self.capture(project)
        self.assertEqual(text.count("up to date"), 6 + text.count("is up to date"), text)
        self.assertEqual(
            before,
            {path: path.stat().st_mtime_ns for path in self.out.rglob("*") if path.is_file()},
        )

    def test_incremental_build_is_merged(self):
        project = self.project(Makefile=small.MAKEFILE)
        self.capture(project)
        source = project / "lib/counter.c"
        source.write_text(source.read_text().replace("= value;", "= value * 2;"))
        self.assertNotIn("main.c", self.capture(project))
        self.assertIn("total 10\n", small.run(self.out / "bin/counter").stdout)
        self.assertEqual(len(self.graph()["objects"]), 2)

    def test_touching_one_source_compiles_that_one_again(self):
        project = self.project(Makefile=small.MAKEFILE)
        small.touch_one_source(
            self, project, self.out, lambda: self.capture(project), self.out / "bin/counter"
        )

    def test_options_that_write_files(self):
        """What the kit compiles again writes nothing beside the project's own files."""
        options = (
            "-save-temps=cwd -Wa,-adhlns=main.lst,--noexecstack -aux-info main.info -fstack-usage"
        )
        project = self.project(
            Makefile=small.MAKEFILE.replace(
                "tool/main.o: lib/counter.h",
                f"tool/main.o: tool/main.c\n\t$(CC) $(CFLAGS) {options} -c -o $@ $<",
            )
        )
        self.capture(project)
        before = {path: path.stat().st_mtime_ns for path in project.rglob("*")}
        self.assertLessEqual(
            {"main.lst", "main.info", "main.s", "main.su"}, {path.name for path in before}
        )
        compiled = small.compiled(self.out)
        self.capture(project, "make -j2", "--cflag=-DMORE")
        self.assertNotEqual(compiled["main.c"], small.compiled(self.out)["main.c"])
        self.assertEqual(before, {path: path.stat().st_mtime_ns for path in project.rglob("*")})
        self.runs()

    def test_configure_and_make(self):
        project = self.project(Makefile___in=small.MAKEFILE, configure=CONFIGURE)
        (project / "configure").chmod(0o755)
        self.capture(project, "./configure && make")
        self.runs()
        commands = json.loads((self.out / "compile_commands.json").read_text())
        self.assertTrue(all("-DCONFIGURED" in entry["arguments"] for entry in commands))
        self.assertNotIn("conftest", (self.out / "build-steps.json").read_text())

    def test_one_command_that_compiles_and_links(self):
        project = self.project()
        self.capture(project, "cc -O2 -Ilib tool/main.c lib/counter.c -o counter -lm")
        self.runs()
        self.assertEqual(
            [os.path.basename(record["source"]) for record in self.graph()["objects"]],
            ["main.c", "counter.c"],
        )

    def test_libtool_like(self):
        """Objects in hidden folders, a shared library that is linked by one of its links."""
        makefile = """\
tool/counter: tool/main.c
\tmkdir -p lib/.libs
\tcc -fPIC -DPIC -c lib/counter.c -o lib/.libs/counter.o
\tcc -shared lib/.libs/counter.o -Wl,-soname -Wl,libcounter.so.1 -o lib/.libs/libcounter.so.1.2
\tcd lib/.libs && ln -s libcounter.so.1.2 libcounter.so.1 && ln -s libcounter.so.1.2 libcounter.so
\tcc -Ilib -c -o tool/main.o tool/main.c
\tcc -o tool/counter tool/main.o ./lib/.libs/libcounter.so -Wl,-rpath,/usr/local/lib
"""
        self.capture(self.project(Makefile=makefile))
        self.runs()
        self.assertEqual(
            [os.path.basename(link["output"]) for link in self.graph()["links"]],
            ["counter", "libcounter.so.1.2"],
        )

    def test_archive_of_an_archives_members(self):
        """What libtool does for a convenience library."""
        rule = (
            "$(AR) rcs lib/part.a $^ && mkdir lib/.x && cd lib/.x && $(AR) x ../part.a && cd ../.."
            " && $(AR) cr $@ lib/.x/counter.o && rm -r lib/.x"
        )
        project = self.project(Makefile=small.MAKEFILE.replace("$(AR) rcs $@ $^", rule))
        self.capture(project)
        self.runs()
        self.assertEqual(
            [os.path.relpath(record["path"], project) for record in self.graph()["objects"]],
            ["tool/main.o", "lib/counter.o"],
        )
        source = project / "lib/counter.c"
        source.write_text(source.read_text().replace("= value;", "= value * 2;"))
        self.capture(project)
        self.assertIn("total 10\n", small.run(self.out / "bin/counter").stdout)

    def test_what_the_linker_writes_for_the_build_is_left_alone(self):
        """CMake 3.31's Makefiles have the linker say what it read; the kit's own link must not
        write there."""
        makefile = small.MAKEFILE.replace(
            "$(CC) -o $@", "$(CC) -Wl,--dependency-file=link.d -Wl,-Map,link.map -o $@"
        )
        project = self.project(Makefile=makefile)
        self.capture(project)
        self.runs()
        for name in ("link.d", "link.map"):
            self.assertNotIn(str(self.out), (project / name).read_text())

    def test_assembler(self):
        makefile = small.MAKEFILE.replace(
            "$(AR) rcs $@ $^", "as lib/five.s -o lib/five.o && $(AR) rcs $@ $^ lib/five.o"
        )
        counter = (
            small.FILES["lib/counter.c"]
            .replace("= value;", "= value + five();")
            .replace("static", "int five(void);\nstatic", 1)
        )
        self.capture(
            self.project(
                Makefile=makefile,
                lib__counter___c=counter,
                lib__five___s=(
                    ".globl five\n.type five, @function\nfive: mov $5, %eax\n ret\n.section"
                    " .note.GNU-stack\n"
                ),
            )
        )
        self.assertIn("total 15\n", small.run(self.out / "bin/counter").stdout)
        self.assertEqual(
            [record["language"] for record in self.graph()["objects"]], ["c", "c", "other"]
        )

    def test_header_by_an_absolute_path(self):
        """Its rewritten copy is read, as a unity build's sources must be, and it is called as it
        was."""
        header = self.root / "project/tool/add.h"
        self.capture(
            self.project(
                Makefile=small.MAKEFILE,
                tool__main___c=includes(f'#include "{header}"'),
                tool__add___h=ADDING,
            )
        )
        self.runs()
        self.assertIn(f"{header}\n", small.run(self.out / "bin/counter").stdout)

    def test_header_by_an_absolute_path_in_a_macro_is_refused(self):
        header = self.root / "project/tool/add.h"
        project = self.project(
            Makefile=small.MAKEFILE.replace("-Ilib", f"-Ilib -DHEADER='\"{header}\"'"),
            tool__add___h=ADDING,
            tool__main___c=includes("#include HEADER"),
        )
        self.refused(
            self.capture(project, check=False),
            (
                f"error: {project}/tool/main.c: includes {header} in a way that leads around its"
                " rewritten copy (include it by a path relative to the file or to an include"
                " folder, not by a macro that holds an absolute path)"
            ),
        )

    def test_header_that_the_project_takes_for_a_system_header(self):
        for option, pragma in (
            ("-isystem tool/inc", ""),
            ("-Itool/inc", "#pragma GCC system_header\n"),
        ):
            with self.subTest(option):
                shutil.rmtree(self.out, ignore_errors=True)
                self.capture(
                    self.project(
                        Makefile=small.MAKEFILE.replace("-Ilib", f"-Ilib {option}"),
                        tool__main___c=includes("#include <add.h>"),
                        tool__inc__add___h=pragma + ADDING,
                    )
                )
                self.runs()

    def test_embedded_file(self):
        makefile = small.MAKEFILE.replace(
            "main.o lib/libcounter.a\n",
            (
                "main.o lib/libcounter.a\n\tld -r -b binary -z noexecstack -o tool/data.o"
                " lib/limit.h\n"
            ),
        )
        main = (
            small.FILES["tool/main.c"]
            .replace(
                "static int total", "extern char _binary_lib_limit_h_start[];\nstatic int total"
            )
            .replace('printf("total', 'printf("%.7s\\n", _binary_lib_limit_h_start); printf("total')
        )
        self.capture(
            self.project(
                Makefile=makefile.replace("tool/main.o -L", "tool/main.o tool/data.o -L"),
                tool__main___c=main,
            )
        )
        self.assertIn("#define\ntotal 5\n", small.run(self.out / "bin/counter").stdout)

    def test_second_output_directory(self):
        """What was seen of the build is in the first, whichever of the two it is seen for."""
        for command in ("make -j2", "gcc -O2 -Ilib -o tool/counter tool/main.c lib/counter.c"):
            with self.subTest(command):
                shutil.rmtree(self.out, ignore_errors=True)
                project, second = self.project(Makefile=small.MAKEFILE), self.root / "second"
                shutil.rmtree(second, ignore_errors=True)
                self.capture(project, command)

                def again():
                    return small.rewrite(
                        project,
                        second,
                        "--recorded",
                        self.out,
                        "--capture",
                        command,
                        "--target",
                        "counter",
                        project,
                    ).stdout

                again()
                small.expect_total(5, second / "bin/counter")
                self.assertFalse((second / "build-steps.json").exists())
                small.edit(project / "lib/counter.c", "= value;", "= value * 3;")
                again()
                small.expect_total(15, second / "bin/counter")
                small.expect_total(5, self.out / "bin/counter")
                # Made with another command, which only the run for the second has seen.
                if command.startswith("make"):
                    small.edit(project / "Makefile", "-O2", "-O2 -DMORE=1")
                    small.edit(project / "tool/main.c", "total += value", "total += value + MORE")
                    again()
                    small.expect_total(17, second / "bin/counter")
                    self.capture(project, command)
                    small.expect_total(17, self.out / "bin/counter")
                    self.assertEqual(again().count("up to date"), 7)

    # What is refused, with the line that says so.
    # -----------------------------------------------------

    def test_second_output_directory_without_a_first(self):
        project = self.project(Makefile=small.MAKEFILE)
        self.capture(project)
        text = small.rewrite(
            project,
            self.root / "second",
            "--capture",
            "make",
            "--target",
            "counter",
            project,
            check=False,
        ).stdout
        self.refused(
            text,
            (
                "the build made nothing: make (clean the project first (make clean): only what is"
                " made while the build is captured is seen)"
            ),
        )
        text = small.rewrite(
            project,
            self.root / "third",
            "--recorded",
            self.root / "second",
            "--capture",
            "make",
            "--target",
            "counter",
            project,
            check=False,
        ).stdout
        self.refused(text, "the build made nothing: make")
        text = small.rewrite(
            project,
            self.root / "third",
            "--recorded",
            self.root / "none",
            "--capture",
            "make",
            project,
            check=False,
        ).stdout
        self.refused(
            text,
            (
                f"error: {self.root}/none: no build was recorded there (name the output directory"
                " of an earlier run with --capture)"
            ),
        )
        text = small.rewrite(
            project, self.root / "third", "--recorded", self.out, project, check=False
        ).stdout
        self.assertIn("rewrite.py: error: --recorded needs --capture\n", text)

    def test_objects_made_from_objects_are_refused(self):
        for command in (
            "ld -r -o lib/both.o lib/counter.o",
            "gcc -r -o lib/both.o lib/counter.o",
            "objcopy --weaken lib/counter.o lib/both.o",
        ):
            with self.subTest(command):
                shutil.rmtree(self.out, ignore_errors=True)
                makefile = small.MAKEFILE.replace(
                    "$(AR) rcs $@ $^", f"{command} && $(AR) rcs $@ lib/both.o"
                )
                self.refused(
                    self.capture(self.project(Makefile=makefile), check=False),
                    (
                        f"error: {self.root}/project/lib/both.o: is made from other objects, or by"
                        f" a tool that is not known: {command} (link the compiler's own objects;"
                        " what is made otherwise may hold data only, such as an embedded file)"
                    ),
                )

    def test_changed_archive_is_refused(self):
        makefile = small.MAKEFILE.replace(
            "$(AR) rcs $@ $^", "$(AR) rcs $@ $^ && objcopy --weaken $@"
        )
        self.refused(
            self.capture(self.project(Makefile=makefile), check=False),
            "how lib/libcounter.a is made is not understood: objcopy --weaken",
        )

    def test_other_languages_are_refused(self):
        cases = {
            "g++ -c -o lib/counter.o lib/other.cc": (
                "other.cc: is C++; only C can be compartmentalized (leave it out of the program,"
            ),
            "gcc -c -o lib/counter.o lib/other.cc": (
                "other.cc: is C++; only C can be compartmentalized (leave it out of the program,"
            ),
            "gcc -x c++ -c -o lib/counter.o lib/other.cc": (
                "other.cc: is C++; only C can be compartmentalized (leave it out of the program,"
            ),
            "gcc -c -o lib/counter.o lib/other.i": (
                "other.i: is compiled by the C compiler, but is no .c file; only C and assembly can"
                " be compartmentalized (if it is C, call it .c or give -x c)"
            ),
        }
        text = 'extern "C" {\n%s}\n'
        for command, message in cases.items():
            with self.subTest(command):
                shutil.rmtree(self.out, ignore_errors=True)
                makefile = small.MAKEFILE.replace(
                    "lib/counter.o: lib/counter.h lib/limit.h",
                    f"lib/counter.o: lib/counter.h lib/limit.h\n\t{command}",
                )
                source = small.FILES["lib/counter.c"].replace("#include", " #include")
                source = "".join(
                    small.FILES["lib/counter.h"]
                    + source.replace(' #include "counter.h"\n', "")
                    .replace(' #include "limit.h"\n', "")
                    .replace("COUNTER_LIMIT", "8")
                )
                self.refused(
                    self.capture(
                        self.project(
                            Makefile=makefile, lib__other___cc=text % source, lib__other___i=source
                        ),
                        check=False,
                    ),
                    message,
                )

    def test_c_under_another_name(self):
        makefile = small.MAKEFILE.replace(
            "lib/counter.o: lib/counter.h lib/limit.h",
            (
                "lib/counter.o: lib/counter.h lib/limit.h\n\t$(CC) $(CFLAGS) -x c -c -o "
                "lib/counter.o lib/counter.inc"
            ),
        )
        project = self.project(
            Makefile=makefile, lib__counter___inc=small.FILES["lib/counter.c"], lib__counter___c=""
        )
        self.capture(project)
        self.runs()

    def test_options_that_do_not_fit_are_refused(self):
        linked = (
            "tool/counter has %s, which cannot be split into compartments (build the program"
            " without it)"
        )
        cases = {
            "-flto": linked % "link-time optimization (-flto)",
            "-static": linked % "a static program (-static)",
            "-fsanitize=address": (
                linked % "a sanitizer that replaces malloc or keeps a shadow of all memory"
                " (-fsanitize=address)"
            ),
        }
        for option, message in cases.items():
            with self.subTest(option):
                shutil.rmtree(self.out, ignore_errors=True)
                makefile = small.MAKEFILE.replace("-O2", f"-O2 {option}").replace(
                    "-o $@ tool", f"{option} -o $@ tool"
                )
                self.refused(self.capture(self.project(Makefile=makefile), check=False), message)

    def test_precompiled_header_of_another_build_is_refused(self):
        project = self.project(
            Makefile=small.MAKEFILE.replace("-Ilib", "-Ilib -include-pch lib/all.pch").replace(
                "$(CC)", "clang"
            )
        )
        small.run(
            "clang",
            "-x",
            "c-header",
            "-O2",
            "-Ilib",
            "-o",
            "lib/all.pch",
            "lib/counter.h",
            cwd=project,
        )
        self.refused(
            self.capture(project, "make CC=clang", check=False),
            (
                f"error: {project}/lib/all.pch: is a precompiled header that this build does not"
                " make, so its text is not known (let the build make it, or build without"
                " precompiled headers)"
            ),
        )

    def test_cmake_with_makefiles(self):
        project = self.project(
            CMakeLists___txt=small.CMAKE.replace("set(CMAKE_EXPORT_COMPILE_COMMANDS ON)", "")
        )
        small.run("cmake", "-G", "Unix Makefiles", "-S", project, "-B", project / "build")
        small.rewrite(
            project,
            self.out,
            "--capture",
            "cmake --build . -j2",
            "--target",
            "counter",
            project / "build",
        )
        self.runs()
        self.assertEqual(self.graph()["source_root"], str(project))

    def test_ninja_build_recorded(self):
        project = self.project(meson___build=small.MESON)
        small.run("/usr/bin/meson", "setup", project / "build", project)
        small.rewrite(
            project, self.out, "--capture", "ninja", "--target", "counter", project / "build"
        )
        self.runs()

    def test_already_built_is_refused(self):
        project = self.project(Makefile=small.MAKEFILE)
        small.run("make", "-C", project)
        self.refused(
            self.capture(project, check=False),
            "the build made nothing: make -j2",
            "clean the project first (make clean)",
        )

    def test_partly_built_is_refused(self):
        project = self.project(Makefile=small.MAKEFILE)
        small.run("make", "-C", project, "lib/libcounter.a")
        self.refused(
            self.capture(project, check=False),
            "libcounter.a: goes into the program, but how it was made was not recorded",
            "clean the project (make clean)",
        )

    def test_failing_build_is_refused(self):
        project = self.project(
            Makefile=small.MAKEFILE, tool__main___c="int main(void) { return }\n"
        )
        self.refused(
            self.capture(project, check=False), "the build failed with exit status 2: make -j2"
        )

    def bear_that(self, ends):
        """What is said when Bear `ends` like that."""
        project = self.project(Makefile=small.MAKEFILE)
        bear = self.root / "bin/bear"
        bear.parent.mkdir(exist_ok=True)
        bear.write_text(f"#!/bin/sh\n{ends}\n")
        bear.chmod(0o755)
        with (
            mock.patch.dict(os.environ, PATH=f"{bear.parent}:{os.environ['PATH']}"),
            self.assertRaises(failure.Failure) as caught,
        ):
            recorded_build.record("make", str(project), str(self.out))
        return str(caught.exception)

    def test_host_without_localhost_is_refused(self):
        with mock.patch("socket.getaddrinfo", side_effect=socket.gaierror):
            self.assertEqual(
                self.bear_that("kill -SEGV $$"),
                (
                    "error: /etc/hosts: Bear, which records the build, cannot work: its parts meet"
                    " under the name localhost, which is not found (add the line `127.0.0.1"
                    " localhost` to it)"
                ),
            )

    def test_bear_that_dies(self):
        self.assertIn(
            "Bear, which records the build, died of signal 11: make",
            self.bear_that("kill -SEGV $$"),
        )

    def test_header_the_makefile_forgot_is_refused(self):
        project = self.project(Makefile=small.MAKEFILE.replace(" lib/limit.h", ""))
        self.capture(project)
        os.utime(project / "lib/limit.h")
        (project / "tool/main.c").write_text((project / "tool/main.c").read_text() + "\n")
        self.refused(
            self.capture(project, check=False),
            "limit.h: is newer than",
            "counter.o, which was made from it",
        )

    def test_unknown_program_is_refused(self):
        project = self.project(Makefile=small.MAKEFILE)
        text = small.rewrite(
            project, self.out, "--capture", "make", "--target", "nosuch", project, check=False
        ).stdout
        self.refused(text, "there is no program 'nosuch'", "programs of this build: tool/counter")

    def test_environment_is_not_kept(self):
        project = self.project(Makefile=small.MAKEFILE)
        os.environ["IA2_TEST_SECRET"] = "kept-in-no-file"
        self.addCleanup(os.environ.pop, "IA2_TEST_SECRET")
        self.capture(project)
        for path in self.out.rglob("*"):
            if path.is_file():
                self.assertNotIn(b"kept-in-no-file", path.read_bytes(), path)


if __name__ == "__main__":
    unittest.main()
