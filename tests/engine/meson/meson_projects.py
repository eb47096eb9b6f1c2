"""Whole projects that use the Meson module, and the tests that every Meson has to pass. The policy
of each is small_project's."""

import os
import pathlib
import tempfile
import unittest

from tests.support import newer_meson
from tests.support import small_project as small

LAUNCHER = small.SOURCE / "scripts/ia2-meson"
TOP = "project('small', 'c')\nia2 = import('ia2')\n"
TARGETS = """\
counter = library('counter', 'lib/counter.c')
exe = executable('counter', 'tool/main.c', include_directories: 'lib', link_with: counter)
"""
SPLIT = "split = ia2.compartmentalize(exe, policy: 'compartments.toml')\n"


class Project(unittest.TestCase):
    """What touches the inside of Meson."""

    suite = ""  # whose Meson; the system's

    def setUp(self):
        self.meson = str(newer_meson.script(self.suite)) if self.suite else ""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(os.path.realpath(folder.name))
        self.build = self.root / "project/build"

    def project(self, text, *options, check=True, **files):
        """Configures small_project with `text` as its meson.build."""
        small.make(self.root / "project", meson___build=text, **files)
        return self.launch("setup", *options, self.build, self.root / "project", check=check)

    def launch(self, *arguments, check=True):
        return small.run(
            LAUNCHER,
            *arguments,
            check=check,
            env={**os.environ, "IA2_MESON": self.meson, "IA2_BUILD": str(small.KIT_BUILD)},
        )

    def plain(self, *arguments):
        """Meson without the launcher."""
        modules = (
            pathlib.Path(self.meson).parents[1] / "lib/python3/dist-packages" if self.meson else ""
        )
        return small.run(
            self.meson or "/usr/bin/meson",
            *arguments,
            env={**os.environ, "PYTHONPATH": str(modules)},
        )

    def ninja(self, *targets, check=True):
        # Without the choice of Meson in the environment: what Ninja runs must know it.
        return small.run("ninja", "-C", self.build, *targets, check=check).stdout

    def total(self, number, program="counter.ia2/counter"):
        small.expect_total(number, self.build / program)

    def edit(self, name, old, new):
        small.edit(self.root / "project" / name, old, new)

    def refused(self, done, message):
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertEqual(
            [line for line in done.stdout.splitlines() if message in line][:1] and message,
            message,
            done.stdout,
        )

    def test_build_test_and_reconfigure(self):
        self.project(TOP + TARGETS + SPLIT + "test('split', split)\n")
        self.ninja()
        self.total(5)
        self.total(5, "counter")
        self.assertIn("no work to do", self.ninja())
        self.assertRegex(self.ninja("test"), r"split +OK")
        os.utime(self.root / "project/meson.build")
        self.ninja()
        self.assertIn("no work to do", self.ninja())

    def test_changes(self):
        self.project(TOP + TARGETS + SPLIT, lib__more___c="int more(void) { return 40; }\n")
        self.ninja()
        self.edit("lib/counter.c", "= value;", "= value * 3;")
        # The library's interface is as it was, so Meson does not link the plain program again; the
        # split one it must.
        self.assertNotIn("Linking target counter\n", self.ninja("-v"))
        self.total(15)
        self.edit("lib/limit.h", "8", "1")
        self.ninja()
        self.total(6)
        self.edit("compartments.toml", "compartment.counter", "compartment.counting")
        self.ninja()
        self.total(6)
        self.assertTrue((self.build / "counter.ia2/counting.ia2.so").exists())
        self.assertIn("no work to do", self.ninja())
        self.edit("meson.build", "'lib/counter.c'", "'lib/counter.c', 'lib/more.c'")
        self.edit(
            "lib/counter.c", "{ if (used", "{ extern int more(void); value += more(); if (used"
        )
        self.ninja()
        self.total(126)

    def test_install(self):
        self.project(
            TOP + TARGETS + SPLIT.replace("toml')", "toml', install: true)"),
            "--prefix",
            "/opt/p",
            "--libdir",
            "lib",
        )
        self.ninja()
        small.run(
            "ninja",
            "-C",
            self.build,
            "install",
            env={**os.environ, "DESTDIR": str(self.root / "dest")},
        )
        self.assertEqual(
            os.readlink(self.root / "dest/opt/p/bin/counter"), "../lib/counter.ia2/counter"
        )
        self.assertIn("total 5\n", small.run(self.root / "dest/opt/p/bin/counter").stdout)

    def test_disabled(self):
        self.project(
            TOP
            + TARGETS
            + SPLIT.replace("toml')", "toml', enabled: get_option('split'))")
            + "test('split', split)\n",
            "-Dsplit=disabled",
            meson_options___txt="option('split', type: 'feature', value: 'auto')\n",
        )
        self.ninja()
        self.assertFalse((self.build / "counter.ia2").exists())
        self.assertRegex(self.ninja("test"), r"split +OK")
        self.launch("configure", self.build, "-Dsplit=enabled")
        self.ninja()
        self.total(5)

    def test_without_the_kit(self):
        small.make(
            self.root / "project",
            meson___build="project('small', 'c')\nia2 = import('ia2', required: false)\n"
            + TARGETS
            + "if ia2.found()\n  "
            + SPLIT
            + "endif\n",
        )
        self.plain("setup", self.build, self.root / "project")
        self.ninja()
        self.assertFalse((self.build / "counter.ia2").exists())
        self.launch("setup", "--wipe", self.build, self.root / "project")
        self.ninja()
        self.total(5)

    def test_other_meson_commands_without_the_launcher(self):
        self.project(TOP + TARGETS + SPLIT + "test('split', split)\n")
        self.plain("compile", "-C", self.build)
        self.assertRegex(self.plain("test", "-C", self.build).stdout, r"split +OK")
        self.plain("configure", self.build)

    def test_options_that_do_not_fit(self):
        for option, message in (
            (
                "-Db_sanitize=address",
                (
                    "b_sanitize=address replaces malloc or keeps a shadow of all memory; configure"
                    " without it"
                ),
            ),
            (
                "-Db_lto=true",
                "b_lto=true leaves no machine code to keep; configure with b_lto=false",
            ),
            (
                "--layout=flat",
                (
                    "layout=flat would put two programs of one name in one folder; configure with"
                    " layout=mirror"
                ),
            ),
        ):
            with self.subTest(option):
                done = self.project(TOP + TARGETS + SPLIT, option, check=False)
                self.refused(done, 'ERROR: ia2.compartmentalize: argument "exe": ' + message)
