"""The jump slots of libraries without full RELRO: to write them changes nothing, and lazy binding
works as before."""

import pathlib
import unittest

from tests.support import compartments
from tests.support.compartments import Compartment

NEEDS_PKU = True
HERE = pathlib.Path(__file__).resolve().parent
# How the PLT of a library is made.
FORMS = {
    "bfd": ["gcc", "-Wl,-z,lazy"],
    "bfd-ibt": ["gcc", "-fcf-protection", "-Wl,-z,lazy,-z,ibtplt"],
    "bfd-norelro": ["gcc", "-Wl,-z,lazy,-z,norelro"],
    "bfd-now-norelro": ["gcc", "-Wl,-z,now,-z,norelro"],
    "lld": ["clang", "-fuse-ld=lld", "-Wl,-z,lazy"],
    "full": ["gcc", "-Wl,-z,now,-z,relro"],
}
COMPLETE = ("bfd-now-norelro", "full")  # what is missing would be missed at the start
# The second function is libc's, but this library comes first.
OTHER = (
    "int jump_slots_other(int n) { return 100 * n; }\n"
    "int mblen(const char *text, unsigned long n) { return text && n ? 55 : 0; }\n"
)
LATE = "int jump_slots_late(int n) { return 1000 * n; }\n"


def library(folder, name, form, *more):
    """libNAME.so, whose functions are called NAME_use and so on."""
    compartments.run(
        *FORMS[form],
        "-O1",
        "-g",
        "-shared",
        "-fPIC",
        f"-DLIBRARY_use={name}_use",
        f"-DLIBRARY_use_late={name}_use_late",
        f"-DLIBRARY_which={name}_which",
        *more,
        "-o",
        folder / f"lib{name}.so",
    )


def build(out: pathlib.Path):
    for form in FORMS:
        folder = out / form
        folder.mkdir(exist_ok=True)
        for name, text in (("other", OTHER), ("late", LATE)):
            (folder / f"{name}.c").write_text(text)
            library(folder, name, form, folder / f"{name}.c")
        other = folder / "libother.so"
        for name in ("early", "guest", "second"):
            library(folder, name, form, HERE / "jump_slots_library.c", other)
        libraries = (
            "-Wl,--no-as-needed",
            f"-Wl,-rpath,{folder}",
            "-Wl,--unresolved-symbols=ignore-in-shared-libs",
            folder / "libearly.so",
            other,
        )
        if form in COMPLETE:
            libraries += (folder / "liblate.so",)
        parts = [Compartment("app", [HERE / "jump_slots.c"], options=libraries)]
        compartments.build(out, f"jump_slots-{form}", parts)
        plain = [Compartment("app", [HERE / "jump_slots.c"], options=libraries)]
        compartments.build_plain(out, f"jump_slots-{form}", plain)


class JumpSlots(unittest.TestCase):
    def go(self, form, what, plain=False):
        path = compartments.program(f"jump_slots-{form}", plain=plain)
        return compartments.execute(path, path.parents[1] / form, what)

    def test_written(self):
        for form in FORMS:
            done = self.go(form, "write")
            if form == "full":
                self.assertEqual(done.status, -11, done)
                continue
            self.assertEqual((done.status, done.out), (0, "712\n"), (form, done))
            self.assertEqual(self.go(form, "write", plain=True).out, "diverted\n")

    def test_written_of_libm_and_the_loader(self):
        for what in ("libm", "ld.so"):
            done = self.go("bfd", what)
            self.assertIn(
                (done.status, done.out.splitlines()[-1:]), ((0, ["712"]), (-11, [])), done
            )

    def test_guests(self):
        for form in set(FORMS) - {"full"}:
            done = self.go(form, "guest-write")
            self.assertEqual((done.status, done.out), (0, "712\n" * 3), (form, done))
            self.assertEqual(self.go(form, "guest-write", plain=True).out, "diverted\n")

    def test_nothing_written(self):
        for form in FORMS:
            self.assertEqual(self.go(form, "use").out, "712\n")
            if form != "full":
                self.assertEqual(self.go(form, "guest").out, "712\n" * 3)

    def test_a_function_that_stands_in_for_libcs(self):
        for form in FORMS:
            for plain in (True, False):
                self.assertEqual(self.go(form, "which", plain).out, "55\n712\n", form)

    def test_a_function_that_comes_late(self):
        for form in ("bfd", "bfd-ibt", "bfd-norelro", "lld", "full"):
            self.assertEqual(self.go(form, "late").out, "7000\n712\n", form)

    def test_a_function_that_never_comes(self):
        for form in ("bfd", "bfd-ibt", "bfd-norelro", "lld"):
            for plain in (False, True):
                done = self.go(form, "missing", plain)
                self.assertEqual(done.status, 127, done)
                self.assertIn("symbol lookup error", done.err)


if __name__ == "__main__":
    unittest.main()
