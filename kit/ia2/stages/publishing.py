"""Where a finished program goes: OUT/bin, and, for a build system, the folder in which it expects
its outputs, with what they depend on."""

import json
import os

from ..base import atomic
from ..base.failure import Failure
from ..base.paths import inside
from .link import Linked

# The names of the files in OUT/bin that rewrite.py made. All other files there are the user's. The
# file exists from the first run on; without it, OUT is of a kit that took all of bin/ for its own.
MADE = "bin-files.json"


def begin(out: str) -> None:
    """Says of a new OUT that no run made a file in OUT/bin."""
    if not os.path.exists(os.path.join(out, MADE)):
        atomic.write_json(os.path.join(out, MADE), [])


def publish(out: str, folder: str) -> None:
    """Copies what rewrite.py made in OUT/bin into `folder`. A file that is there already only gets
    a new time: the build system must find it newer than its inputs."""
    os.makedirs(folder, exist_ok=True)
    for name in _made(out):
        source, target = os.path.join(out, "bin", name), os.path.join(folder, name)
        with open(source, "rb") as stream:
            data = stream.read()
        if _contents(target) != data:
            atomic.write_bytes(target, data, os.stat(source).st_mode & 0o7777)
        else:
            os.utime(target)


def replace(target: str, out: str, linked: Linked) -> None:
    """Moves the files of the finished link in `target` into OUT/bin, each by a rename, and removes
    what earlier runs made there and this run did not. Failure, and nothing is moved, if one of the
    files would replace a file that no run made."""
    bin_dir = os.path.join(out, "bin")
    os.makedirs(bin_dir, exist_ok=True)
    before, now = _made(out), linked.files()
    foreign = sorted(set(now) & set(os.listdir(bin_dir)) - set(before))
    if foreign:
        raise Failure(
            "is in the way, and rewrite.py did not make it",
            os.path.join(bin_dir, foreign[0]),
            "move it away, or name another directory with --out",
        )
    # If the run ends in between, the next run knows the files of both.
    atomic.write_json(os.path.join(out, MADE), sorted({*before, *now}))
    # The program comes last. Until then the old program may have new libraries beside it. The new
    # program never has old ones.
    for name in [*reversed(linked.libraries), linked.program]:
        os.replace(os.path.join(target, name), os.path.join(bin_dir, name))
    for name in set(before) - set(now):
        try:
            os.unlink(os.path.join(bin_dir, name))
        except (FileNotFoundError, IsADirectoryError):
            pass
    atomic.write_json(os.path.join(out, MADE), sorted(now))
    os.rmdir(target)


def _made(out: str) -> list[str]:
    """The names of the files in OUT/bin that runs made. Failure if that is not known."""
    path = os.path.join(out, MADE)
    try:
        with open(path, encoding="utf-8") as stream:
            names = json.load(stream)
    except FileNotFoundError:
        folder = os.path.join(out, "bin")
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    except (OSError, ValueError):
        names = None
    if not isinstance(names, list) or not all(
        isinstance(name, str) and name == os.path.basename(name) for name in names
    ):
        raise Failure(
            "is damaged, so nothing says which files of bin/ rewrite.py made",
            path,
            f"remove it and {os.path.join(out, 'bin')}",
        )
    return names


def _contents(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return None


def write_depfile(path: str, target: str, inputs: list[str]) -> None:
    """Writes a rule for Make: `target` depends on `inputs`, which are absolute. Ninja knows the
    files of a build by their spelling in build.ninja, relative to its directory. Ninja runs
    rewrite.py in that directory and gives a relative target.
    """
    here = os.path.realpath(os.curdir)
    relative = not os.path.isabs(target)
    spelled = [
        os.path.relpath(name, here) if relative and inside(name, here) else name for name in inputs
    ]
    lines = " \\\n  ".join(_escaped(name) for name in spelled if os.path.exists(name))
    atomic.write_text(path, f"{_escaped(target)}: \\\n  {lines}\n")


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace(" ", "\\ ").replace("#", "\\#").replace("$", "$$")
