"""A project whose build is recorded, for the tests of rewrite.py --capture."""

import json
import os
import pathlib
import tempfile
import unittest
from unittest import mock

from tests.support import small_project as small
from ia2.base import failure
from ia2.builds import recorded_build

# A header that has to be rewritten, and a program that includes it as LINE says.
ADDING = (
    "static void add(int value) { total += value; }\nstatic void all(void) { counter_each(add);"
    " }\nstatic const char *where(void) { return __FILE__; }\n"
)


def includes(line: str) -> str:
    return (
        small.FILES["tool/main.c"]
        .replace("static void add(int value) { total += value; }", line)
        .replace("counter_each(add)", "all(); puts(where())")
    )


class RecordedCase(unittest.TestCase):
    """Has a folder of its own, with the project and OUT."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(os.path.realpath(folder.name))
        self.out = self.root / "out"

    def project(self, **files):
        return small.make(self.root / "project", **files)

    def capture(self, project, command="make -j2", *arguments, check=True):
        return small.rewrite(
            project,
            self.out,
            "--capture",
            command,
            "--target",
            "counter",
            *arguments,
            project,
            check=check,
        ).stdout

    def graph(self):
        return json.loads((self.out / "build-graph.json").read_text())

    def runs(self):
        self.assertIn("total 5\n", small.run(self.out / "bin/counter").stdout)

    def refused(self, text, *parts):
        lines = [line for line in text.splitlines() if line.startswith("error: ")]
        self.assertEqual(len(lines), 1, text)
        for part in parts:
            self.assertIn(part, lines[0])

    def bear_that(self, ends):
        """What is said when Bear `ends` like that."""
        project = self.project(Makefile=small.MAKEFILE)
        bear = self.root / "bin/bear"
        bear.parent.mkdir(exist_ok=True)
        bear.write_text(f"#!/bin/sh\n{ends}\n")
        bear.chmod(0o755)
        with (
            mock.patch.dict(os.environ, PATH=f"{bear.parent}:{os.environ['PATH']}"),
            self.assertRaises(failure.Failure) as caught,
        ):
            recorded_build.record("make", str(project), str(self.out))
        return str(caught.exception)
