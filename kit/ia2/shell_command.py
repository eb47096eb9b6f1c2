"""Takes apart the command lines that build systems hand to the shell."""

import os
import re
import shlex

COMPILER = re.compile(r"(?:[\w.+]+-)*(?:cc|gcc|clang|c99|c11|icx)(?:-[\d.]+)?\Z")
CXX_COMPILER = re.compile(r"(?:[\w.+]+-)*(?:c\+\+|g\+\+|clang\+\+)(?:-[\d.]+)?\Z")
ARCHIVER = re.compile(r"(?:[\w.+]+-)*ar(?:-[\d.]+)?\Z")
ASSEMBLER = re.compile(r"(?:[\w.+]+-)*(?:as|nasm|yasm)\Z")
LAUNCHERS = {"ccache", "sccache", "distcc", "icecc"}


def simple_commands(line: str) -> list[list[str]]:
    """The argument lists of `line`, split at `&&` and `;`, without `:` and `cd` (the folder of a
    Ninja command is always the build directory). Raises ValueError on unbalanced quotes."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="&;|")
    lexer.whitespace_split = True
    lexer.commenters = ""
    commands: list[list[str]] = [[]]
    for token in lexer:
        if token in ("&&", ";", "||", "|", "&"):
            commands.append([])
        else:
            commands[-1].append(token)
    return [command for command in commands if command and command[0] not in (":", "cd")]


def program(arguments: list[str]) -> str:
    """The base name of the tool that runs, looking through compiler launchers such as ccache."""
    for argument in arguments:
        name = os.path.basename(argument)
        if name not in LAUNCHERS and "=" not in name:
            return name
    return ""


def without_launcher(arguments: list[str]) -> list[str]:
    start = 0
    while start < len(arguments) - 1 and (os.path.basename(arguments[start]) in LAUNCHERS or "=" in arguments[start]):
        start += 1
    return arguments[start:]


def is_compiler(arguments: list[str]) -> bool:
    return bool(COMPILER.match(program(arguments)))


def is_cxx_compiler(arguments: list[str]) -> bool:
    return bool(CXX_COMPILER.match(program(arguments)))


def is_archiver(arguments: list[str]) -> bool:
    return bool(ARCHIVER.match(program(arguments)))


def is_assembler(arguments: list[str]) -> bool:
    return bool(ASSEMBLER.match(program(arguments)))


def output(arguments: list[str]) -> str | None:
    """The operand of -o, the last one if there are several."""
    found = None
    for index, argument in enumerate(arguments):
        if argument == "-o" and index + 1 < len(arguments):
            found = arguments[index + 1]
        elif argument.startswith("-o") and len(argument) > 2 and argument[2] != "b":
            found = argument[2:]
    return found
