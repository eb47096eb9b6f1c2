"""pad-tls: whole pages of thread-locals, or a refusal that leaves the file alone."""

import os
import pathlib
import stat
import subprocess
import sys
import tempfile
import unittest

from elftools.elf.elffile import ELFFile

SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE", pathlib.Path(__file__).resolve().parents[3]))
PAD_TLS = SOURCE / "scripts" / "pad-tls"

LIBRARY = "__thread int first = 7; __thread int second; int get(void) { return first + second; }\n"
ALIGNED = "__thread int first __attribute__((aligned(4096))) = 7; __thread char second[5000];\n"
USER = "int get(void); int main(void) { return get() == 7 ? 0 : 1; }\n"


def tls(path):
    with open(path, "rb") as stream:
        return next(
            segment.header
            for segment in ELFFile(stream).iter_segments()
            if segment["p_type"] == "PT_TLS"
        )


class PadTls(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)

    def compile(self, name, text, *flags):
        output = self.path / name
        subprocess.run(
            ["gcc", "-x", "c", "-", "-x", "none", "-o", output, *flags],
            input=text,
            text=True,
            check=True,
        )
        return output

    def pad(self, *arguments):
        return subprocess.run([PAD_TLS, *arguments], capture_output=True, text=True)

    def assert_refused(self, path, *reason, flags=()):
        before = path.read_bytes()
        done = self.pad(*flags, path)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertTrue(done.stderr.startswith(f"error: {path}: "), done.stderr)
        for part in reason:
            self.assertIn(part, done.stderr)
        self.assertEqual(path.read_bytes(), before)
        self.assertEqual(os.listdir(path.parent).count(path.name), 1)
        self.assertFalse([name for name in os.listdir(path.parent) if name.startswith(".")])

    def test_library_gets_whole_pages_and_still_works(self):
        library = self.compile("libx.so", LIBRARY, "-shared", "-fPIC")
        program = self.compile("user", USER, library, "-Wl,-rpath,$ORIGIN")
        self.assertNotEqual(tls(library)["p_memsz"] % 4096, 0)
        done = self.pad(library)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(tls(library)["p_memsz"], 4096)
        self.assertEqual(subprocess.run([program]).returncode, 0)

    def test_only_the_tls_header_changes(self):
        library = self.compile("libx.so", LIBRARY, "-shared", "-fPIC")
        before = library.read_bytes()
        self.pad(library)
        after = library.read_bytes()
        self.assertEqual(len(before), len(after))
        self.assertLessEqual(sum(a != b for a, b in zip(before, after)), 16)

    def test_idempotent_and_keeps_the_mode(self):
        library = self.compile("libx.so", LIBRARY, "-shared", "-fPIC")
        library.chmod(0o751)
        self.pad(library)
        once, status = library.read_bytes(), library.stat()
        self.assertEqual(stat.S_IMODE(status.st_mode), 0o751)
        self.assertEqual(self.pad(library).returncode, 0)
        self.assertEqual(library.read_bytes(), once)
        self.assertEqual(
            library.stat().st_ino, status.st_ino, "a file that needs nothing is not replaced"
        )

    def test_symbolic_link_stays_one(self):
        library = self.compile("libx.so.1", LIBRARY, "-shared", "-fPIC")
        link = self.path / "libx.so"
        link.symlink_to("libx.so.1")
        self.assertEqual(self.pad(link).returncode, 0)
        self.assertTrue(link.is_symlink())
        self.assertEqual(tls(library)["p_memsz"], 4096)

    def test_page_aligned_executable_is_padded_and_still_works(self):
        program = self.compile(
            "program",
            ALIGNED
            + "int main(void) { second[4999] = 1; return first == 7 && second[4999] == 1 ? 0 :"
            " 1; }",
        )
        self.assertNotEqual(tls(program)["p_memsz"] % 4096, 0)
        self.assertEqual(self.pad(program).returncode, 0)
        self.assertEqual(tls(program)["p_memsz"] % 4096, 0)
        self.assertEqual(subprocess.run([program]).returncode, 0)

    def test_executable_with_a_smaller_alignment_is_refused(self):
        for flags in (["-pie"], ["-no-pie"], ["-static"], ["-static-pie"]):
            with self.subTest(flags):
                program = self.compile(
                    "program", LIBRARY + "int main(void) { return get(); }", *flags
                )
                self.assert_refused(program, "aligned to", "move")

    def test_no_tls(self):
        library = self.compile("libx.so", "int x;\n", "-shared", "-fPIC")
        self.assert_refused(library, "no thread-local storage")
        before = library.read_bytes()
        self.assertEqual(self.pad("--allow-no-tls", library).returncode, 0)
        self.assertEqual(library.read_bytes(), before)

    def test_not_an_elf_file(self):
        path = self.path / "text"
        path.write_text("hello, this is text\n" * 10)
        self.assert_refused(path, "not an ELF file")
        path.write_bytes(b"")
        self.assert_refused(path, "not an ELF file")

    def test_other_machine_and_class(self):
        library = self.compile("libx.so", LIBRARY, "-shared", "-fPIC").read_bytes()
        path = self.path / "other.so"
        for offset, value, reason in (
            (18, 183, "machine 183"),
            (4, 1, "32-bit"),
            (5, 2, "big-endian"),
        ):
            patched = bytearray(library)
            patched[offset] = value
            path.write_bytes(patched)
            self.assert_refused(path, reason)

    def test_an_object_is_refused(self):
        self.assert_refused(self.compile("x.o", LIBRARY, "-c"), "not a program or shared library")

    def test_truncated_anywhere(self):
        library = self.compile("libx.so", LIBRARY, "-shared", "-fPIC").read_bytes()
        path = self.path / "cut.so"
        for size in (4, 63, 64, 100, 500, len(library) // 2, len(library) - 1):
            with self.subTest(size):
                path.write_bytes(library[:size])
                self.assert_refused(path, "truncated")

    def test_one_refusal_does_not_stop_the_others(self):
        library = self.compile("libx.so", LIBRARY, "-shared", "-fPIC")
        text = self.path / "text"
        text.write_text("text")
        self.assertEqual(self.pad(text, self.path / "missing", library).returncode, 1)
        self.assertEqual(tls(library)["p_memsz"], 4096)


if __name__ == "__main__":
    sys.exit(unittest.main())
