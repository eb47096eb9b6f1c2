"""What a build system needs of a finished run: the files where it expects its outputs, and what
they depend on."""

import os

from ..base import atomic
from ..base.paths import inside


def publish(bin_dir: str, folder: str) -> None:
    """Copies the files of `bin_dir` into `folder`. What is there already is only marked as new, so
    that whatever the build system compares it with is older."""
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


def _contents(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return None


def write_depfile(path: str, target: str, inputs: list[str]) -> None:
    """A rule of Make's: `target` depends on `inputs`, which are absolute. Ninja knows the files of
    a build by the spelling in build.ninja, which is relative to its directory; it runs us there and
    gives a relative target.
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
