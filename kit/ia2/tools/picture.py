"""The whole of one split program, read from what rewrite.py left in OUT: who may call whom, what is
shared with whom by which line, what the rewriter changed."""

import dataclasses
import os

from ..base.failure import Failure
from ..elf import elf
from ..formats import fields
from ..formats.audit import AuditResult
from ..formats.boundary import Boundary, Gate, SharedLocal
from ..formats.plan import Compartment, Plan
from ..policy import policy_edit

EVERYBODY = "every compartment"
CONTEXT = 2  # lines around a change
MOST_ROWS = 400  # of one file
# What the rewriter puts between its own lines at the top and the project's.
FIRST_LINE = "#line 1"
BUILD = ".build/"  # in the mirror: files of the build directory


@dataclasses.dataclass
class Edge:
    """Calls from one compartment to another. `named`: gates of functions that the caller's objects
    need by name. `pointers`: gates that the caller may reach through a pointer. `variables`: what
    the caller's objects need of the owner's data."""

    caller: Compartment
    owner: Compartment
    named: list[Gate]
    pointers: list[Gate]
    variables: list[str]


@dataclasses.dataclass
class Exposure:
    """Memory of `owner` that `to` may use too. `line`: FILE:LINE of `entry` in the policy; both are
    empty for what no line asks for. `size`: bytes, if they are known."""

    what: str
    access: str
    owner: str
    to: str
    line: str
    entry: str
    size: int | None = None


@dataclasses.dataclass
class Row:
    """A line of a source, before and after. `number`: 0 for a line that the rewriter added."""

    number: int
    before: str
    after: str

    @property
    def changed(self) -> bool:
        return not self.number or self.before != self.after


@dataclasses.dataclass
class Change:
    """A file that the rewriter changed. `groups`: rows that stand together. `note`: why there are
    none, or not all."""

    path: str
    groups: list[list[Row]]
    changed: int
    note: str = ""


@dataclasses.dataclass
class Memory:
    """The writable variables of a compartment's own objects. `known`: all objects could be read."""

    variables: int
    size: int
    known: bool


