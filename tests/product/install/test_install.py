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

    def options(self, command):
        """The long options that --help lists, --help itself apart."""
        text = self.run_here(command, "--help").stdout
        listed = set(re.findall(r"^  (?:-\w(?: \w+)?, )?(--[a-z-]+)", text, re.MULTILINE))
        return listed - {"--help"}

    def test_man_pages_name_every_option(self):
        for command in COMMANDS:
            page = (self.prefix / f"share/man/man1/{command}.1").read_text().replace("\\-", "-")
            self.assertIn(f".TH {command.upper()} 1", page)
            for option in self.options(command) if command != "ia2-meson" else ():
                with self.subTest(f"{command} {option}"):
                    self.assertIn(option, page)

    def section(self, text, first, last, command):
        """What a completion says of one command."""
        found = re.search(f"{first.format(command)}(.*?){last}", text, re.DOTALL)
        self.assertTrue(found, command)
        return found[1]

    def test_completion_names_every_option_and_no_other(self):
        share = self.prefix / "share"
        places = (
            ("bash-completion/completions/{}", r"\n +{}\) options='", ";;", r"(--[a-z-]+)"),
            ("zsh/vendor-completions/_ia2", r"\n +{}\)\n", ";;", r"(--[a-z-]+)[=\[}']"),
            (
                "fish/vendor_completions.d/{}.fish",
                r"case {}\n",
                r"\n(?: +case|end)",
                r"-l ([a-z-]+)",
            ),
        )
        for command in set(COMMANDS) - {"ia2-meson"}:
            options = self.options(command)
            for path, first, last, option in places:
                text = (share / path.format(command)).read_text()
                section = self.section(text, first, last, command)
                found = {f"--{name.removeprefix('--')}" for name in re.findall(option, section)}
                with self.subTest(f"{command}: {path}"):
                    self.assertEqual(found - {"--help"}, options)

    def test_completion_of_bash(self):
        script = (
            f"source {self.prefix}/share/bash-completion/completions/ia2-rewrite;"
            " COMP_WORDS=(ia2-rewrite --pol); COMP_CWORD=1; _ia2 ia2-rewrite; echo"
            " ${COMPREPLY[*]}"
        )
        self.assertEqual(self.run_here("bash", "-c", script).stdout.strip(), "--policy")

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed: apt-get install fish")
    def test_completion_of_fish(self):
        for command, typed, wanted in (
            ("ia2-rewrite", "--pol", "--policy"),
            ("ia2-rewrite", "--stage cap", "capture"),
            ("ia2-report", "--viol", "--violations"),
        ):
            file = self.prefix / f"share/fish/vendor_completions.d/{command}.fish"
            script = f"source {file}; complete -C '{command} {typed}'"
            done = self.run_here("fish", "--no-config", "-c", script)
            self.assertEqual([line.split("\t")[0] for line in done.stdout.splitlines()], [wanted])

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed: apt-get install zsh")
    def test_completion_of_zsh(self):
        """The functions of zsh's completion need a terminal. Here a stand-in prints what it is
        given."""
        file = self.prefix / "share/zsh/vendor-completions/_ia2"
        self.assertEqual(
            set(file.read_text().splitlines()[0].split()[1:]), set(COMMANDS) - {"ia2-meson"}
        )
        for command in set(COMMANDS) - {"ia2-meson"}:
            script = f"_arguments() {{ print -rl -- $@ }}; service={command}; source {file}"
            specs = self.run_here("zsh", "-f", "-c", script).stdout.splitlines()
            found = {re.sub(r"^(?:\(.*\))?\*?", "", spec) for spec in specs}
            for option in self.options(command):
                self.assertTrue(any(re.match(rf"{option}[=\[]", spec) for spec in found), option)

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
