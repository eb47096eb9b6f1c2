"""Links one shared library per compartment, and the program, into a folder of their own.

The libraries come first, each after those it imports from. Where two import from each other, the
one linked first leaves the names of the other undefined. At the end the dynamic loader says whether
every name is found (`ldd -r`). The program is linked last, against all libraries.
"""

import dataclasses
import os
import re
import shutil
import subprocess
import sys

from ..base import atomic
from ..base.failure import Failure
from ..base.kit import Kit
from ..base.paths import inside
from ..builds import compiler as compilers
from ..formats.boundary import Boundary
from ..formats.build_graph import (
    ArchiveItem,
    ArgumentItem,
    BuildGraph,
    FileItem,
    Link,
    ObjectItem,
)
from ..elf import elf, gates, pad_tls, plugin_file
from ..formats.plan import Compartment, Entry, Import, Plan

# How often, and by how much, code is moved to get rid of unwanted bytes. The size is no multiple of
# 256, so the lowest byte of every distance changes. It keeps alignments up to 64.
SHIFTS, SHIFT_SIZE = 16, 64
# How many lines of a linker's message are shown.
SHOWN = 10
HARDENING = ["-Wl,-z,now,-z,relro,-z,noexecstack,-z,separate-code,-z,text"]


@dataclasses.dataclass
class Linked:
    """The files of a finished link, by name. `libraries`: in the order in which they were made."""

    program: str
    libraries: list[str]

    def files(self) -> list[str]:
        return [self.program, *self.libraries]


def archive_not_pic(archive: str, doing: str, relocation: str, log: str) -> Failure:
    """Static archives of a system are often made for programs alone (-fPIE)."""
    shared = archive.removesuffix(".a") + ".so"
    return Failure(
        (
            f"{doing} failed: {relocation}: the archive is not position-independent (-fPIC), as"
            " every compartment must be"
        ),
        archive,
        (
            f"link the shared library{f', {shared},' if os.path.exists(shared) else ''} instead, or"
            f" an archive built with -fPIC; the whole message is in {log}"
        ),
    )


