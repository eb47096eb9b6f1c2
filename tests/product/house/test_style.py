"""The formatters, the linter, the type checker and the compilers' warnings find nothing."""

import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import unittest

SOURCE = pathlib.Path(os.environ["IA2_SOURCE"])
BUILD = pathlib.Path(os.environ["IA2_BUILD"])
WARNINGS = ("-Wall", "-Wextra", "-Wshadow", "-Wstrict-prototypes", "-Wvla", "-Werror")
# Options whose path is a word of its own.
TAKES_A_PATH = ("-I", "-include", "-iquote", "-isystem", "-idirafter")
TIMEOUT = 300


def tracked(*suffixes: str) -> list[pathlib.Path]:
    """The files of the project with one of the suffixes, by `git ls-files`."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=SOURCE,
        capture_output=True,
        check=True,
    )
    paths = [SOURCE / os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]
    return sorted(path for path in paths if path.suffix in suffixes and path.is_file())


def scripts() -> list[pathlib.Path]:
    """Python programs that have no suffix."""
    return [
        path
        for path in tracked("")
        if path.read_bytes()[:64].split(b"\n")[0] == b"#!/usr/bin/python3"
    ]


def formatted_c() -> list[pathlib.Path]:
    """tests/ is left out: its C is input whose exact text the tests compare."""
    kept = [SOURCE / name for name in ("kit", "runtime", "bench")]
    return [
        path for path in tracked(".c", ".h", ".inc") if any(path.is_relative_to(k) for k in kept)
    ]


def run(*command, cwd=SOURCE, **options) -> tuple[int, str]:
    """Exit status, and what the command printed."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **options,
    )
    return done.returncode, done.stdout


class Format(unittest.TestCase):
    def test_c(self):
        self.assertEqual(run("clang-format-19", "--dry-run", "-Werror", *formatted_c()), (0, ""))

    def test_c_that_is_not_formatted_is_found(self):
        status, said = run(
            "clang-format-19", "--dry-run", "-Werror", "--assume-filename=a.c", input="int  x ;\n"
        )
        self.assertNotEqual(status, 0)
        self.assertIn("clang-format-violations", said)

    def test_python(self):
        files = [*tracked(".py"), *scripts()]
        self.assertGreater(len(files), 100)
        self.assertEqual(run("/usr/bin/python3", "-m", "black", "-q", "--check", *files), (0, ""))

    def test_python_that_is_not_formatted_is_found(self):
        status, _ = run(
            "/usr/bin/python3", "-m", "black", "-q", "--check", "-", input="x = ( 1 )\n"
        )
        self.assertEqual(status, 1)


class Lint(unittest.TestCase):
    def test_flake8(self):
        files = [*tracked(".py"), *scripts()]
        self.assertEqual(run("/usr/bin/python3", "-m", "flake8", *files), (0, ""))

    def test_an_unused_name_is_found(self):
        status, said = run("/usr/bin/python3", "-m", "flake8", "-", input="import os\n")
        self.assertEqual(status, 1)
        self.assertIn("F401", said)

    def test_mypy(self):
        cache = pathlib.Path(os.environ["IA2_TEST_OUT"]) / "mypy"
        status, said = run("/usr/bin/python3", "-m", "mypy", f"--cache-dir={cache}", "kit/ia2")
        self.assertEqual(status, 0, said)

    def test_control_bytes(self):
        for path in tracked(".c", ".h", ".inc", ".S", ".py", ".md", ".toml", ".build"):
            if path.is_relative_to(SOURCE / "tests"):
                continue
            found = re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", path.read_bytes())
            self.assertIsNone(found, f"{path}: control byte at {found and found.start()}")


class Warnings(unittest.TestCase):
    """gcc builds the kit with these warnings as errors. clang is asked here."""

    @classmethod
    def setUpClass(cls):
        # (source, -D options) -> (folder, words after the compiler)
        cls.commands = {}
        for command in json.loads((BUILD / "compile_commands.json").read_text()):
            source = (pathlib.Path(command["directory"]) / command["file"]).resolve()
            if source.suffix == ".c" and source.is_relative_to(SOURCE):
                words = shlex.split(command["command"])[1:]
                defined = tuple(word for word in words if word.startswith("-D"))
                cls.commands[source, defined] = (command["directory"], words)

    def test_every_source_is_built_with_them(self):
        self.assertGreater(len(self.commands), 80)
        for (source, _), (_, words) in self.commands.items():
            self.assertEqual(set(WARNINGS) - set(words), set(), source)

    def test_clang(self):
        def compile(item):
            (source, _), (folder, words) = item
            kept = [
                word
                for before, word in zip(["", *words], words)
                if word.startswith(("-D", "-I", "-i", "-std")) or before in TAKES_A_PATH
            ]
            return run("clang", *kept, *WARNINGS, "-fsyntax-only", source, cwd=folder)

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for (source, _), said in zip(self.commands, pool.map(compile, self.commands.items())):
                with self.subTest(source=str(source)):
                    self.assertEqual(said, (0, ""))

    def test_a_variable_that_hides_another_is_found(self):
        text = "int f(int a) { { int a = 1; return a; } }\n"
        said = run("clang", *WARNINGS, "-fsyntax-only", "-xc", "-", input=text)
        self.assertEqual(said[0], 1)
        self.assertIn("-Wshadow", said[1])


if __name__ == "__main__":
    unittest.main()
