"""libpng's test of everything that a picture can be transformed to, in a compartment of its own:
tests/pngvalid-* of the package.

A module and a test each, so that with --all-vectors each ends within minutes, and two of the
suite's modules run at a time."""

import pathlib
import unittest

from tests.support import packages
from tests.programs.packages.libpng_suite import ALL, TIMEOUT, Suite, program  # noqa: F401

NEEDS_PKU = True
PACKAGES = (program("pngvalid"),)


def build(out: pathlib.Path):
    packages.build_all(PACKAGES, out)


class Pngvalid(Suite):
    package = "pngvalid"
    QUICK = ("standard",)
    LONG = (
        "gamma-16-to-8",
        "gamma-alpha-mode",
        "gamma-background",
        "gamma-expand16-alpha-mode",
        "gamma-expand16-background",
        "gamma-expand16-transform",
        "gamma-sbit",
        "gamma-threshold",
        "gamma-transform",
        "progressive-interlace-standard",
        "progressive-size",
        "progressive-standard",
        "transform",
    )

    def test_all_are_known(self):
        scripts = {
            path.name.removeprefix("pngvalid-")
            for path in (self.folder / "tests").glob("pngvalid-*")
        }
        self.assertEqual(scripts, {*self.QUICK, *self.LONG})


def add_test(kind: str, quick: bool):
    def test(self):
        self.scripts(f"pngvalid-{kind}")

    setattr(
        Pngvalid,
        f"test_{kind.replace('-', '_')}",
        (
            test
            if quick
            else unittest.skipUnless(ALL, "takes minutes in emulation; --all-vectors")(test)
        ),
    )


for each in Pngvalid.QUICK + Pngvalid.LONG:
    add_test(each, each in Pngvalid.QUICK)


if __name__ == "__main__":
    unittest.main()
