"""The kit's ELF reader against pyelftools."""

import subprocess
import unittest

from elftools.elf.elffile import ELFFile
from ia2.elf import elf


class AgainstPyelftools(unittest.TestCase):
    def test_the_c_library_and_the_compilers_start_files(self):
        for name in ("libc.so.6", "libm.so.6", "Scrt1.o", "libc_nonshared.a"):
            path = subprocess.run(
                ["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True
            ).stdout.strip()
            with self.subTest(path), open(path, "rb") as stream:
                if name.endswith(".a"):
                    self.assertRaises(elf.ElfError, elf.Elf.read, path)
                    continue
                image, other = elf.Elf.read(path), ELFFile(stream)
                self.assertEqual(
                    [(s.name, s.addr, s.offset, s.size) for s in image.sections],
                    [
                        (s.name, s["sh_addr"], s["sh_offset"], s["sh_size"])
                        for s in other.iter_sections()
                    ],
                )
                self.assertEqual(
                    [(s.offset, s.vaddr, s.filesz, s.memsz, s.align) for s in image.segments],
                    [
                        tuple(
                            s[f"p_{field}"]
                            for field in ("offset", "vaddr", "filesz", "memsz", "align")
                        )
                        for s in other.iter_segments()
                    ],
                )
                for kind, table in ((elf.SHT_DYNSYM, ".dynsym"), (elf.SHT_SYMTAB, ".symtab")):
                    section = other.get_section_by_name(table)
                    expected = (
                        [(s.name, s["st_value"], s["st_size"]) for s in section.iter_symbols()][1:]
                        if section
                        else []
                    )
                    self.assertEqual(
                        [(s.name, s.value, s.size) for s in image.symbols(kind)], expected
                    )
                dynamic = other.get_section_by_name(".dynamic")
                if dynamic:
                    self.assertEqual(
                        image.dynamic_strings(elf.DT_NEEDED),
                        [tag.needed for tag in dynamic.iter_tags("DT_NEEDED")],
                    )
                    self.assertFalse(image.executable and name == "libm.so.6")
