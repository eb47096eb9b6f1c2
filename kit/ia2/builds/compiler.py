"""What the kit knows of compilers: options that write files beside the object, the dependency files
that they leave, what they are, and their messages."""

import functools
import os
import re
import subprocess

from ..base.failure import Failure
from . import canonicalize

# Options that a recompiled unit does not get. Some would write beside the project's own files.
# The rewriter writes GNU C, which -pedantic-errors refuses.
DROPPED = {
    "-c",
    "-MD",
    "-MMD",
    "-MP",
    "-MG",
    "-Werror",
    "-pedantic-errors",
    "--pedantic-errors",
    "-save-temps",
    "--save-temps",
}
JOINED_DROPPED = re.compile(r"-(?:(?:o|MF|MQ|MT|MJ).|Wp,-MM?D,|-?save-temps=)")
DROPPED_WITH_OPERAND = {
    "-o",
    "-MF",
    "-MQ",
    "-MT",
    "-MJ",
    "-aux-info",
    "-dumpbase",
    "-dumpbase-ext",
    "-dumpdir",
    "-serialize-diagnostics",
    "--serialize-diagnostics",
}


def without_outputs(arguments: list[str]) -> list[str]:
    """A compile command without what says which files to write, and without -Werror."""
    line = [arguments[0]]
    index = 1
    while index < len(arguments):
        if arguments[index] in DROPPED_WITH_OPERAND:
            index += 1
        elif arguments[index] not in DROPPED and not JOINED_DROPPED.match(arguments[index]):
            line.append(arguments[index])
        index += 1
    return line


def with_ia2(arguments: list[str]) -> list[str]:
    """What a recompiled unit gets after `arguments` if these have -DIA2_ENABLE=0: the split program
    has the code under `#if IA2_ENABLE`. As compdb.c has it for the rewriter."""
    disabled = False
    for index, argument in enumerate(arguments):
        if argument[:2] not in ("-D", "-U"):
            continue
        name = argument[2:] or "".join(arguments[index + 1 : index + 2])
        if name.partition("=")[0] == "IA2_ENABLE":
            disabled = argument.startswith("-D") and name == "IA2_ENABLE=0"
    return ["-UIA2_ENABLE", "-DIA2_ENABLE=1"] if disabled else []


@functools.lru_cache(maxsize=None)
def takes(compiler: str, option: str) -> bool:
    """Whether the compiler knows the option."""
    result = subprocess.run(
        [compiler, option, "-fsyntax-only", "-x", "c", os.devnull], capture_output=True, check=False
    )
    return result.returncode == 0


@functools.lru_cache(maxsize=None)
def is_clang(compiler: str) -> bool:
    """Whether the compiler is clang. `cc` may be either, so the compiler is asked."""
    try:
        return (
            "clang"
            in subprocess.run(
                [compiler, "--version"], capture_output=True, text=True, check=False
            ).stdout
        )
    except OSError as error:
        raise Failure(
            f"cannot run the compiler: {error.strerror}", compiler, "name another with --cc"
        ) from None


def dependencies(path: str, directory: str) -> list[str]:
    """The prerequisites in a Makefile fragment, absolute."""
    with open(path, encoding="utf-8", errors="surrogateescape") as stream:
        text = stream.read().replace("\\\n", " ")
    names = re.findall(r"(?:\\.|[^\s\\])+", text.partition(": ")[2])
    return sorted(
        {
            canonicalize.absolute(re.sub(r"\\(.)", r"\1", name).replace("$$", "$"), directory)
            for name in names
        }
    )


# What a compiler driver says when the linker failed: nothing that the linker did not say better.
DRIVER_FAILED = re.compile(r"collect2: error: |\S*clang\S*: error: linker command failed")


def said(text: str) -> list[str]:
    """The lines of a message of compiler or linker that are their own."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return [line for line in lines if not DRIVER_FAILED.match(line)] or lines


def first_error(text: str) -> str:
    lines = said(text)
    return next(
        (line for line in lines if "error" in line or "undefined" in line),
        lines[0] if lines else "no message",
    )
