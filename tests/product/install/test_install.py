"""The installed kit: complete, usable outside of this tree, gone after uninstall."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from tests.product.docs import pages
from tests.support import small_project as small

COMMANDS = (
    "ia2-init",
    "ia2-rewrite",
    "ia2-audit",
    "ia2-learn",
    "ia2-report",
    "ia2-pad-tls",
    "ia2-doctor",
    "ia2-run-in-vm",
    "ia2-meson",
)
# These take --capture. Others may only speak of it.
BUILDERS = ("ia2-init", "ia2-rewrite")
MINIMAL = small.SOURCE / "examples/minimal"
TIMEOUT = 240


class Installed(unittest.TestCase):
    """Installed by DESTDIR and then moved: the kit must work where it is, not where it was
    configured to go."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(os.path.realpath(cls.folder.name))
        cls.env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("IA2_", "PYTHON"))
        }
        # Meson's uninstall goes by this log: a real installation's must outlive the test.
        cls.log = small.KIT_BUILD / "meson-logs/install-log.txt"
        cls.log_before = cls.log.read_bytes() if cls.log.exists() else None
        cls.install(cls.root / "dest")
        cls.prefix = cls.root / "moved/kit"
        cls.prefix.parent.mkdir()
        next((cls.root / "dest").rglob("bin/ia2-rewrite")).parents[1].rename(cls.prefix)
        cls.libdir = next(cls.prefix.rglob("ia2/scripts")).parents[1]
        cls.env["PATH"] = f"{cls.prefix}/bin:{os.environ['PATH']}"

    @classmethod
    def install(cls, folder):
        small.run(
            "/usr/bin/meson",
            "install",
            "--no-rebuild",
            "--quiet",
            "-C",
            small.KIT_BUILD,
            env={**cls.env, "DESTDIR": str(folder)},
        )

    @classmethod
    def tearDownClass(cls):
        if cls.log_before is not None:
            cls.log.write_bytes(cls.log_before)
        cls.folder.cleanup()

    def project(self, name):
        shutil.rmtree(self.root / name, ignore_errors=True)
        return pathlib.Path(shutil.copytree(MINIMAL, self.root / name))

    def run_here(self, *command, **options):
        return small.run(*command, env=self.env, cwd=self.root, **options)

    def works(self, program, made_in):
        self.assertIn("open\n", self.run_here(program, "swordfish").stdout)
        text = (made_in / "stamps.json").read_text()
        self.assertIn(str(self.libdir / "ia2"), text)
        self.assertNotIn(str(small.SOURCE) + "/", text)

    def any_build(self, project):
        self.run_here(
            "ia2-rewrite",
            "--policy",
            project / "compartments.toml",
            "--out",
            project / "out",
            "--capture",
            "make",
            project,
        )
        return project / "out/bin/program"

    def test_any_build(self):
        project = self.project("any")
        program = self.any_build(project)
        self.works(program, project / "out")
        self.assertIn(" 0 failed", self.run_here("ia2-audit", program).stdout)

    def test_meson(self):
        project = self.project("meson")
        self.run_here("ia2-meson", "setup", project / "build", project)
        self.run_here("ninja", "-C", project / "build")
        self.works(project / "build/program.ia2/program", project / "build/program.ia2/program.p")

    def test_cmake(self):
        project = self.project("cmake")
        self.run_here(
            "cmake",
            "-S",
            project,
            "-B",
            project / "build",
            f"-DCMAKE_PREFIX_PATH={self.prefix}",
            "-DCMAKE_LIBRARY_ARCHITECTURE=x86_64-linux-gnu",
        )
        self.run_here("cmake", "--build", project / "build")
        self.works(project / "build/program.ia2/bin/program", project / "build/program.ia2/work")

    def test_in_the_vm(self):
        """The image is made in the user's cache; its kernel package is the one that the kit's own
        build has, so as not to fetch it again."""
        program = self.any_build(self.project("vm"))
        cache = self.root / "cache"
        (cache / "ia2/vm").mkdir(parents=True)
        if (small.KIT_BUILD / "vm/packages").exists():
            (cache / "ia2/vm/packages").symlink_to(small.KIT_BUILD / "vm/packages")
        self.env["XDG_CACHE_HOME"] = str(cache)
        self.addCleanup(self.env.pop, "XDG_CACHE_HOME")
        done = self.run_here(
            "ia2-run-in-vm",
            "--timeout",
            "200",
            "--",
            "sh",
            "-c",
            f"{program} swordfish; ! {program} --steal",
        )
        self.assertIn("open\n", done.stdout)
        self.assertNotIn("NOT protected", done.stdout)
        self.assertNotIn("the secret is", done.stdout)
        self.assertIn("may not read address", done.stdout)
        self.assertTrue(list((cache / "ia2/vm").glob("image-*")))

    def test_doctor(self):
        self.assertIn(
            "This host can build compartmentalized programs",
            self.run_here("ia2-doctor", check=False).stdout,
        )

    def test_pkg_config(self):
        flags = small.run(
            "pkg-config",
            f"--define-variable=prefix={self.prefix}",
            "--cflags",
            "--libs",
            "ia2",
            env={**self.env, "PKG_CONFIG_PATH": str(self.libdir / "pkgconfig")},
        ).stdout.split()
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
            options = set(
                re.findall(r"(?<![\w-])--[a-z-]+", self.run_here(command, "--help").stdout)
            ) - {"--help", "--only"}
            completion = (self.prefix / "share/bash-completion/completions" / command).read_text()
            for option in options - {"--capture" if command not in BUILDERS else ""}:
                with self.subTest(f"{command} {option}"):
                    self.assertIn(option, page)
                    self.assertIn(option, completion)

    def test_completion(self):
        script = (
            f"source {self.prefix}/share/bash-completion/completions/ia2-rewrite;"
            " COMP_WORDS=(ia2-rewrite --pol); COMP_CWORD=1; _ia2 ia2-rewrite; echo"
            " ${COMPREPLY[*]}"
        )
        self.assertEqual(self.run_here("bash", "-c", script).stdout.strip(), "--policy")

    def test_documents_and_examples(self):
        documents = self.prefix / "share/doc/ia2"
        found = []
        for page in pages.every():
            name = page.relative_to(pages.SOURCE)
            self.assertEqual((documents / name).read_text(), page.read_text())
            found += pages.broken_links(documents / name, page.read_text(), documents)
        self.assertEqual(found, [])
        self.assertTrue((documents / "LICENSE").is_file())
        shutil.copytree(documents / "examples/minimal", self.root / "from-documents")
        program = self.any_build(self.root / "from-documents")
        self.works(program, self.root / "from-documents/out")

    def test_man_page_of_the_policy(self):
        text = (self.prefix / "share/man/man5/compartments.toml.5").read_text()
        self.assertIn(".TH COMPARTMENTS.TOML 5", text)

    def test_man_pages_are_well_formed(self):
        for command in COMMANDS:
            done = subprocess.run(
                ["groff", "-man", "-Tutf8", "-ww", self.prefix / f"share/man/man1/{command}.1"],
                capture_output=True,
                text=True,
            )
            self.assertEqual(done.stderr, "")

    def test_uninstall(self):
        """Of an installation of its own that has been used: nothing is left, not even a folder."""
        env = dict(self.env)
        with tempfile.TemporaryDirectory() as folder:
            self.install(folder)
            used = next(pathlib.Path(folder).rglob("bin/ia2-rewrite")).parent
            self.env["PATH"] = f"{used}:{os.environ['PATH']}"
            try:
                project = self.project("used")
                self.run_here("ia2-audit", self.any_build(project))
                self.run_here("ia2-meson", "setup", project / "build", project)
                for command in COMMANDS:
                    self.run_here(command, "--help")
                self.assertIn(str(used), self.run_here("sh", "-c", "command -v ia2-doctor").stdout)
            finally:
                self.env.update(env)
            small.run(
                "/usr/bin/meson", "--internal", "uninstall", cwd=small.KIT_BUILD, env=self.env
            )
            self.assertEqual(list(pathlib.Path(folder).rglob("*")), [])


if __name__ == "__main__":
    unittest.main()
