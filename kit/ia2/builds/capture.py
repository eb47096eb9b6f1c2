"""Captures what a project's own build did: the link closure of one program.

Only the source of the build's steps depends on the build system: `ninja`, `cmake_makefiles` or, for
any other, `recorded_build`.
"""

import collections.abc
import fnmatch
import os
import re

from ..base import shell_command
from ..base.failure import Failure
from ..base.paths import inside
from ..base.source_root import top_of
from ..elf import elf
from ..formats.build_graph import (
    ArchiveItem,
    ArgumentItem,
    BuildGraph,
    FileItem,
    Item,
    Language,
    Link,
    Object,
    ObjectItem,
    OtherUnit,
    SharedItem,
    Spelled,
)
from ..policy.policy import Compartment, Policy
from . import (
    canonicalize,
    cmake_makefiles,
    link_line,
    ninja,
    object_inputs,
    precompiled,
    recorded_build,
)
from .build import Build, Step

OBJECT_SUFFIXES = (".o", ".obj", ".lo")
# The language of a source by its suffix, if no -x gives it. Other languages are not known.
LANGUAGES: dict[str, Language] = {
    ".c": "c",
    ".s": "other",
    ".S": "other",
    ".sx": "other",
    ".asm": "other",
    ".nasm": "other",
}
LANGUAGE_NAMES: dict[str, Language] = {
    "c": "c",
    "assembler": "other",
    "assembler-with-cpp": "other",
    "c++": "c++",
}
CXX_SUFFIXES = (".cc", ".cpp", ".cxx", ".C", ".c++", ".mm")


