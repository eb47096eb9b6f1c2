"""Streams of fopencookie work in the compartment that made them, and in no other; those of fmemopen
work everywhere."""

import pathlib
import unittest

from tests.support import compartments
from tests.support.compartments import Compartment

NEEDS_PKU = True
HERE = pathlib.Path(__file__).resolve().parent


def build(out: pathlib.Path):
    guest = out / "libguest.so"
    source = HERE / "cookie_streams_guest.c"
    compartments.run("gcc", "-shared", "-fPIC", "-D_GNU_SOURCE", source, "-o", guest)
    link = ("-Wl,--no-as-needed", f"-Wl,-rpath,{out}", guest)
    for make in (compartments.build, compartments.build_plain):
        parts = [
            Compartment("app", [HERE / "cookie_streams.c"], options=link),
            Compartment("lib", [HERE / "cookie_streams_lib.c"]),
        ]
        make(out, "cookie_streams", parts, flags=[f"-I{HERE}"])


class CookieStreams(unittest.TestCase):
    def go(self, what, plain=False):
        return compartments.execute(compartments.program("cookie_streams", plain=plain), what)

    def as_plain(self, what, expected):
        for plain in (True, False):
            done = self.go(what, plain)
            self.assertEqual((done.status, done.out, done.err), (0, expected, ""), plain)

    def test_streams_of_each_compartment(self):
        self.as_plain("own", "of app\nclosed\n42\n")

    def test_stream_of_a_guest(self):
        self.as_plain("guest", "by a guest\n")

    def test_what_is_not_written_at_exit(self):
        self.as_plain("end", "written at exit\nmade before main\n")

    def test_a_stream_that_is_given_away_is_refused(self):
        for what, user in (("to-lib", "lib"), ("to-app", "app")):
            self.assertEqual(self.go(what, plain=True).status, 0)
            done = self.go(what)
            self.assertEqual((done.status, done.out), (-6, ""), done)
            self.assertIn(
                f"ia2: compartment {user} uses a stream that it did not make with fopencookie()",
                done.err,
            )

    def test_memory_streams_go_everywhere(self):
        self.as_plain("memory", "1 52\n")


if __name__ == "__main__":
    unittest.main()
