"""The CMake package: whole projects, with Ninja and with Makefiles. The policy of each is
small_project's."""

import os
import pathlib
import tempfile
import unittest

from tests.support import small_project as small

TOP = "cmake_minimum_required(VERSION 3.25)\nproject(small C)\nfind_package(IA2 REQUIRED)\n"
TARGETS = small.CMAKE.partition("COMMANDS ON)\n")[2]
SPLIT = "ia2_compartmentalize(counter POLICY compartments.toml)\n"
TIMEOUT = 240


class Project(unittest.TestCase):
    """What differs from generator to generator."""

    generator = ""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(os.path.realpath(folder.name))
        self.build = self.root / "project/build"

    def project(self, text, *options, check=True, **files):
        small.make(self.root / "project", CMakeLists___txt=text, **files)
        return small.run(
            "cmake",
            "-G",
            self.generator,
            "-S",
            self.root / "project",
            "-B",
            self.build,
            f"-DIA2_DIR={small.SOURCE}/cmake",
            *options,
            check=check,
            env={**os.environ, "IA2_BUILD": str(small.KIT_BUILD)},
        ).stdout

    def make(self, *arguments, check=True):
        return small.run("cmake", "--build", self.build, "-j2", *arguments, check=check).stdout

    def total(self, number, program="counter.ia2/bin/counter"):
        small.expect_total(number, self.build / program)

    def edit(self, name, old, new):
        small.edit(self.root / "project" / name, old, new)

    def test_build_and_test(self):
        self.project(
            TOP
            + TARGETS
            + SPLIT
            + "enable_testing()\nget_target_property(program counter-ia2 IA2_PROGRAM)\n"
            "add_test(NAME split COMMAND ${program})\n"
        )
        self.assertIn("Splitting counter into compartments", self.make())
        self.total(5)
        self.total(5, "counter")
        self.assertNotIn("Splitting", self.make())
        self.assertIn("100% tests passed", small.run("ctest", "--test-dir", self.build).stdout)

    def test_changes(self):
        self.project(TOP + TARGETS + SPLIT)
        self.make()
        self.edit("lib/counter.c", "= value;", "= value * 3;")
        self.assertIn("Splitting", self.make())
        self.total(15)
        self.edit("lib/limit.h", "8", "1")
        self.make()
        self.total(6)
        self.edit("compartments.toml", "compartment.counter", "compartment.counting")
        self.make()
        self.assertTrue((self.build / "counter.ia2/bin/counting.ia2.so").exists())
        self.assertNotIn("Splitting", self.make())

    def published(self):
        """What the split makes, by name: the program, its libraries, the runtime."""
        return {
            path.name: path
            for path in self.build.glob("counter.ia2/**/bin/*")
            if "work" not in path.parts
        }

    def test_a_file_that_was_removed_is_made_again(self):
        self.project(TOP + TARGETS + SPLIT)
        self.make()
        self.assertEqual(set(self.published()), {"counter", "counter.ia2.so", "libia2.so"})
        for name in ("counter.ia2.so", "counter", "libia2.so"):
            self.published()[name].unlink()
            self.make()
            self.assertIn(name, self.published())
        self.assertNotIn("Splitting", self.make())

    def test_touching_one_source_compiles_that_one_again(self):
        self.project(TOP + TARGETS + SPLIT)
        small.touch_one_source(
            self,
            self.root / "project",
            self.build / "counter.ia2/work",
            self.make,
            self.build / "counter.ia2/bin/counter",
        )

    def test_shared_library_keeps_the_program_as_it_is(self):
        self.project(TOP + TARGETS.replace("STATIC", "SHARED") + SPLIT)
        self.make()
        self.edit("lib/counter.c", "= value;", "= value * 3;")
        self.make()
        self.total(15)

    def test_two_programs_in_subfolders(self):
        files = {
            "tool__CMakeLists___txt": (
                TARGETS.replace("lib/", "../lib/")
                .replace("tool/", "")
                .replace("PRIVATE lib", "PRIVATE ../lib")
                + SPLIT.replace("compart", "../compart", 1)
                .replace("../compartmentalize", "compartmentalize")
                .replace("POLICY comp", "POLICY ../comp")
                + """\
add_executable(other other.c)
target_include_directories(other PRIVATE ../lib)
target_link_libraries(other PRIVATE counter_lib)
ia2_compartmentalize(other POLICY ../compartments.toml LIBRARIES counter_lib COMPILE_OPTIONS -DPLUS=1 -g LINK_OPTIONS -Wl,--build-id=none)
"""  # noqa: E501
            ),
            "tool__other___c": (
                small.FILES["tool/main.c"]
                .replace("total += value", "total += value + PLUS")
                .replace(
                    "static int total", "#ifndef PLUS\n#define PLUS 0\n#endif\nstatic int total"
                )
            ),
        }
        self.project(TOP + "add_subdirectory(tool)\n", **files)
        self.make()
        self.total(5, "tool/counter.ia2/bin/counter")
        self.total(7, "tool/other.ia2/bin/other")
        self.edit("tool/other.c", "total += value", "total += 2 * value")
        text = self.make()
        self.assertIn("Splitting other", text)
        self.assertNotIn("Splitting counter", text)