class Capture:
    """Walks from a program to everything linked into it."""

    def __init__(self, build: Build):
        self.build, self.build_dir = build, build.directory
        self.steps = build.steps
        self.split: dict[tuple[str, str], list[list[str]]] = {}
        self.response_files: set[str] = set()
        self.headers = precompiled.Headers(self.steps, self.commands_of)
        self.used_headers: set[str] = set()  # precompiled headers that objects were made with
        self.made: list[object_inputs.Made] = []  # what inputs() found
        self.makers: dict[str, Step] = {}
        for step in self.steps:
            self.makers.setdefault(
                os.path.realpath(os.path.join(step.directory, step.output)), step
            )
        self.links: list[Link] = []
        self.objects: list[Object] = []
        self.commands: list[dict] = []
        self.link_index: dict[str, int] = {}
        self.object_index: dict[str, int] = {}

    # The steps, classified. --------------------------------------------------------------------

    def commands_of(self, step: Step) -> list[list[str]]:
        key = step.directory, step.command
        if key in self.split:
            return self.split[key]
        try:
            commands = shell_command.simple_commands(step.command)
            if "@" in step.command:
                for index, command in enumerate(commands):
                    self.response_files.update(
                        shell_command.response_files(command, step.directory)
                    )
                    commands[index] = shell_command.expanded(command, step.directory)
            self.split[key] = commands
            return commands
        except ValueError as error:
            raise Failure(
                f"the command that makes {step.output} cannot be split: {error}", self.build.file
            ) from None

    def compiles(self, step: Step) -> bool:
        """Whether `step` makes an object, whatever it is called (bzip2's Makefile:
        blocksort.sho)."""
        return any(
            "-c" in command
            and (shell_command.is_compiler(command) or shell_command.is_cxx_compiler(command))
            for command in self.commands_of(step)
        )

    def link_command(self, step: Step) -> list[str] | None:
        """The compiler driver's link command of `step`, or None if it does not link."""
        if (
            " -c " in step.command
            or "-o" not in step.command
            and "@" not in step.command
            or step.output.endswith(OBJECT_SUFFIXES + precompiled.SUFFIXES)
        ):
            return None
        for command in self.commands_of(step):
            if (
                shell_command.is_compiler(command) or shell_command.is_cxx_compiler(command)
            ) and "-c" not in command:
                return command
        return None

    def executables(self) -> dict[str, Step]:
        """Path -> step of each program the build links."""
        found = {}
        for path, step in self.makers.items():
            command = self.link_command(step)
            if command and "-shared" not in command and "-r" not in command:
                found[path] = step
        return found

    # The closure. --------------------------------------------------------------------------------

    def link(self, path: str) -> int:
        """Index of the captured link that makes `path`; captures what goes into it."""
        if path in self.link_index:
            return self.link_index[path]
        step = self.makers[path]
        line = link_line.parse(self.link_command(step) or [], self.build.file)
        index = self.link_index[path] = len(self.links)
        record = Link(
            path, "shared" if line.shared else "executable", line.driver, line.symbolic, []
        )
        self.links.append(record)
        folders = [
            os.path.join(step.directory, item.value) for item in line.items if item.kind == "folder"
        ]
        for item in line.items:
            record.items.append(self.item(item, step.directory, folders, line.output))
        return index

    def item(self, item: link_line.Item, directory: str, folders: list[str], output: str) -> Item:
        if item.kind == "library":
            library = self.project_library(item.value[2:], folders)
            if library is None:
                return ArgumentItem("library", item.value)
            return self.made_file(library, item.whole_archive)
        if item.kind == "folder":
            return ArgumentItem("folder", os.path.normpath(os.path.join(directory, item.value)))
        if item.kind != "file":
            return ArgumentItem(item.kind, item.value)
        spelled = os.path.normpath(os.path.join(directory, item.value))
        path = os.path.realpath(spelled)
        if path in self.makers:
            return self.made_file(path, item.whole_archive)
        if not os.path.exists(path):
            raise Failure(
                (
                    f"'{item.value}' is linked into {output} but neither exists nor is made by the"
                    " build"
                ),
                self.build.file,
                self.build.remedy,
            )
        self.need_recorded(path)
        if path.endswith(OBJECT_SUFFIXES):
            return ObjectItem("object", self.prebuilt_object(path))
        return FileItem("file", spelled, item.whole_archive)

    def project_library(self, name: str, folders: list[str]) -> str | None:
        names = [name[1:]] if name.startswith(":") else [f"lib{name}.so", f"lib{name}.a"]
        for folder in folders:
            for candidate in names:
                path = os.path.realpath(os.path.join(folder, candidate))
                if path in self.makers:
                    return path
                if os.path.exists(path):
                    self.need_recorded(path)
        return None

    def need_recorded(self, path: str) -> None:
        if not self.build.complete and inside(path, self.build_dir):
            raise Failure(
                "goes into the program, but how it was made was not recorded",
                path,
                self.build.remedy,
            )

    def made_file(self, path: str, whole: bool) -> Item:
        step = self.makers[path]
        if path.endswith(OBJECT_SUFFIXES) or self.compiles(step):
            return ObjectItem("object", self.made_object(path))
        for command in self.commands_of(step):
            if shell_command.is_archiver(command):
                return ArchiveItem("archive", path, whole, self.members(command, step))
        if self.link_command(step):
            index = self.link(path)
            if self.links[index].kind == "shared":
                return SharedItem("shared", index)
        raise Failure(
            f"how {step.output} is made is not understood: {step.command[:120]}",
            self.build.file,
            "only objects, static archives and shared libraries can be linked into a program",
        )

    def members(self, command: list[str], step: Step) -> list[int]:
        found = []
        for argument in command[2:]:
            path = os.path.realpath(os.path.join(step.directory, argument))
            if (
                argument.endswith(OBJECT_SUFFIXES)
                or path in self.makers
                and self.compiles(self.makers[path])
            ):
                found.append(
                    self.made_object(path) if path in self.makers else self.prebuilt_object(path)
                )
            elif argument.endswith(".a") and path != os.path.realpath(
                os.path.join(step.directory, step.output)
            ):
                raise Failure(
                    f"the archive {step.output} contains the archive {argument}",
                    self.build.file,
                    "link the two archives separately",
                )
        return found

    def prebuilt_object(self, path: str) -> int:
        self.need_recorded(path)
        return self.add_object(Object(path, path, "other", None, []))

    def made_object(self, path: str) -> int:
        if path in self.object_index:
            return self.object_index[path]
        step = self.makers[path]
        source = canonicalize.absolute(step.input, step.directory)
        language: Language | None = None
        made: list[str] | None = None
        for command in self.commands_of(step):
            if shell_command.is_object_changer(command):
                language = None
                break
            if shell_command.is_assembler(command):
                language = "other"
            elif shell_command.is_cxx_compiler(command):
                language = "c++"
            elif shell_command.is_compiler(command) and "-c" in command:
                language = self.language(command, source)
                made = command if language == "c" else made
        if language is None:
            self.need_data_only(path, step)
            language = "other"
        record = Object(path, source, language, None, [])
        if language == "c" and made:
            self.add_command(record, shell_command.without_launcher(made), step)
        return self.add_object(record)

    def language(self, command: list[str], source: str) -> Language:
        explicit = None
        for index, argument in enumerate(command):
            if argument == "-x" and index + 1 < len(command):
                explicit = command[index + 1]
            elif argument.startswith("-x") and len(argument) > 2:
                explicit = argument[2:]
        found: Language | None = (
            LANGUAGE_NAMES.get(explicit)
            if explicit is not None and explicit != "none"
            else (
                "c++"
                if source.endswith(CXX_SUFFIXES)
                else LANGUAGES.get(os.path.splitext(source)[1])
            )
        )
        if found is None:
            what = (
                f"as '{explicit}'"
                if explicit not in (None, "none")
                else "by the C compiler, but is no .c file"
            )
            raise Failure(
                f"is compiled {what}; only C and assembly can be compartmentalized",
                source,
                "if it is C, call it .c or give -x c",
            )
        return found

    def add_command(self, record: Object, arguments: list[str], step: Step) -> None:
        arguments, used = self.headers.without(arguments, step.directory)
        record.command = len(self.commands)
        record.spelled = Spelled(step.input, step.directory, arguments)
        if used:
            self.used_headers.update(used)
            arguments = precompiled.for_parser(arguments, step.directory)
        self.commands.append(canonicalize.entry(step.directory, arguments, step.input, step.output))

    def need_data_only(self, path: str, step: Step) -> None:
        """Failure unless the object, which no compiler or assembler made, is plain data, such as an
        embedded file."""
        try:
            image = elf.Elf.read(path)
        except (OSError, elf.ElfError):
            return  # The link of the object says what it is instead.
        code = any(section.size and section.flags & elf.SHF_EXECINSTR for section in image.sections)
        if code or any(symbol.name and not symbol.defined for symbol in image.symbols()):
            raise Failure(
                f"is made from other objects, or by a tool that is not known: {step.command[:120]}",
                path,
                (
                    "link the compiler's own objects; what is made otherwise may hold data only,"
                    " such as an embedded file"
                ),
            )

    def add_object(self, record: Object) -> int:
        if record.path not in self.object_index:
            self.object_index[record.path] = len(self.objects)
            self.objects.append(record)
        return self.object_index[record.path]

    def other_units(self) -> list[OtherUnit]:
        """The C units that the build compiles and that were not captured."""
        return [
            OtherUnit(canonicalize.absolute(step.input, step.directory), path)
            for path, step in sorted(self.makers.items())
            if step.input.endswith(".c") and " -c " in step.command
            if path not in self.object_index
        ]

    # What the objects were made from.
    # ---------------------------------------------------------------

    def inputs(self) -> list[str]:
        """Every file the objects were made from. Failure if one is newer than its object."""
        used = sorted(self.used_headers)
        asked = {record.path: _directory(record) for record in self.objects}
        by_path = self.build.headers(asked | {path: None for path in used})
        times: dict[str, int | None] = {}
        files: set[str] = {*self.response_files, *used}
        remedy = self.build.remedy
        for record in self.objects:
            made = _mtime(record.path)
            if made is None:
                raise Failure("has not been built", record.path, remedy)
            needed, valid = by_path.get(record.path, ([], True))
            if not valid:
                raise Failure("is out of date", record.path, remedy)
            sources = sorted(
                {
                    os.path.normpath(os.path.join(self.build_dir, n))
                    for n in [record.source, *needed]
                }
            )
            self.made.append(object_inputs.Made(record.path, sources, record.spelled))
            for path in sources:
                if path not in times:
                    times[path] = _mtime(path)
                changed = times[path]
                if changed is None:
                    raise Failure(f"is gone, but {record.path} was made from it", path, remedy)
                if changed > made:
                    raise Failure(
                        f"is newer than {record.path}, which was made from it", path, remedy
                    )
                files.add(path)
            need_no_switch(record)
            record.parts = sorted(
                {
                    os.path.normpath(os.path.join(self.build_dir, name))
                    for name in needed
                    if name.endswith(".c")
                }
                - {record.source}
            )
        for path in used:
            sources = sorted(
                {
                    os.path.normpath(os.path.join(self.build_dir, name))
                    for name in by_path.get(path, ([], True))[0]
                }
            )
            self.made.append(object_inputs.Made(path, sources, None))
            files.update(sources)
        return sorted(files)


