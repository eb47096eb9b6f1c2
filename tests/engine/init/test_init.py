"""init proposes a policy that rewrite.py accepts, for builds of every front and of odd shapes. It
never overwrites a file."""

import os
import pathlib
import subprocess
import tomllib
import unittest

from ia2.policy import policy, policy_edit
from ia2.stages import plan
from ia2.tools import first_policy
from tests.support import small_project as small

OUT = pathlib.Path(os.environ["IA2_TEST_OUT"])
INIT = small.SOURCE / "scripts/init"
EXAMPLES = small.SOURCE / "examples"
MAKE = {"Makefile": small.MAKEFILE}
TIMEOUT = 400
# Compiles and links at once: no build file, so that file names may hold anything.
MAIN = "int first(void); int main(void) { return first(); }\n"
SOURCED = "void {name}(void); void {name}(void) {{ }}\n"


class Case(unittest.TestCase):
    def project(self, files, only=False):
        folder = small.make(OUT / self.id().split(".")[-1])
        if only:
            for name in small.FILES:
                (folder / name).unlink()
        (folder / "compartments.toml").unlink(missing_ok=True)
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return folder

    def init(self, folder, *arguments, check=True):
        return small.run(INIT, "--kit-build", small.KIT_BUILD, *arguments, cwd=folder, check=check)

    def next(self, folder, done, *more):
        """Types the command that init says comes next."""
        command = done.stdout.splitlines()[-1].strip()
        self.assertTrue(command.startswith(str(INIT.parent / "rewrite.py")), command)
        small.run("sh", "-c", f"{command} {' '.join(more)}", cwd=folder)

    def policy(self, folder):
        return tomllib.loads((folder / "compartments.toml").read_text())

    def sources(self, folder):
        compartments = self.policy(folder)["compartment"]
        return {name: table["sources"] for name, table in compartments.items()}


class Fronts(Case):
    def check(self, folder, done, names):
        self.assertEqual(list(self.sources(folder)), names)
        self.next(folder, done)
        self.assertIn("total 5", small.run(folder / "out/bin/counter").stdout)

    def test_make(self):
        folder = self.project(MAKE)
        done = self.init(folder, "--capture", "make", ".")
        self.check(folder, done, ["counter", "libcounter"])
        self.assertEqual(
            self.sources(folder), {"counter": ["tool/main.c"], "libcounter": ["lib/counter.c"]}
        )

    def test_meson(self):
        folder = self.project({"meson.build": small.MESON})
        small.run("/usr/bin/meson", "setup", folder / "build", folder)
        small.run("ninja", "-C", folder / "build")
        self.check(folder, self.init(folder, "build"), ["counter", "libcounter"])

    def test_cmake(self):
        for generator in ("Ninja", "Unix Makefiles"):
            with self.subTest(generator):
                folder = self.project({"CMakeLists.txt": small.CMAKE})
                small.run("cmake", "-G", generator, "-S", folder, "-B", folder / "build")
                small.run("cmake", "--build", folder / "build")
                self.check(folder, self.init(folder, "build"), ["counter", "counter_lib"])


class Examples(Case):
    def example(self, name):
        folder = OUT / name
        small.run("rm", "-rf", folder)
        small.run("cp", "-r", EXAMPLES / name, folder)
        (folder / "compartments.toml").rename(folder / "written-by-hand.toml")
        done = self.init(folder, "--capture", "make", ".")
        self.next(folder, done)
        return folder

    def test_minimal(self):
        folder = self.example("minimal")
        by_hand = tomllib.loads((folder / "written-by-hand.toml").read_text())
        self.assertEqual(self.policy(folder), by_hand)
        self.assertIn("open", small.run(folder / "out/bin/program", "swordfish").stdout)

    def test_hostile_stream(self):
        folder = self.example("hostile-stream")
        by_hand = tomllib.loads((folder / "written-by-hand.toml").read_text())
        self.assertEqual(self.policy(folder)["compartment"], by_hand["compartment"])

    def test_plugin_host(self):
        """The plugins are found by the names that the host gives to dlsym."""
        folder = self.example("plugin-host")
        by_hand = tomllib.loads((folder / "written-by-hand.toml").read_text())
        self.assertEqual(self.policy(folder)["compartment"], by_hand["compartment"])