class Linker:
    """`target` is the folder to link into; it is made, and left incomplete on failure."""

    def __init__(
        self,
        out: str,
        target: str,
        plan: Plan,
        graph: BuildGraph,
        boundary: Boundary,
        kit: Kit,
        compiler: str | None,
        linker: str | None,
        more: list[str] | None = None,
    ):
        self.more = more or []
        self.out, self.target, self.plan, self.graph, self.boundary, self.kit = (
            out,
            target,
            plan,
            graph,
            boundary,
            kit,
        )
        self.driver = [compiler] if compiler else graph.links[0].driver
        self.linker = linker
        self.runtime = os.path.basename(kit.libia2)
        self.files = {compartment.pkey: compartment.file for compartment in plan.compartments}
        self.carriers: list[str] = []  # libraries with the thread-local storage of plugins
        self.plugins = {compartment.pkey for compartment in plan.compartments if compartment.plugin}

    # What each compartment gets. -----------------------------------------------------------------

    def source_links(self, key: int) -> list[Link]:
        """The original links whose objects compartment `key` has."""
        mine = {record.path for record in self.plan.objects if record.compartment == key}
        found = []
        for link in self.graph.links:
            members: set[int] = set()
            for item in link.items:
                if isinstance(item, ObjectItem):
                    members.add(item.object)
                elif isinstance(item, ArchiveItem):
                    members.update(item.members)
            if any(self.graph.objects[member].path in mine for member in members):
                found.append(link)
        return found

    def original_options(self, key: int) -> list[str]:
        """Options and outside libraries of the original link lines, in their order."""
        made: list[str] = []
        for link in self.source_links(key):
            for item in link.items:
                if isinstance(item, FileItem):
                    made += (
                        ["-Wl,--whole-archive", item.value, "-Wl,--no-whole-archive"]
                        if item.whole
                        else [item.value]
                    )
                elif isinstance(item, ArgumentItem):
                    made += self.original_argument(item)
        return [*made, *([f"-fuse-ld={self.linker}"] if self.linker else [])]

    def original_argument(self, item: ArgumentItem) -> list[str]:
        outside = not inside(item.value, self.plan.build_dir)
        if item.kind == "option" and self.linker and item.value.startswith("-fuse-ld="):
            return []
        if item.kind in ("option", "library"):
            return [item.value]
        if item.kind == "folder":
            return ["-L" + item.value] if outside else []
        kept = os.path.isabs(item.value) and outside
        return ["-Wl,-rpath," + item.value] if kept else []

    def exports(self, key: int) -> list[str]:
        names = {gate.symbol for gate in self.boundary.gates if gate.owner == key and gate.export}
        crossing: list[Import | Entry] = [*self.plan.imports, *self.plan.entries]
        names |= {
            record.symbol for record in crossing if record.owner == key and record.kind == "data"
        }
        return sorted(names)

    def not_exported(self) -> list[str]:
        """What keeps a program that exports everything (-rdynamic, for plugins) from exporting
        functions that have gates."""
        crossing = [
            record.symbol
            for record in self.plan.imports
            if record.owner == 1 and record.kind == "function"
        ]
        script = os.path.join(self.out, "obj", "program.map")
        if not crossing:
            return []
        atomic.write_text(
            script, f"{{\n  local: {' '.join(symbol + ';' for symbol in crossing)}\n}};\n"
        )
        return [f"-Wl,--version-script={script}"]

    def imports(self, key: int) -> list[Import]:
        return [record for record in self.plan.imports if key in record.callers]

    def order(self) -> list[int]:
        """Keys of the libraries, each after those it imports from as far as there is no cycle."""
        ordered: list[int] = []
        visiting: set[int] = set()

        def visit(key: int) -> None:
            if key == 1 or key in ordered or key in visiting:
                return
            visiting.add(key)
            for record in self.imports(key):
                visit(record.owner)
            ordered.append(key)

        for key in sorted(self.files):
            visit(key)
        return ordered

    # The commands. -------------------------------------------------------------------------------

    def assemble(self, compartment: Compartment) -> str:
        source = os.path.join(self.out, "callgates", compartment.name + ".S")
        if not os.path.exists(source):
            raise Failure("is missing", source, "run the rewrite stage")
        target = os.path.join(self.out, "obj", f"callgates-{compartment.name}.o")
        # The value is in the descriptor of each compartment. The runtime refuses a compartment of
        # the other kind.
        defines = ["-DIA2_PERMISSIVE=1"] if self.kit.permissive else []
        self.run(
            [*self.driver, "-c", *self.kit.gate_flags(), *defines, source, "-o", target],
            f"assembling {source}",
            target + ".log",
        )
        return target

    def command(self, compartment: Compartment, objects: list[str], linked: list[int]) -> list[str]:
        key, name = compartment.pkey, compartment.name
        exports = self.exports(key)
        line = [*self.driver, "-o", os.path.join(self.target, compartment.file)]
        if key == 1:
            line += [
                "-pie",
                "-Wl,--wrap=main",
                *(f"-Wl,--export-dynamic-symbol={symbol}" for symbol in exports),
                *self.not_exported(),
            ]
            others = [other for other in self.order() if other not in self.plugins]
            carriers = self.carriers
        else:
            script = os.path.join(self.out, "obj", f"{name}.map")
            head = f"  global: {' '.join(symbol + ';' for symbol in exports)}\n" if exports else ""
            atomic.write_text(script, "{\n" + head + "  local: *;\n};\n")
            line += [
                "-shared",
                f"-Wl,-soname,{compartment.file}",
                f"-Wl,--version-script={script}",
            ]
            others = sorted({record.owner for record in self.imports(key)} & set(linked))
            carriers = []
            if {record.owner for record in self.imports(key)} <= set(
                others
            ) and key not in self.plugins:
                line.append("-Wl,-z,defs")
        line += HARDENING + [
            "-Wl,-z,nocopyreloc",
            "-Wl,-rpath,$ORIGIN",
            f"-Wl,-rpath-link,{self.target}",
        ]
        line += objects
        # The options pull in with -u what nothing refers to, such as anchors of TLS sections.
        line += [
            *("@" + path for path in self.kit.options),
            *([] if compartment.guests else ["-Wl,--undefined=ia2_no_guests"]),
            self.kit.compartment,
            "-Wl,--exclude-libs,ALL",
        ]
        line += [
            f"-Wl,--wrap={record.symbol}"
            for record in self.imports(key)
            if record.kind == "function"
        ]
        line += [
            "-Wl,--push-state,--no-as-needed",
            *(os.path.join(self.target, self.files[other]) for other in others),
            *(os.path.join(self.target, carrier) for carrier in carriers),
            os.path.join(self.target, self.runtime),
            "-Wl,--pop-state",
        ]
        # The allocator's own needs.
        line += ["-Wl,--push-state,--as-needed", "-lm", "-lpthread", "-ldl", "-Wl,--pop-state"]
        return line + self.original_options(key) + self.more

    def run(self, line: list[str], doing: str, log: str) -> None:
        try:
            result = subprocess.run(
                line,
                cwd=self.plan.build_dir,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
        except OSError as error:
            raise Failure(
                f"cannot run the compiler: {error.strerror}", line[0], "name another with --cc"
            ) from None
        with open(log, "w", encoding="utf-8") as stream:
            stream.write(" ".join(line) + "\n" + result.stderr)
        if result.returncode:
            raise self.explained(result.stderr, doing, log)

    def prebuilt_archive(self, text: str) -> str | None:
        """The archive that the linker's message names first, if the build did not make it."""
        named = re.search(r"(/\S+?\.a)(?=[(:\s]|$)", text)
        made = {
            os.path.realpath(item.path)
            for link in self.graph.links
            for item in link.items
            if isinstance(item, ArchiveItem)
        }
        return named.group(1) if named and os.path.realpath(named.group(1)) not in made else None

    def explained(self, text: str, doing: str, log: str) -> Failure:
        relocation = re.search(
            (
                r"(?:ld: |ld\.lld: error: )?(\S+?\.o(?:bj)?)?\S*:? ?.*relocation"
                r" (R_X86_64_\w+).*(?:recompile with -fPIC|cannot be used against)"
            ),
            text,
        ) or re.search(r"(\S+): warning: (relocation) against .* in read-only section", text)
        if relocation:
            archive = self.prebuilt_archive(text)
            if archive:
                return archive_not_pic(archive, doing, relocation.group(2), log)
            named = re.search(r"(\S+\.o(?:bj)?)[:()]", text)
            return Failure(
                (
                    f"{doing} failed: {relocation.group(2)}: an object that was kept as built is"
                    " not position-independent"
                ),
                named.group(1) if named else None,
                (
                    "build the project with -fPIC (for nasm: default rel); the whole message is in"
                    f" {log}"
                ),
            )
        # The first line alone may not say which of several names it is about, and where.
        lines = compilers.said(text)
        for line in lines[:SHOWN]:
            print(line, file=sys.stderr)
        if len(lines) > SHOWN:
            print(f"... and {len(lines) - SHOWN} lines more", file=sys.stderr)
        return Failure(
            f"{doing} failed: {compilers.first_error(text)}",
            remedy=f"the whole message is in {log}",
        )

    # The whole. ----------------------------------------------------------------------------------

    def link(self, made: dict[str, str]) -> Linked:
        """Links everything into `target`. `made`: object as built -> object to link instead."""
        os.makedirs(self.target)
        os.makedirs(os.path.join(self.out, "obj"), exist_ok=True)
        shutil.copy2(self.kit.libia2, os.path.join(self.target, self.runtime))
        by_key = {compartment.pkey: compartment for compartment in self.plan.compartments}
        linked: list[int] = []
        for key in [*self.order(), 1]:
            compartment = by_key[key]
            objects = [
                made.get(record.path, record.path)
                for record in self.plan.objects
                if record.compartment == key
            ]
            objects.append(self.assemble(compartment))
            self.link_one(compartment, objects, linked)
            linked.append(key)
            pad_tls.pad_file(os.path.join(self.target, compartment.file))
            if key in self.plugins:
                self.fit_plugin(compartment)
        self.check_undefined()
        libraries = [*self.carriers, *(by_key[key].file for key in linked if key != 1)]
        return Linked(by_key[1].file, [*libraries, self.runtime])

    def fit_plugin(self, compartment: Compartment) -> None:
        path, name = os.path.join(self.target, compartment.file), compartment.name
        source = os.path.join(self.out, "obj", f"{name}.tls.S")
        atomic.write_text(source, plugin_file.carrier_source(path, compartment.pkey))
        self.carriers.append(plugin_file.carrier_name(name))
        self.run(
            [
                *self.driver,
                *HARDENING,
                *plugin_file.carrier_options(name),
                source,
                "-o",
                os.path.join(self.target, self.carriers[-1]),
                *([f"-fuse-ld={self.linker}"] if self.linker else []),
            ],
            f"linking {self.carriers[-1]}",
            source + ".log",
        )
        plugin_file.fit(path, compartment.pkey)

    def link_one(self, compartment: Compartment, objects: list[str], linked: list[int]) -> None:
        """Links one file. Code holds the distances to its constants, and the bytes of a distance
        can be those of WRPKRU (dav1d by clang and lld: one). Then the code is moved until they are
        not."""
        log = os.path.join(self.out, "obj", f"{compartment.name}.link.log")
        for shift in range(SHIFTS):
            moved = [self.padding(shift), *objects] if shift else objects
            self.run(self.command(compartment, moved, linked), f"linking {compartment.file}", log)
            if not gates.unlisted(elf.Elf.read(os.path.join(self.target, compartment.file))):
                return
        # The bytes are in the code itself. The audit says where.

    def padding(self, shift: int) -> str:
        """An object with code that nobody runs, which moves what is linked after it."""
        source = os.path.join(self.out, "obj", f"padding-{shift}.S")
        size = shift * SHIFT_SIZE
        atomic.write_text(
            source,
            (
                f'.section .text.unlikely,"ax",@progbits\n.skip {size}, 0xcc\n.text\n.skip {size},'
                ' 0xcc\n.section .note.GNU-stack,"",@progbits\n'
            ),
        )
        self.run(
            [*self.driver, "-c", source, "-o", source[:-2] + ".o"],
            f"assembling {source}",
            source + ".log",
        )
        return source[:-2] + ".o"

    def check_undefined(self) -> None:
        """Asks the dynamic loader, which runs no code of the program for it, whether every name is
        found."""
        self.check_undefined_of(self.files[1], set())
        given = self.given_to_plugins() if self.plugins else set()
        for key in sorted(self.plugins):
            self.check_undefined_of(self.files[key], given)

    def given_to_plugins(self) -> set[str]:
        """What a plugin finds in the program and the libraries that come with it."""
        files = [
            *self.carriers,
            *(self.files[key] for key in self.files if key not in self.plugins),
        ]
        return {
            symbol.name
            for file in files
            for symbol in elf.Elf.read(os.path.join(self.target, file)).symbols(elf.SHT_DYNSYM)
            if symbol.defined
        }

    def check_undefined_of(self, file: str, given: set[str]) -> None:
        result = subprocess.run(
            ["ldd", "-r", os.path.join(self.target, file)],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        text = result.stdout + result.stderr
        missing = [
            (name, where)
            for name, where in re.findall(r"undefined symbol: (\S+?),?\s+\((\S+)\)", text)
            if name not in given
        ]
        if missing:
            names = ", ".join(
                sorted({f"'{name}' of {os.path.basename(file)}" for name, file in missing})[:5]
            )
            raise Failure(
                f"nothing defines {names}",
                os.path.join(self.out, "bin", file),
                "the boundary and the link do not agree: run all stages again",
            )
        lost = re.findall(r"(\S+) => not found", text)
        if lost:
            raise Failure(
                f"the library {lost[0]} is not found at run time",
                remedy="install it, or link with an absolute -rpath",
            )
        if result.returncode and not given:
            raise Failure(
                "the dynamic loader refuses the program:"
                f" {text.strip().splitlines()[-1] if text.strip() else 'no message'}"
            )
