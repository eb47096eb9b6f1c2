"""What capture asks of any build system: the steps that made the files of a build."""

import dataclasses
import typing


@dataclasses.dataclass
class Step:
    """One command of the build. `input` and `output` are as the build file spells them, relative to
    `directory`, which is absolute."""

    directory: str
    command: str
    input: str
    output: str


class Build(typing.Protocol):
    """The build in a directory, which is absolute.

    `steps`: what made each file. `file`: what to name in errors; `files`: that and others that say
    how things are made. `remedy`: how to bring it up to date. `complete`: whether a file that no
    step makes was there before the build. If not, how the file was made is not known."""

    directory: str
    file: str
    files: list[str]
    remedy: str
    complete: bool
    steps: list[Step]

    def source_root(self) -> str | None:
        """The top of the source tree, if the build system recorded it."""

    def headers(self, objects: dict[str, str | None]) -> dict[str, tuple[list[str], bool]]:
        """Path of an object -> (files its compilation read, whether that list is valid).
        `objects`: paths, each with the folder in which it was compiled, if that is known; they may
        narrow the result."""
