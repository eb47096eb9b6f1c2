"""The steps of any build, recorded by Bear while the build runs.

`bear intercept` sees every program that is started.

OUT/build-steps.json (that of --recorded, if given) keeps what made each file, from run to run. An
incremental build shows only what it made this time:

    { "version": 1, "directory": "/abs", "command": "make -j2",
      "steps": [{"directory": "/abs", "arguments": ["cc", "-c", "a.c"], "input": "a.c",
                 "output": "a.o"}] }

Bear's own report is not kept, because it holds the whole environment of every process. A command
that compiles and links at once leaves no objects. The same command with `-c` makes them in
OUT/captured/.
"""

import concurrent.futures
import hashlib
import json
import os
import shlex
import socket
import subprocess
import tempfile
import typing

from ..base import atomic, shell_command
from ..base.failure import Failure
from ..base.source_root import source_root
from . import canonicalize, compiler, link_line
from .build import Step

VERSION = 1
STEPS_FILE = "build-steps.json"
SOURCE_SUFFIXES = (".c", ".S", ".s", ".cc", ".cpp", ".cxx", ".C", ".c++", ".i")
ASSEMBLER_SUFFIXES = (".asm", ".nasm", ".s", ".S")
TOOLS = (
    shell_command.is_compiler,
    shell_command.is_cxx_compiler,
    shell_command.is_assembler,
    shell_command.is_archiver,
    shell_command.is_object_changer,
)
NOT_COMPILING = {"-E", "-S", "-M", "-MM", "-fsyntax-only", "-cc1", "-cc1as", "--help"}
LINK_ONLY = (
    "-l",
    "-L",
    "-Wl,",
    "-shared",
    "-rdynamic",
    "-pie",
    "-no-pie",
    "-static",
    "-s",
    "-u",
    "-z",
)
WITH_OPERAND = {
    *link_line.WITH_OPERAND,
    *canonicalize.PATH_OPTIONS,
    *canonicalize.VALUE_OPTIONS,
    "-aux-info",
    "-dumpbase",
    "-dumpdir",
    "-wrapper",
    "-G",
}
LINK_ONLY_WITH_OPERAND = {"-l", "-L", "-u", "-z", "-Xlinker", "-T", "-e"}


# Recording. --------------------------------------------------------------------------------------


def record(command: str, project: str, out: str) -> None:
    """Runs `command`, by the shell, in `project` and brings OUT/build-steps.json up to date.
    Failure if the build fails."""
    if not os.path.isdir(project):
        raise Failure("no such project directory", project)
    path = os.path.join(out, STEPS_FILE)
    with tempfile.TemporaryDirectory(prefix="ia2-bear-") as scratch:
        report = os.path.join(scratch, "events.json")
        try:
            status = subprocess.run(
                ["bear", "intercept", "--output", report, "--", "/bin/sh", "-c", command],
                cwd=project,
                check=False,
            ).returncode
        except FileNotFoundError:
            raise Failure(
                "Bear, which records the build, is not installed", remedy="apt-get install bear"
            ) from None
        if status and not localhost_is_found():
            raise Failure(
                (
                    "Bear, which records the build, cannot work: its parts meet under the name"
                    " localhost, which is not found"
                ),
                "/etc/hosts",
                "add the line `127.0.0.1 localhost` to it",
            )
        if status < 0:
            raise Failure(
                f"Bear, which records the build, died of signal {-status}: {command}", project
            )
        if status:
            raise Failure(f"the build failed with exit status {status}: {command}", project)
        steps = [
            made
            for directory, arguments in commands(report)
            for made in steps_of(directory, arguments, out)
        ]
    kept = merged(load(path).get("steps", []) if os.path.exists(path) else [], steps)
    made = {
        "version": VERSION,
        "directory": os.path.realpath(project),
        "command": command,
        "steps": kept,
    }
    if not os.path.exists(path) or load(path) != made:
        atomic.write_json(path, made)


def localhost_is_found() -> bool:
    """Whether the name localhost is found. A bare debootstrap tree has no /etc/hosts."""
    try:
        return bool(socket.getaddrinfo("localhost", None))
    except OSError:
        return False


