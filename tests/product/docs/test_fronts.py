"""The page of each front opens with a complete working file, which is the one in examples/minimal;
and its recipes work."""

import os
import pathlib
import shutil
import tempfile
import unittest

from tests.product.docs import pages
from tests.support import small_project as small

MINIMAL = pages.SOURCE / "examples/minimal"
ENVIRONMENT = {**os.environ, "IA2_BUILD": str(small.KIT_BUILD)}
TIMEOUT = 240


class Fronts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.project = pathlib.Path(os.path.realpath(folder.name)) / "minimal"
        shutil.copytree(MINIMAL, self.project)
        self.build = self.project / "build"

    def opens(self, program):
        self.assertIn("open\n", small.run(program, "swordfish").stdout)
        self.assertIn("0 failed", small.run(pages.SOURCE / "scripts/audit", program).stdout)

    def test_first_files(self):
        for page, file in (
            ("meson.md", "meson.build"),
            ("cmake.md", "CMakeLists.txt"),
            ("any-build.md", "Makefile"),
        ):
            text = pages.page(page)
            self.assertEqual(pages.blocks(text)[0][1], (MINIMAL / file).read_text())
            self.assertRegex(text, r"\A# [^\n]*\n\n```")

    def test_minimal_is_minimal(self):
        self.assertLess(
            sum(
                len((MINIMAL / name).read_text().splitlines()) for name in ("program.c", "vault.c")
            ),
            60,
        )

    def test_meson(self):
        small.run(
            pages.SOURCE / "scripts/ia2-meson", "setup", self.build, self.project, env=ENVIRONMENT
        )
        small.run("ninja", "-C", self.build, "test")
        self.opens(self.build / "program.ia2/program")

    def test_meson_without_the_kit(self):
        (self.project / "meson.build").write_text(pages.blocks(pages.page("meson.md"))[1][1])
        small.run("/usr/bin/meson", "setup", self.build, self.project)
        small.run("ninja", "-C", self.build)
        self.assertFalse((self.build / "program.ia2").exists())

    def test_plain_meson(self):
        recipe = next(
            text
            for language, text in pages.blocks(pages.page("meson.md"))
            if text.startswith("# split/meson.build")
        )
        (self.project / "split").mkdir()
        (self.project / "split/meson.build").write_text(recipe)
        (self.project / "subprojects").mkdir()
        (self.project / "subprojects/ia2").symlink_to(pages.SOURCE / "meson-subproject")
        text = (MINIMAL / "meson.build").read_text()
        (self.project / "meson.build").write_text(
            "".join(
                line for line in text.splitlines(True) if "ia2" not in line and "split" not in line
            )
            + "subdir('split')\n"
        )
        # A kit that is built elsewhere is named by a script of its own.
        rewrite = self.project / "rewrite"
        rewrite.write_text(f'#!/bin/sh\nexec {small.REWRITE} --kit-build {small.KIT_BUILD} "$@"\n')
        rewrite.chmod(0o755)
        small.run("/usr/bin/meson", "setup", f"-Dia2:rewrite={rewrite}", self.build, self.project)
        self.assertRegex(small.run("ninja", "-C", self.build, "test").stdout, r"opens +OK")
        self.opens(self.build / "split/program")
        self.assertIn("no work to do", small.run("ninja", "-C", self.build).stdout)

    def test_cmake(self):
        small.run(
            "cmake",
            "-S",
            self.project,
            "-B",
            self.build,
            f"-DIA2_DIR={pages.SOURCE}/cmake",
            env=ENVIRONMENT,
        )
        small.run("cmake", "--build", self.build)
        self.opens(self.build / "program.ia2/bin/program")

    def test_any_build(self):
        small.rewrite(
            self.project,
            self.project / "out",
            "--capture",
            "make -j2",
            "--target",
            "program",
            self.project,
        )
        self.opens(self.project / "out/bin/program")


if __name__ == "__main__":
    unittest.main()
