"""Takes apart the command lines that build systems hand to the shell."""

import os
import re
import shlex

COMPILER = re.compile(r"(?:[\w.+]+-)*(?:cc|gcc|clang|c99|c11|icx)(?:-[\d.]+)?\Z")
CXX_COMPILER = re.compile(r"(?:[\w.+]+-)*(?:c\+\+|g\+\+|clang\+\+)(?:-[\d.]+)?\Z")
ARCHIVER = re.compile(r"(?:[\w.+]+-)*ar(?:-[\d.]+)?\Z")
ASSEMBLER = re.compile(r"(?:[\w.+]+-)*(?:as|nasm|yasm)\Z")
OBJECT_CHANGER = re.compile(r"(?:[\w.+]+-)*(?:objcopy|ld|ld\.(?:bfd|gold|lld))(?:-[\d.]+)?\Z")
LAUNCHERS = {"ccache", "sccache", "distcc", "icecc"}


def simple_commands(line: str) -> list[list[str]]:
    """The argument lists of `line`, split at `&&` and `;`, without `:` and `cd`. A Ninja command
    always runs in the build directory. Raises ValueError on unbalanced quotes."""
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
    while start < len(arguments) - 1 and (
        os.path.basename(arguments[start]) in LAUNCHERS or "=" in arguments[start]
    ):
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


def is_object_changer(arguments: list[str]) -> bool:
    """Whether it makes objects out of objects: objcopy, ld -r."""
    return bool(OBJECT_CHANGER.match(program(arguments)))


def response_files(arguments: list[str], directory: str) -> list[str]:
    """The response files (@FILE) among `arguments`, and those that they name, absolute."""
    found: list[str] = []
    _expand(arguments, directory, found)
    return found


def expanded(arguments: list[str], directory: str) -> list[str]:
    """`arguments` with the contents of response files in their place, as compilers and archivers do
    it. A response file that cannot be read stays as it is."""
    if not any(argument.startswith("@") for argument in arguments):
        return arguments
    return _expand(arguments, directory, [])


def _expand(arguments: list[str], directory: str, found: list[str]) -> list[str]:
    result = []
    for argument in arguments:
        path = os.path.normpath(os.path.join(directory, argument[1:]))
        # Compilers refuse a response file that names itself, too.
        if argument.startswith("@") and os.path.isfile(path) and len(found) < 100:
            found.append(path)
            with open(path, encoding="utf-8", errors="surrogateescape") as stream:
                result += _expand(shlex.split(stream.read()), directory, found)
        else:
            result.append(argument)
    return result


def output(arguments: list[str]) -> str | None:
    """The operand of -o, the last one if there are several."""
    found = None
    for index, argument in enumerate(arguments):
        if argument == "-o" and index + 1 < len(arguments):
            found = arguments[index + 1]
        elif argument.startswith("-o") and len(argument) > 2 and argument[2] != "b":
            found = argument[2:]
    return found
