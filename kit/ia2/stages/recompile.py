"""Recompiles the units that were rewritten or are not position-independent.

The command is the project's own, reading the mirror in OUT/rewritten/ in place of the project's
tree. What the preprocessor and the debugger show of a path stays what the project's command made of
it: each folder that the command names gets its own spelling of its mirror, by a different number of
"./" in it, and one -ffile-prefix-map back to the spelling in the command. Files that are included
by an absolute path have two more spellings, which the rewriter writes into the text. The spellings
are never prefixes of one another; were they, GCC would prefer the last map that fits, clang before
17 the shortest.
"""

import concurrent.futures
import hashlib
import os
import re
import subprocess

from ..base.failure import Failure
from ..base.paths import inside
from ..builds import canonicalize
from ..builds.compiler import (
    DROPPED,
    DROPPED_WITH_OPERAND,
    JOINED_DROPPED,
    dependencies,
    first_error,
    is_clang,
    takes,
    with_ia2,
)
from ..formats.build_graph import BuildGraph, Spelled
from ..formats.plan import Plan, Unit
from . import stamps

NOT_PIC = {
    "-fPIE",
    "-fpie",
    "-fno-PIC",
    "-fno-pic",
    "-fno-PIE",
    "-fno-pie",
    "-fPIC",
    "-fpic",
    "-pie",
    "-no-pie",
    "-static-pie",
}


class Mirror:
    """Where the files of the two roots are in OUT/rewritten/, spelled anew for each unit."""

    def __init__(self, out: str, source_root: str, build_dir: str):
        self.out, self.source_root, self.build_dir = out, source_root, build_dir
        self.spellings: dict[str, tuple[str, str]] = {}

    def relative(self, path: str) -> str | None:
        """Path within the mirror of an absolute path under one of the roots, else None."""
        if inside(path, self.source_root):
            return os.path.relpath(path, self.source_root)
        if inside(path, self.build_dir):
            return os.path.normpath(os.path.join(".build", os.path.relpath(path, self.build_dir)))
        return None

    def folder(self, spelled: str, directory: str) -> str | None:
        """The mirror's spelling of the folder that a command in `directory` spells `spelled`."""
        relative = self.relative(canonicalize.absolute(spelled, directory))
        if relative is None:
            return None
        if spelled not in self.spellings:
            dots = "/." * (len(self.spellings) + 1)
            self.spellings[spelled] = (
                f"{self.out}{dots}/rewritten/{'' if relative == '.' else relative}".rstrip("/"),
                spelled,
            )
        return self.spellings[spelled][0]

    def file(self, spelled: str, directory: str) -> str | None:
        folder, name = os.path.split(spelled)
        # The key of the source's own folder has its slash, so that a file spelled "lib.c" maps back
        # to "lib.c".
        made = self.folder(folder + "/" if folder else "", directory)
        return made and f"{made}/{name}"

    def maps(self) -> list[str]:
        made = [
            f"-ffile-prefix-map={self.out}/rewritten/./={self.source_root}/",
            f"-ffile-prefix-map={self.out}/rewritten/.build/={self.build_dir}/",
        ]
        for mirrored, spelled in self.spellings.values():
            slash = "/" if not spelled or spelled.endswith("/") else ""
            made.append(f"-ffile-prefix-map={mirrored}{slash}={spelled}")
        return made