class NeverOverwrites(Case):
    def refused(self, folder, *arguments):
        done = self.init(folder, *arguments, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("exists, and init never overwrites a file", done.stdout)

    def test_a_file_and_the_build_is_not_even_started(self):
        folder = self.project(MAKE)
        (folder / "compartments.toml").write_text("mine")
        self.refused(folder, "--capture", "make", ".")
        self.assertEqual((folder / "compartments.toml").read_text(), "mine")
        self.assertFalse((folder / "out").exists() or (folder / "tool/counter").exists())

    def test_a_link_that_leads_nowhere(self):
        folder = self.project(MAKE)
        (folder / "compartments.toml").symlink_to("elsewhere")
        self.refused(folder, "--capture", "make", ".")
        self.assertFalse((folder / "elsewhere").exists())

    def test_the_default_of_a_build_directory(self):
        folder = self.project({"meson.build": small.MESON, "compartments.toml": "mine"})
        small.run("/usr/bin/meson", "setup", folder / "build", folder)
        small.run("ninja", "-C", folder / "build")
        self.refused(folder, "build")
        self.assertEqual((folder / "compartments.toml").read_text(), "mine")

    def test_a_file_that_appears_while_the_project_builds(self):
        folder = self.project(MAKE)
        self.refused(folder, "--capture", "make && echo mine > compartments.toml", ".")
        self.assertEqual((folder / "compartments.toml").read_text(), "mine\n")

    def test_a_full_disk_leaves_no_half_file(self):
        folder = self.project(MAKE)
        done = self.init(folder, "--capture", "make", "--policy", "/dev/full", ".", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/dev/full", done.stdout)


class Shapes(Case):
    def proposed(self, files, build, *arguments):
        """The project with a policy that the plan stage accepts."""
        self.folder = self.project(files, only=True)
        done = self.init(self.folder, "--capture", build, *arguments, ".")
        self.next(self.folder, done, "--stage", "plan", "--quiet")
        return done.stdout

    def test_folders_where_there_is_no_library(self):
        files = {
            "app/main.c": MAIN,
            "app/other.c": SOURCED.format(name="other"),
            "read/first.c": "int first(void); int first(void) { return 0; }\n",
            "read/second.c": SOURCED.format(name="second"),
        }
        self.proposed(files, "cc -o prog app/*.c read/*.c")
        self.assertEqual(self.sources(self.folder), {"prog": ["app/**"], "read": ["read/**"]})

    def test_one_folder_says_how_to_make_a_second_compartment(self):
        text = self.proposed(
            {"main.c": "int main(void) { return 0; }\n", "b.c": SOURCED.format(name="b")},
            "cc -o prog main.c b.c",
        )
        self.assertEqual(self.sources(self.folder), {"prog": ["**"]})
        self.assertIn("one compartment separates nothing", text)
        self.assertIn("# [compartment.parser]", (self.folder / "compartments.toml").read_text())

    def test_variables_that_two_sides_use(self):
        files = {
            "main.c": "extern int level; int first(void);\n"
            "int main(void) { return first() + level; }\n",
            "lib/first.c": "int level; const int fixed = 3; int first(void) { return level; }\n",
        }
        text = self.proposed(files, "cc -o prog main.c lib/first.c")
        self.assertEqual(self.policy(self.folder)["shared"], {"variables": ["level"]})
        self.assertIn("# level: of lib, used by prog", self.read())
        self.assertIn("shared: level", text)

    def test_a_split_that_would_be_refused_is_made_coarser_and_says_why(self):
        files = {
            "main.c": "extern __thread int mine; int first(void);\n"
            "int main(void) { return first() + mine; }\n",
            "lib/first.c": "__thread int mine; int first(void) { return mine; }\n",
        }
        text = self.proposed(files, "cc -o prog main.c lib/first.c")
        self.assertEqual(self.sources(self.folder), {"prog": ["**"]})
        self.assertIn("a finer split would be refused: the thread-local variable 'mine'", text)
        self.assertIn("because it would be refused: the thread-local variable", self.read())

    def test_more_libraries_than_keys(self):
        names = [f"l{number}" for number in range(15)]
        calls = " ".join(f"{name}();" for name in names)
        files = {f"{name}.c": SOURCED.format(name=name) for name in names}
        files["main.c"] = (
            "".join(f"void {name}(void); " for name in names)
            + f"int main(void) {{ {calls} return 0; }}\n"
        )
        make = "; ".join(f"cc -c {name}.c; ar rcs lib{name}.a {name}.o" for name in names)
        archives = " ".join(f"lib{name}.a" for name in names)
        self.proposed(files, f"{make}; cc -o prog main.c {archives}")
        proposed = self.sources(self.folder)
        self.assertEqual(len(proposed), policy.LAST_KEY)
        self.assertEqual(len(proposed["libraries"]), 5)

    def test_plugins_that_cannot_be_split_stay_guests(self):
        files = {
            "main.c": """#include <dlfcn.h>
int main(void) { return !dlsym(dlopen("./good.so", 2), "entry_of_plugin"); }
""",
            "good.c": "int entry_of_plugin(void); int entry_of_plugin(void) { return 0; }\n",
            "other.cc": 'extern "C" int entry_of_plugin() { return 0; }\n',
            "unused.c": "int never_named(void); int never_named(void) { return 0; }\n",
        }
        self.proposed(
            files,
            "cc -o prog main.c; cc -fPIC -shared -o good.so good.c;"
            " g++ -fPIC -shared -o other.so other.cc; cc -fPIC -shared -o unused.so unused.c",
        )
        compartments = self.policy(self.folder)["compartment"]
        self.assertEqual(list(compartments), ["prog", "good"])
        self.assertEqual(compartments["good"]["plugin"], "good.so")
        self.assertEqual(compartments["good"]["entries"], ["entry_of_plugin"])

    def test_names_that_mean_something_to_a_shell_toml_or_a_glob(self):
        names = ["!bang.c", 'quo"te.c', "s*ar.c", "tab\there.c", "# [x].c", "é.c"]
        files = {
            f"lib/{name}": SOURCED.format(name=f"f{index}") for index, name in enumerate(names)
        }
        files["lib/z.c"] = "int first(void); int first(void) { return 0; }\n"
        files["main.c"] = MAIN
        # A stranger in the same folder, so that each file must be named.
        files["lib/stranger.c"] = SOURCED.format(name="stranger")
        self.proposed(
            files,
            'for f in lib/*.c; do case $f in *stranger*) ;; *) cc -c "$f" -o "$f.o" && '
            'set -- "$@" "$f.o" ;; esac; done; rm -f libhostile.a; ar rcs libhostile.a "$@"; '
            "cc -c lib/stranger.c -o stranger.o; cc -o prog main.c stranger.o"
            " -Wl,--whole-archive libhostile.a -Wl,--no-whole-archive",
        )
        self.assertEqual(len(self.sources(self.folder)["hostile"]), len(names) + 1)

    def read(self):
        return (self.folder / "compartments.toml").read_text()


class Refusals(Case):
    def refused(self, folder, *arguments):
        done = self.init(folder, *arguments, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("Traceback", done.stdout)
        self.assertFalse((folder / "compartments.toml").exists())
        return done.stdout

    def test_several_programs(self):
        folder = self.project({"a.c": "int main(void) { return 0; }\n"}, only=True)
        build = "cc -o one a.c; cc -o two a.c"
        text = self.refused(folder, "--capture", build, ".")
        self.assertIn("the build makes 2 programs (choose one with --target: one, two)", text)
        done = self.init(folder, "--capture", build, "--target", "two", ".")
        self.next(folder, done, "--stage", "plan")

    def test_no_program(self):
        folder = self.project({"a.c": "int a;\n"}, only=True)
        self.assertIn(
            "programs of this build: none", self.refused(folder, "--capture", "cc -c a.c", ".")
        )

    def test_no_such_program(self):
        folder = self.project(MAKE)
        text = self.refused(folder, "--capture", "make", "--target", "other", ".")
        self.assertIn("there is no program 'other'", text)

    def test_a_build_that_fails(self):
        folder = self.project({"a.c": "int a\n"}, only=True)
        self.assertIn("the build failed", self.refused(folder, "--capture", "cc -c a.c", "."))

    def test_not_a_build(self):
        folder = self.project({})
        self.assertIn("neither a Ninja build directory", self.refused(folder, "."))

    def test_a_language_that_cannot_be_split(self):
        folder = self.project({"a.cc": "int main() { return 0; }\n"}, only=True)
        self.assertIn("is C++", self.refused(folder, "--capture", "g++ -o prog a.cc", "."))


class Text(unittest.TestCase):
    def test_no_name_breaks_out_of_a_comment(self):
        hostile = "lib\n[compartment.evil]\npkey = 3\x7f\u2028\udcff"
        writer = first_policy.Writer(None, [], [])
        writer.comment(hostile)
        self.assertTrue(all(line.startswith("#") for line in writer.lines), writer.lines)
        self.assertEqual(tomllib.loads("\n".join(writer.lines)), {})
        glob = first_policy.literal(hostile)
        self.assertTrue(plan.glob_pattern(glob).match(hostile))
        self.assertEqual(tomllib.loads(f"a = {policy_edit.value([glob])}"), {"a": [glob]})

    def test_names_of_compartments(self):
        made = []
        for path in ("shared", "libshared.a", "x-y.so.1.2", "7zip", "libx_y.a", "x-y"):
            made.append(first_policy.Part(first_policy.part_name(path, made), "", []))
        names = [part.name for part in made]
        self.assertEqual(names, ["shared_2", "libshared", "x_y", "_7zip", "libx_y", "x_y_2"])
        self.assertTrue(all(policy.IDENTIFIER.match(name) for name in names))

    def test_help(self):
        done = subprocess.run([INIT, "--help"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0)
        self.assertIn("never overwritten", done.stdout)


if __name__ == "__main__":
    unittest.main()
