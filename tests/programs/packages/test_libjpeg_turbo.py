"""Debian's libjpeg-turbo, djpeg and library in compartments: every test of the package's that
decodes gives the picture it should."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest

from tests.support import packages
from tests.support.packages import Case, Package

NEEDS_PKU = True
TIMEOUT = 600

PACKAGES = (
    Package(
        "libjpeg_turbo",
        "libjpeg-turbo",
        "build/djpeg-static",
        "cmake --build build --target djpeg-static cjpeg-static",
        (
            "cmake -G Ninja -B build -DENABLE_SHARED=OFF -DWITH_TURBOJPEG=OFF"
            " -DCMAKE_BUILD_TYPE=Release"
        ),
    ),
)


def listed(folder: pathlib.Path) -> tuple[list, dict]:
    """What ctest would run in a build directory, in its order: (program, arguments), and the
    checksum that a file must have then."""
    runs, sums = [], {}
    for line in (folder / "CTestTestfile.cmake").read_text().splitlines():
        words = re.findall(r'"([^"]*)"', line)
        if not line.startswith("add_test(") or not words:
            continue
        program = pathlib.Path(words[0]).name
        if program == "md5cmp":
            sums[words[2]] = words[1]
        elif program in ("djpeg-static", "cjpeg-static"):
            runs.append((program, words[1:]))
    return runs, sums


def build(out: pathlib.Path):
    """The program, and with the plain cjpeg the files that most tests decode."""
    packages.build_all(PACKAGES, out)
    made = json.loads((out / packages.REPORT).read_text())["libjpeg_turbo"]
    if "missing" in made:
        return
    folder = pathlib.Path(made["folder"], "build")
    (out / "encoded").mkdir(exist_ok=True)
    for program, arguments in listed(folder)[0]:
        if program == "cjpeg-static":
            subprocess.run([folder / program, *arguments], cwd=out / "encoded", check=True)


class Djpeg(Case):
    package = "libjpeg_turbo"

    def test_own_tests(self):
        shutil.copytree(
            pathlib.Path(os.environ["IA2_TEST_OUT"], "encoded"), self.scratch, dirs_exist_ok=True
        )
        runs, sums = listed(self.folder / "build")
        decoded = 0
        for program, arguments in runs:
            if program != "djpeg-static":
                continue
            with self.subTest(arguments):
                self.assertEqual(
                    packages.run(self.ours, *arguments, folder=self.scratch),
                    {"status": 0, "out": b"", "err": b""},
                )
                for name in set(arguments) & set(sums):
                    self.assertEqual(
                        hashlib.md5((self.scratch / name).read_bytes()).hexdigest(),
                        sums[name],
                        name,
                    )
                    decoded += 1
        self.assertGreater(decoded, 40)

    def test_broken_files(self):
        picture = bytearray((self.folder / "testimages" / "testorig.jpg").read_bytes())
        self.same(given=b"this is no JPEG file")
        self.same("-gif", given=bytes(picture[:3000]))
        self.same(given=bytes(picture[:300]))
        picture[2500:2600] = bytes(100)
        self.same("-bmp", "-colors", "100", given=bytes(picture))
        self.same("-no-such-option")
        self.same("-targa", "-grayscale", self.scratch / "none.jpg")

    def test_formats(self):
        for options in (
            ("-gif",),
            ("-gif0",),
            ("-targa",),
            ("-os2",),
            ("-bmp", "-onepass", "-dither", "fs", "-colors", "64"),
            ("-map", self.folder / "testimages" / "vgl_5674_0098.bmp"),
            ("-verbose", "-scale", "3/8", "-maxmemory", "100"),
        ):
            with self.subTest(options):
                self.same(*options, self.folder / "testimages" / "testorig.jpg")


if __name__ == "__main__":
    unittest.main()
