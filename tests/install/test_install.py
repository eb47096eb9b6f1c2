"""The installed kit: complete, usable outside of this tree, gone after uninstall."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import small_project as small  # noqa: E402

COMMANDS = ("ia2-rewrite", "ia2-audit", "ia2-pad-tls", "ia2-doctor", "ia2-meson")
MODULE = small.MESON.replace("'c')\n", "'c')\nia2 = import('ia2')\n", 1) + "ia2.compartmentalize(exe, policy: 'compartments.toml')\n"
PACKAGE = small.CMAKE.replace("set(CMAKE_EXPORT_COMPILE_COMMANDS ON)", "find_package(IA2 0.1 REQUIRED)") + \
    "ia2_compartmentalize(counter POLICY compartments.toml)\n"
TIMEOUT = 240


class Installed(unittest.TestCase):
    """DESTDIR stands for any prefix: the kit must work where it is, not where it was configured to go."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(os.path.realpath(cls.folder.name))
        # Bytecode that Python writes beside the modules belongs to nobody.
        cls.env = {**{name: value for name, value in os.environ.items() if not name.startswith("IA2_") and name != "PYTHONPATH"},
                   "PYTHONDONTWRITEBYTECODE": "1"}
        # Meson's uninstall goes by this log: a real installation's must outlive the test.
        cls.log = small.KIT_BUILD / "meson-logs/install-log.txt"
        cls.log_before = cls.log.read_bytes() if cls.log.exists() else None
        cls.install()

    @classmethod
    def install(cls):
        small.run("/usr/bin/meson", "install", "--no-rebuild", "--quiet", "-C", small.KIT_BUILD, env={**cls.env, "DESTDIR": str(cls.root / "dest")})
        cls.prefix = next((cls.root / "dest").rglob("bin/ia2-rewrite")).parents[1]
        cls.libdir = next(cls.prefix.rglob("ia2/scripts")).parents[1]
        cls.env["PATH"] = f"{cls.prefix}/bin:{os.environ['PATH']}"

    @classmethod
    def tearDownClass(cls):
        if cls.log_before is not None:
            cls.log.write_bytes(cls.log_before)
        cls.folder.cleanup()

    def project(self, name, **files):
        return small.make(self.root / name, **files)

    def run_here(self, *command, **options):
        return small.run(*command, env=self.env, cwd=self.root, **options)

    def outside_of_the_tree(self, folder):
        text = (folder / "stamps.json").read_text()
        self.assertIn(str(self.libdir / "ia2"), text)
        self.assertNotIn(str(small.SOURCE) + "/", text)

    def test_any_build(self):
        project = self.project("any", Makefile=small.MAKEFILE)
        self.run_here("ia2-rewrite", "--policy", project / "compartments.toml", "--out", project / "out", "--capture", "make", project)
        self.assertIn("total 5\n", self.run_here(project / "out/bin/counter").stdout)
        self.outside_of_the_tree(project / "out")
        self.assertIn(" 0 failed", self.run_here("ia2-audit", project / "out/bin/counter").stdout)

    def test_meson(self):
        project = self.project("meson", meson___build=MODULE)
        self.run_here("ia2-meson", "setup", project / "build", project)
        self.run_here("ninja", "-C", project / "build")
        self.assertIn("total 5\n", self.run_here(project / "build/counter.ia2/counter").stdout)
        self.outside_of_the_tree(project / "build/counter.ia2/counter.p")

    def test_cmake(self):
        project = self.project("cmake", CMakeLists___txt=PACKAGE)
        self.run_here("cmake", "-S", project, "-B", project / "build", f"-DCMAKE_PREFIX_PATH={self.prefix}",
                      "-DCMAKE_LIBRARY_ARCHITECTURE=x86_64-linux-gnu")
        self.run_here("cmake", "--build", project / "build")
        self.assertIn("total 5\n", self.run_here(project / "build/counter.ia2/bin/counter").stdout)
        self.outside_of_the_tree(project / "build/counter.ia2/work")

    def test_doctor(self):
        self.assertIn("This host can build compartmentalized programs", self.run_here("ia2-doctor", check=False).stdout)

    def test_pkg_config(self):
        flags = small.run("pkg-config", f"--define-variable=prefix={self.prefix}", "--cflags", "--libs", "ia2",
                          env={**self.env, "PKG_CONFIG_PATH": str(self.libdir / "pkgconfig")}).stdout.split()
        source = self.root / "uses.c"
        source.write_text("#include <ia2.h>\nint main(void) { return 0; }\n")
        self.run_here("gcc", source, "-o", self.root / "uses", *flags)
        self.assertTrue(any(flag.startswith("-I" + str(self.prefix)) for flag in flags), flags)

    def test_man_pages_and_completion_name_every_option(self):
        for command in COMMANDS:
            page = (self.prefix / f"share/man/man1/{command}.1").read_text().replace("\\-", "-")
            self.assertIn(f".TH {command.upper()} 1", page)
            if command == "ia2-meson":
                continue
            options = set(re.findall(r"(?<![\w-])--[a-z-]+", self.run_here(command, "--help").stdout)) - {"--help", "--only"}
            completion = (self.prefix / "share/bash-completion/completions" / command).read_text()
            for option in options - {"--capture" if command != "ia2-rewrite" else ""}:
                with self.subTest(f"{command} {option}"):
                    self.assertIn(option, page)
                    self.assertIn(option, completion)

    def test_completion(self):
        script = f"source {self.prefix}/share/bash-completion/completions/ia2-rewrite; COMP_WORDS=(ia2-rewrite --pol); COMP_CWORD=1; " \
                 "_ia2 ia2-rewrite; echo ${COMPREPLY[*]}"
        self.assertEqual(self.run_here("bash", "-c", script).stdout.strip(), "--policy")

    def test_man_pages_are_well_formed(self):
        for command in COMMANDS:
            done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", self.prefix / f"share/man/man1/{command}.1"], capture_output=True, text=True) \
                if os.path.exists("/usr/bin/groff") else None
            if done is None:
                self.skipTest("groff is not installed")
            self.assertEqual(done.stderr, "")

    def test_uninstall(self):
        """Last, by its own installation: nothing that was installed is left."""
        with tempfile.TemporaryDirectory() as folder:
            small.run("/usr/bin/meson", "install", "--no-rebuild", "--quiet", "-C", small.KIT_BUILD, env={**self.env, "DESTDIR": folder})
            small.run("/usr/bin/meson", "--internal", "uninstall", cwd=small.KIT_BUILD, env=self.env)
            left = [path for path in pathlib.Path(folder).rglob("*") if path.is_file() or path.is_symlink()]
            self.assertEqual(left, [])


if __name__ == "__main__":
    unittest.main()
