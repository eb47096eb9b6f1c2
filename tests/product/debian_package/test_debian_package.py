"""packaging/debian: agrees with the rest of the tree, builds, and lintian finds nothing."""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

from tests.product.docs import pages
from tests.support import small_project as small

DEBIAN = small.SOURCE / "packaging/debian"
OUT = pathlib.Path(os.environ["IA2_TEST_OUT"])
TOOLS = ("dh", "dpkg-buildpackage", "lintian")
MISSING = [tool for tool in TOOLS if not shutil.which(tool)]
TIMEOUT = 900


def packages(text, field):
    """The names in a field of debian/control."""
    value = re.search(rf"^{field}:\n?((?:.*\n)(?: .*\n)*)", text, re.MULTILINE)[1]
    names = (entry.split("(")[0].strip() for entry in value.split(","))
    return {name for name in names if name and not name.startswith("${")}


class Agrees(unittest.TestCase):
    def setUp(self):
        self.control = (DEBIAN / "control").read_text()

    def test_packages_are_those_of_setup(self):
        known = set(
            re.search(r"packages='([^']*)'", (small.SOURCE / "scripts/setup").read_text())[
                1
            ].split()
        )
        build = packages(self.control, "Build-Depends")
        self.assertEqual(build - known, {"debhelper-compat"})
        for field in ("Depends", "Recommends", "Suggests"):
            self.assertEqual(packages(self.control, field) - known, set(), field)

    def test_version(self):
        version = re.search(r"version : '(.*?)'", (small.SOURCE / "meson.build").read_text())[1]
        first = (DEBIAN / "changelog").read_text().splitlines()[0]
        self.assertRegex(first, rf"^ia2 \({re.escape(version)}[~-].*\) ")

    def test_licence(self):
        licence = (small.SOURCE / "LICENSE").read_text().split("\n", 4)[4]
        words = [word for word in (DEBIAN / "copyright").read_text().split() if word != "."]
        self.assertEqual(words[-len(licence.split()) :], licence.split())

    def test_rules_can_run(self):
        self.assertTrue(os.access(DEBIAN / "rules", os.X_OK))


@unittest.skipIf(MISSING, f"not installed: {', '.join(MISSING)}")
class Built(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        shutil.rmtree(OUT / "package", ignore_errors=True)
        cls.tree = OUT / "package/ia2"
        names = subprocess.run(
            ["git", "ls-files", "-z", "-co", "--exclude-standard"],
            cwd=small.SOURCE,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for name in filter(None, names.split("\0")):
            if (small.SOURCE / name).is_file():
                (cls.tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(small.SOURCE / name, cls.tree / name)
        shutil.copytree(DEBIAN, cls.tree / "debian")
        env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("IA2_", "PYTHON", "DEB_", "MAKE", "MFLAGS"))
        }
        small.run("dpkg-buildpackage", "-us", "-uc", "-b", cwd=cls.tree, env=env)
        cls.made = next((OUT / "package").glob("ia2_*.deb"))

    def test_lintian_finds_nothing(self):
        changes = next((OUT / "package").glob("*.changes"))
        done = small.run("lintian", "--allow-root", "--fail-on", "error,warning", changes)
        self.assertNotRegex(done.stdout, r"^[EW]:")

    def test_the_package_splits_a_program(self):
        root = OUT / "root"
        shutil.rmtree(root, ignore_errors=True)
        small.run("dpkg-deb", "-x", self.made, root)
        commands = {path.name for path in (root / "usr/bin").iterdir()}
        wanted = set(re.findall(r"`(ia2-[a-z-]+)`", pages.page("packaging.md").split("##")[1]))
        self.assertEqual(commands, wanted)
        project = pathlib.Path(OUT / "vault")
        shutil.rmtree(project, ignore_errors=True)
        shutil.copytree(small.SOURCE / "examples/minimal", project)
        env = {k: v for k, v in os.environ.items() if not k.startswith(("IA2_", "PYTHON"))}
        env["PATH"] = f"{root}/usr/bin:{env['PATH']}"
        split = ["ia2-rewrite", "--policy", "compartments.toml", "--out", "out"]
        small.run(*split, "--capture", "make -s", "--target", "program", ".", cwd=project, env=env)
        done = small.run("out/bin/program", "swordfish", cwd=project, env=env)
        self.assertIn("open\n", done.stdout)
        self.assertIn(" 0 failed", small.run("ia2-audit", "out", cwd=project, env=env).stdout)

    def test_a_fault_is_found(self):
        """Must fail: lintian refuses a package without a copyright file."""
        root = OUT / "broken"
        shutil.rmtree(root, ignore_errors=True)
        small.run("dpkg-deb", "-R", self.made, root)
        (root / "usr/share/doc/ia2/copyright").unlink()
        small.run("dpkg-deb", "--root-owner-group", "-b", root, OUT / "broken.deb")
        done = small.run(
            "lintian", "--allow-root", "--fail-on", "error", OUT / "broken.deb", check=False
        )
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("no-copyright-file", done.stdout)


if __name__ == "__main__":
    unittest.main()
