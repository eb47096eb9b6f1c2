"""Takes apart the command line that linked a program or shared library."""

import dataclasses
import typing

from ..base import shell_command
from ..base.failure import Failure

# Options of the compiler driver whose operand is the next argument.
WITH_OPERAND = {
    "-o",
    "-L",
    "-l",
    "-u",
    "-z",
    "-T",
    "-Xlinker",
    "-B",
    "-isysroot",
    "--sysroot",
    "-arch",
    "-target",
    "-MF",
    "-MQ",
    "-MT",
    "-I",
    "-D",
    "-U",
    "-include",
    "-isystem",
    "-e",
    "-x",
    "-Xclang",
    "-mllvm",
    "--param",
}
# Linker options (after -Wl, and -Xlinker) whose operand is the next linker argument.
LINKER_WITH_OPERAND = {
    "-rpath",
    "--rpath",
    "-R",
    "-rpath-link",
    "--rpath-link",
    "-soname",
    "--soname",
    "-h",
    "-z",
    "-u",
    "--undefined",
    "--version-script",
    "--dynamic-list",
    "-T",
    "--script",
    "-e",
    "--entry",
    "-init",
    "-fini",
    "-Map",
    "--Map",
    "-m",
    "--defsym",
    "--wrap",
    "-wrap",
    "-plugin",
    "--plugin",
    "--plugin-opt",
    "--exclude-libs",
    "-dynamic-linker",
    "--dynamic-linker",
    "-I",
    "-L",
    "-l",
    "--retain-symbols-file",
    "--dependency-file",
    "--hash-style",
    "--sort-section",
    "--out-implib",
}
# The kit gives these options itself, or they describe the file that the kit does not make.
REPLACED = {
    "-rpath-link",
    "--rpath-link",
    "-soname",
    "--soname",
    "-h",
    "--version-script",
    "--dynamic-list",
    "-Map",
    "--Map",
    "--exclude-libs",
    "--start-group",
    "--end-group",
    "-(",
    "-)",
    "--no-undefined",
    "-Bsymbolic",
    "-Bsymbolic-functions",
    "--allow-shlib-undefined",
    "--no-allow-shlib-undefined",
    "--out-implib",
    "--warn-common",
    "--fatal-warnings",
    "--retain-symbols-file",
    "--dependency-file",
    "-plugin",
    "--plugin",
    "--plugin-opt",
    "-pie",
    "--pie",
    "-no-pie",
    "--no-pie",
    "-shared",
    "--no-fatal-warnings",
    "--gc-sections",
    "--no-gc-sections",
    "--print-gc-sections",
    "--icf",
    "-s",
    "--strip-all",
    "-S",
    "--strip-debug",
    "--print-map",
    "--cref",
    "--unresolved-symbols",
    "--no-copy-dt-needed-entries",
}
REPLACED_Z = {
    "now",
    "lazy",
    "relro",
    "norelro",
    "noexecstack",
    "separate-code",
    "noseparate-code",
    "text",
    "defs",
    "nodefs",
    "undefs",
    "nocopyreloc",
    "nognustack",
}
REFUSED = {
    "-T": "a linker script",
    "--script": "a linker script",
    "-r": "a relocatable link",
    "-e": "its own entry point",
    "--entry": "its own entry point",
    "-init": "its own init function",
    "-fini": "its own fini function",
    "-static": "a static program",
    "-static-pie": "a static program",
    "--static": "a static program",
    "-nostdlib": "no standard library",
    "-nostartfiles": "its own start-up code",
    "-nodefaultlibs": "no standard library",
    "-nolibc": "no standard library",
}
SANITIZERS = {"address", "hwaddress", "thread", "memory", "leak"}
REFUSED_Z = {"execstack": "an executable stack", "notext": "text relocations"}


@dataclasses.dataclass
class Item:
    """One thing on the line. kind: "file" (value as spelled), "library" (-lNAME as spelled),
    "option" (driver argument to keep), "rpath" (run path), "folder" (-L operand)."""

    kind: typing.Literal["file", "library", "option", "rpath", "folder"]
    value: str
    whole_archive: bool = False


@dataclasses.dataclass
class LinkLine:
    driver: list[str]
    output: str
    shared: bool
    symbolic: bool
    items: list[Item]


def parse(arguments: list[str], where: str) -> LinkLine:
    """Failure (at `where`) for a link that cannot be split into compartments."""
    return _Parser(shell_command.without_launcher(arguments), where).parse()


