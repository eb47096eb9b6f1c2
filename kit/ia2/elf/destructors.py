"""Which functions an object has run at exit: the entries of its .fini_array sections.

The object is read, not the source: attributes may come out of macros, and assembly has none.
"""

import dataclasses
import re

from ..base.failure import Failure
from . import elf

STT_SECTION = 3
SECTION = re.compile(r"\.fini_array(?:\.(\d+))?\Z")


@dataclasses.dataclass(frozen=True)
class Destructor:
    """`priority`: None for one without. `visible`: other objects of the link can name it."""

    symbol: str
    priority: int | None
    visible: bool


def read(path: str) -> list[Destructor]:
    """The destructors of one object, as its .fini_array has them. Failure if it cannot be read."""
    try:
        image = elf.Elf.read(path)
        arrays = {
            section.index: section for section in image.sections if SECTION.match(section.name)
        }
        return _entries(image, arrays) if arrays else []
    except (elf.ElfError, OSError) as error:
        raise Failure(f"cannot read its destructors: {error}", path) from None


def _entries(image: elf.Elf, arrays: dict[int, elf.Section]) -> list[Destructor]:
    symbols = image.symbols()
    functions = {
        (symbol.section, symbol.value): symbol
        for symbol in reversed(symbols)
        if symbol.type == elf.STT_FUNC
    }
    found = []
    for section in image.sections:
        if section.type != elf.SHT_RELA or section.info not in arrays:
            continue
        named = SECTION.match(arrays[section.info].name)
        priority = int(named[1]) if named and named[1] else None
        for _, _, index, addend in sorted(image.relocations(section)):
            if not 0 < index <= len(symbols):
                raise elf.ElfError("damaged: a destructor without a symbol")
            symbol: elf.Symbol | None = symbols[index - 1]
            # Compilers refer to a static function by its section.
            if symbol and symbol.type == STT_SECTION:
                symbol = functions.get((symbol.section, addend))
            if symbol is not None and symbol.name:
                visible = symbol.bind != elf.STB_LOCAL
                found.append(Destructor(symbol.name, priority, visible))
    return found
