"""`debug` on every front: gdb finds the lines and variables of a project that itself is built
without debug information; it enforces as ever."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from tests.support import compartments
from tests.support import small_project as small

NEEDS_PKU = True
ALSO_NATIVE = True
TIMEOUT = 300
OUT = pathlib.Path(os.environ.get("IA2_TEST_OUT", "."))
# A source in which nothing is rewritten, so that only a debug build compiles it again.
FILES = {
    "lib__more___c": (
        "int more(int n);\nint more(int n)\n{\n    int doubled_value = n * 2;\n    return"
        " doubled_value + 1;\n}\n"
    ),
    "lib__counter___c": (
        small.FILES["lib/counter.c"]
        .replace("static int", "int more(int n);\nstatic int")
        .replace("values[used++] = value;", "values[used++] = (more(value), value);")
    ),
}
MESON = small.MESON.replace("'lib/counter.c'", "'lib/counter.c', 'lib/more.c'").replace(
    "'c')\n", "'c', default_options: 'buildtype=release')\n", 1
)
CMAKE = small.CMAKE.replace("STATIC lib/counter.c", "STATIC lib/counter.c lib/more.c")
MODULE = (
    MESON.replace("exe =", "ia2 = import('ia2')\nexe =")
    + "ia2.compartmentalize(exe, policy: 'compartments.toml', debug: %s)\n"
)
PACKAGE = (
    CMAKE.replace("set(CMAKE_EXPORT_COMPILE_COMMANDS ON)", "find_package(IA2 REQUIRED)")
    + "ia2_compartmentalize(counter POLICY compartments.toml %s)\n"
)
MAKEFILE = small.MAKEFILE.replace(
    "libcounter.a: lib/counter.o", "libcounter.a: lib/counter.o lib/more.o"
)
ENVIRONMENT = {**os.environ, "IA2_BUILD": str(small.KIT_BUILD)}


def meson_module(folder: pathlib.Path, debug: bool, check=True, text=None):
    project = small.make(folder, meson___build=text or MODULE % str(debug).lower(), **FILES)
    done = small.run(
        small.SOURCE / "scripts/ia2-meson",
        "setup",
        project / "build",
        project,
        env=ENVIRONMENT,
        check=check,
    )
    if check:
        small.run("ninja", "-C", project / "build")
        (project / "bin").symlink_to("build/counter.ia2")
    return done


def cmake_package(folder: pathlib.Path, debug: bool, check=True, text=None):
    project = small.make(
        folder, CMakeLists___txt=text or PACKAGE % ("DEBUG" if debug else ""), **FILES
    )
    done = small.run(
        "cmake",
        "-DCMAKE_BUILD_TYPE=Release",
        "-S",
        project,
        "-B",
        project / "build",
        f"-DIA2_DIR={small.SOURCE}/cmake",
        env=ENVIRONMENT,
        check=check,
    )
    if check:
        small.run("cmake", "--build", project / "build")
        (project / "bin").symlink_to("build/counter.ia2/bin")
    return done


def capture(project: pathlib.Path, *options, command="make", check=True):
    return small.rewrite(
        project,
        project / "out",
        *options,
        "--capture",
        command,
        "--target",
        "counter",
        project,
        check=check,
    )


def recorded(*options, command="make"):
    def make(folder: pathlib.Path, debug: bool):
        project = small.make(folder, Makefile=MAKEFILE, **FILES)
        capture(project, *options, *(["--debug"] if debug else []), command=command)
        (project / "bin").symlink_to("out/bin")

    return make


FRONTS = {
    "module": meson_module,
    "package": cmake_package,
    "recorded": recorded(),
    "clang": recorded("--ld", "lld", command="make CC=clang"),
}


def build(out: pathlib.Path):
    for front, make in FRONTS.items():
        for debug in (False, True):
            make(out / front / ("debug" if debug else "release"), debug)


def gdb(program: pathlib.Path, *commands: str) -> str:
    words = [
        word
        for command in (
            "set debuginfod enabled off",
            "set may-call-functions off",  # gdb 13 fails to call one on a CPU with AMX
            "set breakpoint pending on",
            "set width 0",
            *commands,
        )
        for word in ("-ex", command)
    ]
    done = subprocess.run(
        ["timeout", "100", "gdb", "-nx", "-batch", *words, str(program)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return done.stdout


class Enforces(unittest.TestCase):
    def test_as_any_other(self):
        for front in FRONTS:
            with self.subTest(front):
                done = compartments.execute(OUT / front / "debug/bin/counter", "--attack")
                self.assertEqual(
                    (done.status, done.out),
                    (-11, "total 5\n") if compartments.enforced() else (0, "total 5\nstolen 2\n"),
                    done,
                )


@unittest.skipIf(compartments.enforced(), "the same as without keys, and slow")
class Gdb(unittest.TestCase):
    def test_lines_and_variables(self):
        for front in FRONTS:
            with self.subTest(front):
                said = gdb(
                    OUT / front / "debug/bin/counter",
                    "break more.c:5",
                    "run",
                    "info source",
                    "print n",
                    "bt",
                    "list",
                )
                project = OUT.resolve() / front / "debug"
                self.assertIn(f"Located in {project}/lib/more.c\n", said)
                self.assertIn("$1 = 2\n", said)
                self.assertIn("return doubled_value + 1;", said)
                line = next(
                    n
                    for n, text in enumerate(FILES["lib__counter___c"].splitlines(), 1)
                    if "more(value)" in text
                )
                self.assertRegex(
                    said, rf"#1 .* counter_put \(value=2\) at \S*lib/counter\.c:{line}\n"
                )
                self.assertRegex(said, r"#4 .* main \(.*\) at \S*tool/main\.c:7\n")

    def test_not_without_it(self):
        for front in FRONTS:
            with self.subTest(front):
                said = gdb(
                    OUT / front / "release/bin/counter", "break more", "run", "bt", "info source"
                )
                self.assertRegex(said, r"#0 .* in more \(\) from")
                self.assertRegex(said, r"#4 .* in main \(\)\n")
                self.assertNotIn("more.c", said)

    def test_a_project_without_optimization_stays_so(self):
        with tempfile.TemporaryDirectory() as folder:
            project = small.make(
                pathlib.Path(folder) / "project", Makefile=MAKEFILE.replace("-O2", "-O0"), **FILES
            )
            capture(project, "--debug", "--cflag=-DLAST")
            said = gdb(project / "out/bin/counter", "break more.c:5", "run", "info source")
            self.assertRegex(said, r"Producer is .* -O0")

    def test_split_debug_information(self):
        with tempfile.TemporaryDirectory() as folder:
            project = small.make(
                pathlib.Path(os.path.realpath(folder)) / "project",
                Makefile=MAKEFILE.replace("-O2", "-O1 -gsplit-dwarf -gdwarf-4"),
                **FILES,
            )
            capture(project, "--debug")
            said = gdb(project / "out/bin/counter", "break more.c:5", "run", "info source", "bt")
            self.assertIn(f"Located in {project}/lib/more.c\n", said)
            self.assertRegex(said, r"#4 .* main \(.*\) at tool/main\.c:7\n")


@unittest.skipIf(compartments.enforced(), "no keys in it")
class Options(unittest.TestCase):
    def test_on_and_off_in_one_directory(self):
        with tempfile.TemporaryDirectory() as folder:
            project = small.make(pathlib.Path(folder) / "project", Makefile=MAKEFILE, **FILES)

            def made(*options):
                said = capture(project, *options).stdout
                return said.count("up to date"), bool(
                    re.search(b"doubled_value", (project / "out/bin/counter.ia2.so").read_bytes())
                )

            self.assertFalse(made()[1])
            self.assertTrue(made("--debug")[1])
            self.assertEqual(made("--debug"), (7, True))  # make, and six stages
            self.assertFalse(made()[1])

    def test_is_a_bool(self):
        with tempfile.TemporaryDirectory() as folder:
            done = meson_module(
                pathlib.Path(folder) / "meson", True, check=False, text=MODULE % "'yes'"
            )
            self.assertNotEqual(done.returncode, 0)
            self.assertRegex(
                done.stdout,
                (
                    r"ERROR: ia2.compartmentalize keyword argument .debug. was of type .?str.? but"
                    r" should have been .?bool"
                ),
            )
            done = cmake_package(
                pathlib.Path(folder) / "cmake", True, check=False, text=PACKAGE % "DEBUG yes"
            )
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(
                (
                    "ia2_compartmentalize: yes: unknown argument; known: POLICY LIBRARIES"
                    " COMPILE_OPTIONS LINK_OPTIONS PERMISSIVE DEBUG INSTALL DESTINATION"
                ),
                " ".join(done.stdout.split()),
            )
            project = small.make(pathlib.Path(folder) / "make", Makefile=MAKEFILE, **FILES)
            done = capture(project, "--debug=yes", check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn(
                "rewrite.py: error: argument --debug: ignored explicit argument 'yes'\n",
                done.stdout,
            )


if __name__ == "__main__":
    unittest.main()
