"""What a Ninja build directory (Meson's, CMake's, anyone's) did to make each of its files."""

import json
import os
import re
import subprocess

from ..base.failure import Failure
from ..base.source_root import source_root
from .build import Step

USUAL_FILE, FILE_SUFFIX = "build.ninja", ".ninja"


class Build:
    """The build in a directory, or that of a Ninja file, of which a directory may have several; see
    build.Build."""

    complete = True

    def __init__(self, path: str):
        self.file = os.path.realpath(
            path if path.endswith(FILE_SUFFIX) else os.path.join(path, USUAL_FILE)
        )
        self.directory, name = os.path.split(self.file)
        self.remedy = f"bring the build up to date: ninja -C {self.directory}" + (
            f" -f {name}" if name != USUAL_FILE else ""
        )
        self.files = included(self.file, self.directory)
        self.steps = steps(self.file)

    def source_root(self) -> str | None:
        return source_root(self.directory)

    def headers(self, objects: dict[str, str | None]) -> dict[str, tuple[list[str], bool]]:
        return {
            os.path.realpath(os.path.join(self.directory, name)): found
            for name, found in headers(self.file).items()
        }


def included(file: str, directory: str) -> list[str]:
    """`file` and the Ninja files that it includes, which are relative to `directory`."""
    found = [file]
    for name in found:
        try:
            with open(name, encoding="utf-8", errors="surrogateescape") as stream:
                named = re.findall(r"^(?:include|subninja) +(\S+)$", stream.read(), re.M)
        except OSError:
            continue  # ninja says what is wrong
        found += [
            path
            for path in (os.path.normpath(os.path.join(directory, each)) for each in named)
            if path not in found
        ]
    return found


def steps(file: str) -> list[Step]:
    """Every step of the build that `file` describes, response files expanded. Only reads."""
    try:
        entries = json.loads(_tool(file, "compdb", "-x"))
    except ValueError as error:
        raise Failure(f"ninja printed a compile database that is not JSON: {error}", file) from None
    return [
        Step(entry["directory"], entry["command"], entry["file"], entry["output"])
        for entry in entries
    ]


def headers(file: str) -> dict[str, tuple[list[str], bool]]:
    """Object -> (files its compilation read, whether Ninja holds that list for valid), paths as
    recorded."""
    found: dict[str, tuple[list[str], bool]] = {}
    current: list[str] = []
    for line in _tool(file, "deps").splitlines():
        head = re.match(r"(.*): #deps \d+, deps mtime \d+ \((VALID|STALE)\)\Z", line)
        if head:
            current = []
            found[head.group(1)] = (current, head.group(2) == "VALID")
        elif line.startswith("    "):
            current.append(line[4:])
    return found


def _tool(file: str, *arguments: str) -> str:
    build_dir, name = os.path.split(file)
    # -n: another ninja may be running the build that calls us; without it the log of dependencies
    # is opened for writing.
    try:
        result = subprocess.run(
            ["ninja", "-n", "-C", build_dir, "-f", name, "-t", *arguments],
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
        )
    except FileNotFoundError:
        raise Failure("ninja is not installed", remedy="apt-get install ninja-build") from None
    if result.returncode:
        reason = (result.stderr.strip() or result.stdout.strip()).replace("ninja: error: ", "")
        raise Failure(f"ninja cannot read the build: {reason}", file)
    lines = result.stdout.split("\n", 1)
    # With -C some versions announce "ninja: Entering directory" on standard output.
    return lines[1] if lines[0].startswith("ninja: Entering") and len(lines) > 1 else result.stdout