class Ninja(Project):
    generator = "Ninja"

    def test_install(self):
        self.project(
            TOP + TARGETS + SPLIT.replace("toml)", "toml INSTALL)"), "-DCMAKE_INSTALL_PREFIX=/opt/p"
        )
        self.make()
        small.run(
            "cmake", "--install", self.build, env={**os.environ, "DESTDIR": str(self.root / "dest")}
        )
        self.assertIn("total 5\n", small.run(self.root / "dest/opt/p/bin/counter.ia2").stdout)

    def test_disabled(self):
        self.project(
            TOP
            + TARGETS
            + SPLIT
            + 'get_target_property(program counter-ia2 IA2_PROGRAM)\nmessage(STATUS "is'
            ' ${program}")\n',
            "-DIA2_ENABLED=OFF",
        )
        self.make()
        self.assertFalse((self.build / "counter.ia2").exists())
        text = small.run(
            "cmake",
            "-DIA2_ENABLED=ON",
            self.build,
            env={**os.environ, "IA2_BUILD": str(small.KIT_BUILD)},
        ).stdout
        self.assertIn(f"is {self.build}/counter.ia2/bin/counter", text)
        self.make()
        self.total(5)

    def test_runtime_target(self):
        self.project(
            TOP
            + "add_executable(annotated tool/annotated.c)\ntarget_link_libraries(annotated PRIVATE"
            " IA2::runtime)\n",
            tool__annotated___c="#include <ia2.h>\nint main(void) { return 0; }\n",
        )
        self.make()
        self.assertIn(
            "libia2.so",
            small.run("cmake", "--build", self.build, "--clean-first", "--verbose").stdout,
        )

    # What is refused, with the line that says so.
    # -----------------------------------------------------

    def test_bad_arguments(self):
        cases = {
            "nosuch POLICY compartments.toml": "target: there is no target 'nosuch'",
            "counter_lib POLICY compartments.toml": "target: 'counter_lib' is not an executable",
            "counter": "POLICY: is missing; give a compartments.toml",
            "counter POLICY none.toml": f"POLICY: there is no file {self.root}/project/none.toml",
            "counter POLICY bad.toml": f"POLICY: {self.root}/project/bad.toml:1: compartment",
            "counter POLICY compartments.toml FROM x": (
                "FROM;x: unknown argument; known: POLICY LIBRARIES"
            ),
            "counter POLICY compartments.toml DESTINATION x": "DESTINATION: needs INSTALL",
            "counter POLICY compartments.toml LIBRARIES c": "LIBRARIES: there is no target 'c'",
        }
        for arguments, message in cases.items():
            with self.subTest(arguments):
                text = self.project(
                    TOP + TARGETS + f"ia2_compartmentalize({arguments})\n",
                    check=False,
                    bad___toml="[compartment.tool]\npkey = 1\n",
                )
                self.assertIn("ia2_compartmentalize: " + message, " ".join(text.split()))

    def test_link_time_optimization(self):
        text = self.project(
            TOP
            + TARGETS
            + "set_property(TARGET counter PROPERTY INTERPROCEDURAL_OPTIMIZATION ON)\n"
            + SPLIT,
            check=False,
        )
        self.assertIn(
            "'counter' has INTERPROCEDURAL_OPTIMIZATION, which leaves no machine code to keep",
            " ".join(text.split()),
        )

    def test_sanitizer(self):
        self.project(TOP + "add_link_options(-fsanitize=address)\n" + TARGETS + SPLIT)
        self.assertRegex(
            self.make(check=False),
            (
                r"the link of \S*counter has a sanitizer that replaces malloc or keeps a shadow of"
                r" all memory"
            ),
        )

    def test_cxx(self):
        text = (TOP.replace("small C", "small C CXX") + TARGETS).replace(
            "lib/counter.c", "lib/other.cc lib/counter.c"
        )
        self.project(
            text + SPLIT,
            lib__other___cc="int other() { return 0; }\n",
            lib__counter___c=small.FILES["lib/counter.c"] + "int other(void);\n",
        )
        self.edit(
            "tool/main.c",
            "    return 0;",
            "    extern int _Z5otherv(void);\n    return _Z5otherv();",
        )
        self.assertRegex(
            self.make(check=False), r"lib/other\.cc: is C\+\+; only C can be compartmentalized"
        )

    def test_kit_that_is_not_built(self):
        small.make(self.root / "project", CMakeLists___txt=TOP)
        done = small.run(
            "cmake",
            "-S",
            self.root / "project",
            "-B",
            self.build,
            f"-DIA2_DIR={small.SOURCE}/cmake",
            check=False,
            env={**os.environ, "IA2_BUILD": "/nonexistent"},
        )
        self.assertIn("is not built: run", " ".join(done.stdout.split()))