def load(path: str) -> dict:
    try:
        with open(path, encoding="utf-8") as stream:
            found: dict[str, typing.Any] = json.load(stream)
    except (OSError, ValueError) as error:
        raise Failure(
            f"cannot be read: {error}",
            path,
            "remove it, clean the project and capture its build again",
        ) from None
    if found.get("version") != VERSION:
        raise Failure(
            "was made by another version of the kit",
            path,
            "remove it, clean the project and capture its build again",
        )
    return found


def commands(report: str) -> list[tuple[str, list[str]]]:
    """(directory, arguments) of the compilers, assemblers and archivers that ran and succeeded, in
    their order; not of what they started themselves."""
    try:
        with open(report, encoding="utf-8", errors="surrogateescape") as stream:
            events = [json.loads(line) for line in stream]
        failed = {
            event["rid"]
            for event in events
            if event.get("terminated", {}).get("status", "0") != "0"
        }
        running: dict[int, int] = {}
        tools: set[int] = set()
        found = []
        for event in events:
            if "started" not in event:
                # Process ids are used again.
                tools.discard(running.pop(event["rid"], 0))
                continue
            process = event["started"]
            running[event["rid"]] = process["pid"]
            arguments, directory = (
                process["execution"]["arguments"],
                process["execution"]["working_dir"],
            )
            inside = process["pid"] in tools or process["ppid"] in tools
            tool = any(test(arguments) for test in TOOLS)
            if inside or tool:
                tools.add(process["pid"])
            if tool and not inside and event["rid"] not in failed:
                found.append(
                    (
                        directory,
                        shell_command.expanded(
                            shell_command.without_launcher(arguments), directory
                        ),
                    )
                )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Failure(
            f"Bear's report cannot be read: {error}", report, "Bear 3 is needed"
        ) from None
    return found


def step(directory: str, arguments: list[str], source: str, output: str) -> dict:
    return {"directory": directory, "arguments": arguments, "input": source, "output": output}


def steps_of(directory: str, arguments: list[str], out: str) -> list[dict]:
    """What one command made: objects, an archive, a program or shared library; nothing for a
    query."""
    if shell_command.is_archiver(arguments):
        if extracts(arguments):
            return [step(directory, arguments, arguments[2], "")]
        adds = (
            len(arguments) > 3
            and not arguments[1].startswith("--")
            and set(arguments[1]) & set("rq")
        )
        return (
            [step(directory, [arguments[0], "rcs", *arguments[2:]], arguments[3], arguments[2])]
            if adds
            else []
        )
    if shell_command.is_assembler(arguments):
        sources = [argument for argument in arguments[1:] if argument.endswith(ASSEMBLER_SUFFIXES)]
        output = shell_command.output(arguments)
        return [step(directory, arguments, sources[-1], output)] if sources and output else []
    if shell_command.is_object_changer(arguments):
        return object_changes(directory, arguments)
    sources, others = operands(arguments)
    if NOT_COMPILING & set(arguments) or not sources and not others:
        return []
    output = shell_command.output(arguments)
    if others and not sources and (others[0].endswith(".h") or "c-header" in arguments):
        return [step(directory, arguments, others[0], output or others[0] + ".gch")]
    if "-c" in arguments:
        made = []
        # With -c all are sources, whatever they are called (-x c), but what the linker would read.
        sources += [other for other in others if not other.endswith((".o", ".a", ".so"))]
        for source in sources:
            target = output or os.path.splitext(os.path.basename(source))[0] + ".o"
            line = without(arguments, set(sources) - {source})
            made.append(step(directory, line if output else [*line, "-o", target], source, target))
        return made
    made, objects = [], {}
    for source in sources:
        identity = json.dumps([directory, source, arguments]).encode("utf-8", "surrogateescape")
        target = os.path.join(
            out,
            "captured",
            hashlib.blake2b(identity, digest_size=6).hexdigest() + f".{os.path.basename(source)}.o",
        )
        objects[source] = target
        made.append(
            step(directory, [*compile_only(arguments, source), "-c", "-o", target], source, target)
        )
    line = [
        objects.get(argument, argument) if index else argument
        for index, argument in enumerate(arguments)
    ]
    target = output or "a.out"
    return [
        *made,
        step(directory, line if output else [*line, "-o", target], (sources + others)[0], target),
    ]


