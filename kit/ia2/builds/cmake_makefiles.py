"""The steps of a CMake build with a Makefile generator, from the files that CMake writes: the
compile database (CMAKE_EXPORT_COMPILE_COMMANDS) and each target's link.txt. The compiler leaves
dependency files."""

import json
import os

from ..base import shell_command
from ..base.failure import Failure
from ..base.source_root import source_root
from . import compiler
from .build import Step


class Build:
    """The CMake build in `directory`; see build.Build."""

    complete = True

    def __init__(self, directory: str):
        self.directory = os.path.realpath(directory)
        self.file = os.path.join(self.directory, "compile_commands.json")
        self.files = [self.file]
        self.remedy = f"bring the build up to date: cmake --build {self.directory}"
        self.steps = [*self.compilations(), *self.links()]

    @staticmethod
    def fits(directory: str) -> bool:
        return all(
            os.path.exists(os.path.join(directory, name)) for name in ("CMakeCache.txt", "Makefile")
        )

    def source_root(self) -> str | None:
        return source_root(self.directory)

    def compilations(self) -> list[Step]:
        try:
            with open(self.file, encoding="utf-8") as stream:
                entries = json.load(stream)
        except FileNotFoundError:
            raise Failure(
                "is missing: this CMake build writes no compile database",
                self.file,
                "configure it with -DCMAKE_EXPORT_COMPILE_COMMANDS=ON or with -G Ninja",
            ) from None
        except ValueError as error:
            raise Failure(f"is not JSON: {error}", self.file, "configure the build again") from None
        found = []
        try:
            for entry in entries:
                commands = shell_command.simple_commands(entry["command"])
                # CMake's own "output" (since 3.20) is relative to the top of the build, whatever
                # "directory" says.
                output = shell_command.output(commands[0]) or entry["output"]
                found.append(Step(entry["directory"], entry["command"], entry["file"], output))
        except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
            raise Failure(
                f"entry {len(found)} is not as CMake writes it ({error})",
                self.file,
                "configure the build again",
            ) from None
        return found

    def links(self) -> list[Step]:
        """The scripts of CMakeFiles/TARGET.dir run in the folder that holds CMakeFiles."""
        found = []
        for folder, folders, files in os.walk(self.directory):
            if os.path.basename(folder) == "CMakeFiles":
                folders[:] = [name for name in folders if name.endswith(".dir")]
            if "link.txt" not in files or os.path.basename(os.path.dirname(folder)) != "CMakeFiles":
                continue
            directory = os.path.dirname(os.path.dirname(folder))
            with open(
                os.path.join(folder, "link.txt"), encoding="utf-8", errors="surrogateescape"
            ) as stream:
                for command in filter(None, map(str.strip, stream)):
                    try:
                        made = self.link(command, directory)
                    except ValueError as error:
                        raise Failure(
                            f"the command cannot be split: {error}",
                            stream.name,
                            "configure the build again",
                        ) from None
                    if made:
                        found.append(made)
        return found

    def link(self, command: str, directory: str) -> Step | None:
        for arguments in shell_command.simple_commands(command):
            if shell_command.is_archiver(arguments) and len(arguments) > 3:
                return Step(directory, command, arguments[3], arguments[2])
            if shell_command.is_compiler(arguments) or shell_command.is_cxx_compiler(arguments):
                return Step(directory, command, "", shell_command.output(arguments) or "a.out")
        return None

    def headers(self, objects: dict[str, str | None]) -> dict[str, tuple[list[str], bool]]:
        found = {}
        for path, directory in objects.items():
            recorded = path + ".d"
            if os.path.exists(recorded):
                files = compiler.dependencies(recorded, directory or self.directory)
                found[path] = files, True
        return found