class Makefiles(Project):
    generator = "Unix Makefiles"

    def test_target_before_the_package(self):
        text = self.project(
            TOP.replace("find_package(IA2 REQUIRED)\n", "")
            + TARGETS
            + "find_package(IA2 REQUIRED)\n"
            + SPLIT,
            check=False,
        )
        self.assertIn(
            "'counter' was made before find_package(IA2); find it first", " ".join(text.split())
        )


class SeveralConfigurations(Project):
    """Each has its own program, in a folder of its name."""

    generator = "Ninja Multi-Config"

    def make(self, *arguments, configuration="Release", check=True):
        return super().make("--config", configuration, *arguments, check=check)

    def total(self, number, program="counter.ia2/bin/counter", configuration="Release"):
        folder, _, name = program.rpartition("bin/")
        super().total(number, f"{folder}{configuration}/{'bin/' if folder else ''}{name}")

    def test_build_and_test(self):
        self.project(
            TOP
            + TARGETS
            + SPLIT
            + "enable_testing()\nget_target_property(program counter-ia2 IA2_PROGRAM)\n"
            "add_test(NAME split COMMAND ${program})\n"
        )
        for configuration, level in (("Release", b"-O3"), ("Debug", b"-g")):
            self.assertIn(
                "Splitting counter into compartments", self.make(configuration=configuration)
            )
            self.total(5, configuration=configuration)
            self.total(5, "counter", configuration=configuration)
            self.assertNotIn("Splitting", self.make(configuration=configuration))
            self.assertIn(
                "100% tests passed",
                small.run("ctest", "-C", configuration, "--test-dir", self.build).stdout,
            )
            self.assertIn(
                level,
                (
                    self.build / f"counter.ia2/{configuration}/work/compile_commands.json"
                ).read_bytes(),
            )

    def test_plugins(self):
        """One policy names the plugin for each configuration."""
        example = small.SOURCE / "examples/plugin-host"
        files = {
            name.replace("/", "__").replace(".", "___"): (example / name).read_text()
            for name in ("host.c", "host.h", "plugins/blur.c", "plugins/thief.c")
        }
        policy = (example / "compartments.toml").read_text()
        self.project((example / "CMakeLists.txt").read_text(), **files, compartments___toml=policy)
        for configuration in ("Release", "Debug"):
            self.make(configuration=configuration)
            out = self.build / f"host.ia2/{configuration}"
            self.assertTrue((out / "bin/blur.ia2.so").exists())
            given = {"cwd": self.build}
            plugin = f"{configuration}/blur.so"
            plain = small.run(self.build / configuration / "host", plugin, **given)
            split = small.run(out / "bin/host", plugin, **given)
            self.assertIn(plain.stdout, split.stdout)
        small.edit(self.root / "project/compartments.toml", '"thief.so"', '"stolen.so"')
        self.assertIn("the build makes no shared library 'stolen.so'", self.make(check=False))

    def test_changes(self):
        self.project(TOP + TARGETS + SPLIT)
        self.make()
        self.make(configuration="Debug")
        self.edit("lib/counter.c", "= value;", "= value * 3;")
        self.assertIn("Splitting", self.make())
        self.total(15)
        self.total(5, configuration="Debug")
        self.assertIn("Splitting", self.make(configuration="Debug"))
        self.total(15, configuration="Debug")
        # What is said of one configuration is in a file that its Ninja file includes.
        self.project(
            TOP + "set(CMAKE_C_FLAGS_RELEASE -O1)\n" + TARGETS + SPLIT,
            lib__counter___c=small.FILES["lib/counter.c"],
        )
        self.assertIn("Splitting", self.make())
        self.total(5)
        self.assertIn(
            "-O1", (self.build / "counter.ia2/Release/work/compile_commands.json").read_text()
        )
        self.assertNotIn("Splitting", self.make())

    def test_touching_one_source_compiles_that_one_again(self):
        self.project(TOP + TARGETS + SPLIT)
        made = self.build / "counter.ia2/Release"
        small.touch_one_source(
            self, self.root / "project", made / "work", self.make, made / "bin/counter"
        )

    def test_install(self):
        self.project(
            TOP + TARGETS + SPLIT.replace("toml)", "toml INSTALL)"), "-DCMAKE_INSTALL_PREFIX=/opt/p"
        )
        self.make()
        small.run(
            "cmake",
            "--install",
            self.build,
            "--config",
            "Release",
            env={**os.environ, "DESTDIR": str(self.root / "dest")},
        )
        self.assertIn("total 5\n", small.run(self.root / "dest/opt/p/bin/counter.ia2").stdout)

    def test_disabled(self):
        self.project(
            TOP
            + TARGETS
            + SPLIT
            + "enable_testing()\nget_target_property(program counter-ia2 IA2_PROGRAM)\n"
            "add_test(NAME plain COMMAND ${program})\n",
            "-DIA2_ENABLED=OFF",
        )
        self.make()
        self.assertFalse((self.build / "counter.ia2").exists())
        self.assertIn(
            "100% tests passed",
            small.run("ctest", "-C", "Release", "--test-dir", self.build).stdout,
        )


class Package(unittest.TestCase):
    def test_other_generator(self):
        with tempfile.TemporaryDirectory() as folder:
            # None other can configure here, so the project says that it is one.
            project = small.make(
                pathlib.Path(folder) / "project",
                CMakeLists___txt=TOP + TARGETS + "set(CMAKE_GENERATOR Xcode)\n" + SPLIT,
            )
            done = small.run(
                "cmake",
                "-S",
                project,
                "-B",
                project / "build",
                f"-DIA2_DIR={small.SOURCE}/cmake",
                check=False,
                env={**os.environ, "IA2_BUILD": str(small.KIT_BUILD)},
            )
            self.assertIn(
                (
                    "the generator 'Xcode' is not supported; use Ninja, Ninja Multi-Config or Unix"
                    " Makefiles"
                ),
                " ".join(done.stdout.split()),
            )


del Project

if __name__ == "__main__":
    unittest.main()