def object_changes(directory: str, arguments: list[str]) -> list[dict]:
    """The step of an objcopy or a linker that ran by itself and made an object or changed one, or
    an archive; else nothing."""
    files = [
        argument for argument in arguments[1:] if argument.endswith((".o", ".obj", ".lo", ".a"))
    ]
    output = shell_command.output(arguments) or (files[-1] if files else None)
    if not output or not output.endswith((".o", ".obj", ".lo", ".a")):
        return []
    return [step(directory, arguments, files[0] if files else output, output)]


def operands(arguments: list[str]) -> tuple[list[str], list[str]]:
    """(sources, other files) that a compiler command names; libraries by -l do not count."""
    sources: list[str] = []
    others: list[str] = []
    index = 1
    while index < len(arguments):
        argument = arguments[index]
        if argument in WITH_OPERAND:
            index += 1
        elif not argument.startswith("-"):
            (sources if argument.endswith(SOURCE_SUFFIXES) else others).append(argument)
        index += 1
    return sources, others


def without(arguments: list[str], unwanted: set[str]) -> list[str]:
    return [arguments[0], *(argument for argument in arguments[1:] if argument not in unwanted)]


def compile_only(arguments: list[str], source: str) -> list[str]:
    """A command that compiles and links, without what only the linker reads and without the other
    files."""
    sources, others = operands(arguments)
    files = (set(sources) | set(others)) - {source}
    result = [arguments[0]]
    index = 1
    while index < len(arguments):
        argument = arguments[index]
        if argument in LINK_ONLY_WITH_OPERAND or argument == "-o":
            index += 2
            continue
        if argument in WITH_OPERAND and index + 1 < len(arguments):
            result += arguments[index : index + 2]
            index += 2
            continue
        link_only = (
            argument in LINK_ONLY
            or argument[:2] in ("-l", "-L")
            or argument.startswith("-Wl,")
            or argument[:2] == "-o"
        )
        if argument not in files and not link_only:
            result.append(argument)
        index += 1
    return result


def extracts(arguments: list[str]) -> bool:
    return (
        shell_command.is_archiver(arguments)
        and len(arguments) > 2
        and arguments[1].lstrip("-").startswith("x")
    )


def taken_out(made: dict, archives: dict[str, dict]) -> dict[str, str]:
    """What `ar x` leaves in its directory, each file with the object that was put into the archive.
    A name that the archive holds twice is left out."""
    archive = archives.get(os.path.realpath(os.path.join(made["directory"], made["input"])))
    members = archive["arguments"][3:] if archive else []
    names = [os.path.basename(member) for member in members]
    return {
        os.path.realpath(os.path.join(made["directory"], name)): member
        for name, member in zip(names, members)
        if names.count(name) == 1
    }


def merged(old: list[dict], new: list[dict]) -> list[dict]:
    """The steps that made what is there now. Archives grow by several commands, so their members
    are all that were ever put in and are still listed. What is taken out of an archive is what was
    put in (libtool makes one archive of several so, and removes the files)."""
    found: dict[str, dict] = {}
    copies: dict[str, str] = {}
    for made in [*old, *new]:
        if extracts(made["arguments"]):
            copies |= taken_out(made, found)
            continue
        path = os.path.realpath(os.path.join(made["directory"], made["output"]))
        copies.pop(path, None)
        if copies:
            made = {
                **made,
                "arguments": [
                    copies.get(
                        os.path.realpath(os.path.join(made["directory"], argument)), argument
                    )
                    for argument in made["arguments"]
                ],
            }
        before = found.pop(path, None)
        if shell_command.is_archiver(made["arguments"]):
            members = [os.path.join(made["directory"], member) for member in made["arguments"][3:]]
            earlier = before["arguments"][3:] if before else []
            made = step(
                made["directory"],
                [*made["arguments"][:3], *dict.fromkeys([*earlier, *members])],
                made["input"],
                made["output"],
            )
        found[path] = made
    kept = []
    for path, made in found.items():
        if shell_command.is_archiver(made["arguments"]):
            if not os.path.exists(path):
                continue
            names = archive_members(path)
            members = [
                member for member in made["arguments"][3:] if os.path.basename(member) in names
            ]
            made = {**made, "arguments": [*made["arguments"][:3], *members]}
        elif not os.path.exists(path) and not is_captured(path):
            continue
        kept.append(made)
    used = {
        argument
        for made in kept
        if not is_captured(made["output"])
        for argument in made["arguments"]
    }
    return [made for made in kept if not is_captured(made["output"]) or made["output"] in used]


