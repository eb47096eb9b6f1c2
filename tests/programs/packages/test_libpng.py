"""Debian's libpng and the programs of its own test suite, each in a compartment of its own: tests/*
of the package, as they are."""

import pathlib
import re
import unittest

from tests.support import packages
from tests.programs.packages.libpng_suite import ALL, TIMEOUT, Suite, program  # noqa: F401

NEEDS_PKU = True
PACKAGES = (program("libpng", "pngtest"), *map(program, ("pngstest", "pngunknown", "pngimage")))


def build(out: pathlib.Path):
    packages.build_all(PACKAGES, out)


class Pngtest(Suite):
    package = "libpng"

    def png(self, *arguments):
        done = self.same(*arguments, folder=self.folder)
        self.assertIn(b"libpng version", done["out"])
        return done

    def test_own_test(self):
        """What tests/pngtest-all does, without the chunks that say that they are huge: these get
        the memory first."""
        self.assertEqual(self.png("--strict", "pngtest.png")["status"], 0)
        self.assertEqual(self.png("pngtest.png", self.scratch / "out.png")["status"], 0)
        # The option for a picture is not the same in each version.
        options = dict(
            reversed(pair)
            for pair in re.findall(
                r"(--\w+) \S*/contrib/testpngs/crashers/(\w+)\.png",
                (self.folder / "tests/pngtest-all").read_text(),
            )
        )
        self.assertEqual(options["badcrc"], "--relaxed")
        for name in (
            "badcrc",
            "badadler",
            "bad_iCCP",
            "empty_ancillary_chunks",
            "huge_bKGD_chunk",
            "huge_juNK_unsafe_to_copy",
            "huge_IDAT",
        ):
            with self.subTest(name):
                self.assertEqual(
                    self.png(options.get(name, "--xfail"), f"contrib/testpngs/crashers/{name}.png")[
                        "status"
                    ],
                    0,
                )
        self.suite("tests/pngtest-all", 7, "of 24 pictures")

    @unittest.skipUnless(ALL, "takes minutes in emulation; --all-vectors")
    def test_all_of_own_test(self):
        self.scripts("pngtest-all")

    def test_error_in_the_library(self):
        """Where a picture is so broken that the library gives up, it longjmps to pngtest, over its
        own frames and pngtest's."""
        text = bytearray((self.folder / "pngtest.png").read_bytes())
        for at in range(40, len(text), 611):
            broken = self.scratch / f"broken{at}.png"
            broken.write_bytes(text[:at] + bytes([text[at] ^ 0x55]) + text[at + 1 :])
        done = self.png("-m", *sorted(self.scratch.glob("broken*.png")))
        self.assertGreater((done["out"] + done["err"]).count(b"libpng error"), 3)

    def test_suite(self):
        """The pictures of Willem van Schaik's suite that come with the library, several at a
        time."""
        pictures = sorted(
            path.relative_to(self.folder)
            for path in (self.folder / "contrib" / "pngsuite").glob("*.png")
        )
        self.assertGreater(len(pictures), 50)
        for at in range(0, len(pictures), 20):
            self.png("-m", *pictures[at : at + 20])
        self.suite("contrib/pngsuite", len(pictures), "pictures")


class Pngunknown(Suite):
    package = "pngunknown"

    def test_own_tests(self):
        self.scripts(
            *(
                f"pngunknown-{kind}"
                for kind in ("IDAT", "discard", "if-safe", "sAPI", "sTER", "save", "vpAg")
            )
        )


class Pngimage(Suite):
    """Each picture is read and written with every transformation that its kind has."""

    package = "pngimage"

    def test_own_tests(self):
        done = self.script("pngimage-quick")
        passed = (done["out"] + done["err"]).count(b"PASS: ")
        self.assertGreater(passed, 20)
        self.suite("tests/pngimage-quick", passed, "pictures")

    @unittest.skipUnless(ALL, "takes minutes in emulation; --all-vectors")
    def test_all_transformations(self):
        self.scripts("pngimage-full")


class Pngstest(Suite):
    """The simplified interface. In emulation a picture of 16 bits or of colours takes a minute, so
    these need --all-vectors."""

    package = "pngstest"
    KINDS = (
        "1.8",
        "1.8-alpha",
        "linear",
        "linear-alpha",
        "none",
        "none-alpha",
        "sRGB",
        "sRGB-alpha",
    )

    def test_own_tests(self):
        source, pictures = self.folder, list((self.folder / "contrib" / "testpngs").glob("*.png"))
        if not ALL:
            source = self.scratch / "source"
            (source / "contrib" / "testpngs").mkdir(parents=True)
            (source / "tests").symlink_to(self.folder / "tests")
            pictures = [path for path in pictures if path.name.startswith(("gray-4", "palette-8"))]
            for path in pictures:
                (source / "contrib" / "testpngs" / path.name).symlink_to(path)
        passed = 0
        for kind in (
            self.KINDS if ALL else [kind for kind in self.KINDS if not kind.endswith("alpha")]
        ):
            with self.subTest(kind):
                passed += self.script(f"pngstest-{kind}", source)["out"].count(b"PASS")
        self.assertEqual(passed, len(pictures))
        self.suite("tests/pngstest-*", passed, "pictures")

    @unittest.skipUnless(ALL, "takes minutes in emulation; --all-vectors")
    def test_large_stride(self):
        self.scripts("pngstest-large-stride")


if __name__ == "__main__":
    unittest.main()
