"""canonicalize_compile_command_paths.py: absolute paths, in place, or a clear error and an
untouched file."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE", pathlib.Path(__file__).resolve().parents[3]))
SCRIPT = SOURCE / "scripts" / "canonicalize_compile_command_paths.py"


class Canonicalize(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(os.path.realpath(folder.name))
        self.database = self.path / "compile_commands.json"

    def run_on(self, entries, text=None):
        self.database.write_text(json.dumps(entries) if text is None else text)
        return subprocess.run([SCRIPT], cwd=self.path, capture_output=True, text=True)

    def canonical(self, *entries):
        done = self.run_on(list(entries))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(self.database.read_text())

    def one(self, command, file="../src/a.c"):
        made = self.canonical({"directory": "/p/build", "command": command, "file": file})
        self.assertEqual(len(made), 1)
        return made[0]

    def assert_refused(self, done, *parts):
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertTrue(done.stderr.startswith("error: "), done.stderr)
        for part in parts:
            self.assertIn(part, done.stderr)

    def test_command_becomes_absolute_arguments(self):
        made = self.one(
            "cc -I. -I../include -Isub -isystem ../sys -iquote ../q -DX='a b' -MD -MF a.d -o a.o -c"
            " ../src/a.c"
        )
        self.assertEqual(
            made,
            {
                "directory": "/p/build",
                "file": "/p/src/a.c",
                "output": "/p/build/a.o",
                "arguments": [
                    "cc",
                    "-I/p/build",
                    "-I/p/include",
                    "-I/p/build/sub",
                    "-isystem",
                    "/p/sys",
                    "-iquote",
                    "/p/q",
                    "-DX=a b",
                    "-MD",
                    "-MF",
                    "/p/build/a.d",
                    "-o",
                    "/p/build/a.o",
                    "-c",
                    "/p/src/a.c",
                ],
            },
        )

    def test_separate_operands_and_joined_ones(self):
        made = self.one("cc -I ../a -idirafter../b -include /x/y.h -D I=../c -c ../src/a.c")
        self.assertEqual(
            made["arguments"],
            [
                "cc",
                "-I",
                "/p/a",
                "-idirafter/p/b",
                "-include",
                "/x/y.h",
                "-D",
                "I=../c",
                "-c",
                "/p/src/a.c",
            ],
        )

    def test_forced_header_that_is_searched_for_stays(self):
        made = self.canonical(
            {
                "directory": str(self.path),
                "command": "cc -include found.h -include config.h -c a.c",
                "file": "a.c",
            }
        )
        self.assertEqual(made[0]["arguments"][1:5], ["-include", "found.h", "-include", "config.h"])
        (self.path / "config.h").write_text("")
        made = self.canonical(
            {
                "directory": str(self.path),
                "command": "cc -include found.h -include config.h -c a.c",
                "file": "a.c",
            }
        )
        self.assertEqual(
            made[0]["arguments"][1:5],
            ["-include", "found.h", "-include", str(self.path / "config.h")],
        )

    def test_duplicates_go_and_different_commands_of_one_source_stay(self):
        entry = {"directory": "/p/build", "command": "cc -DB=8 -o 8.o -c ../a.c", "file": "../a.c"}
        same = {
            "directory": "/p/build",
            "arguments": ["cc", "-DB=8", "-o", "8.o", "-c", "/p/a.c"],
            "file": "/p/a.c",
        }
        other = {
            "directory": "/p/build",
            "command": "cc -DB=16 -o 16.o -c ../a.c",
            "file": "../a.c",
        }
        self.assertEqual(
            [made["output"] for made in self.canonical(entry, same, other)],
            ["/p/build/8.o", "/p/build/16.o"],
        )

    def test_second_run_changes_nothing(self):
        self.one("cc -I../include -c ../src/a.c")
        before = self.database.stat()
        self.assertEqual(subprocess.run([SCRIPT], cwd=self.path).returncode, 0)
        self.assertEqual(self.database.stat().st_ino, before.st_ino)

    def test_bad_databases_are_refused_and_kept(self):
        cases = [
            (
                '[{"directory": "/p",\n "file": "a.c"\n "command": "cc"}]',
                "compile_commands.json:3",
                "broken JSON",
            ),
            ("", "compile_commands.json:1", "broken JSON"),
            ("{}", "must be a list"),
            ('[{"file": "a.c", "command": "cc"}]', "entry 0", "no 'directory'"),
            ('[{"directory": "/p", "command": "cc"}]', "entry 0", "no 'file'"),
            (
                '[{"directory": "build", "file": "a.c", "command": "cc -c a.c"}]',
                "entry 0",
                "relative path 'build'",
            ),
            ('[{"directory": "/p", "file": "a.c"}]', "neither 'command' nor 'arguments'"),
            ('[{"directory": "/p", "file": "a.c", "command": "cc \'-c a.c"}]', "cannot be split"),
            ('[{"directory": "/p", "file": "a.c", "arguments": "cc"}]', "not a list of strings"),
            ("[7]", "entry 0", "not an object"),
        ]
        for text, *parts in cases:
            with self.subTest(text):
                self.assert_refused(self.run_on(None, text), *parts)
                self.assertEqual(self.database.read_text(), text)
        self.assertEqual(os.listdir(self.path), ["compile_commands.json"])

    def test_no_database(self):
        done = subprocess.run([SCRIPT], cwd=self.path, capture_output=True, text=True)
        self.assert_refused(done, "compile_commands.json", "no such file")
        self.assertEqual(os.listdir(self.path), [])
