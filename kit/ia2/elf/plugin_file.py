"""Makes a linked shared library fit to be a compartment that comes with dlopen.

Its thread-local storage would have to fit into what ld.so keeps free for such libraries (half a
KiB, unless the environment says otherwise), as its offsets are those of static storage. So another
library, the carrier, has that storage: it is empty but for a TLS segment of the same size, and
linked with the program. The relocations of the plugin that name its own storage name the carrier's
here, and ld.so does not see the plugin's TLS segment, only the runtime, which copies the initial
values to each thread.

Its constructors would run with key 0 alone, before the library has its key. They are hidden from
ld.so and left to the runtime.
"""

import dataclasses
import os
import re

from ..base import atomic, layout
from ..base.failure import Failure
from . import elf

DT_INIT, DT_INIT_ARRAY, DT_INIT_ARRAYSZ = 12, 25, 27
# crti.o's and crtn.o's function _init: it calls __gmon_start__, which only gprof defines.
EMPTY_INIT = re.compile(
    rb"(\xf3\x0f\x1e\xfa)?\x48\x83\xec\x08\x48\x8b\x05.{4}\x48\x85\xc0\x74\x02\xff\xd0"
    rb"\x48\x83\xc4\x08\xc3",
    re.DOTALL,
)
TLS_RELOCATIONS = {16: "DTPMOD64", 17: "DTPOFF64", 18: "TPOFF64", 36: "TLSDESC"}
CARRIER = """\
    .section .tbss, "awT", @nobits
    .balign {page}
    .globl {symbol}
    .type {symbol}, @object
{symbol}:
    .skip {size}
    .size {symbol}, {size}
    .section .note.ia2_tls, "a", @note
    .balign 4
    .long 4, 4, {note}
    .asciz "IA2"
    .long {key}
    .section .note.GNU-stack, "", @progbits
"""


def carrier_name(compartment: str) -> str:
    return f"{compartment}.tls.so"


def plugin_of(library: str) -> str | None:
    """The file of the plugin whose carrier `library` is; None if it is none."""
    return library.removesuffix(".tls.so") + ".ia2.so" if library.endswith(".tls.so") else None


def carrier_symbol(key: int) -> str:
    return f"__ia2_tls_{key}"


def carrier_options(compartment: str) -> list[str]:
    """What links a carrier from its object, after the compiler driver and the options of every
    file."""
    return ["-shared", "-nostdlib", f"-Wl,-soname,{carrier_name(compartment)}"]


def carrier_source(path: str, key: int) -> str:
    """Assembly of the carrier for the plugin `path`. Failure if its storage does not fill whole
    pages."""
    block = _storage(elf.Elf.read(path))
    if block is None or block.vaddr % layout.IA2_PAGE or block.memsz % layout.IA2_PAGE:
        raise Failure("has no thread-local storage of whole pages", path, "pad-tls comes first")
    return CARRIER.format(
        page=max(layout.IA2_PAGE, block.align),
        symbol=carrier_symbol(key),
        size=block.memsz,
        key=key,
        note=layout.IA2_NOTE_CARRIER,
    )


def _storage(image: elf.Elf) -> elf.Segment | None:
    return image.segment(elf.PT_TLS) or image.segment(layout.IA2_PT_TLS)


@dataclasses.dataclass
class _Patch:
    data: bytearray

    def put(self, offset: int, value: int, size: int) -> None:
        self.data[offset : offset + size] = value.to_bytes(size, "little", signed=value < 0)


def fit(path: str, key: int) -> None:
    """Changes the plugin `path` of compartment `key` in place, atomically. Idempotent. Failure if
    it cannot be."""
    try:
        image = elf.Elf.read(path)
        patch = _Patch(bytearray(image.data))
        _carry(image, patch, carrier_symbol(key))
        _hide_constructors(image, patch)
    except elf.ElfError as error:
        raise Failure(str(error), path) from None
    if patch.data != image.data:
        atomic.write_bytes(os.path.realpath(path), bytes(patch.data))


def _carry(image: elf.Elf, patch: _Patch, symbol: str) -> None:
    block = image.segment(elf.PT_TLS)
    if block is None:
        return
    symbols = image.symbols(elf.SHT_DYNSYM)
    position = next(
        (
            index
            for index, found in enumerate(symbols, 1)
            if found.name == symbol and not found.defined
        ),
        None,
    )
    if position is None:
        raise elf.ElfError(f"does not refer to {symbol}: its gates are not those of a plugin")
    patch.put(image.phoff + block.index * elf.PHDR.size, layout.IA2_PT_TLS, 4)
    for section in image.sections:
        if section.type != elf.SHT_RELA or not section.flags & elf.SHF_ALLOC:
            continue
        for index, (_, kind, named, addend) in enumerate(image.relocations(section)):
            if kind not in TLS_RELOCATIONS or named and not symbols[named - 1].defined:
                continue
            own = symbols[named - 1].value if named else 0
            at = section.offset + index * elf.RELA.size
            patch.put(at + 8, position << 32 | kind, 8)
            patch.put(at + 16, own + addend, 8)


def _hide_constructors(image: elf.Elf, patch: _Patch) -> None:
    segment = image.segment(elf.PT_DYNAMIC)
    # ld.so ignores tags that it does not know.
    renamed = {
        DT_INIT: layout.IA2_DT_INIT,
        DT_INIT_ARRAY: layout.IA2_DT_INIT_ARRAY,
        DT_INIT_ARRAYSZ: layout.IA2_DT_INIT_ARRAYSZ,
    }
    for offset in (
        range(segment.offset, segment.offset + segment.filesz, elf.DYN.size) if segment else ()
    ):
        tag, value = elf.DYN.unpack_from(image.data, offset)
        if tag == DT_INIT and not EMPTY_INIT.match(image.data, image.file_offset(value)):
            raise elf.ElfError(
                "has code in its section .init, which ld.so would run before the compartment has"
                " its key; make it a function with __attribute__((constructor))"
            )
        if tag in renamed:
            patch.put(offset, renamed[tag], 8)
