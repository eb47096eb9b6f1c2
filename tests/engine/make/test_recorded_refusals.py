"""rewrite.py --capture: builds that cannot be recorded, and what cannot be done with a record."""

import os
import shutil
import socket
import unittest
from unittest import mock

from tests.engine.make.recorded_project import ADDING, RecordedCase, includes
from tests.support import small_project as small


class Refused(RecordedCase):
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


if __name__ == "__main__":
    unittest.main()