class Picture:
    """Failure if OUT is not of a finished run."""

    def __init__(self, out: str):
        if not os.path.exists(os.path.join(out, Plan.FILE)):
            raise Failure("has no plan.json", out, "name the output directory of rewrite.py")
        self.out = out
        self.plan = fields.load(Plan, os.path.join(out, Plan.FILE))
        self.boundary = fields.load(Boundary, os.path.join(out, Boundary.FILE))
        self.audit = fields.load(AuditResult, os.path.join(out, AuditResult.FILE))
        last = len(self.plan.compartments)
        for index, gate in enumerate(self.boundary.gates):
            for key in (gate.owner, *gate.callers):
                if key > last:
                    raise Failure(
                        f"gates[{index}]: the plan has no compartment with key {key}",
                        os.path.join(out, Boundary.FILE),
                        Boundary.REMEDY,
                    )
        self.sizes: dict[str, int] = {}
        self.definers: dict[str, set[int]] = {}  # of functions, static ones too
        self.memory = {each.pkey: self._memory(each.pkey) for each in self.plan.compartments}

    def name(self, key: int) -> str:
        return self.plan.compartments[key - 1].name

    def line(self, dotted: str) -> str:
        """FILE:LINE of an entry of the policy."""
        number = self.plan.policy_lines.get(dotted)
        file = os.path.basename(self.plan.policy_file)
        return f"{file}:{number}" if number else file

    def _memory(self, key: int) -> Memory:
        made = Memory(0, 0, True)
        for record in self.plan.objects:
            if record.compartment != key:
                continue
            try:
                image = elf.Elf.read(record.path)
                symbols = image.symbols()
            except (OSError, elf.ElfError):
                made.known = False
                continue
            for symbol in symbols:
                if symbol.type == elf.STT_FUNC and symbol.defined:
                    self.definers.setdefault(symbol.name, set()).add(key)
                section = image.section_of(symbol)
                writable = section is None or section.flags & elf.SHF_WRITE
                if symbol.type not in (elf.STT_OBJECT, elf.STT_TLS) or not symbol.defined:
                    continue
                if writable and not (section and section.name.startswith(".data.rel.ro")):
                    made.variables += 1
                    made.size += symbol.size
                    self.sizes[symbol.name] = max(symbol.size, self.sizes.get(symbol.name, 0))
        return made

    # What crosses. -------------------------------------------------------------------------------

    def edges(self) -> list[Edge]:
        """By caller, then by owner. Two compartments without a crossing have none."""
        by_name = {(each.symbol, key) for each in self.plan.imports for key in each.callers}
        found = []
        for caller in self.plan.compartments:
            for owner in self.plan.compartments:
                if caller is owner:
                    continue
                gates = [
                    gate
                    for gate in self.boundary.gates
                    if gate.owner == owner.pkey and caller.pkey in gate.callers
                ]
                named = [
                    gate
                    for gate in gates
                    if gate.export and (gate.function, caller.pkey) in by_name
                ]
                variables = [
                    each.symbol
                    for each in self.plan.imports
                    if each.kind == "data"
                    and each.owner == owner.pkey
                    and caller.pkey in each.callers
                ]
                pointers = [gate for gate in gates if gate not in named]
                if gates or variables:
                    found.append(Edge(caller, owner, named, pointers, variables))
        return found

    # What is shared. -----------------------------------------------------------------------------

    def exposures(self) -> list[Exposure]:
        """The largest first: all memory of a compartment, then what functions allocate, whose size
        nobody knows, then variables by size, then locals."""
        return [*self._grants(), *self._allocations(), *self._variables(), *self._locals()]

    def _grants(self) -> list[Exposure]:
        found = [
            Exposure(
                f"all memory of {self.name(other)}: heap, stacks, globals, thread-locals",
                "read",
                self.name(other),
                compartment.name,
                self.line(f"compartment.{compartment.name}.reads"),
                f"[compartment.{compartment.name}] reads = "
                + policy_edit.value([self.name(key) for key in compartment.reads]),
                self.memory[other].size if self.memory[other].known else None,
            )
            for compartment in self.plan.compartments
            for other in compartment.reads
        ]
        return sorted(found, key=lambda each: -(each.size or 0))

    def _allocations(self) -> list[Exposure]:
        found = []
        for function, key in sorted(self.plan.allocations.items(), key=lambda each: each[1]):
            name, _, variable = function.partition(".")
            where = f"what {name} assigns to {variable}" if variable else f"what {name} allocates"
            target = self.name(key) if key else "shared"
            found.append(
                Exposure(
                    f"blocks: {where}",
                    "read, write",
                    self._definer(name),
                    self.name(key) if key else EVERYBODY,
                    self.line(f"allocations.{function}"),
                    f"[allocations] {policy_edit.key(function)} = {policy_edit.value(target)}",
                )
            )
        return found

    def _definer(self, function: str) -> str:
        """Of which compartment the function is, as far as the objects say."""
        keys = sorted(self.definers.get(function, ()))
        return " or ".join(self.name(key) for key in keys) or f"the compartment of {function}"

    def _variables(self) -> list[Exposure]:
        owners = {each.symbol: self.name(each.owner) for each in self.plan.imports}
        found = [
            Exposure(
                f"the variable {name}",
                "read, write",
                owners.get(name, "the compartment that defines it"),
                EVERYBODY,
                self.line("shared.variables"),
                f"[shared] variables: {policy_edit.value(name)}",
                self.sizes.get(name),
            )
            for name in self.plan.shared_variables
        ]
        return sorted(found, key=lambda each: (-(each.size or 0), each.what))

    def _locals(self) -> list[Exposure]:
        grouped: dict[tuple[str, str], list[SharedLocal]] = {}
        for each in self.boundary.shared_locals:
            grouped.setdefault((each.file, each.function), []).append(each)
        owners = {unit.file: unit.compartment for unit in self.plan.units}
        found = []
        for (file, function), locals_ in grouped.items():
            path = os.path.normpath(os.path.join(self.plan.source_root, file))
            key = owners.get(path)
            names = ", ".join(f"{each.name} ({each.type})" for each in locals_)
            found.append(
                Exposure(
                    f"locals of {function} ({file}:{locals_[0].line}) while it runs: {names}",
                    "read, write",
                    self.name(key) if key else "the compartment of the file",
                    EVERYBODY,
                    "",
                    "no line: their address is passed to another compartment",
                )
            )
        return found

    # What the rewriter changed. ------------------------------------------------------------------

    def changes(self) -> list[Change]:
        return [self._change(path) for path in self.boundary.rewritten]

    def _change(self, path: str) -> Change:
        root, name = self.plan.source_root, path
        if path.startswith(BUILD):
            root, name = self.plan.build_dir, path.removeprefix(BUILD)
        original = os.path.join(root, name)
        try:
            before = _lines(original)
            after = _lines(os.path.join(self.out, "rewritten", path))
        except OSError as error:
            return Change(path, [], 0, f"cannot be read: {error.strerror}: {error.filename}")
        except ValueError:
            return Change(path, [], 0, "cannot be read: no file has this name")
        rows = aligned(before, after)
        if rows is None:
            return Change(path, [], 0, "the source has changed since: run rewrite.py again")
        changed = sum(row.changed for row in rows)
        groups = grouped_rows(rows)
        shown: list[list[Row]] = []
        for group in groups:
            if sum(map(len, shown)) + len(group) > MOST_ROWS:
                left = changed - sum(row.changed for each in shown for row in each)
                command = f"diff {original} {os.path.join(self.out, 'rewritten', path)}"
                return Change(path, shown, changed, f"{left} changed lines more: {command}")
            shown.append(group)
        return Change(path, shown, changed)


def _lines(path: str) -> list[str]:
    with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as stream:
        return stream.read().split("\n")


def aligned(before: list[str], after: list[str]) -> list[Row] | None:
    """The rows of a source and its rewritten text. The rewriter keeps each line on its own, below
    lines that end with `#line 1` and above others. None if the texts do not fit."""
    top = 0
    if FIRST_LINE in after and FIRST_LINE not in before:
        top = after.index(FIRST_LINE) + 1
    body = after[top:]
    # A source that ends with a line feed has an empty last line, after which the rest follows.
    ended = bool(before) and not before[-1]
    lines = before[:-1] if ended else before
    if len(body) < len(lines):
        return None
    rows = [Row(0, "", line) for line in after[:top]]
    rows += [Row(n, old, new) for n, (old, new) in enumerate(zip(lines, body), 1)]
    rows += [Row(0, "", line) for line in body[len(lines) :] if line]
    same = sum(row.number > 0 and not row.changed for row in rows)
    return rows if same * 2 >= len(lines) else None


def grouped_rows(rows: list[Row]) -> list[list[Row]]:
    """The changed rows, with some lines around them."""
    near = [False] * len(rows)
    for index, row in enumerate(rows):
        if row.changed:
            for other in range(max(0, index - CONTEXT), min(len(rows), index + CONTEXT + 1)):
                near[other] = True
    groups: list[list[Row]] = []
    for index, row in enumerate(rows):
        if near[index]:
            if not index or not near[index - 1]:
                groups.append([])
            groups[-1].append(row)
    return groups
