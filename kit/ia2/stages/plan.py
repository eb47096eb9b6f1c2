"""Brings the policy and the build graph together: who owns each object, what crosses the boundary.

The boundary is read off the symbol tables of the objects as the project built them: it is what is
undefined in one compartment and defined in another. Headers are not read, because they miss what is
declared elsewhere.
"""

import collections.abc
import dataclasses
import os
import re

from ..base import layout
from ..base.failure import Failure
from ..base.paths import inside
from ..elf import destructors, symbols
from ..elf.symbols import SymbolKind
from ..formats.build_graph import ArchiveItem, ArgumentItem, BuildGraph, FileItem, Object
from ..formats.plan import Compartment, Destructor, Entry, Import, Plan, Unit
from ..formats.plan import Object as PlannedObject
from ..policy.policy import Policy
from .copies import superfluous
from .other_programs import OtherPrograms
from .selection import Selection

LISTED = 5


def glob_pattern(glob: str) -> re.Pattern:
    """`**` matches any characters, `*` and `?` all but "/"; "a/**" does not match "a" itself."""
    parts = re.split(r"(\*\*/?|\*|\?)", glob)
    wild = {"**": ".*", "**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(wild.get(part, re.escape(part)) for part in parts) + r"\Z", re.S)


def _any_match(glob: str, names: set[str]) -> bool:
    pattern = glob_pattern(glob.removeprefix("!"))
    return any(pattern.match(name) for name in names)


def _files(root: str) -> collections.abc.Iterator[str]:
    """The files below `root`, relative to it."""
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name != ".git"]
        for name in files:
            yield os.path.relpath(os.path.join(folder, name), root)


class Owners:
    """Which compartment the policy puts a source in."""

    def __init__(self, policy: Policy, source_root: str, build_dir: str):
        self.policy, self.source_root, self.build_dir = policy, source_root, build_dir
        self.globs = [
            (
                compartment,
                [glob_pattern(glob) for glob in compartment.sources if not glob.startswith("!")],
                [glob_pattern(glob[1:]) for glob in compartment.sources if glob.startswith("!")],
            )
            for compartment in policy.compartments
        ]

    def names(self, source: str) -> list[str]:
        """The paths by which globs may match `source`."""
        real = os.path.realpath(source)
        found = []
        for path in (source, real):
            for root in (self.build_dir, self.source_root):
                if inside(path, root):
                    found.append(os.path.relpath(path, root))
        return found or [source]

    def key(self, source: str) -> int | None:
        """Key of the compartment of `source`, None if no glob matches; Failure if two do."""
        names = self.names(source)
        matched = [
            compartment
            for compartment, patterns, excluded in self.globs
            if any(pattern.match(name) for pattern in patterns for name in names)
            and not any(pattern.match(name) for pattern in excluded for name in names)
        ]
        if len(matched) > 1:
            raise Failure(
                (
                    f"source '{names[-1]}' is in two compartments: '{matched[0].name}' and"
                    f" '{matched[1].name}'"
                ),
                self.policy.where(f"compartment.{matched[1].name}.sources"),
                "make one of the globs narrower",
            )
        return matched[0].pkey if matched else None


@dataclasses.dataclass
class Crossing:
    """A name that is defined in one compartment and used in others. `definer` and `user` are
    positions in the build graph's objects."""

    symbol: str
    kind: SymbolKind
    owner: int
    definer: int
    user: int
    callers: set[int] = dataclasses.field(default_factory=set)

    def imported(self) -> Import:
        assert self.kind != "thread-local", "check_data refuses it"
        return Import(self.symbol, self.kind, self.owner, sorted(self.callers))


