"""Debian's brotli, program and library in compartments: the package's own tests, and what the
program's options do."""

import os
import pathlib
import shutil
import unittest

from tests.support import packages
from tests.support.packages import Case, Package

NEEDS_PKU = True
ALL = "IA2_ALL_VECTORS" in os.environ
TIMEOUT = 300

PACKAGES = (
    Package(
        "brotli",
        "brotli",
        "build/brotli",
        "ninja -C build brotli",
        "cmake -G Ninja -B build -DBUILD_SHARED_LIBS=OFF -DBROTLI_DISABLE_TESTS=ON",
        ninja="build",
    ),
)


def build(out: pathlib.Path):
    packages.build_all(PACKAGES, out)


class Brotli(Case):
    package = "brotli"

    def roundtrip(self, text: bytes, *options):
        packed = self.same(*options, "-c", given=text)
        self.assertEqual(packed["status"], 0)
        self.assertEqual(
            self.same("-dc", given=packed["out"]), {"status": 0, "out": text, "err": b""}
        )

    def test_own_tests(self):
        """compatibility_test.sh: what is packed gives the file, by its name and from standard
        input."""
        files = sorted((self.folder / "tests" / "testdata").glob("*.compressed*"))
        self.assertGreater(len(files), 1)
        for number, path in enumerate(files):
            with self.subTest(path.name):
                expected = path.with_name(path.name.split(".compressed")[0]).read_bytes()
                target = self.scratch / f"{number}.out"
                for program in (self.plain, self.ours):
                    self.assertEqual(packages.run(program, path, "-fdo", target)["status"], 0)
                    self.assertEqual(target.read_bytes(), expected)
                self.assertEqual(self.same("-dc", given=path.read_bytes())["out"], expected)
        self.suite("tests/compatibility_test.sh", len(files), "files")

    def test_roundtrip(self):
        """What roundtrip_test.sh does, of one of its inputs a part."""
        text = (self.folder / "c" / "enc" / "encode.c").read_bytes()
        for options in (("-q", "1"), ("-q", "6"), ("-q", "9", "-w", "16"), ("-q", "11")):
            with self.subTest(options):
                self.roundtrip(text[:20000] if options[1] == "11" else text, *options)
        self.roundtrip(os.urandom(30000))
        self.roundtrip(b"")

    def test_files(self):
        results = []
        for number, program in enumerate((self.plain, self.ours)):
            folder = self.scratch / str(number)
            folder.mkdir()
            shutil.copy(self.folder / "c" / "dec" / "huffman.c", folder / "a.c")
            made = [
                packages.run(program, *options, folder=folder)
                for options in (
                    ("-v", "a.c"),
                    ("-t", "a.c.br"),
                    ("a.c",),
                    ("-kf", "a.c"),
                    ("-d", "a.c.br", "-o", "b.c"),
                    ("-j", "b.c"),
                )
            ]
            results.append(
                (
                    [ended["status"] for ended in made],
                    {path.name: path.read_bytes() for path in folder.iterdir()},
                )
            )
        self.assertEqual(results[1], results[0])
        self.assertEqual(results[0][0][0], 0)
        self.assertEqual(sorted(results[0][1]), ["a.c", "a.c.br", "b.c.br"])

    def test_broken_data(self):
        packed = bytearray(
            (self.folder / "tests" / "testdata" / "ukkonooa.compressed").read_bytes()
        )
        packed[5] ^= 0x55
        self.assertNotEqual(self.same("-dc", given=bytes(packed))["status"], 0)
        self.same("-dc", given=b"this is not what brotli makes")
        self.same("-t", self.scratch / "none.br")
        self.same("--no-such-option")
        self.same("--help")


if __name__ == "__main__":
    unittest.main()
