"""Makes test video out of nothing: the same bytes everywhere, with motion, edges, gradients and
noise.

Rows are slices of one precomputed line, put through bytes.translate: fast enough in plain Python.
"""

import math
import pathlib
import random
from dataclasses import dataclass

CHROMA = {"420": (2, 2), "422": (2, 1), "444": (1, 1)}


@dataclass(frozen=True)
class Video:
    """layout: 420, 422 or 444. bits: 8, 10 or 12; above 8, samples are two bytes, little-endian."""

    width: int
    height: int
    frames: int
    layout: str = "420"
    bits: int = 8


def _line(length: int, seed: int) -> bytes:
    """Gradients, a texture and hard edges along one line."""
    noise = random.Random(seed)
    period = 61 + 10 * seed
    return bytes(
        max(
            16,
            min(
                235,
                int(
                    120
                    + 55 * math.sin(x / period)
                    + 20 * math.sin(x / 7.3)
                    + (45 if (x // 89) % 3 == 0 else 0)
                    + noise.randint(-6, 6)
                ),
            ),
        )
        for x in range(length)
    )


def _gains() -> list[bytes]:
    """Brightness curves, one per step of a slow vertical gradient."""
    return [
        bytes(max(0, min(255, int(value * (0.65 + step / 100)))) for value in range(256))
        for step in range(64)
    ]


class _Plane:
    """One plane of the video, made frame by frame."""

    def __init__(self, width: int, height: int, bits: int, seed: int):
        self.width, self.height, self.seed = width, height, seed
        self.line = _line(width + 1024, seed)
        self.gains = _gains()
        self.low = bytes((value << bits - 8) & 255 for value in range(256))
        self.high = bytes((value << bits - 8) >> 8 for value in range(256))
        self.wide = bits > 8

    def frame(self, number: int) -> bytes:
        rows = []
        # A square that moves against the background: occlusion, and motion that differs within the
        # frame.
        side = max(4, self.height // 4)
        left = (number * 5 + self.seed * 11) % max(1, self.width - side)
        top = (number * 3) % max(1, self.height - side)
        for y in range(self.height):
            shift = int(300 + 200 * math.sin((y + 2 * number) / 23)) + number * 3 + (y * 7919 % 5)
            row = self.line[shift : shift + self.width]
            row = row.translate(self.gains[(y // 3 + number) % 64])
            if top <= y < top + side:
                inner = self.line[(y * 13) % 256 :][:side].translate(self.gains[63 - y % 64])
                row = row[:left] + inner + row[left + side :]
                row = row[: self.width]
            if self.wide:
                both = bytearray(2 * self.width)
                both[0::2] = row.translate(self.low)
                both[1::2] = row.translate(self.high)
                row = both
            rows.append(row)
        return b"".join(rows)


def write_y4m(video: Video, path: pathlib.Path) -> None:
    """Writes the video as a YUV4MPEG2 file."""
    across, down = CHROMA[video.layout]
    planes = [_Plane(video.width, video.height, video.bits, 0)]
    planes += [
        _Plane(-(-video.width // across), -(-video.height // down), video.bits, seed)
        for seed in (1, 2)
    ]
    colour = {("420", 8): "420jpeg"}.get(
        (video.layout, video.bits), video.layout + (f"p{video.bits}" if video.bits > 8 else "")
    )
    with open(path, "wb") as out:
        out.write(f"YUV4MPEG2 W{video.width} H{video.height} F25:1 Ip C{colour}\n".encode())
        for number in range(video.frames):
            out.write(b"FRAME\n")
            for plane in planes:
                out.write(plane.frame(number))