class Planner:
    def __init__(
        self,
        policy: Policy,
        graph: BuildGraph,
        commands: list[dict],
        further: dict[str, list[str]],
        force_recompile: bool,
    ):
        self.policy, self.graph, self.commands = policy, graph, commands
        self.force_recompile = force_recompile
        self.owners = Owners(policy, graph.source_root, graph.build_dir)
        self.selection = Selection(graph, further)
        self.links = self.selection.program()
        self.plugins = {
            compartment.pkey: graph.plugins[compartment.name]
            for compartment in policy.compartments
            if compartment.plugin
        }
        self.homes: dict[int, list[int]] = {}
        for link, members in self.links.items():
            for member in members:
                self.homes.setdefault(member, []).append(link)
        self.key: dict[int, int] = {}
        self.exports_all = any(
            isinstance(item, ArgumentItem)
            and item.kind == "option"
            and item.value in ("-Wl,--export-dynamic", "-Wl,-E")
            for item in graph.links[0].items
        )

    def name(self, key: int) -> str:
        return self.policy.compartments[key - 1].name

    def source(self, index: int) -> str:
        return self.owners.names(self.graph.objects[index].source)[-1]

    def plan(self) -> Plan:
        self.assign()
        self.leave_out_copies()
        self.check_globs()
        self.check_homes()
        self.check_plugins()
        self.check_duplicates()
        self.check_archives()
        crossings = self.crossings()
        self.check_data(crossings)
        units, objects = self.units()
        return Plan(
            program=self.graph.program,
            source_root=self.graph.source_root,
            build_dir=self.graph.build_dir,
            compartments=self.compartments(),
            units=units,
            objects=objects,
            imports=[crossing.imported() for crossing in crossings],
            entries=self.entries(),
            destructors=self.destructors(objects),
            allocations=self.policy.allocations,
            shared_variables=self.policy.shared_variables,
            parameters=self.policy.parameters,
            policy_file=self.policy.path,
            policy_lines=self.policy.lines,
            other_programs=OtherPrograms(self.graph).entries(self.policy),
        )

    # Who owns each object. -----------------------------------------------------------------------

    def assign(self) -> None:
        undecided = []
        for index in self.homes:
            record = self.graph.objects[index]
            if record.language == "c++":
                raise Failure(
                    "is C++; only C can be compartmentalized",
                    record.source,
                    "leave it out of the program, or keep it in a library that is not built here",
                )
            key = self.owners.key(record.source)
            if key is None:
                key = self.owner_of_parts(record)
            if key is None:
                undecided.append(index)
            else:
                self.key[index] = key
        placed: dict[int, int] = {}
        for index in undecided:
            key = self.neighbours(index)
            if key is None:
                raise self.unowned(undecided)
            placed[index] = key
        self.key.update(placed)
        mains = [index for index in self.links[0] if "main" in self.selection.of(index).kinds]
        if not mains:
            raise Failure(
                f"no object of {self.graph.program} defines main",
                self.graph.links[0].output,
                "name another program with --target",
            )
        if self.key[mains[0]] != 1:
            raise Failure(
                (
                    f"main is defined by '{self.source(mains[0])}', in compartment"
                    f" '{self.name(self.key[mains[0]])}' with pkey {self.key[mains[0]]}"
                ),
                self.policy.where(f"compartment.{self.name(self.key[mains[0]])}.pkey"),
                "the compartment that defines main has pkey 1",
            )
        for compartment in self.policy.compartments:
            if compartment.pkey not in self.key.values() and not any(
                self.owners.key(unit.source) == compartment.pkey for unit in self.graph.other_units
            ):
                raise Failure(
                    f"no source of {self.graph.program} is in compartment '{compartment.name}'",
                    self.policy.where(f"compartment.{compartment.name}.sources"),
                    "correct the globs or remove the compartment",
                )

    def leave_out_copies(self) -> None:
        for index in superfluous(self.graph, self.selection, self.homes, self.key.__getitem__):
            for link in self.homes.pop(index):
                self.links[link].remove(index)
            del self.key[index]

    def check_globs(self) -> None:
        """Failure if a glob matches nothing: no source of this program, and no other file either.
        A policy may have globs for other programs of the same tree."""
        used = {
            name
            for record in self.graph.objects
            for source in (record.source, *record.parts)
            for name in self.owners.names(source)
        }
        unused = [
            (compartment, glob)
            for compartment in self.policy.compartments
            for glob in compartment.sources
            if not _any_match(glob, used)
        ]
        if not unused:
            return
        there = set(_files(self.graph.source_root)) | set(_files(self.graph.build_dir))
        for compartment, glob in unused:
            if not _any_match(glob, there):
                raise Failure(
                    f"the glob '{glob}' matches no file of the source tree or the build",
                    self.policy.where(f"compartment.{compartment.name}.sources"),
                    "correct it or remove it",
                )

    def owner_of_parts(self, record: Object) -> int | None:
        """The key of the sources that a generated source includes (a unity build's); Failure if
        they are of two compartments."""
        keys = {key: part for part in record.parts if (key := self.owners.key(part)) is not None}
        if len(keys) > 1:
            (first, one), (second, other) = list(keys.items())[:2]
            raise Failure(
                (
                    f"includes '{self.owners.names(one)[-1]}' of compartment '{self.name(first)}'"
                    f" and '{self.owners.names(other)[-1]}' of compartment '{self.name(second)}'"
                ),
                record.source,
                "compile the compartments as separate units (no unity build)",
            )
        return next(iter(keys), None)

    def neighbours(self, index: int) -> int | None:
        """The key of the archive or library an object that is not C belongs to, if that is one
        key."""
        if self.graph.objects[index].language != "other":
            return None
        for link in self.homes[index]:
            for item in self.graph.links[link].items:
                if isinstance(item, ArchiveItem) and index in item.members:
                    keys = {self.key[member] for member in item.members if member in self.key}
                    if len(keys) == 1:
                        return keys.pop()
            keys = {self.key[member] for member in self.links[link] if member in self.key}
            if len(keys) == 1:
                return keys.pop()
        return None

    def unowned(self, undecided: list[int]) -> Failure:
        missing = [self.source(index) for index in undecided if self.neighbours(index) is None]
        shown = ", ".join(f"'{name}'" for name in missing[:LISTED]) + (
            f" and {len(missing) - LISTED} more" if len(missing) > LISTED else ""
        )
        outside = [name for name in missing if os.path.isabs(name)]
        if outside:
            sources = [os.path.dirname(name) for name in outside]
            top = os.path.commonpath([self.graph.source_root, *sources])
            return Failure(
                f"in no compartment: {shown}, outside of the source tree {self.graph.source_root}",
                self.policy.path,
                f"name the top of the sources: --source-root {top}. Globs are relative to it",
            )
        return Failure(
            f"in no compartment: {shown}",
            self.policy.path,
            (
                "add a glob that matches to the sources of one compartment; globs are relative to"
                f" {self.graph.source_root}"
            ),
        )

    def check_homes(self) -> None:
        for index, homes in self.homes.items():
            if len(homes) > 1 and self.selection.of(index).writable:
                outputs = [os.path.basename(self.graph.links[home].output) for home in homes]
                raise Failure(
                    (
                        f"is linked into both {outputs[0]} and {outputs[1]} and has variables;"
                        " there would be one copy of them instead of two"
                    ),
                    self.graph.objects[index].path,
                    "link it into one of them only",
                )

    def check_plugins(self) -> None:
        """Failure if an object of a plugin is also linked into something else: a plugin's objects
        come and go with it."""
        for key, plugin in self.plugins.items():
            others = set(
                self.selection.closure(
                    [0, *(link for link in self.plugins.values() if link != plugin)]
                )
            )
            for index, homes in self.homes.items():
                elsewhere = sorted(others.intersection(homes)) if self.key[index] == key else []
                if elsewhere:
                    raise Failure(
                        (
                            f"'{self.source(index)}' of the plugin '{self.name(key)}' is also"
                            " linked into"
                            f" {os.path.basename(self.graph.links[elsewhere[0]].output)}"
                        ),
                        self.policy.where(f"compartment.{self.name(key)}.sources"),
                        "put it into a compartment that is not a plugin",
                    )

    # What crosses. -----------------------------------------------------------------------------

    def entries(self) -> list[Entry]:
        """What dlsym finds in the plugins."""
        found = []
        for key, plugin in self.plugins.items():
            compartment = self.policy.compartments[key - 1]
            for name in compartment.entries:
                indices = [
                    index
                    for index in self.links[plugin]
                    if self.key[index] == key and name in self.selection.of(index).kinds
                ]
                kind = self.selection.of(indices[0]).kinds[name] if indices else None
                where = self.policy.where(f"compartment.{compartment.name}.entries")
                if kind is None or name in self.selection.of(indices[0]).hidden:
                    raise Failure(
                        (
                            f"the plugin '{compartment.name}' has no"
                            f" {'visible ' if kind else ''}function or variable '{name}'"
                        ),
                        where,
                        "name what the program looks up with dlsym",
                    )
                if kind == "thread-local":
                    raise Failure(
                        f"the entry '{name}' of the plugin '{compartment.name}' is thread-local",
                        where,
                        "give a function that returns its address",
                    )
                found.append(Entry(name, key, kind))
        return sorted(found, key=lambda entry: (entry.owner, entry.symbol))

    def definitions(self) -> dict[str, dict[int, list[int]]]:
        """Name -> key -> objects that define it."""
        found: dict[str, dict[int, list[int]]] = {}
        for index, key in self.key.items():
            for name in self.selection.of(index).kinds:
                found.setdefault(name, {}).setdefault(key, []).append(index)
        return found

    def check_duplicates(self) -> None:
        """Failure if two libraries define one visible name. The loader picked one definition for
        all; in compartments each library would use its own."""
        for name, by_key in self.definitions().items():
            if len(by_key) < 2 or name == "main":
                continue
            visible = {}
            for indices in by_key.values():
                for index in indices:
                    found = self.selection.of(index)
                    if name not in found.hidden and name not in found.weak:
                        for home in self.homes[index]:
                            if home == 0 or not self.graph.links[home].symbolic:
                                visible[home] = index
            if set(visible) <= {*self.plugins.values(), *(() if self.exports_all else (0,))}:
                # Plugins do not see each other's names, nor those of a program without -rdynamic.
                continue
            sources = {self.graph.objects[index].source for index in visible.values()}
            data = any(
                self.selection.of(index).kinds[name] != "function" for index in visible.values()
            )
            if len(visible) > 1 and (data or len(sources) > 1):
                first, second = list(visible.values())[:2]
                raise Failure(
                    (
                        f"'{name}' is defined by '{self.source(first)}' and by"
                        f" '{self.source(second)}', in different compartments: which one the"
                        " program uses is left to the dynamic linker"
                    ),
                    self.graph.objects[first].source,
                    "make one of them static or hidden (-fvisibility=hidden), or rename it",
                )

    def check_archives(self) -> None:
        """Failure if two compartments need one prebuilt archive. Each would get a copy of it,
        variables included."""
        for link in self.links:
            for item in self.graph.links[link].items:
                if not isinstance(item, FileItem) or not item.value.endswith(".a"):
                    continue
                names = symbols.archive_names(item.value)
                users = {}
                for index, key in self.key.items():
                    if link in self.homes[index] and names & self.selection.of(index).needs.keys():
                        users[key] = index
                if len(users) > 1:
                    first, second = sorted(users)[:2]
                    raise Failure(
                        (
                            f"is used by both '{self.source(users[first])}' of compartment"
                            f" '{self.name(first)}' and '{self.source(users[second])}' of"
                            f" compartment '{self.name(second)}': each would get its own copy"
                        ),
                        item.value,
                        "link its shared library instead, or build it as part of the project",
                    )

    def crossings(self) -> list[Crossing]:
        definitions = self.definitions()
        found: dict[str, Crossing] = {}
        for index, key in sorted(self.key.items()):
            for name in self.selection.of(index).needs:
                by_key = definitions.get(name)
                if not by_key or key in by_key:
                    continue
                owners = {
                    owner: reachable
                    for owner, indices in by_key.items()
                    if (
                        reachable := [
                            other for other in indices if self.visible(name, other, index)
                        ]
                    )
                }
                if not owners:
                    continue
                if len(owners) > 1:
                    raise Failure(
                        f"'{name}', used by '{self.source(index)}', is defined in the compartments "
                        + " and ".join(f"'{self.name(owner)}'" for owner in sorted(owners)),
                        self.graph.objects[index].source,
                        "keep one definition",
                    )
                owner, defining = next(iter(owners.items()))
                kind = self.selection.of(defining[0]).kinds[name]
                crossing = found.setdefault(name, Crossing(name, kind, owner, defining[0], index))
                crossing.callers.add(key)
        return [found[name] for name in sorted(found)]

    def visible(self, name: str, definer: int, user: int) -> bool:
        plugin = self.plugins.get(self.key[definer])
        if plugin is not None:
            if plugin in self.homes[user] and self.selection.of(user).needs[name]:
                raise Failure(
                    (
                        f"uses '{name}' of the plugin '{self.name(self.key[definer])}', which is"
                        f" linked with it, from compartment '{self.name(self.key[user])}': that one"
                        " is there before the plugin"
                    ),
                    self.graph.objects[user].source,
                    "put both into the plugin's compartment",
                )
            return False
        return name not in self.selection.of(definer).hidden or bool(
            set(self.homes[definer]) & set(self.homes[user])
        )

    def is_marking(self) -> bool:
        """Whether a source or header says IA2_SHARED_DATA. Of which variables, the rewriter reads:
        it refuses the others."""
        for path in self.graph.inputs:
            try:
                with open(path, "rb") as stream:
                    if b"IA2_SHARED_DATA" in stream.read():
                        return True
            except OSError:
                continue
        return False

    def unshared(self, crossings: list[Crossing]) -> list[Crossing]:
        """The variables, constants apart, that cross and that the policy does not share."""
        return [
            crossing
            for crossing in crossings
            if crossing.kind == "data"
            and crossing.symbol not in self.selection.of(crossing.definer).constant
            and crossing.symbol not in self.policy.shared_variables
        ]

    def check_data(self, crossings: list[Crossing]) -> None:
        for crossing in crossings:
            if crossing.kind == "thread-local":
                raise Failure(
                    (
                        f"the thread-local variable '{crossing.symbol}' of compartment"
                        f" '{self.name(crossing.owner)}' is used by"
                        f" '{self.source(crossing.user)}' of compartment"
                        f" '{self.name(min(crossing.callers))}'"
                    ),
                    self.graph.objects[crossing.definer].source,
                    "thread-locals cannot be shared: reach it through a function",
                )
        missing = self.unshared(crossings)
        if missing and self.is_marking():
            missing = [each for each in missing if self.graph.objects[each.definer].language != "c"]
        if missing:
            first = missing[0]
            more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
            wanted = [*self.policy.shared_variables, *(each.symbol for each in missing)]
            names = ", ".join(f'"{name}"' for name in wanted)
            raise Failure(
                (
                    f"the variable '{first.symbol}' of compartment"
                    f" '{self.name(first.owner)}' ({self.source(first.definer)}) is used by"
                    f" '{self.source(first.user)}' of compartment"
                    f" '{self.name(min(first.callers))}'{more}"
                ),
                self.policy.where("shared.variables"),
                f"to share it, write: [shared] variables = [{names}]",
            )

    # The file. -----------------------------------------------------------------------------------

    def units(self) -> tuple[list[Unit], list[PlannedObject]]:
        units: list[Unit] = []
        objects = []
        for index in sorted(self.homes):
            record = self.graph.objects[index]
            unit = None
            if record.command is not None:
                unit = len(units)
                command = self.commands[record.command]
                units.append(
                    Unit(
                        id=unit,
                        command=record.command,
                        file=command["file"],
                        compartment=self.key[index],
                        object=record.path,
                        pic=is_pic(command["arguments"]),
                        force_recompile=self.force_recompile,
                    )
                )
            objects.append(PlannedObject(record.path, self.key[index], unit))
        return units, objects

    def destructors(self, objects: list[PlannedObject]) -> list[Destructor]:
        return [
            Destructor(found.symbol, record.compartment, record.unit, found.priority, found.visible)
            for record in objects
            for found in destructors.read(record.path)
        ]

    def compartments(self) -> list[Compartment]:
        keys = {compartment.name: compartment.pkey for compartment in self.policy.compartments}
        made = []
        for compartment in self.policy.compartments:
            key = compartment.pkey
            reads = sorted(keys[name] for name in compartment.reads)
            file = self.graph.program if key == 1 else f"{compartment.name}.ia2.so"
            plugin = os.path.basename(compartment.plugin) if compartment.plugin else None
            made.append(
                Compartment(
                    compartment.name,
                    key,
                    pkru(key, reads),
                    reads,
                    file,
                    plugin,
                    compartment.guests,
                    compartment.system_calls,
                )
            )
        return made


