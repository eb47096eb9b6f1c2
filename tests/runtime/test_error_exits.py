"""err, error and their like say and do what they do in a plain program, and a program may have its
own."""

import pathlib
import unittest

from tests.support import compartments
from tests.support.compartments import Compartment

NEEDS_PKU = True
ALSO_NATIVE = True
HERE = pathlib.Path(__file__).resolve().parent


def build(out: pathlib.Path):
    own = (HERE / "error_exits_own.c", "-DOWN_ERROR")
    for name, more, flags in (("error_exits", (), ()), ("error_exits-own", own[:1], own[1:])):
        for toolchain in compartments.TOOLCHAINS:
            parts = [
                Compartment("app", [HERE / "error_exits.c"]),
                Compartment("lib", [HERE / "error_exits_lib.c", *more]),
            ]
            compartments.build(out, name, parts, toolchain, flags=flags)
        if not more:  # a plain program has one error() only
            compartments.build_plain(out, name, parts)


class ErrorExits(unittest.TestCase):
    def go(self, what, name="error_exits", **of):
        path = compartments.program(name, **of)
        done = compartments.execute(path, what)
        err = [line for line in done.err.splitlines() if "no protection keys" not in line]
        return done.status, done.out, "\n".join(err).replace(str(path), "PROGRAM")

    def test_as_in_a_plain_program(self):
        for what in ("err", "errx", "error", "error-goes-on", "lib-errx", "lib-error"):
            plain = self.go(what, toolchain=compartments.GCC, plain=True)
            self.assertGreater(plain[0], 2)
            for toolchain in compartments.TOOLCHAINS:
                self.assertEqual(self.go(what, toolchain=toolchain), plain, what)

    def test_an_error_of_the_programs_own(self):
        for toolchain in compartments.TOOLCHAINS:
            done = self.go("lib-error", "error_exits-own", toolchain=toolchain)
            self.assertEqual(done, (9, "bye\n", "its own"))
            self.assertEqual(self.go("lib-errx", "error_exits-own", toolchain=toolchain)[0], 7)


if __name__ == "__main__":
    unittest.main()
