"""Where the sources of a configured build directory are."""

import json
import os
import re


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
