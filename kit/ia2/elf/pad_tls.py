"""Rounds the TLS segment of ELF files up to whole pages, so that no two libraries' thread-locals
share a page and each can have its own protection key.

The loader reserves and zeroes that much more; p_align becomes a page too where the segment starts
on one. A library whose segment starts within a page gets whole pages of size, but its first page
may hold the end of another block: the runtime refuses that at start-up if the library has a key.
"""

import os
import stat

from ..base import atomic
from ..base.failure import Failure
from . import elf

PAGE = 4096
P_MEMSZ_OFFSET = 40


def padded(data: bytes, allow_no_tls: bool) -> bytes | None:
    """`data` with PT_TLS padded, or None if nothing has to change. Raises elf.ElfError."""
    image = elf.Elf(data)
    if image.type not in (elf.ET_EXEC, elf.ET_DYN):
        raise elf.ElfError("not a program or shared library")
    blocks = [segment for segment in image.segments if segment.type == elf.PT_TLS]
    if not blocks:
        if allow_no_tls:
            return None
        raise elf.ElfError("has no thread-local storage; with --allow-no-tls this is accepted")
    if len(blocks) > 1:
        raise elf.ElfError("damaged: more than one PT_TLS segment")
    block = blocks[0]
    if block.filesz > block.memsz or block.align & (block.align - 1):
        raise elf.ElfError("damaged: impossible PT_TLS segment")
    if block.align < PAGE and image.executable:
        # Local-exec code has offsets from the thread pointer compiled in, and glibc puts the block
        # of the executable at tp - roundup(memsz, align): a larger memsz would move it away from
        # them.
        raise elf.ElfError(
            f"an executable whose TLS is aligned to {block.align}, not {PAGE}: padding would move"
            " it away from what its code was compiled for; give it a page-aligned thread-local and"
            " link it again"
        )
    memsz = -(-block.memsz // PAGE) * PAGE
    align = block.align
    if block.align < PAGE and block.vaddr % PAGE == 0 and block.offset % PAGE == 0:
        align = PAGE
    if memsz == block.memsz and align == block.align:
        return None
    patched = bytearray(data)
    header = image.phoff + block.index * elf.PHDR.size
    patched[header + P_MEMSZ_OFFSET : header + P_MEMSZ_OFFSET + 8] = memsz.to_bytes(8, "little")
    patched[header + P_MEMSZ_OFFSET + 8 : header + P_MEMSZ_OFFSET + 16] = align.to_bytes(
        8, "little"
    )
    return bytes(patched)


def pad_file(path: str, allow_no_tls: bool = False) -> bool:
    """Pads `path` in place, atomically, keeping its mode. True if it changed; Failure if it cannot
    be."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise Failure("not a regular file", path)
        with open(path, "rb") as stream:
            data = stream.read()
        patched = padded(data, allow_no_tls)
        if patched is not None:
            # A symbolic link (libx.so -> libx.so.1) stays one: what it names is replaced.
            atomic.write_bytes(os.path.realpath(path), patched)
    except elf.ElfError as error:
        raise Failure(str(error), path) from None
    except OSError as error:
        raise Failure(error.strerror or str(error), path) from None
    return patched is not None
