"""The Meson module with Debian's Meson: all that a project can ask of it."""

import unittest

from tests.engine.meson import meson_projects
from tests.support import small_project as small
from tests.engine.meson.meson_projects import SPLIT, TARGETS, TOP

TIMEOUT = 240


class SystemMeson(meson_projects.Project):
    def test_install_beside_the_plain_program(self):
        text = TOP + TARGETS.replace("link_with", "install: true, link_with").replace(
            "c')\n", "c', install: true)\n", 1
        )
        self.project(
            text + SPLIT.replace("toml')", "toml', install: true)"),
            "--prefix",
            self.root / "dest",
            "--libdir",
            "lib",
        )
        self.ninja("install")
        self.assertIn("total 5\n", small.run(self.root / "dest/bin/counter.ia2").stdout)
        self.assertFalse((self.root / "dest/bin/counter").is_symlink())

    def test_two_programs_share_a_library(self):
        second = """\
other = executable('other', 'tool/other.c', include_directories: 'lib', link_with: counter)
ia2.compartmentalize(other, policy: 'compartments.toml', libraries: [counter], link_args: ['-Wl,--build-id=none'])
"""  # noqa: E501
        self.project(
            TOP + TARGETS + SPLIT + second,
            tool__other___c=small.FILES["tool/main.c"].replace("put(3)", "put(9)"),
        )
        self.ninja()
        self.total(5)
        self.total(11, "other.ia2/other")
        self.edit("tool/other.c", "put(9)", "put(8)")
        self.assertNotIn("counter.ia2/counter ", self.ninja("-v"))
        self.total(10, "other.ia2/other")

    def test_touching_one_source_compiles_that_one_again(self):
        self.project(TOP + TARGETS + SPLIT)
        small.touch_one_source(
            self,
            self.root / "project",
            self.build / "counter.ia2/counter.p",
            self.ninja,
            self.build / "counter.ia2/counter",
        )

    def test_precompiled_header_changes(self):
        self.project(
            TOP + TARGETS.replace("'tool/main.c'", "'tool/main.c', c_pch: 'pch/all.h'") + SPLIT,
            pch__all___h='#include "../lib/counter.h"\n#define FACTOR 1\n',
            tool__main___c=small.FILES["tool/main.c"].replace("+= value", "+= value * FACTOR"),
        )
        self.ninja()
        self.total(5)
        self.edit("pch/all.h", "FACTOR 1", "FACTOR 4")
        self.ninja()
        self.total(20)
        self.assertIn("no work to do", self.ninja())

    def test_compile_args(self):
        self.project(
            TOP + TARGETS + SPLIT.replace("toml')", "toml', compile_args: ['-DPLUS=100'])"),
            tool__main___c=small.FILES["tool/main.c"]
            .replace("total += value", "total += value + PLUS")
            .replace("static int total", "#ifndef PLUS\n#define PLUS 0\n#endif\nstatic int total"),
        )
        self.ninja()
        self.total(205)
        self.total(5, "counter")

    def test_library_kinds(self):
        for kind in ("static", "both"):
            with self.subTest(kind):
                self.project(
                    TOP + TARGETS + SPLIT.replace("toml')", "toml', libraries: counter)"),
                    f"-Ddefault_library={kind}",
                )
                self.ninja()
                self.total(5)

    def test_unity(self):
        self.project(
            TOP + TARGETS.replace("'lib/counter.c'", "'lib/counter.c', 'lib/more.c'") + SPLIT,
            "--unity=on",
            lib__more___c="int more(void) { return 40; }\n",
        )
        self.ninja()
        self.total(5)

    def test_in_a_subproject(self):
        inner = self.root / "project/subprojects/inner"
        small.make(
            self.root / "project", meson___build="project('outer', 'c')\nsubproject('inner')\n"
        )
        small.make(inner, meson___build=TOP + TARGETS + SPLIT)
        (inner / "compartments.toml").write_text(
            small.FILES["compartments.toml"].replace('["', '["subprojects/inner/')
        )
        self.launch("setup", self.build, self.root / "project")
        self.ninja()
        self.total(5, "subprojects/inner/counter.ia2/counter")

    def test_subfolder(self):
        self.project(
            "project('small', 'c')\nia2 = import('ia2')\nsubdir('tool')\n",
            tool__meson___build=(TARGETS + SPLIT)
            .replace("'lib/", "'../lib/")
            .replace("'tool/main.c'", "'main.c'")
            .replace(": 'lib'", ": '../lib'")
            .replace("'comp", "'../comp"),
        )
        self.ninja()
        self.total(5, "tool/counter.ia2/counter")

    def test_plugin_that_is_no_target(self):
        policy = (
            small.FILES["compartments.toml"]
            + '\n[compartment.extra]\npkey = 3\nsources = ["extra.c"]\nplugin = "extra.so"\nentries'
            ' = ["extra"]\n'
        )
        done = self.project(
            TOP + TARGETS + SPLIT + "shared_module('extra', 'extra.c', name_prefix: '')\n",
            check=False,
            extra___c="int extra(void) { return 1; }\n",
            compartments___toml=policy,
        )
        self.refused(
            done,
            (
                'ia2.compartmentalize: argument "policy":'
                f" {self.root}/project/compartments.toml:12: no shared library that is defined"
                " before this call is 'extra.so' in the build directory; there are: libcounter.so"
            ),
        )

    # What is refused, with the line that says so.
    # -----------------------------------------------------

    def test_bad_arguments(self):
        cases = {
            "ia2.compartmentalize('counter', policy: 'x')": (
                'ia2.compartmentalize argument 1 was of type "str"'
            ),
            "ia2.compartmentalize(exe)": (
                'ia2.compartmentalize is missing required keyword argument "policy"'
            ),
            "ia2.compartmentalize(exe, policy: 3)": "ia2.compartmentalize keyword argument",
            "ia2.compartmentalize(exe, policy: 'none.toml')": (
                'ia2.compartmentalize: argument "policy": there is no file'
                f" {self.root}/project/none.toml"
            ),
            "ia2.compartmentalize(exe, policy: 'compartments.toml', polcy: 1)": (
                'got unknown keyword arguments "polcy"'
            ),
            "ia2.compartmentalize(exe, policy: 'compartments.toml', install_dir: 'x')": (
                'ia2.compartmentalize: argument "install_dir": needs install: true'
            ),
            "ia2.compartmentalize(exe, policy: 'compartments.toml', compile_args: ['x'])": (
                "ia2.compartmentalize: argument \"compile_args\": 'x' does not begin with '-'; give"
                " one option per string"
            ),
            "ia2.compartmentalize(exe, policy: 'bad.toml')": (
                f'ia2.compartmentalize: argument "policy": {self.root}/project/bad.toml: unknown'
                " table or key 'compartmnt'"
            ),
        }
        for call, message in cases.items():
            with self.subTest(call):
                done = self.project(
                    TOP + TARGETS + call + "\n",
                    check=False,
                    bad___toml="[compartmnt.a]\npkey = 1\n",
                )
                self.refused(done, message)

    def test_cxx(self):
        done = self.project(
            "project('mixed', 'c', 'cpp')\nia2 = import('ia2')\nexe = executable('mixed',"
            " 'main.cpp')\n" + SPLIT,
            check=False,
            main___cpp="int main() { return 0; }\n",
        )
        self.refused(
            done, "argument \"exe\": only programs in C can be compartmentalized; 'mixed' has cpp"
        )

    def test_prelinked_library(self):
        text = (
            TOP
            + TARGETS.replace(
                "library('counter', 'lib/counter.c')",
                "static_library('counter', 'lib/counter.c', prelink: true)",
            )
            + SPLIT
        )
        self.project(text)
        self.assertIn(
            (
                "counter-prelink.o: is made from other objects, or by a tool that is not known: cc"
                " -r -o"
            ),
            self.ninja(check=False),
        )

    def test_cxx_library(self):
        done = self.project(
            (TOP + TARGETS + SPLIT)
            .replace("'c')", "'c', 'cpp')", 1)
            .replace("lib/counter.c", "lib/other.cc"),
            check=False,
            lib__other___cc="int other() { return 0; }\n",
        )
        self.refused(
            done, "argument \"exe\": only programs in C can be compartmentalized; 'counter' has cpp"
        )

    def test_library_of_another_program(self):
        self.project(
            TOP
            + TARGETS
            + "lonely = library('lonely', 'lib/counter.c')\n"
            + SPLIT.replace("toml')", "toml', libraries: lonely)")
        )
        self.assertIn(
            "liblonely.so: is not linked into counter (link it, or", self.ninja(check=False)
        )

    def test_policy_that_does_not_fit(self):
        self.project(
            TOP + TARGETS + SPLIT,
            compartments___toml=small.FILES["compartments.toml"].replace("lib/**", "library/**"),
        )
        self.assertIn("error: ", self.ninja(check=False))
        self.assertFalse((self.build / "counter.ia2/counter").exists())

    def test_cross_file(self):
        small.make(
            self.root / "project",
            meson___build=TOP + TARGETS + SPLIT,
            cross___ini=(
                "[binaries]\nc = 'gcc'\n[host_machine]\nsystem = 'linux'\ncpu_family = '{0}'\ncpu ="
                " '{0}'\nendian = 'little'\n"
            ),
        )
        for family in ("x86_64", "aarch64"):
            path = self.root / "project" / f"{family}.ini"
            path.write_text((self.root / "project/cross.ini").read_text().format(family))
        done = self.launch(
            "setup",
            "--cross-file",
            self.root / "project/aarch64.ini",
            self.root / "other",
            self.root / "project",
            check=False,
        )
        self.refused(
            done, "argument \"exe\": compartments need x86_64 Linux; 'counter' is for aarch64 linux"
        )
        self.launch(
            "setup",
            "--cross-file",
            self.root / "project/x86_64.ini",
            self.build,
            self.root / "project",
        )
        self.ninja()
        self.total(5)


if __name__ == "__main__":
    unittest.main()