def command(
    spelled: Spelled,
    unit: Unit,
    mirror: Mirror,
    runtime_include: str,
    compiler: str | None,
    target: str,
    more: list[str] | None = None,
    debug: bool = False,
) -> list[str]:
    """The command that compiles `unit` from the mirror into `target`, and writes its dependencies
    into `target`.d. `more`: further arguments. `debug`: with the arguments of a debug build before
    those."""
    own, in_mirror = mirrored(spelled, mirror)
    result = [compiler or spelled.arguments[0], *own]
    result += [
        *(for_debugger(result) if debug else []),
        *(more or []),
        *with_ia2(own),
        "-fPIC",
        *([] if unit.pic else ["-fno-semantic-interposition"]),
        f"-DIA2_UNIT={unit.id}",
    ]
    if in_mirror and not is_clang(result[0]):
        # GCC would name a system header by the shorter of two paths, which leads out of the mirror.
        result.append("-fno-canonical-system-headers")
    result += mirror.maps()
    if is_clang(result[0]) and takes(result[0], "-fno-file-reproducible"):
        # Clang from 15 on takes a map as a wish to have "./x" shown as "x".
        result.append("-fno-file-reproducible")
    return [
        *result,
        "-idirafter",
        runtime_include,
        "-fdiagnostics-color=never",
        "-MD",
        "-MF",
        target + ".d",
        "-c",
        "-o",
        target,
    ]


def mirrored(spelled: Spelled, mirror: Mirror) -> tuple[list[str], bool]:
    """The arguments of a compile command, without the compiler, that a recompiled unit keeps: paths
    lead into the mirror, and what writes files or says what code to make is dropped. And whether a
    folder of system headers is in the mirror."""
    directory, arguments = spelled.directory, spelled.arguments
    source = canonicalize.absolute(spelled.source, directory)
    result: list[str] = []
    system_headers = False
    index = 1
    while index < len(arguments):
        argument = arguments[index]
        named = canonicalize.path_option(arguments, index)
        if argument in DROPPED_WITH_OPERAND:
            index += 2
        elif argument in canonicalize.VALUE_OPTIONS and index + 1 < len(arguments):
            result += arguments[index : index + 2]
            index += 2
        elif named:
            option, operand, taken = named
            if option not in canonicalize.SEARCHED:
                made = mirror.folder(operand, directory)
            elif os.path.exists(canonicalize.absolute(operand, directory)):
                made = mirror.file(operand, directory)
            else:
                made = None
            system_headers = system_headers or made is not None and option == "-isystem"
            result += [option, made or operand] if taken == 2 else [option + (made or operand)]
            index += taken
        else:
            is_source = (
                not argument.startswith("-")
                and canonicalize.absolute(argument, directory) == source
            )
            result += kept(mirror.file(argument, directory) or argument if is_source else argument)
            index += 1
    return result, system_headers


def kept(argument: str) -> list[str]:
    """An argument by itself, as a recompiled unit has it; nothing if the unit does not."""
    if argument.startswith("-Werror="):
        argument = "-W" + argument[len("-Werror=") :]
    elif argument.startswith("-Wa,"):
        argument = without_listing(argument)
    dropped = not argument or argument in NOT_PIC or argument in DROPPED
    return [] if dropped or JOINED_DROPPED.match(argument) else [argument]


def for_debugger(arguments: list[str]) -> list[str]:
    """What a debug build adds to a compile command: optimization stays where it is less than
    -Og."""
    levels = [argument for argument in arguments if argument.startswith("-O")]
    return ["-g", *(["-Og"] if levels and levels[-1] != "-O0" else [])]


def without_listing(argument: str) -> str:
    """-Wa,... without the assembler's listing (-a...=FILE), which it would write beside the
    project's own; empty if that is all."""
    kept = [part for part in argument.split(",")[1:] if not part.startswith("-a")]
    return ",".join(["-Wa", *kept]) if kept else ""


