"""Where the sources of a configured build directory are."""

import collections.abc
import json
import os
import re

from .paths import inside

SYSTEM_HEADERS = "/usr/include"


def source_root(build_dir: str) -> str | None:
    """The top of the source tree as Meson or CMake recorded it, or None."""
    try:
        with open(
            os.path.join(build_dir, "meson-info", "meson-info.json"), encoding="utf-8"
        ) as stream:
            recorded: str = json.load(stream)["directories"]["source"]
            return os.path.realpath(recorded)
    except (OSError, ValueError, KeyError):
        pass
    try:
        with open(os.path.join(build_dir, "CMakeCache.txt"), encoding="utf-8") as stream:
            match = re.search(r"^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$", stream.read(), re.M)
            return os.path.realpath(match.group(1)) if match else None
    except OSError:
        return None


def top_of(root: str, build_dir: str, sources: collections.abc.Iterable[str]) -> str:
    """`root`, or the nearest folder above it that holds all `sources` too: CMake, Meson and make
    may run in a folder that is beside the sources, or below them. `root` itself if no such folder
    is a project's, because it holds the system's headers."""
    outside = [
        os.path.dirname(os.path.realpath(source))
        for source in sources
        if not any(
            inside(path, folder)
            for path in (source, os.path.realpath(source))
            for folder in (root, build_dir)
        )
    ]
    top = os.path.commonpath([root, *outside])
    return root if inside(SYSTEM_HEADERS, top) else top
