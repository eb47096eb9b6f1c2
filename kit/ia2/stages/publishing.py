"""Where a finished program goes: OUT/bin, and, for a build system, the folder in which it expects
its outputs, with what they depend on."""

import os

from ..base import atomic
from ..base.paths import inside
from .link import Linked


def publish(bin_dir: str, folder: str) -> None:
    """Copies the files of `bin_dir` into `folder`. A file that is there already only gets a new
    time: the build system must find it newer than its inputs."""
    os.makedirs(folder, exist_ok=True)
    names = sorted(os.listdir(bin_dir))
    for name in names:
        source, target = os.path.join(bin_dir, name), os.path.join(folder, name)
        with open(source, "rb") as stream:
            data = stream.read()
        if _contents(target) != data:
            atomic.write_bytes(target, data, os.stat(source).st_mode & 0o7777)
        else:
            os.utime(target)


def replace(target: str, bin_dir: str, linked: Linked) -> None:
    """Moves the files of the finished link in `target` into `bin_dir`, each by a rename, and
    removes all other files of `bin_dir`."""
    os.makedirs(bin_dir, exist_ok=True)
    # The program comes last. Until then the old program may have new libraries beside it. The new
    # program never has old ones.
    for name in [*reversed(linked.libraries), linked.program]:
        os.replace(os.path.join(target, name), os.path.join(bin_dir, name))
    for name in os.listdir(bin_dir):
        path = os.path.join(bin_dir, name)
        if name not in linked.files() and not os.path.isdir(path):
            os.unlink(path)
    os.rmdir(target)


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