class Recompiler:
    """Compiles units in parallel, only those whose command or inputs changed."""

    def __init__(
        self,
        out: str,
        plan: Plan,
        graph: BuildGraph,
        runtime_include: str,
        compiler: str | None,
        made: stamps.Stamps,
        more: list[str] | None = None,
        debug: bool = False,
    ):
        self.more, self.debug = more or [], debug
        self.out, self.plan, self.runtime_include, self.compiler, self.stamps = (
            out,
            plan,
            runtime_include,
            compiler,
            made,
        )
        # build_graph.check: every C object has one.
        self.spelled = {record.path: record.spelled for record in graph.objects if record.spelled}

    def object(self, unit: Unit) -> str:
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", os.path.basename(unit.file))
        return os.path.join(self.out, "obj", f"{unit.id}.{name}.o")

    def run(self, units: list[Unit], jobs: int) -> dict[str, str]:
        """Object as built -> object made here. Failure with the compiler's message if one cannot be
        compiled."""
        os.makedirs(os.path.join(self.out, "obj"), exist_ok=True)
        work = []
        for unit in units:
            mirror = Mirror(self.out, self.plan.source_root, self.plan.build_dir)
            line = command(
                self.spelled[unit.object],
                unit,
                mirror,
                self.runtime_include,
                self.compiler,
                self.object(unit),
                self.more,
                self.debug,
            )
            if not self.fresh(unit, line):
                work.append((unit, line))
        # Start the largest objects first, so that none is left to run alone at the end.
        work.sort(key=lambda item: -_size(item[0].object))
        with concurrent.futures.ThreadPoolExecutor(max(1, jobs)) as pool:
            futures = [pool.submit(self.compile, unit, line) for unit, line in work]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        for unit, line in work:
            self.note(unit, line)
        if work:
            self.stamps.save()
        return {unit.object: self.object(unit) for unit in units}

    def compile(self, unit: Unit, line: list[str]) -> None:
        target = self.object(unit)
        temporary = target + ".tmp"
        directory = self.spelled[unit.object].directory
        # -o names the temporary; the debug information does not hold it.
        try:
            result = subprocess.run(
                [*line[:-1], temporary],
                cwd=directory,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
        except OSError as error:
            raise Failure(
                f"cannot run the compiler: {error.strerror}", line[0], "name another with --cc"
            ) from None
        if result.returncode:
            if os.path.exists(temporary):
                os.unlink(temporary)
            log = os.path.join(self.out, "obj", "compile.log")
            with open(log, "w", encoding="utf-8") as stream:
                stream.write(" ".join(line) + "\n" + result.stderr)
            raise Failure(
                f"the rewritten unit does not compile: {first_error(result.stderr)}",
                unit.file,
                f"the whole message is in {log}",
            )
        self.need_mirror(unit, dependencies(target + ".d", directory))
        os.replace(temporary, target)

    def need_mirror(self, unit: Unit, read: list[str]) -> None:
        """Failure if the compiler read a file of the project's that has a rewritten copy."""
        mirror = Mirror(self.out, self.plan.source_root, self.plan.build_dir)
        for path in read:
            relative = None if inside(path, self.out) else mirror.relative(path)
            copy = relative and os.path.join(self.out, "rewritten", relative)
            if copy and os.path.isfile(copy) and not os.path.islink(copy):
                raise Failure(
                    f"includes {path} in a way that leads around its rewritten copy",
                    unit.file,
                    (
                        "include it by a path relative to the file or to an include folder, not by"
                        " a macro that holds an absolute path"
                    ),
                )

    # Freshness. ---------------------------------------------------------------------------------

    def fresh(self, unit: Unit, line: list[str]) -> bool:
        record = self.stamps.stages.get(f"unit {unit.id}")
        return (
            bool(record)
            and record["key"] == line
            and all(self.signature(path) == was for path, was in record["files"].items())
        )

    def note(self, unit: Unit, line: list[str]) -> None:
        target = self.object(unit)
        files = {
            path: self.signature(path)
            for path in [
                target,
                *dependencies(target + ".d", self.spelled[unit.object].directory),
            ]
        }
        self.stamps.stages[f"unit {unit.id}"] = {"key": line, "files": files}

    def signature(self, path: str) -> stamps.Signature | None:
        """Rewritten files count by content: the rewriter makes all of them anew each time."""
        if (
            inside(path, os.path.join(self.out, "rewritten"))
            and os.path.isfile(path)
            and not os.path.islink(path)
        ):
            with open(path, "rb") as stream:
                return [hashlib.blake2b(stream.read(), digest_size=16).hexdigest()]
        return stamps.signature(path)


def _size(path: str) -> int:
    return (stamps.signature(path) or [0])[0]
