"""What the engine reads of objects and linked files, and what it refuses of damaged ones."""

import pathlib
import subprocess
import tempfile
import unittest

from ia2.base.failure import Failure
from ia2.elf import destructors, elf, gates, symbols

SOURCE = """\
int counter = 1;
const int limit = 2;
static int (*const table[])(void);
extern int elsewhere;
extern int maybe(void) __attribute__((weak));
__thread int own;
__attribute__((visibility("hidden"))) int inner(void) { return elsewhere; }
__attribute__((weak)) int soft(void) { return maybe ? maybe() : limit; }
static int local(void) { return own; }
static int (*const table[])(void) = {inner, soft, local};
int outer(int n) { return table[n](); }
__attribute__((destructor(101))) static void early(void) { counter--; }
__attribute__((destructor)) void late(void) { counter++; }
"""
# Code with a listed site (WRPKRU, 3 bytes) and the same bytes where no site is.
SITES = """\
    .text
    .globl f
    .type f, @function
f:
0:  wrpkru
1:  nop
{more}
    ret
    .section ia2_sites, "a"
    .long 0b - .
    .short 0, 3
    .section .note.GNU-stack, "", @progbits
"""


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)

    def compiled(self, text, language="c", name="a.o", *flags):
        command = ["gcc", "-fPIC", "-x", language, "-", "-o", self.path / name, *(flags or ["-c"])]
        subprocess.run(command, input=text, text=True, check=True)
        return str(self.path / name)


class Objects(Folder):
    def test_symbols(self):
        found = symbols.read(self.compiled(SOURCE))
        kinds = {
            "counter": "data",
            "limit": "data",
            "own": "thread-local",
            "inner": "function",
            "soft": "function",
            "outer": "function",
            "late": "function",
        }
        self.assertEqual(found.kinds, kinds)
        self.assertEqual((found.weak, found.hidden), ({"soft"}, {"inner"}))
        self.assertEqual(found.constant, {"limit"})
        self.assertTrue(found.writable)
        # `maybe` is weak: it need not be found.
        needs = {name: strong for name, strong in found.needs.items() if not name.startswith("_")}
        self.assertEqual(needs, {"elsewhere": True, "maybe": False})

    def test_without_variables(self):
        self.assertFalse(symbols.read(self.compiled("int f(void) { return 1; }")).writable)

    def test_destructors(self):
        found = {each.symbol: each for each in destructors.read(self.compiled(SOURCE))}
        self.assertEqual((found["early"].priority, found["early"].visible), (101, False))
        self.assertEqual((found["late"].priority, found["late"].visible), (None, True))
        self.assertEqual(destructors.read(self.compiled("int f(void) { return 1; }")), [])

    def test_archive_index(self):
        self.compiled("int one(void) { return 1; }", "c", "one.o")
        self.compiled("int two(void) { return 2; }", "c", "two.o")
        subprocess.run(["ar", "rcs", "both.a", "one.o", "two.o"], cwd=self.path, check=True)
        self.assertEqual(symbols.archive_names(str(self.path / "both.a")), {"one", "two"})
        self.assertEqual(symbols.archive_names(str(self.path / "one.o")), set())

    def test_what_is_no_object(self):
        program = self.compiled("int main(void) { return 0; }", "c", "program", "-pie")
        (self.path / "text").write_text("text")
        (self.path / "bitcode").write_bytes(b"BC\xc0\xde")
        for path, message in (
            (program, "is not a relocatable object"),
            (str(self.path / "text"), "not an ELF file"),
            (str(self.path / "bitcode"), "build the project without it"),
            (str(self.path / "none"), "cannot read the object: No such file or directory"),
        ):
            with self.subTest(path), self.assertRaises(Failure) as caught:
                symbols.read(path)
            self.assertIn(message, str(caught.exception))


class Damaged(Folder):
    def test_a_file_that_ends_early_is_refused(self):
        data = pathlib.Path(self.compiled(SOURCE)).read_bytes()
        elf.Elf(data)
        for size in range(0, len(data), 7):
            with self.subTest(size), self.assertRaises(elf.ElfError):
                elf.Elf(data[:size]).symbols()

    def test_other_machines(self):
        data = pathlib.Path(self.compiled(SOURCE)).read_bytes()
        for offset, value, message in (
            (4, b"\1", "a 32-bit ELF file"),
            (5, b"\2", "a big-endian ELF file"),
            (18, b"\xb7\0", "x86-64"),
        ):
            changed = data[:offset] + value + data[offset + len(value) :]
            with self.subTest(message), self.assertRaisesRegex(elf.ElfError, message):
                elf.Elf(changed)

    def test_a_name_beyond_its_table(self):
        data = bytearray(pathlib.Path(self.compiled(SOURCE)).read_bytes())
        table = next(s for s in elf.Elf(bytes(data)).sections if s.type == elf.SHT_SYMTAB)
        last = table.offset + table.size - elf.SYM.size
        data[last : last + 4] = b"\xff\xff\xff\x7f"
        with self.assertRaisesRegex(elf.ElfError, "a name runs past its string table"):
            elf.Elf(bytes(data)).symbols()


class Sites(Folder):
    def image(self, more="", old="", new=""):
        text = SITES.format(more=more)
        assert old in text
        flags = ("-shared", "-nostdlib")
        return elf.Elf.read(
            self.compiled(text.replace(old, new) if old else text, "assembler", "a.so", *flags)
        )

    def test_a_listed_site_is_accepted(self):
        image = self.image()
        self.assertEqual(gates.unlisted(image), [])
        self.assertEqual([end - start for start, end in gates.sites(image)], [3])

    def test_the_same_bytes_elsewhere_are_not(self):
        for more, said in (
            ("    wrpkru", r"WRPKRU at 0x[0-9a-f]+ in f\+0x4"),
            ("    movl $0xef010f, %eax", r"WRPKRU at 0x[0-9a-f]+ in f\+0x5"),
            ("    wrfsbase %rax", r"XRSTOR or WRFSBASE at 0x[0-9a-f]+ in f\+0x4"),
            ("    xrstor 8(%rsp)", r"XRSTOR or WRFSBASE at"),
        ):
            with self.subTest(more):
                found = gates.unlisted(self.image(more))
                self.assertEqual(len(found), 1)
                self.assertRegex(found[0], said)

    def test_a_site_that_is_too_short_or_ends_early(self):
        found = gates.unlisted(self.image(old=".short 0, 3", new=".short 0, 2"))
        self.assertRegex(found[0], "WRPKRU at")
        with self.assertRaisesRegex(elf.ElfError, "damaged: section ia2_sites"):
            gates.sites(self.image(old=".short 0, 3", new=".short 0"))


if __name__ == "__main__":
    unittest.main()
