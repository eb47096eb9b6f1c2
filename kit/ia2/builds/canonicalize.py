"""Makes compile databases canonical: every path absolute, `arguments` instead of `command`, no
entry twice, so that an entry means the same wherever it is read.

Different commands for one source stay: a source may be built several times, for example once per
bit depth.
"""

import json
import os

from ..base import atomic, shell_command
from ..base.failure import Failure

# Options that name a folder or file, joined (-Ix) or followed by it (-I x).
PATH_OPTIONS = (
    "-I",
    "-isystem",
    "-iquote",
    "-idirafter",
    "-imacros",
    "-include-pch",
    "-include",
    "-iprefix",
    "-cxx-isystem",
    "-isysroot",
    "-iwithprefixbefore",
    "-iwithprefix",
)
# Searched for on the include path too, so made absolute only if the build's directory has it.
SEARCHED = {"-include", "-imacros"}
OUTPUT_OPTIONS = {"-o", "-MF"}
VALUE_OPTIONS = {
    "-D",
    "-U",
    "-MQ",
    "-MT",
    "-x",
    "-arch",
    "-target",
    "-Xclang",
    "-mllvm",
    "--param",
    "-Xassembler",
    "-Xpreprocessor",
    "-iwithprefix",
    "-iwithprefixbefore",
}


def path_option(arguments: list[str], index: int) -> tuple[str, str, int] | None:
    """(option, operand, arguments it takes) if arguments[index] is an option that names a path."""
    argument = arguments[index]
    for option in sorted(PATH_OPTIONS, key=len, reverse=True):
        if argument == option:
            return (option, arguments[index + 1], 2) if index + 1 < len(arguments) else None
        if argument.startswith(option) and not argument.startswith("-include-"):
            return option, argument[len(option) :], 1
    return None


def absolute_arguments(arguments: list[str], directory: str, source: str) -> list[str]:
    """`arguments` with the source and every path option absolute; `directory` is where they run."""
    result: list[str] = []
    index = 0
    while index < len(arguments):
        argument = arguments[index]
        named = path_option(arguments, index) if index else None
        if named and named[0] not in VALUE_OPTIONS:
            option, operand, taken = named
            made = absolute(operand, directory)
            if operand.startswith("=") or option in SEARCHED and not os.path.exists(made):
                made = operand
            result += [option, made] if taken == 2 else [option + made]
            index += taken
        elif argument in OUTPUT_OPTIONS and index + 1 < len(arguments):
            result += [argument, absolute(arguments[index + 1], directory)]
            index += 2
        elif argument in VALUE_OPTIONS and index + 1 < len(arguments):
            result += arguments[index : index + 2]
            index += 2
        else:
            is_source = (
                index > 0
                and not argument.startswith("-")
                and absolute(argument, directory) == source
            )
            result.append(source if is_source else argument)
            index += 1
    return result


def absolute(path: str, directory: str) -> str:
    return os.path.normpath(os.path.join(directory, path))


def entry(directory: str, arguments: list[str], source: str, output: str | None) -> dict:
    """The canonical entry for a command that runs in the absolute `directory`."""
    source = absolute(source, directory)
    made = {
        "directory": directory,
        "file": source,
        "arguments": absolute_arguments(arguments, directory, source),
    }
    output = output or shell_command.output(arguments)
    if output:
        made["output"] = absolute(output, directory)
    return made


def canonical(entries: object, where: str) -> list[dict]:
    """Canonical form of a parsed compile database; `where` names it in errors."""
    if not isinstance(entries, list):
        raise Failure("not a compile database: the top level must be a list", where)
    seen: set[str] = set()
    result = []
    for index, raw in enumerate(entries):
        made = _canonical_entry(raw, f"{where}: entry {index}")
        identity = json.dumps(made, sort_keys=True)
        if identity not in seen:
            seen.add(identity)
            result.append(made)
    return result


def _canonical_entry(raw: object, where: str) -> dict:
    if not isinstance(raw, dict):
        raise Failure("not an object", where)
    for key in ("directory", "file"):
        if not isinstance(raw.get(key), str) or not raw[key]:
            raise Failure(
                f"no '{key}'", where, "each entry needs directory, file and command or arguments"
            )
    directory = raw["directory"]
    if not os.path.isabs(directory):
        raise Failure(
            f"'directory' is the relative path '{directory}': relative to what is not known",
            where,
            "make the database again, with absolute directories",
        )
    arguments = raw.get("arguments")
    if arguments is None:
        command = raw.get("command")
        if not isinstance(command, str):
            raise Failure("neither 'command' nor 'arguments'", where)
        try:
            commands = shell_command.simple_commands(command)
        except ValueError as error:
            raise Failure(f"'command' cannot be split: {error}", where) from None
        if len(commands) != 1:
            raise Failure("'command' is not one command", where)
        arguments = commands[0]
    elif not isinstance(arguments, list) or not all(isinstance(item, str) for item in arguments):
        raise Failure("'arguments' is not a list of strings", where)
    if not arguments:
        raise Failure("the command is empty", where)
    output = raw.get("output")
    if output is not None and not isinstance(output, str):
        raise Failure("'output' is not a string", where)
    return entry(os.path.normpath(directory), arguments, raw["file"], output)


def canonicalize_file(path: str) -> bool:
    """Rewrites the database at `path` in place, atomically. True if it changed."""
    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
    except FileNotFoundError:
        raise Failure(
            "no such file", path, "run this in the directory of a compile_commands.json"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"cannot read it: {error}", path) from None
    try:
        entries = json.loads(text)
    except json.JSONDecodeError as error:
        raise Failure(
            f"broken JSON: {error.msg}", f"{path}:{error.lineno}", "make the database again"
        ) from None
    made = json.dumps(canonical(entries, path), indent=1) + "\n"
    if made == text:
        return False
    atomic.write_text(path, made)
    return True
