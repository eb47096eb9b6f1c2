"""Reads ELF files for x86-64. Every offset is checked, since a truncated file must be refused.

pyelftools reads the same things, but takes over twenty times as long for the symbols of a program's
objects. It notices a file that ends early only when it trips over what is missing. Both matter
here. A test holds the two readers against each other.
"""

import collections.abc
import dataclasses
import functools
import struct

ET_REL, ET_EXEC, ET_DYN = 1, 2, 3
EM_X86_64 = 62
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_TLS = 1, 2, 3, 7
PT_GNU_STACK, PT_GNU_RELRO = 0x6474E551, 0x6474E552
PF_X, PF_W, PF_R = 1, 2, 4
SHT_SYMTAB, SHT_RELA, SHT_NOBITS, SHT_DYNSYM = 2, 4, 8, 11
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_TLS = 1, 2, 4, 0x400
SHN_UNDEF, SHN_LORESERVE, SHN_ABS, SHN_COMMON, SHN_XINDEX = 0, 0xFF00, 0xFFF1, 0xFFF2, 0xFFFF
STB_LOCAL, STB_GLOBAL, STB_WEAK = 0, 1, 2
STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_TLS, STT_IFUNC = 0, 1, 2, 6, 10
STV_DEFAULT, STV_INTERNAL, STV_HIDDEN, STV_PROTECTED = 0, 1, 2, 3
DT_NEEDED, DT_STRTAB, DT_RPATH, DT_TEXTREL = 1, 5, 15, 22
DT_BIND_NOW, DT_RUNPATH, DT_FLAGS, DT_FLAGS_1 = 24, 29, 30, 0x6FFFFFFB
DF_TEXTREL, DF_BIND_NOW, DF_1_NOW, DF_1_PIE = 4, 8, 1, 0x08000000
R_X86_64_COPY, R_X86_64_TPOFF64 = 5, 18

EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
PHDR = struct.Struct("<IIQQQQQQ")
SHDR = struct.Struct("<IIQQQQIIQQ")
SYM = struct.Struct("<IBBHQQ")
RELA = struct.Struct("<QQq")
DYN = struct.Struct("<qQ")


class ElfError(Exception):
    """The file is not the ELF file it should be; the text says why, without the path."""


@dataclasses.dataclass
class Segment:
    index: int
    type: int
    flags: int
    offset: int
    vaddr: int
    filesz: int
    memsz: int
    align: int


@dataclasses.dataclass
class Section:
    index: int
    name: str
    type: int
    flags: int
    addr: int
    offset: int
    size: int
    link: int
    info: int
    entsize: int


@dataclasses.dataclass(slots=True)
class Symbol:
    name: str
    bind: int
    type: int
    visibility: int
    section: int
    value: int
    size: int

    @property
    def defined(self) -> bool:
        return self.section != SHN_UNDEF


