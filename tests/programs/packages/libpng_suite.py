"""The programs of libpng's own test suite, and the scripts of the package that run them."""

import concurrent.futures
import os
import pathlib
import shutil

from tests.support import packages
from tests.support.packages import Case, Package

ALL = "IA2_ALL_VECTORS" in os.environ
TIMEOUT = 3600 if ALL else 300
CONFIGURE = "cmake -G Ninja -B build -DPNG_STATIC=OFF -DCMAKE_C_FLAGS=-g"


def program(name: str, made: str = "") -> Package:
    """The package of the program `made`, if it is not called `name`."""
    made = made or name
    return Package(
        name,
        "libpng1.6",
        f"build/{made}",
        f"ninja -C build {made}",
        CONFIGURE,
        ninja="build",
        tree="libpng",
    )


class Suite(Case):
    """A program that the scripts of the package's tests run as ./PROGRAM."""

    def script(self, name: str, source: pathlib.Path | None = None) -> dict:
        """Runs tests/NAME with both programs at a time, in a folder for each; it must pass, and say
        the same. `source`: what it takes for the source tree."""

        def one(number: int, made: str) -> dict:
            folder = self.scratch / f"run{number}"
            folder.mkdir()
            (folder / os.path.basename(made)).symlink_to(made)
            done = packages.run(
                "/bin/sh",
                self.folder / "tests" / name,
                folder=folder,
                timeout=TIMEOUT,
                environment={"srcdir": str(source or self.folder)},
            )
            shutil.rmtree(folder)
            return done

        with concurrent.futures.ThreadPoolExecutor() as pool:
            plain, ours = pool.map(one, (0, 1), (self.plain, self.ours))
        self.assertEqual(ours, plain)
        self.assertEqual(plain["status"], 0)
        return plain

    def scripts(self, *names):
        for name in names:
            with self.subTest(name):
                self.script(name)
        self.suite("tests/*", len(names), "scripts")