def pkru(key: int, reads: list[int]) -> int:
    """Every key denied (01) except 0 and `key` (00) and those in `reads` (10)."""
    value = layout.IA2_PKRU_0 & ~(3 << 2 * key)
    for other in reads:
        value = value & ~(3 << 2 * other) | 2 << 2 * other
    return value


def is_pic(arguments: list[str]) -> bool:
    """Whether a compile command makes code fit for a shared library: the last of these flags
    wins."""
    made = False
    for argument in arguments:
        if argument in ("-fPIC", "-fpic"):
            made = True
        elif argument in ("-fPIE", "-fpie", "-fno-PIC", "-fno-pic", "-fno-PIE", "-fno-pie"):
            made = False
    return made


def make(
    policy: Policy,
    graph: BuildGraph,
    commands: list[dict],
    further: dict[str, list[str]],
    force_recompile: bool = False,
) -> Plan:
    """The plan. `further`: names that objects need beside those of their symbol tables
    (further_needs). `force_recompile`: recompile every unit. Failure if the policy does not fit the
    program."""
    return Planner(policy, graph, commands, further, force_recompile).plan()


def variables_to_share(policy: Policy, graph: BuildGraph, commands: list[dict]) -> list[Crossing]:
    """The variables without which `make` refuses the policy: two compartments use each. Failure if
    the policy does not fit the program in another way."""
    planner = Planner(policy, graph, commands, {}, False)
    planner.assign()
    return planner.unshared(planner.crossings())
