"""Makes AV1 test streams with Debian's encoders and checks each with an independent decoder,
aomdec.

    python3 -m ia2.samples.streams        makes what is missing in BUILD/streams and lists it

A stream is kept as NAME.ivf (or .obu) with NAME.json, which holds the MD5 of its decoded pictures
as `dav1d --muxer md5 --filmgrain 1` computes it: every plane, row by row; monochrome has one plane.
"""

import collections.abc
import concurrent.futures
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass

from ..vm import vm
from . import synthetic_video
from .synthetic_video import Video, write_y4m

CIF = Video(352, 288, 10)
SMALL = Video(208, 160, 8)
# Encoding is part of the first run of the demo and the tests, so speed counts more than quality.
AOM = (
    "aomenc",
    "--quiet",
    "--cpu-used=6",
    "--end-usage=q",
    "--cq-level=36",
    "--lag-in-frames=8",
    "--threads=2",
)
SVT = ("SvtAv1EncApp", "--preset", "8", "--lp", "2")


class StreamError(Exception):
    """A stream could not be made or does not decode; the text says which command and how it
    failed."""


@dataclass(frozen=True)
class Recipe:
    """How to make one stream: the encoder's command without input and output."""

    name: str
    video: Video
    encoder: tuple
    options: tuple = ()
    suffix: str = "ivf"


@dataclass(frozen=True)
class Stream:
    """A stream ready to be decoded. md5: of its pictures, by aomdec."""

    name: str
    path: pathlib.Path
    md5: str
    frames: int


def sized(width: int, height: int, frames: int, layout: str = "420", bits: int = 8) -> Video:
    return Video(width, height, frames, layout, bits)


# Long enough to time; not among RECIPES, since an emulated CPU takes half a minute to decode it.
BENCHMARK = Recipe(
    "bench-8bit-1280x720", sized(1280, 720, 150), ("SvtAv1EncApp", "--preset", "10"), ("-q", "40")
)

RECIPES = (
    Recipe("8bit-420", CIF, AOM),
    Recipe("8bit-422", sized(208, 160, 8, "422"), AOM, ("--profile=2",)),
    Recipe("8bit-444", sized(208, 160, 8, "444"), AOM, ("--profile=1",)),
    Recipe("8bit-mono", SMALL, AOM, ("--monochrome",)),
    Recipe(
        "10bit-420", sized(352, 288, 8, bits=10), AOM, ("--bit-depth=10", "--input-bit-depth=10")
    ),
    Recipe(
        "10bit-444",
        sized(208, 160, 8, "444", 10),
        AOM,
        ("--profile=1", "--bit-depth=10", "--input-bit-depth=10"),
    ),
    Recipe(
        "10bit-mono",
        sized(208, 160, 8, bits=10),
        AOM,
        ("--monochrome", "--bit-depth=10", "--input-bit-depth=10"),
    ),
    Recipe(
        "12bit-420",
        sized(208, 160, 6, bits=12),
        AOM,
        ("--profile=2", "--bit-depth=12", "--input-bit-depth=12"),
    ),
    Recipe("8bit-grain", CIF, AOM, ("--film-grain-test=1",)),
    Recipe(
        "10bit-grain",
        sized(208, 160, 8, bits=10),
        AOM,
        ("--film-grain-test=7", "--bit-depth=10", "--input-bit-depth=10"),
    ),
    Recipe("8bit-tiles-4x2", sized(640, 360, 6), AOM, ("--tile-columns=2", "--tile-rows=1")),
    Recipe("8bit-odd-227x143", sized(227, 143, 8), AOM),
    Recipe(
        "10bit-odd-97x51-444",
        sized(97, 51, 8, "444", 10),
        AOM,
        ("--profile=1", "--bit-depth=10", "--input-bit-depth=10"),
    ),
    Recipe(
        "8bit-superres",
        CIF,
        AOM,
        ("--superres-mode=1", "--superres-denominator=13", "--superres-kf-denominator=11"),
    ),
    Recipe("8bit-resize", sized(352, 288, 10), AOM, ("--resize-mode=1", "--resize-denominator=12")),
    Recipe(
        "8bit-screen",
        SMALL,
        AOM,
        ("--tune-content=screen", "--enable-palette=1", "--enable-intrabc=1"),
    ),
    Recipe("8bit-lossless", sized(144, 112, 5), AOM, ("--lossless=1",)),
    Recipe("8bit-section5", SMALL, AOM, ("--obu",), "obu"),
    Recipe("svt-8bit", CIF, SVT),
    Recipe(
        "svt-8bit-tiles-2x2", sized(640, 360, 8), SVT, ("--tile-columns", "1", "--tile-rows", "1")
    ),
    Recipe("svt-8bit-grain", sized(352, 288, 8), SVT, ("--film-grain", "20")),
    Recipe("svt-10bit", sized(352, 288, 8, bits=10), SVT, ("--input-depth", "10")),
)


