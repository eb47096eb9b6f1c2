"""What an object defines and needs, and what the members of an archive define."""

import dataclasses
import typing

from ..base.failure import Failure
from . import elf

SymbolKind = typing.Literal["function", "data", "thread-local"]
BITCODE = (b"BC\xc0\xde", b"\xde\xc0\x17\x0b")


@dataclasses.dataclass
class ObjectSymbols:
    """Global symbols of one object. `kinds`: name -> "function", "data" or "thread-local";
    `constant`: data that nobody may write, which every compartment may read as it is."""

    kinds: dict[str, SymbolKind]
    weak: set[str]
    hidden: set[str]
    needs: dict[str, bool]
    writable: bool
    constant: set[str] = dataclasses.field(default_factory=set)


def read(path: str) -> ObjectSymbols:
    """`needs` maps each undefined name to whether it must be found (false: weak). Failure if not
    linkable."""
    try:
        with open(path, "rb") as stream:
            data = stream.read()
        if data.startswith(BITCODE):
            raise _lto(path)
        image = elf.Elf(data)
    except elf.ElfError as error:
        raise Failure(f"{error}", path) from None
    except OSError as error:
        raise Failure(f"cannot read the object: {error.strerror}", path) from None
    if image.type != elf.ET_REL:
        raise Failure("is not a relocatable object", path)
    if any(section.name.startswith(".gnu.lto_") for section in image.sections):
        raise _lto(path)
    found = ObjectSymbols(
        {},
        set(),
        set(),
        {},
        any(
            section.size
            and section.flags & elf.SHF_ALLOC
            and not _is_constant(section)
            and not section.name.startswith((".init_array", ".fini_array"))
            for section in image.sections
        ),
    )
    for symbol in image.symbols(only_global=True):
        if not symbol.name or symbol.bind == elf.STB_LOCAL:
            continue
        if not symbol.defined:
            found.needs[symbol.name] = symbol.bind != elf.STB_WEAK
            continue
        found.kinds[symbol.name] = _kind(image, symbol)
        section = image.section_of(symbol)
        if found.kinds[symbol.name] == "data" and section and _is_constant(section):
            found.constant.add(symbol.name)
        if symbol.bind == elf.STB_WEAK:
            found.weak.add(symbol.name)
        if symbol.visibility in (elf.STV_HIDDEN, elf.STV_INTERNAL):
            found.hidden.add(symbol.name)
    return found


def _is_constant(section: elf.Section) -> bool:
    """Not writable, or only until the loader has relocated it."""
    return not section.flags & elf.SHF_WRITE or section.name.startswith(".data.rel.ro")


def _kind(image: elf.Elf, symbol: elf.Symbol) -> SymbolKind:
    if symbol.type in (elf.STT_FUNC, elf.STT_IFUNC):
        return "function"
    if symbol.type == elf.STT_TLS:
        return "thread-local"
    # Assemblers leave symbols without a type; then the section tells.
    section = image.section_of(symbol)
    if symbol.type == elf.STT_NOTYPE and section and section.flags & elf.SHF_EXECINSTR:
        return "function"
    return "data"


def _lto(path: str) -> Failure:
    return Failure(
        "holds compiler intermediate code (link-time optimization), not machine code",
        path,
        "build the project without it: -Db_lto=false for Meson, no -flto",
    )


def archive_names(path: str) -> set[str]:
    """What the members of a static archive define, as its symbol index says; empty without an
    index. Failure if damaged."""
    try:
        with open(path, "rb") as stream:
            if stream.read(8) not in (b"!<arch>\n", b"!<thin>\n"):
                return set()
            header = stream.read(60)
            if header[:16].rstrip() != b"/":
                return set()
            index = stream.read(int(header[48:58]))
    except (OSError, ValueError) as error:
        raise Failure(f"cannot read the archive: {error}", path) from None
    count = int.from_bytes(index[:4], "big")
    names = index[4 + 4 * count :].split(b"\0")[:count]
    return {name.decode("utf-8", "surrogateescape") for name in names}
