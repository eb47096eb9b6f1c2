"""The gates in a linked file: the listed sites of instructions that set PKRU or the thread pointer,
and where else the file has the bytes of one."""

import re
import struct

from ..base import layout
from . import elf

# WRPKRU; XRSTOR from memory; WRFSBASE with or without REX: instructions that set PKRU or the thread
# pointer.
DANGEROUS = re.compile(
    rb"\x0f\x01\xef|\x0f\xae[\x28-\x2f\x68-\x6f\xa8-\xaf]|\xf3[\x40-\x4f]?\x0f\xae[\xd0-\xd7]", re.S
)
MNEMONICS = {0x01: "WRPKRU", 0xAE: "XRSTOR or WRFSBASE"}
SITES_SECTION = "ia2_sites"


def unlisted(image: elf.Elf) -> list[str]:
    """Where else than at its sites `image` has the bytes of an instruction that sets PKRU or the
    thread pointer."""
    return [
        f"{mnemonic} at {address:#x}{nearest(image, address)}"
        for address, mnemonic in dangerous(image)
    ]


def dangerous(image: elf.Elf) -> list[tuple[int, str]]:
    """(address, instruction) of what `unlisted` describes."""
    allowed = sites(image)
    found = []
    for segment in image.segments:
        if segment.type != elf.PT_LOAD or not segment.flags & elf.PF_X:
            continue
        for match in DANGEROUS.finditer(
            image.data, segment.offset, segment.offset + segment.filesz
        ):
            address = match.start() - segment.offset + segment.vaddr
            if not any(
                start <= address and address + len(match.group()) <= end for start, end in allowed
            ):
                second = match.group()[1] if match.group()[0] == 0x0F else 0xAE
                found.append((address, MNEMONICS[second]))
    return found


def sites(image: elf.Elf) -> list[tuple[int, int]]:
    """(start, end) addresses of the instructions that start-up knows and patches."""
    section = image.section(SITES_SECTION)
    if section is None:
        return []
    if section.size % layout.IA2_SITE_SIZE:
        raise elf.ElfError(f"damaged: section {SITES_SECTION}")
    found, entries = [], image.contents(section)
    for at in range(0, section.size, layout.IA2_SITE_SIZE):
        distance = struct.unpack_from("<i", entries, at + layout.IA2_SITE_OFFSET)[0]
        length = struct.unpack_from("<H", entries, at + layout.IA2_SITE_LENGTH)[0]
        start = section.addr + at + distance
        found.append((start, start + length))
    return found


def nearest(image: elf.Elf, address: int) -> str:
    before = [
        symbol
        for symbol in image.symbols()
        if symbol.type in (elf.STT_FUNC, elf.STT_NOTYPE)
        and symbol.name
        and 0 < symbol.section < elf.SHN_LORESERVE
        and symbol.value <= address
    ]
    last = max(before, key=lambda symbol: symbol.value, default=None)
    return f" in {last.name}+{address - last.value:#x}" if last else ""