def need_no_switch(record: Object) -> None:
    """Failure if the object is preprocessed assembly that asks for IA2_ENABLE. It is linked as
    built, so it would not have what `#if IA2_ENABLE` gives C."""
    if record.language != "other" or not record.source.endswith((".S", ".sx")):
        return
    with open(record.source, encoding="utf-8", errors="surrogateescape") as stream:
        for number, line in enumerate(stream, 1):
            if re.match(r"\s*#\s*(?:if|ifdef|ifndef|elif)\b.*\bIA2_ENABLE\b", line):
                raise Failure(
                    "assembly asks for IA2_ENABLE, but it is linked as the project built it",
                    f"{record.source}:{number}",
                    "move what the split program needs into a C file",
                )


def _directory(record: Object) -> str | None:
    return record.spelled.directory if record.spelled else None


def find_build(directory: str, out: str, recorded: bool) -> Build:
    """The Build of what is in `directory`, which may be a Ninja file; Failure if nothing is known
    of it. `recorded`: by recorded_build.record."""
    if directory.endswith(ninja.FILE_SUFFIX) and os.path.isfile(directory) and not recorded:
        return ninja.Build(directory)
    if not os.path.isdir(directory):
        raise Failure("no such build directory", directory)
    if recorded:
        return recorded_build.Build(directory, out)
    if os.path.exists(os.path.join(directory, "build.ninja")):
        return ninja.Build(directory)
    if cmake_makefiles.Build.fits(directory):
        return cmake_makefiles.Build(directory)
    raise Failure(
        "neither a Ninja build directory (it has no build.ninja) nor one of CMake's with Makefiles",
        directory,
        (
            "name the directory of a build by 'meson setup' or 'cmake', or let the build be"
            " recorded: --capture 'make'"
        ),
    )


