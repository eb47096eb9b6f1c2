"""rewrite.py --capture: builds that leave nothing behind but their files."""

import json
import os
import shutil
import unittest

from tests.engine.make.recorded_project import ADDING, RecordedCase, includes
from tests.support import small_project as small

CONFIGURE = """\
#!/bin/sh
echo 'int main(void) { return 0; }' > conftest.c && ${CC:-cc} -o conftest conftest.c && ./conftest || exit 1
rm -f conftest conftest.c
sed 's/^CFLAGS =/CFLAGS = -DCONFIGURED/' Makefile.in > Makefile
"""  # noqa: E501


class Recorded(RecordedCase):
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

    def below_the_sources(self):
        """The build runs in tool/, beside lib/."""
        makefile = small.MAKEFILE.replace("-Ilib", "-I../lib").replace("tool/", "")
        return self.project(
            tool__Makefile=makefile.replace("lib/", "../lib/").replace("-Llib", "-L../lib")
        )

    def split_below(self, project, *arguments, check=True):
        return small.rewrite(
            project, self.out, "--capture", "make", *arguments, project / "tool", check=check
        ).stdout

    def test_build_that_runs_below_the_top_of_the_sources(self):
        project = self.below_the_sources()
        self.split_below(project)
        self.runs()
        self.assertEqual(self.graph()["source_root"], str(project))

    def test_source_in_no_compartment_below_the_top(self):
        project = self.below_the_sources()
        small.edit(project / "compartments.toml", "lib/**", "lib/other.c")
        self.refused(
            self.split_below(project, "--target", "counter", check=False),
            "in no compartment: 'lib/counter.c' (add a glob",
            f"globs are relative to {project})",
        )

    def test_sources_beside_the_folder_of_cmakes_file(self):
        project = self.project()
        (project / "build/cmake").mkdir(parents=True)
        (project / "build/cmake/CMakeLists.txt").write_text(
            small.CMAKE.replace("lib/counter.c", "../../lib/counter.c")
            .replace("tool/main.c", "../../tool/main.c")
            .replace("PRIVATE lib)", "PRIVATE ../../lib)")
        )
        made = project / "build/made"
        small.run("cmake", "-G", "Ninja", "-S", project / "build/cmake", "-B", made)
        small.run("ninja", "-C", made)
        small.rewrite(project, self.out, made)
        self.runs()
        self.assertEqual(self.graph()["source_root"], str(project))

    def test_one_policy_for_two_programs(self):
        """Each has a compartment and an allocation that the other has not."""
        policy = small.FILES["compartments.toml"].replace("tool/**", "t*/**")
        rules = "all: tool/counter tools/second\ntools/second: tools/second.o more/more.o\n"
        project = self.project(
            Makefile=small.MAKEFILE.replace(
                "tool/counter:", rules + "\t$(CC) -o $@ $^\ntool/counter:", 1
            ),
            tools__second___c=(
                "#include <stdio.h>\n#include <stdlib.h>\nvoid more(int *);\n"
                "static int *number(void) { return malloc(sizeof(int)); }\n"
                'int main(void) { int *n = number(); more(n); printf("more %d\\n", *n); }\n'
            ),
            more__more___c="void more(int *n) { *n = 3; }\n",
            compartments___toml=policy
            + '[compartment.more]\npkey = 3\nsources = ["more/**"]\n'
            + '[allocations]\nnumber = "shared"\n',
        )
        self.capture(project)
        self.runs()
        again = self.root / "again"
        options = ("--capture", "make", "--recorded", self.out, "--target", "second")
        small.rewrite(project, again, *options, project)
        self.assertIn("more 3\n", small.run(again / "bin/second").stdout)
        small.edit(project / "compartments.toml", "number =", "numbre =")
        self.refused(
            small.rewrite(project, again, *options, project, check=False).stdout,
            "the rewriter refused the program",
        )

    def test_source_in_the_program_and_in_its_library(self):
        """libtool's and CMake's way to have it in both; the program's variable is used by both."""
        more = "int more_count;\nint more(int n) { return n + ++more_count; }\n"
        makefile = """\
tool/counter: tool/main.c
\tcc -fPIC -c lib/more.c -o lib/more.shared.o
\tcc -fPIC -c lib/counter.c -o lib/counter.o
\tcc -shared lib/counter.o lib/more.shared.o -o lib/libcounter.so
\tcc -c lib/more.c -o lib/more.o
\tcc -Ilib -c -o tool/main.o tool/main.c
\tcc -o tool/counter tool/main.o lib/more.o -Llib -lcounter -Wl,-rpath,$(CURDIR)/lib
"""
        project = self.project(Makefile=makefile, lib__more___c=more)
        for name, old, new in (
            ("lib/counter.c", "= value;", "= more(value);"),
            ("tool/main.c", "total +=", "total += more(0) +"),
        ):
            small.edit(project / name, old, new)
            text = (project / name).read_text()
            (project / name).write_text("int more(int);\n" + text)
        self.capture(project)
        plain = small.run(project / "tool/counter").stdout
        self.assertEqual(plain, "total 15\n")
        self.assertIn(plain, small.run(self.out / "bin/counter").stdout)

    def test_ninja_build_recorded(self):
        project = self.project(meson___build=small.MESON)
        small.run("/usr/bin/meson", "setup", project / "build", project)
        small.rewrite(
            project, self.out, "--capture", "ninja", "--target", "counter", project / "build"
        )
        self.runs()

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