def is_captured(path: str) -> bool:
    """Whether `path` is an object of OUT/captured/, which the build itself did not leave behind."""
    return os.path.basename(os.path.dirname(path)) == "captured"


def archive_members(path: str) -> set[str]:
    result = subprocess.run(
        ["ar", "t", path], capture_output=True, text=True, errors="surrogateescape", check=False
    )
    return {os.path.basename(line) for line in result.stdout.splitlines()}


# Reading what was recorded.
# ------------------------------------------------------------------------


class Build:
    """The recorded build of the project in `directory`; see build.Build."""

    # An object, archive or library in the project that no recorded command made was made before the
    # recording.
    complete = False

    def __init__(self, directory: str, out: str):
        self.directory = os.path.realpath(directory)
        self.file = os.path.join(out, STEPS_FILE)
        self.files = [self.file]
        recorded = load(self.file)
        self.remedy = (
            f"clean the project (make clean) and capture its build again: {recorded['command']}"
        )
        self.steps = [
            Step(made["directory"], shlex.join(made["arguments"]), made["input"], made["output"])
            for made in recorded["steps"]
        ]
        if not self.steps:
            raise Failure(
                f"the build made nothing: {recorded['command']}",
                self.directory,
                (
                    "clean the project first (make clean): only what is made while the build is"
                    " captured is seen"
                ),
            )
        self.compile_missing(out, recorded["steps"])

    def source_root(self) -> str:
        return source_root(self.directory) or self.directory

    def compile_missing(self, out: str, steps: list[dict]) -> None:
        """Makes the objects of commands that compile and link at once, if older than the source or
        than the program."""
        for made in steps:
            target = made["output"]
            if not is_captured(target):
                continue
            os.makedirs(os.path.dirname(target), exist_ok=True)
            line = [*made["arguments"][:-1], target + ".tmp"]
            result = subprocess.run(
                line,
                cwd=made["directory"],
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
            if result.returncode:
                raise Failure(
                    f"compiling it alone failed: {compiler.first_error(result.stderr)}",
                    canonicalize.absolute(made["input"], made["directory"]),
                    shlex.join(line),
                )
            if not _same(target, target + ".tmp"):
                os.replace(target + ".tmp", target)
            else:
                os.unlink(target + ".tmp")
                os.utime(target)

    def headers(self, objects: dict[str, str | None]) -> dict[str, tuple[list[str], bool]]:
        """The lists are what the compiler says now."""
        by_path = {
            os.path.realpath(os.path.join(made.directory, made.output)): made for made in self.steps
        }
        work = [(path, by_path[path]) for path in objects if path in by_path]
        with (
            tempfile.TemporaryDirectory(prefix="ia2-headers-") as scratch,
            concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool,
        ):
            found = pool.map(
                lambda item: (
                    item[1][0],
                    self.read_by(item[1][1], os.path.join(scratch, str(item[0]))),
                ),
                enumerate(work),
            )
            return {path: (files, True) for path, files in found}

    def read_by(self, made: Step, target: str) -> list[str]:
        arguments = shlex.split(made.command)
        if not shell_command.is_compiler(arguments) and not shell_command.is_cxx_compiler(
            arguments
        ):
            return []
        line = compiler.without_outputs(arguments)
        result = subprocess.run(
            [*line, "-M", "-MT", "x", "-MF", target],
            cwd=made.directory,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if result.returncode:
            raise Failure(
                f"cannot be preprocessed as it was built: {compiler.first_error(result.stderr)}",
                canonicalize.absolute(made.input, made.directory),
                self.remedy,
            )
        return compiler.dependencies(target, made.directory) if os.path.exists(target) else []


def _same(first: str, second: str) -> bool:
    try:
        with open(first, "rb") as one, open(second, "rb") as two:
            return one.read() == two.read()
    except OSError:
        return False
