"""Takes precompiled headers out of compile commands. The rewriter reads text only, and a recompiled
unit must read the header's text, which may be rewritten.

GCC reads NAME.gch in place of NAME, if -include finds NAME.gch first. Meson makes only NAME.gch,
without NAME beside it. Clang gets the precompiled file itself (-include-pch). CMake hands both
options past the driver (-Xclang)."""

import collections.abc
import os

from ..base.failure import Failure
from . import canonicalize
from .build import Step

SUFFIXES = (".gch", ".pch")


class Headers:
    """The precompiled headers of a build. `commands_of(step)` splits a step's command, see
    Capture."""

    def __init__(
        self,
        steps: list[Step],
        commands_of: collections.abc.Callable[[Step], list[list[str]]],
    ):
        self.commands_of = commands_of
        self.makers = {
            os.path.realpath(os.path.join(step.directory, step.output)): step
            for step in steps
            if step.output.endswith(SUFFIXES)
        }

    def source(self, path: str) -> str | None:
        """The header that the precompiled `path` was made from, absolute; None if the build does
        not make it."""
        step = self.makers.get(path)
        if step is None:
            return None
        for command in self.commands_of(step):
            # CMake compiles an empty source, and has the header included.
            for option, value in _forced(plain(command)):
                if option == "-include":
                    return canonicalize.absolute(value, step.directory)
        return canonicalize.absolute(step.input, step.directory)

    def without(self, arguments: list[str], directory: str) -> tuple[list[str], list[str]]:
        """`arguments` of a compilation in `directory` with the text of each precompiled header in
        its place; and the precompiled headers that they named."""
        result: list[str] = []
        used: list[str] = []
        if not self.makers and "-include-pch" not in arguments:
            return arguments, []
        arguments = plain(arguments)
        named = {
            canonicalize.absolute(value, directory)
            for option, value in _forced(arguments)
            if option == "-include"
        }
        index = 0
        while index < len(arguments):
            option = arguments[index]
            if option not in ("-include", "-include-pch") or index + 1 == len(arguments):
                result.append(option)
                index += 1
                continue
            value = arguments[index + 1]
            index += 2
            path = (
                os.path.realpath(os.path.join(directory, value))
                if option == "-include-pch"
                else self.found(value, arguments, directory)
            )
            source = self.source(path) if path else None
            if source is None and option == "-include-pch":
                raise Failure(
                    (
                        "is a precompiled header that this build does not make, so its text is not"
                        " known"
                    ),
                    canonicalize.absolute(value, directory),
                    "let the build make it, or build without precompiled headers",
                )
            if path is None or source is None:
                result += [option, value]
                continue
            used.append(path)
            if option == "-include" and os.path.exists(canonicalize.absolute(value, directory)):
                result += [option, value]
            elif option == "-include" or source not in named:
                result += ["-include", source]
        return result, used

    def found(self, name: str, arguments: list[str], directory: str) -> str | None:
        """The precompiled header that GCC reads for -include `name`, if it is one that the build
        makes."""
        for folder in [directory, *_folders(arguments)]:
            path = os.path.join(directory, folder, name)
            for suffix in SUFFIXES:
                if os.path.realpath(path + suffix) in self.makers:
                    return os.path.realpath(path + suffix)
            if os.path.exists(path):
                return None
        return None


def for_parser(arguments: list[str], directory: str) -> list[str]:
    """`arguments` for libclang: past the driver, which would take a precompiled header of another
    Clang that lies beside the text."""
    result, index = [], 0
    while index < len(arguments):
        if arguments[index] == "-include" and index + 1 < len(arguments):
            path = canonicalize.absolute(arguments[index + 1], directory)
            result += [
                "-Xclang",
                "-include",
                "-Xclang",
                path if os.path.exists(path) else arguments[index + 1],
            ]
            index += 2
        else:
            result.append(arguments[index])
            index += 1
    return result


def plain(arguments: list[str]) -> list[str]:
    """`arguments` with -Xclang taken off from the options that name a header to include."""
    result, index = [], 0
    while index < len(arguments):
        words = arguments[index : index + 4]
        if (
            len(words) == 4
            and words[0] == words[2] == "-Xclang"
            and words[1] in ("-include", "-include-pch")
        ):
            result += [words[1], words[3]]
            index += 4
        else:
            result.append(arguments[index])
            index += 1
    return result


def _forced(arguments: list[str]) -> collections.abc.Iterator[tuple[str, str]]:
    for index, argument in enumerate(arguments[:-1]):
        if argument in ("-include", "-include-pch"):
            yield argument, arguments[index + 1]


def _folders(arguments: list[str]) -> collections.abc.Iterator[str]:
    index = 0
    while index < len(arguments):
        named = canonicalize.path_option(arguments, index)
        if named and named[0] in ("-I", "-iquote", "-isystem", "-idirafter"):
            yield named[1]
        index += named[2] if named else 1
