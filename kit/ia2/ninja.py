"""What a Ninja build directory (Meson's, CMake's, anyone's) did to make each of its files."""

import dataclasses
import json
import os
import re
import subprocess

from .failure import Failure


@dataclasses.dataclass
class Step:
    """One command of the build. `inputs[0]` and `output` are as the build file spells them,
    relative to `directory`, which is absolute."""

    directory: str
    command: str
    input: str
    output: str


class Build:
    """A build in `directory`: what capture asks of any build system.

    `steps`: what made each file. `file`: what to name in errors. `remedy`: how to bring it up to date. `complete`:
    whether a file that no step makes was there before, rather than not being known."""

    complete = True

    def __init__(self, directory: str):
        self.directory = os.path.realpath(directory)
        self.file = os.path.join(self.directory, "build.ninja")
        self.remedy = f"bring the build up to date: ninja -C {self.directory}"
        self.steps = steps(self.directory)

    def source_root(self) -> str | None:
        return source_root(self.directory)

    def headers(self, objects: list[dict]) -> dict[str, tuple[list[str], bool]]:
        """Path of an object -> (files its compilation read, whether that list is valid). `objects` may narrow it."""
        return {os.path.realpath(os.path.join(self.directory, name)): found for name, found in headers(self.directory).items()}


def steps(build_dir: str) -> list[Step]:
    """Every step of the build in `build_dir`, response files expanded. Only reads."""
    try:
        entries = json.loads(_tool(build_dir, "compdb", "-x"))
    except ValueError as error:
        raise Failure(f"ninja printed a compile database that is not JSON: {error}", build_dir) from None
    return [Step(entry["directory"], entry["command"], entry["file"], entry["output"]) for entry in entries]


def headers(build_dir: str) -> dict[str, tuple[list[str], bool]]:
    """Object -> (files its compilation read, whether Ninja holds that list for valid), paths as recorded."""
    found: dict[str, tuple[list[str], bool]] = {}
    current: list[str] = []
    for line in _tool(build_dir, "deps").splitlines():
        head = re.match(r"(.*): #deps \d+, deps mtime \d+ \((VALID|STALE)\)\Z", line)
        if head:
            current = []
            found[head.group(1)] = (current, head.group(2) == "VALID")
        elif line.startswith("    "):
            current.append(line[4:])
    return found


def source_root(build_dir: str) -> str | None:
    """The top of the source tree as Meson or CMake recorded it, or None."""
    try:
        with open(os.path.join(build_dir, "meson-info", "meson-info.json"), encoding="utf-8") as stream:
            return os.path.realpath(json.load(stream)["directories"]["source"])
    except (OSError, ValueError, KeyError):
        pass
    try:
        with open(os.path.join(build_dir, "CMakeCache.txt"), encoding="utf-8") as stream:
            match = re.search(r"^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$", stream.read(), re.M)
            return os.path.realpath(match.group(1)) if match else None
    except OSError:
        return None


def _tool(build_dir: str, *arguments: str) -> str:
    # -n: another ninja may be running the build that calls us; without it the log of dependencies is opened for writing.
    try:
        result = subprocess.run(["ninja", "-n", "-C", build_dir, "-t", *arguments], capture_output=True, text=True,
                                errors="surrogateescape", check=False)
    except FileNotFoundError:
        raise Failure("ninja is not installed", remedy="apt-get install ninja-build") from None
    if result.returncode:
        reason = (result.stderr.strip() or result.stdout.strip()).replace("ninja: error: ", "")
        raise Failure(f"ninja cannot read the build: {reason}", os.path.join(build_dir, "build.ninja"))
    lines = result.stdout.split("\n", 1)
    # With -C some versions announce "ninja: Entering directory" on standard output.
    return lines[1] if lines[0].startswith("ninja: Entering") and len(lines) > 1 else result.stdout