class _Parser:
    def __init__(self, arguments: list[str], where: str):
        self.arguments, self.where = arguments, where
        self.items: list[Item] = []
        self.shared = self.symbolic = self.whole = False
        self.output = shell_command.output(arguments) or "a.out"

    def parse(self) -> LinkLine:
        pending: list[str] = []
        position = 1
        while position < len(self.arguments):
            argument = self.arguments[position]
            position += 1
            operand = None
            if argument in WITH_OPERAND and position < len(self.arguments):
                operand = self.arguments[position]
                position += 1
            if argument.startswith("-Wl,") or argument == "-Xlinker":
                pending += argument[4:].split(",") if operand is None else [operand]
                # An operand may come in the next -Wl (-Wl,-z -Wl,now).
                if pending[-1] in LINKER_WITH_OPERAND:
                    continue
                self.linker_options(pending)
                pending = []
            else:
                self.driver_option(argument, operand)
        return LinkLine(self.arguments[:1], self.output, self.shared, self.symbolic, self.items)

    def refuse(self, option: str, what: str) -> Failure:
        return Failure(
            (
                f"the link of {self.output} has {what} ({option}), which cannot be split into"
                " compartments"
            ),
            self.where,
            "build the program without it",
        )

    def keep(self, *options: str) -> None:
        self.items += [Item("option", option) for option in options]

    def driver_option(self, argument: str, operand: str | None) -> None:
        if argument == "-o":
            self.output = operand or ""
        elif argument == "-shared":
            self.shared = True
        elif argument in REFUSED:
            raise self.refuse(argument, REFUSED[argument])
        elif argument == "-z":
            self.linker_options(["-z", operand or ""])
        elif argument in ("-L", "-l", "-u"):
            self.driver_option(argument + (operand or ""), None)
        elif argument.startswith("-L"):
            self.items.append(Item("folder", argument[2:]))
        elif argument.startswith("-l"):
            self.items.append(Item("library", argument, self.whole))
        elif not argument.startswith("-"):
            self.items.append(Item("file", argument, self.whole))
        elif (
            argument.startswith("-fsanitize=")
            and set(argument[len("-fsanitize=") :].split(",")) & SANITIZERS
        ):
            raise self.refuse(
                argument, "a sanitizer that replaces malloc or keeps a shadow of all memory"
            )
        elif argument.startswith("-flto"):
            raise self.refuse(argument, "link-time optimization")
        elif (
            argument
            in (
                "-MF",
                "-MQ",
                "-MT",
                "-c",
                "-MD",
                "-MMD",
                "-pie",
                "-no-pie",
                "-rdynamic",
                "-s",
                "-I",
                "-D",
                "-U",
                "-include",
                "-isystem",
            )
            or argument[:2] in ("-I", "-D", "-U", "-O", "-W")
            or argument.lower() in ("-fpic", "-fpie")
        ):
            if argument == "-rdynamic":
                self.keep("-Wl,--export-dynamic")
        else:
            self.keep(argument, *([operand] if operand is not None else []))

    def linker_options(self, options: list[str]) -> None:
        position = 0
        while position < len(options):
            option = options[position]
            position += 1
            name, _, value = option.partition("=")
            operand = value if "=" in option else None
            if operand is None and name in LINKER_WITH_OPERAND and position < len(options):
                operand = options[position]
                position += 1
            if name.startswith("-z") and name not in ("-z",):
                name, operand = "-z", name[2:]
            self.linker_option(name, operand, "=" in option)

    def linker_option(self, name: str, operand: str | None, joined: bool) -> None:
        if name == "--whole-archive" or name == "--no-whole-archive":
            self.whole = name == "--whole-archive"
        elif name in ("-rpath", "--rpath", "-R"):
            self.items.append(Item("rpath", operand or ""))
        elif name in REFUSED:
            raise self.refuse(name, REFUSED[name])
        elif name == "-z":
            if operand in REFUSED_Z:
                raise self.refuse(f"-z {operand}", REFUSED_Z[operand])
            if operand not in REPLACED_Z:
                self.keep(f"-Wl,-z,{operand}")
        elif name in ("-L", "-l"):
            self.driver_option(name + (operand or ""), None)
        elif name in REPLACED:
            self.symbolic = self.symbolic or name.startswith("-Bsymbolic")
        elif not name.startswith("-"):
            self.items.append(Item("file", name, self.whole))
        elif operand is None:
            self.keep(f"-Wl,{name}")
        else:
            self.keep(f"-Wl,{name}={operand}" if joined else f"-Wl,{name},{operand}")
