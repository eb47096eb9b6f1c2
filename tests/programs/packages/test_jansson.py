"""Debian's jansson and the program of its own test suites in compartments: each test gives what it
should."""

import os
import pathlib
import unittest

from tests.support import packages
from tests.support.packages import Case, Package

NEEDS_PKU = True
ALL = "IA2_ALL_VECTORS" in os.environ
TIMEOUT = 300

PACKAGES = (
    Package(
        "jansson",
        "jansson",
        "build/bin/json_process",
        "ninja -C build json_process",
        (
            "cmake -G Ninja -B build -DJANSSON_BUILD_DOCS=OFF -DJANSSON_BUILD_SHARED_LIBS=OFF"
            " -DCMAKE_C_FLAGS=-g"
        ),
        ninja="build",
    ),
)


def build(out: pathlib.Path):
    packages.build_all(PACKAGES, out)


class Jansson(Case):
    package = "jansson"

    def run_suite(self, name: str, *options):
        """What ctest does: the program reads a test's options, its input and what should come of it
        from the test's folder."""
        tests = sorted(
            path
            for path in (self.folder / "test" / "suites" / name).iterdir()
            if (path / "input").exists()
        )
        tests = [path for path in tests if not (options and (path / "nostrip").exists())]
        self.assertGreater(len(tests), 4)
        for path in tests:
            with self.subTest(path.name):
                self.assertEqual(self.same(*options, path)["status"], 0)
        self.suite(f"test/suites/{name}{' '.join(('', *options))}", len(tests), "tests")

    def test_valid(self):
        self.run_suite("valid")

    def test_invalid(self):
        self.run_suite("invalid")

    @unittest.skipUnless(ALL, "takes a minute in emulation; --all-vectors")
    def test_without_blanks_around(self):
        self.run_suite("valid", "--strip")
        self.run_suite("invalid", "--strip")

    def test_invalid_unicode(self):
        self.run_suite("invalid-unicode")

    def test_encoding_flags(self):
        self.run_suite("encoding-flags")

    def test_wrong_result(self):
        """A test that does not give what it should is noticed, by both."""
        test = self.scratch / "test"
        test.mkdir()
        (test / "input").write_text('{"a": [1, 2.5, null, "x\\u00e9"]}')
        (test / "output").write_text('{"a": 1}')
        self.assertNotEqual(self.same(test)["status"], 0)
        self.assertNotEqual(self.same("--no-such-option")["status"], 0)


if __name__ == "__main__":
    unittest.main()