def _mtime(path: str) -> int | None:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return None


# The sources of objects, by the objects' paths: what is linked directly into a program.
Direct = dict[str, str]


def choose_program(
    capture: Capture,
    target: str | None,
    is_main: collections.abc.Callable[[Direct, str | None], bool],
) -> str:
    """The path of the program to split: the one named `target`, or the only one of which
    `is_main(the objects linked directly into it, the top of its sources)` holds. None stands for
    the top that the build recorded; where no program fits, each one's own top is looked for."""
    programs = capture.executables()
    names = {path: os.path.relpath(path, capture.build_dir) for path in programs}
    listed = ", ".join(sorted(names.values())) or "none"
    if target:
        chosen = [path for path, name in names.items() if name == target] or [
            path
            for path, name in names.items()
            if os.path.basename(name) == target or fnmatch.fnmatchcase(name, target)
        ]
        if len(chosen) == 1:
            return chosen[0]
        raise Failure(
            f"{'several programs match' if chosen else 'there is no program'} '{target}'",
            capture.build.file,
            f"programs of this build: {listed}",
        )
    chosen = [path for path in programs if is_main(_direct_objects(capture, path), None)]
    if not chosen:
        tops = {path: _top_of_program(capture, path) for path in programs}
        chosen = [
            path
            for path, top in tops.items()
            if top and is_main(_direct_objects(capture, path), top)
        ]
    if len(chosen) == 1:
        return chosen[0]
    if not chosen:
        raise Failure(
            "no program of the build has its main() in the compartment with pkey 1",
            capture.build.file,
            (
                "check the sources of that compartment, or name the program with --target;"
                f" programs of this build: {listed}"
            ),
        )
    raise Failure(
        "several programs have their main() in the compartment with pkey 1: "
        + ", ".join(sorted(names[path] for path in chosen)),
        capture.build.file,
        "choose one with --target",
    )


