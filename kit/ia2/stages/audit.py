"""Checks, after the link, what the protection of the program rests on.

Nothing here trusts the commands that made the files; it reads the files.
"""

import collections.abc
import dataclasses
import os
import re

from ..base import layout
from ..base.failure import Failure
from ..base.kit import RUNTIMES
from ..elf import elf, gates, mapped_code, plugin_file
from ..elf.descriptor import is_permissive
from ..formats.audit import GROUPS, AuditResult, Check, Group
from ..formats.plan import Compartment, Entry, Import, Plan

NOTHING = "permissive: nothing is enforced"


@dataclasses.dataclass
class Expected:
    """What the audit compares the files with, if there is no plan: what the files say of it."""

    compartments: list[Compartment]
    imports: list[Import]
    entries: list[Entry]


class Audit:
    """`permissive`: the program is meant to be built permissive. Then the audit accepts that it
    enforces nothing."""

    def __init__(self, folder: str, plan: Plan | Expected, permissive: bool = False):
        self.folder, self.plan, self.permissive = folder, plan, permissive
        self.runtime = runtime_of(folder, plan.compartments[0].file)
        self.checks: list[Check] = []
        self.images: dict[str, elf.Elf] = {}
        self.group: Group = GROUPS[0]
        self.plugins = {compartment.file for compartment in plan.compartments if compartment.plugin}
        self.found_permissive = False

    def note(self, file: str, check: str, ok: object, detail: str = "", accepted: str = "") -> None:
        """`ok` is judged by its truth: a None or an empty list is a failed check."""
        self.checks.append(Check(file, self.group, check, bool(ok), accepted if ok else detail))

    def run(self) -> AuditResult:
        """Failure if a file cannot be read at all."""
        files = [compartment.file for compartment in self.plan.compartments]
        carriers = [
            plugin_file.carrier_name(compartment.name)
            for compartment in self.plan.compartments
            if compartment.plugin
        ]
        for name in [*files, *carriers, self.runtime]:
            path = os.path.join(self.folder, name)
            try:
                self.images[name] = elf.Elf.read(path)
            except (elf.ElfError, OSError) as error:
                raise Failure(f"cannot be audited: {error}", path, "run the link stage") from None
        self.check_each("enforcement", self.enforces, files)
        self.check_each("hardening", self.hardening, self.images)
        self.check_each("instructions", self.instructions, self.images)
        self.check_each("tls", self.thread_locals, files)
        self.check_each("loader", self.finds_runtime, files)
        mapped = self.found_first(
            files[0], [name for name in self.images if name not in self.plugins]
        )
        for name in sorted(self.plugins):
            mapped |= self.found_first(
                name,
                [
                    needed
                    for needed in self.images[name].dynamic_strings(elf.DT_NEEDED)
                    if needed in self.images
                ],
            )
        self.group = "symbols"
        self.boundary()
        self.group = "mapped"
        self.mapped(mapped)
        return AuditResult(
            ok=all(check.ok for check in self.checks),
            permissive=self.found_permissive,
            files=list(self.images),
            checks=self.checks,
        )

    def check_each(
        self,
        group: Group,
        check: collections.abc.Callable[[str], None],
        names: collections.abc.Iterable[str],
    ) -> None:
        self.group = group
        for name in names:
            check(name)

    def enforces(self, name: str) -> None:
        """A program that was built permissive says so twice: by the runtime it needs, and in each
        compartment's descriptor."""
        image = self.images[name]
        found = RUNTIMES[True] in image.dynamic_strings(elf.DT_NEEDED) or is_permissive(image)
        self.found_permissive |= found
        self.note(
            name,
            "enforces",
            not found or self.permissive,
            f"{NOTHING}; build it without --permissive",
            f"{NOTHING}: that was asked for" if found else "",
        )

    def hardening(self, name: str) -> None:
        image = self.images[name]
        flags, flags_1 = (
            image.dynamic.get(elf.DT_FLAGS, [0])[0],
            image.dynamic.get(elf.DT_FLAGS_1, [0])[0],
        )
        now = elf.DT_BIND_NOW in image.dynamic or flags & elf.DF_BIND_NOW or flags_1 & elf.DF_1_NOW
        self.note(
            name,
            "bind-now",
            now,
            "symbols are bound lazily: the loader would write to the GOT while compartments run",
        )
        self.note(
            name,
            "text-relocations",
            elf.DT_TEXTREL not in image.dynamic and not flags & elf.DF_TEXTREL,
            "code is relocated",
        )
        relro = image.segment(elf.PT_GNU_RELRO)
        self.note(name, "relro", relro is not None, "no PT_GNU_RELRO segment")
        for section in image.sections:
            if (
                section.name
                in (".got", ".got.plt", ".init_array", ".fini_array", ".dynamic", ".data.rel.ro")
                and section.size
            ):
                inside = (
                    relro
                    and relro.vaddr <= section.addr
                    and section.addr + section.size <= relro.vaddr + relro.memsz
                )
                self.note(name, f"relro {section.name}", inside, f"{section.name} stays writable")
        stack = image.segment(elf.PT_GNU_STACK)
        self.note(name, "stack", stack and not stack.flags & elf.PF_X, "the stack is executable")
        both = [
            segment.index
            for segment in image.segments
            if segment.type == elf.PT_LOAD and segment.flags & elf.PF_W and segment.flags & elf.PF_X
        ]
        self.note(name, "write-xor-execute", not both, f"segment {both} is writable and executable")
        copies = [
            offset
            for section in image.sections
            if section.type == elf.SHT_RELA and section.flags & elf.SHF_ALLOC
            for offset, kind, _, _ in image.relocations(section)
            if kind == elf.R_X86_64_COPY
        ]
        names = [
            symbol.name
            for symbol in image.symbols(elf.SHT_DYNSYM)
            if symbol.value in copies and symbol.defined
        ]
        self.note(
            name,
            "copy-relocations",
            not copies,
            f"copies {', '.join(names)} of another library into this compartment",
        )

    def thread_locals(self, name: str) -> None:
        if name in self.plugins:
            self.carried(name)
            return
        block = self.images[name].segment(elf.PT_TLS)
        if block is None:
            self.note(
                name,
                "tls",
                False,
                "has no thread-local storage, but the runtime's part of a compartment has some",
            )
            return
        whole = (
            block.align >= layout.IA2_PAGE
            and block.memsz % layout.IA2_PAGE == 0
            and block.vaddr % layout.IA2_PAGE == 0
        )
        self.note(
            name,
            "tls",
            whole,
            f"align {block.align}, size {block.memsz}, address {block.vaddr:#x}: not whole pages",
        )

    def carried(self, name: str) -> None:
        """A plugin's thread-locals are in its carrier, which comes with the program."""
        image, other = (
            self.images[name],
            self.images[plugin_file.carrier_name(name.removesuffix(".ia2.so"))],
        )
        block, carrier, symbols = (
            image.segment(layout.IA2_PT_TLS),
            other.segment(elf.PT_TLS),
            image.symbols(elf.SHT_DYNSYM),
        )
        carried = {
            symbol.name
            for symbol in other.symbols(elf.SHT_DYNSYM)
            if symbol.defined and symbol.type == elf.STT_TLS
        }
        whole = (
            carrier
            and block
            and carrier.align >= layout.IA2_PAGE
            and carrier.memsz == block.memsz
            and carrier.memsz % layout.IA2_PAGE == 0
            and block.vaddr % layout.IA2_PAGE == 0
        )
        self.note(
            name,
            "tls",
            whole and not image.segment(elf.PT_TLS),
            "its thread-local storage is not that of its carrier",
        )
        own = [
            plugin_file.TLS_RELOCATIONS[kind]
            for section in image.sections
            if section.type == elf.SHT_RELA and section.flags & elf.SHF_ALLOC
            for _, kind, named, _ in image.relocations(section)
            if kind in plugin_file.TLS_RELOCATIONS and (not named or symbols[named - 1].defined)
        ]
        self.note(
            name,
            "tls relocations",
            not own and any(symbol.name in carried for symbol in symbols),
            f"{', '.join(own) or 'none'} refer to storage that ld.so does not know",
        )
        self.note(
            name,
            "constructors",
            plugin_file.DT_INIT_ARRAY not in image.dynamic
            and plugin_file.DT_INIT not in image.dynamic,
            "ld.so would run its constructors before it has its key",
        )

    def finds_runtime(self, name: str) -> None:
        image = self.images[name]
        paths = ":".join(
            image.dynamic_strings(elf.DT_RUNPATH) + image.dynamic_strings(elf.DT_RPATH)
        ).split(":")
        needed = image.dynamic_strings(elf.DT_NEEDED)
        self.note(
            name,
            "runtime",
            self.runtime in needed and paths[0] == "$ORIGIN",
            (
                f"needs {', '.join(needed)} with the run path {':'.join(paths) or '(none)'}:"
                f" {self.runtime} beside it must come first"
            ),
        )

    def found_first(self, program: str, ours: list[str]) -> dict[str, str]:
        """What the loader maps with `program`, which is the program or a plugin. Checks that the
        loader takes each of `ours`, files of this folder. Run paths are not inherited, so each file
        that needs one of `ours` must have its own."""
        mapped = mapped_code.closure(os.path.join(self.folder, program))
        for name, path in mapped.items():
            self.note(
                program,
                f"finds {name}",
                path,
                "the loader does not find it without LD_LIBRARY_PATH",
            )
        for name in ours:
            if name == program:
                continue
            wanted, taken = os.path.join(os.path.realpath(self.folder), name), os.path.realpath(
                mapped.get(name) or "nothing"
            )
            self.note(
                program,
                f"takes {name}",
                taken == wanted,
                f"the loader takes {mapped.get(name) or 'none'}, not {wanted}",
            )
        return mapped

    # Instructions. -----------------------------------------------------------------------------

    def instructions(self, name: str) -> None:
        """PKRU and the thread pointer are set at the listed sites only, not even in the middle of
        an instruction."""
        found = gates.unlisted(self.images[name])
        self.note(name, "instructions", not found, "; ".join(found))

    def mapped(self, mapped: dict[str, str]) -> None:
        for name, path in sorted(mapped.items()):
            if name in self.images or not path:
                continue
            try:
                image = elf.Elf.read(path)
            except (elf.ElfError, OSError) as error:
                self.note(path, "instructions", False, f"cannot be read: {error}")
                continue
            accepted, refused = mapped_code.judged(image, name, gates.dangerous(image))
            self.note(
                path,
                "instructions",
                not refused,
                f"{'; '.join(refused)}: sets PKRU or the thread pointer outside of any gate",
                "; ".join(accepted),
            )

    # The boundary. -----------------------------------------------------------------------------

    def boundary(self) -> None:
        """Calls between compartments go through gates: no file imports or exports the function
        itself."""
        files = {compartment.pkey: compartment.file for compartment in self.plan.compartments}
        tables = {
            name: {symbol.name: symbol for symbol in image.symbols(elf.SHT_DYNSYM)}
            for name, image in self.images.items()
        }
        for entry in self.plan.entries:
            symbol, owner = entry.symbol, files[entry.owner]
            wanted = symbol if entry.kind == "data" else f"__wrap_{symbol}"
            found = tables[owner].get(wanted)
            self.note(
                owner, f"entry {symbol}", found and found.defined, f"does not export {wanted}"
            )
            self.note(
                owner,
                f"entry {symbol} by gate",
                wanted == symbol or symbol not in tables[owner],
                f"exports {symbol} itself, not its gate",
            )
        for record in self.plan.imports:
            symbol, owner = record.symbol, files[record.owner]
            if record.kind != "function":
                found = tables[owner].get(symbol)
                self.note(
                    owner,
                    f"shared {symbol}",
                    found and found.defined,
                    f"does not export the shared variable {symbol}",
                )
                continue
            self.crosses_by_gate(symbol, owner, tables)

    def crosses_by_gate(
        self, symbol: str, owner: str, tables: dict[str, dict[str, elf.Symbol]]
    ) -> None:
        """Only the gate of the function `symbol` is in the dynamic tables, and only its owner
        exports that."""
        for name, table in tables.items():
            if symbol in table:
                verb = "exports" if table[symbol].defined else "calls"
                self.note(
                    name,
                    f"gate {symbol}",
                    False,
                    f"{verb} {symbol} itself, not its gate __wrap_{symbol}",
                )
        # A variadic function has a gate for each list of arguments.
        gate = re.compile(f"__wrap_{re.escape(symbol)}(__[0-9a-f]{{8}})?")
        exporting = {
            file: [
                found for found in table.values() if found.defined and gate.fullmatch(found.name)
            ]
            for file, table in tables.items()
        }
        visible = [
            found
            for found in exporting[owner]
            if found.visibility in (elf.STV_DEFAULT, elf.STV_PROTECTED)
        ]
        self.note(owner, f"gate {symbol}", visible, f"does not export the gate __wrap_{symbol}")
        others = [file for file, found in exporting.items() if file != owner and found]
        self.note(
            owner,
            f"one gate {symbol}",
            not others,
            f"{', '.join(others)} exports __wrap_{symbol} too",
        )


def runtime_of(folder: str, program: str) -> str:
    """Which of the two runtimes the program needs. Failure if the program cannot be read."""
    path = os.path.join(folder, program)
    try:
        needed = elf.Elf.read(path).dynamic_strings(elf.DT_NEEDED)
    except (elf.ElfError, OSError) as error:
        raise Failure(f"cannot be audited: {error}", path, "run the link stage") from None
    return RUNTIMES[RUNTIMES[True] in needed]


def failure(result: AuditResult, folder: str) -> Failure | None:
    """The Failure that a result with findings is, or None."""
    bad = [check for check in result.checks if not check.ok]
    if not bad:
        return None
    more = f" (and {len(bad) - 1} more, see audit.json)" if len(bad) > 1 else ""
    return Failure(
        f"audit: {bad[0].check}: {bad[0].detail}{more}", os.path.join(folder, bad[0].file)
    )