class Elf:
    """One ELF file, held in memory. Attributes are read-only; nothing is written back."""

    def __init__(self, data: bytes):
        self.data = data
        if data[:4] != b"\x7fELF":
            raise ElfError("not an ELF file")
        if len(data) < EHDR.size:
            raise ElfError(f"truncated: {len(data)} bytes, an ELF header has {EHDR.size}")
        if data[4] != 2:
            raise ElfError("a 32-bit ELF file; only 64-bit x86-64 is supported")
        if data[5] != 1:
            raise ElfError("a big-endian ELF file; only x86-64 is supported")
        (
            _,
            self.type,
            self.machine,
            _,
            self.entry,
            self.phoff,
            self.shoff,
            _,
            _,
            phentsize,
            phnum,
            shentsize,
            shnum,
            shstrndx,
        ) = EHDR.unpack_from(data)
        if self.machine != EM_X86_64:
            raise ElfError(f"an ELF file for machine {self.machine}; only x86-64 (62) is supported")
        if phnum and phentsize != PHDR.size or self.shoff and shentsize != SHDR.size:
            raise ElfError("damaged: impossible header sizes")
        self._slice(self.phoff, phnum * PHDR.size, "program headers")
        self.segments = [
            Segment(i, t, f, off, va, fs, ms, al)
            for i, (t, f, off, va, _, fs, ms, al) in enumerate(
                PHDR.iter_unpack(self._slice(self.phoff, phnum * PHDR.size, "program headers"))
            )
        ]
        for segment in self.segments:
            self._slice(segment.offset, segment.filesz, f"segment {segment.index}")
        self.sections = self._sections(shnum, shstrndx)

    @classmethod
    def read(cls, path: str) -> "Elf":
        """Raises OSError or ElfError."""
        with open(path, "rb") as stream:
            return cls(stream.read())

    def _slice(self, offset: int, size: int, what: str) -> bytes:
        if offset + size > len(self.data):
            raise ElfError(
                f"truncated: {what} end at byte {offset + size}, the file at {len(self.data)}"
            )
        return self.data[offset : offset + size]

    def _sections(self, count: int, names_index: int) -> list[Section]:
        if not self.shoff:
            return []
        first = SHDR.unpack(self._slice(self.shoff, SHDR.size, "section headers"))
        # More than 65279 sections: the counts moved to section 0 (gABI, "Section header").
        count = count or first[5]
        names_index = first[6] if names_index == SHN_XINDEX else names_index
        raw = list(SHDR.iter_unpack(self._slice(self.shoff, count * SHDR.size, "section headers")))
        for index, header in enumerate(raw):
            if header[1] != SHT_NOBITS and header[1] != 0:
                self._slice(header[4], header[5], f"section {index}")
        names = b""
        if names_index:
            if names_index >= len(raw):
                raise ElfError("damaged: no section name table")
            names = self._slice(raw[names_index][4], raw[names_index][5], "section names")
        return [
            Section(i, _string(names, name), kind, flags, addr, offset, size, link, info, entsize)
            for i, (name, kind, flags, addr, offset, size, link, info, _, entsize) in enumerate(raw)
        ]

    def address_of(self, offset: int) -> int | None:
        """The address at which the byte at `offset` of the file is loaded, or None."""
        for segment in self.segments:
            if (
                segment.type == PT_LOAD
                and segment.offset <= offset < segment.offset + segment.filesz
            ):
                return offset - segment.offset + segment.vaddr
        return None

    def section(self, name: str) -> Section | None:
        return next((section for section in self.sections if section.name == name), None)

    def contents(self, section: Section) -> bytes:
        if section.type == SHT_NOBITS:
            return b""
        return self._slice(section.offset, section.size, f"section {section.name}")

    def segment(self, kind: int) -> Segment | None:
        return next((segment for segment in self.segments if segment.type == kind), None)

    def section_of(self, symbol: Symbol) -> Section | None:
        """Where it is defined; None for an absolute or a common symbol, and in a file with more
        sections than a symbol can say."""
        return (
            self.sections[symbol.section]
            if symbol.section < min(SHN_LORESERVE, len(self.sections))
            else None
        )

    def symbols(self, kind: int = SHT_SYMTAB, only_global: bool = False) -> list[Symbol]:
        """Symbols of .symtab (SHT_SYMTAB) or .dynsym (SHT_DYNSYM), without the null symbol."""
        table = next((section for section in self.sections if section.type == kind), None)
        if table is None:
            return []
        if table.link >= len(self.sections) or table.size % SYM.size:
            raise ElfError(f"damaged: symbol table {table.name}")
        strings = self.contents(self.sections[table.link])
        # Local symbols come first; sh_info is the index of the first other one.
        first = max(1, min(table.info, table.size // SYM.size)) if only_global else 1
        raw = self.contents(table)[first * SYM.size :]
        return [
            Symbol(_string(strings, name), info >> 4, info & 15, other & 3, shndx, value, size)
            for name, info, other, shndx, value, size in SYM.iter_unpack(raw)
        ]

    def relocations(self, section: Section) -> collections.abc.Iterator[tuple[int, int, int, int]]:
        """(offset, type, symbol index, addend) of a SHT_RELA section."""
        if section.size % RELA.size:
            raise ElfError(f"damaged: relocation section {section.name}")
        for offset, info, addend in RELA.iter_unpack(self.contents(section)):
            yield offset, info & 0xFFFFFFFF, info >> 32, addend

    @functools.cached_property
    def dynamic(self) -> dict[int, list[int]]:
        """Tag -> values, in order, up to DT_NULL. Empty if there is no dynamic segment."""
        segment = self.segment(PT_DYNAMIC)
        tags: dict[int, list[int]] = {}
        if segment is None or not segment.filesz:
            return tags
        if segment.filesz % DYN.size:
            raise ElfError("damaged: dynamic segment")
        for tag, value in DYN.iter_unpack(
            self._slice(segment.offset, segment.filesz, "the dynamic segment")
        ):
            if tag == 0:
                break
            tags.setdefault(tag, []).append(value)
        return tags

    def dynamic_strings(self, tag: int) -> list[str]:
        values = self.dynamic.get(tag, [])
        if not values:
            return []
        offset = self.file_offset(self.dynamic.get(DT_STRTAB, [0])[0])
        return [_string(self.data, offset + value) for value in values]

    def file_offset(self, address: int) -> int:
        for segment in self.segments:
            if (
                segment.type == PT_LOAD
                and segment.vaddr <= address < segment.vaddr + segment.filesz
            ):
                return address - segment.vaddr + segment.offset
        raise ElfError(f"damaged: address {address:#x} is in no segment")

    @property
    def executable(self) -> bool:
        """True of a program (static, PIE or not), false of a shared library or an object."""
        if self.type == ET_EXEC:
            return True
        flags = self.dynamic.get(DT_FLAGS_1, [0])[0]
        return self.type == ET_DYN and (
            self.segment(PT_INTERP) is not None or bool(flags & DF_1_PIE)
        )


def _string(table: bytes, offset: int) -> str:
    end = table.find(b"\0", offset)
    if offset > len(table) or (end < 0 and table):
        raise ElfError("damaged: a name runs past its string table")
    return table[offset:end].decode("utf-8", "surrogateescape") if table else ""
