"""A compartment's descriptor, as the note .note.ia2 of a linked file leads to it."""

import struct

from ..base import layout
from . import elf

# The note that leads to a compartment's descriptor: sizes, type, name, and the distance from the
# end of the name.
NOTE = struct.Struct("<III4sq")


def is_permissive(image: elf.Elf) -> bool:
    """Whether the compartment's descriptor says that it was built permissive. False if there is no
    descriptor."""
    for section in image.sections:
        if section.name != ".note.ia2":
            continue
        note = image.contents(section)
        if len(note) < NOTE.size:
            raise elf.ElfError("damaged: section .note.ia2")
        distance = NOTE.unpack_from(note)[-1]
        at = section.addr + NOTE.size - 8 + distance + layout.IA2_COMPARTMENT_PERMISSIVE
        for segment in image.segments:
            if (
                segment.type == elf.PT_LOAD
                and segment.vaddr <= at
                and at + 4 <= segment.vaddr + segment.filesz
            ):
                place = segment.offset + at - segment.vaddr
                return any(image.data[place : place + 4])
        raise elf.ElfError("damaged: its descriptor is outside of the file")
    return False