def _run(command: list) -> str:
    command = [str(word) for word in command]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except FileNotFoundError:
        raise StreamError(f"{command[0]} not found\nremedy: run scripts/setup") from None
    if done.returncode != 0:
        raise StreamError(
            f"`{' '.join(command)}` failed (exit status {done.returncode}):\n{done.stdout[-2000:]}"
        )
    return done.stdout


def _stamp(recipe: Recipe) -> str:
    """Changes when the stream would be made differently."""
    text = json.dumps(asdict(recipe)) + pathlib.Path(synthetic_video.__file__).read_text()
    return hashlib.sha256(text.encode()).hexdigest()


def _cached(recipe: Recipe, folder: pathlib.Path) -> Stream | None:
    try:
        kept = json.loads((folder / f"{recipe.name}.json").read_text())
        path = folder / f"{recipe.name}.{recipe.suffix}"
        if kept["stamp"] == _stamp(recipe) and path.stat().st_size == kept["size"]:
            return Stream(recipe.name, path, kept["md5"], recipe.video.frames)
    except (OSError, ValueError, KeyError):
        pass
    return None


def reference_md5(path: pathlib.Path) -> str:
    """The MD5 of the pictures as aomdec decodes them."""
    text = _run(["aomdec", "--rawvideo", "--md5", path])
    md5 = text.split()[0] if text.split() else ""
    if len(md5) != 32:
        raise StreamError(f"aomdec printed no MD5 for {path}: {text[-500:]}")
    return md5


def _make(recipe: Recipe, folder: pathlib.Path) -> Stream:
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as scratch:
        source, made = pathlib.Path(scratch, "in.y4m"), pathlib.Path(
            scratch, f"out.{recipe.suffix}"
        )
        write_y4m(recipe.video, source)
        if recipe.encoder[0] == "aomenc":
            container = () if recipe.suffix == "obu" else ("--ivf",)
            command = [*recipe.encoder, *recipe.options, *container, "-o", made, source]
        else:
            command = [*recipe.encoder, *recipe.options, "-i", source, "-b", made]
        _run(command)
        md5 = reference_md5(made)
        size = made.stat().st_size
        path = folder / f"{recipe.name}.{recipe.suffix}"
        made.rename(path)
        note = pathlib.Path(scratch, "note")
        note.write_text(json.dumps({"stamp": _stamp(recipe), "md5": md5, "size": size}))
        note.rename(folder / f"{recipe.name}.json")
    return Stream(recipe.name, path, md5, recipe.video.frames)


def prepare(
    build: pathlib.Path,
    progress: collections.abc.Callable[[str], None] = lambda text: None,
    recipes: tuple[Recipe, ...] = RECIPES,
) -> list[Stream]:
    """Returns the streams of recipes, in their order, making those that are missing. Raises
    StreamError."""
    folder = build / "streams"
    folder.mkdir(parents=True, exist_ok=True)
    cached = {recipe.name: _cached(recipe, folder) for recipe in recipes}
    streams = {name: stream for name, stream in cached.items() if stream}
    # The longest first, so that it does not end up alone at the end.
    missing = sorted(
        (recipe for recipe in recipes if recipe.name not in streams),
        key=lambda recipe: -recipe.video.width * recipe.video.height * recipe.video.frames,
    )
    if missing:
        progress(f"making {len(missing)} AV1 streams (once)")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        making = {pool.submit(_make, recipe, folder): recipe.name for recipe in missing}
        try:
            for number, done in enumerate(concurrent.futures.as_completed(making), 1):
                streams[making[done]] = done.result()
                progress(f"stream {number}/{len(missing)}: {making[done]}")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return [streams[recipe.name] for recipe in recipes]


def main() -> int:
    try:
        streams = prepare(
            vm.build_dir(),
            lambda text: print(f"streams: {text}", file=sys.stderr, flush=True),
            (*RECIPES, BENCHMARK),
        )
    except StreamError as error:
        print(f"streams: error: {error}", file=sys.stderr)
        return 1
    for stream in streams:
        print(stream.md5, stream.frames, stream.path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