def plugin_path(capture: Capture, named: str, made: collections.abc.Container[str]) -> str:
    """Where the build makes the plugin that the policy names. The generator Ninja Multi-Config has
    a Ninja file for each configuration, build-Debug.ninja, and puts what that makes into a folder
    of this name. The policy is the same for all, so the name may be without the folder."""
    path = os.path.realpath(os.path.join(capture.build_dir, named))
    configuration = re.match(r"build-(.+)\.ninja\Z", os.path.basename(capture.build.file))
    if path in made or not configuration:
        return path
    folder, name = os.path.split(path)
    return os.path.join(folder, configuration.group(1), name)


def plugin_link(capture: Capture, policy: Policy, compartment: Compartment) -> int:
    """Index of the captured link that makes the plugin `compartment`; Failure if the build does not
    make it."""
    made = {
        output: step
        for output, step in capture.makers.items()
        if "-shared" in (capture.link_command(step) or ())
    }
    path = plugin_path(capture, compartment.plugin or "", made)
    if path not in made:
        listed = (
            ", ".join(sorted(os.path.relpath(output, capture.build_dir) for output in made))
            or "none"
        )
        raise Failure(
            f"the build makes no shared library '{compartment.plugin}'",
            policy.where(f"compartment.{compartment.name}.plugin"),
            (
                f"shared libraries of this build: {listed}"
                if capture.build.complete
                else capture.build.remedy
            ),
        )
    return capture.link(path)


def need_libraries(graph: BuildGraph, libraries: list[str]) -> None:
    """Failure if one of `libraries`, paths of archives or shared libraries, is not linked into the
    program."""
    linked = {link.output for link in graph.links}
    for link in graph.links:
        for item in link.items:
            if isinstance(item, ArchiveItem):
                linked.add(os.path.realpath(item.path))
            elif isinstance(item, FileItem):
                linked.add(os.path.realpath(item.value))
    for library in libraries:
        if os.path.realpath(library) not in linked:
            raise Failure(
                f"is not linked into {graph.program}",
                library,
                "link it, or do not name it as one of its libraries",
            )


def _direct_objects(capture: Capture, path: str) -> Direct:
    """The objects on the link line of `path`, cheaply, without capturing them."""
    step = capture.makers[path]
    found = {}
    for argument in (capture.link_command(step) or [])[1:]:
        made = capture.makers.get(os.path.realpath(os.path.join(step.directory, argument)))
        if made and (argument.endswith(OBJECT_SUFFIXES) or capture.compiles(made)):
            output = os.path.realpath(os.path.join(made.directory, made.output))
            found[output] = canonicalize.absolute(made.input, made.directory)
    return found


def found_top(capture: Capture) -> str:
    """The top of the sources of what was captured."""
    recorded = capture.build.source_root()
    if recorded is None:
        folders = [os.path.dirname(record.source) for record in capture.objects]
        return os.path.commonpath(folders) if folders else capture.build_dir
    sources = [record.source for record in capture.objects if record.language == "c"]
    return top_of(recorded, capture.build_dir, sources)


def _top_of_program(capture: Capture, path: str) -> str | None:
    """The top of the sources of a program, None if it cannot be captured."""
    alone = Capture(capture.build)
    try:
        alone.link(path)
    except Failure:
        return None
    return found_top(alone)


def graph(
    capture: Capture, program: str, source_root: str | None, policy: Policy | None = None
) -> BuildGraph:
    """The build graph of `program` and the plugins of `policy`."""
    capture.link(program)
    plugins = {
        compartment.name: plugin_link(capture, policy, compartment)
        for compartment in (policy.compartments if policy else ())
        if policy and compartment.plugin
    }
    inputs = capture.inputs()
    return BuildGraph(
        program=os.path.basename(program),
        source_root=os.path.realpath(source_root) if source_root else found_top(capture),
        build_dir=capture.build_dir,
        links=capture.links,
        objects=capture.objects,
        plugins=plugins,
        inputs=inputs,
        other_units=capture.other_units(),
    )
