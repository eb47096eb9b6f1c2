"""A policy to start from, by what the build graph of one program says.

The libraries that the project's build links into the program become compartments of their own. A
program without any is divided by the folders of its sources. Shared libraries that the program does
not link, but whose functions it names in its strings, become plugins.

The plan stage judges each proposal. If it refuses one, the next that separates less is tried, and
the file says why.
"""

import collections.abc
import dataclasses
import os
import re
import tempfile

from ..base.failure import Failure
from ..base.paths import inside
from ..builds import capture
from ..builds.build import Build
from ..elf import elf
from ..formats.build_graph import ArchiveItem, ArgumentItem, BuildGraph, ObjectItem, SharedItem
from ..formats.plan import Plan
from ..policy import policy as policy_file
from ..policy import policy_edit
from ..stages import plan
from ..stages.selection import Selection

LINE = 100
LISTED = 4
C_STRING = re.compile(rb"(?<![^\0])[A-Za-z_]\w*(?=\0)")


@dataclasses.dataclass
class Part:
    """A compartment to be. `what`: what the build makes of it, for people. `sources`: absolute
    paths. `plugin`, `entries`: as in the policy."""

    name: str
    what: str
    sources: list[str]
    plugin: str | None = None
    entries: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Proposal:
    """A policy that the plan stage accepts. `parts[i]` has key i + 1. `refused`: why no proposal
    that separates more is made."""

    text: str
    parts: list[Part]
    plan: Plan
    refused: str | None


def shown(text: str) -> str:
    """`text` in one line of printable characters: file names may hold anything."""
    return "".join(character if character.isprintable() else "?" for character in text)


def listed(names: collections.abc.Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    kept = [shown(name) for name in names[:LISTED]]
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"{', '.join(kept)}{more}"


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


# What the build makes. ---------------------------------------------------------------------------


def chosen_program(taken: capture.Capture, target: str | None) -> str:
    """The program that `target` names, or the only one. Failure if that is not one program."""
    programs = taken.executables()
    if target or not programs:
        return capture.choose_program(taken, target or "*", lambda objects, top: False)
    if len(programs) == 1:
        return next(iter(programs))
    names = sorted(os.path.relpath(path, taken.build_dir) for path in programs)
    raise Failure(
        f"the build makes {len(names)} programs",
        taken.build.file,
        f"choose one with --target: {', '.join(names)}",
    )


def sources_of(graph: BuildGraph, indices: collections.abc.Iterable[int]) -> list[str]:
    """The sources of objects. Of a generated source that only includes others, those."""
    found: dict[str, None] = {}
    for index in indices:
        record = graph.objects[index]
        unity = record.parts and is_generated(record.source, graph)
        for source in record.parts if unity else [record.source]:
            found[source] = None
    return list(found)


def is_generated(source: str, graph: BuildGraph) -> bool:
    """Whether `source` is in the build directory, and that is not the source tree itself."""
    return inside(source, graph.build_dir) and not inside(graph.source_root, graph.build_dir)


class Sources:
    """The parts of one program, by the links of its build graph."""

    def __init__(self, graph: BuildGraph):
        self.graph, self.selection = graph, Selection(graph, {})
        self.links = self.selection.program()

    def parts(self) -> list[Part]:
        """The program first, then each of its libraries. A source of two parts is the first's."""
        program, libraries = [], []
        reached, needed = {0}, set(self.links[0])
        for item in self.graph.links[0].items:
            if isinstance(item, ArchiveItem):
                members = [member for member in item.members if member in needed]
                libraries.append((item.path, members))
            elif isinstance(item, ObjectItem):
                program.append(item.object)
        for link in self.links:
            for item in self.graph.links[link].items:
                if isinstance(item, SharedItem) and item.link not in reached:
                    reached.add(item.link)
                    libraries.append((self.graph.links[item.link].output, self.links[item.link]))
        mains = {index for index in needed if "main" in self.selection.of(index).kinds}
        for library in list(libraries):
            if mains.intersection(library[1]):
                program += library[1]
                libraries.remove(library)
        taken: set[str] = set()
        parts: list[Part] = []
        for path, members in [(self.graph.program, program), *libraries]:
            sources = [source for source in sources_of(self.graph, members) if source not in taken]
            if sources:
                taken.update(sources)
                parts.append(Part(part_name(path, parts), os.path.basename(path), sources))
        return parts

    def main(self) -> str:
        """The source that defines main."""
        mains = [index for index in self.links[0] if "main" in self.selection.of(index).kinds]
        if not mains:
            raise Failure(
                f"no object of {self.graph.program} defines main",
                self.graph.links[0].output,
                "name another program with --target",
            )
        return sources_of(self.graph, mains)[0]

    def strings(self) -> set[str]:
        """The strings among the data of the program and its libraries that could be names."""
        found: set[str] = set()
        for index in {index for members in self.links.values() for index in members}:
            try:
                image = elf.Elf.read(self.graph.objects[index].path)
            except (OSError, elf.ElfError) as error:
                raise Failure(str(error), self.graph.objects[index].path) from None
            for section in image.sections:
                if section.flags & elf.SHF_ALLOC and not section.flags & elf.SHF_EXECINSTR:
                    names = C_STRING.findall(image.contents(section))
                    found.update(name.decode("ascii", "replace") for name in names)
        return found

    def system_libraries(self) -> list[str]:
        return sorted(
            {
                item.value
                for link in self.links
                for item in self.graph.links[link].items
                if isinstance(item, ArgumentItem) and item.kind == "library"
            }
        )


def part_name(path: str, others: list[Part]) -> str:
    """A compartment's name for the file `path`: libvault.a is `vault`."""
    base = os.path.basename(path)
    stem = re.sub(r"\.(?:a|so[\d.]*|exe)\Z", "", base)
    stem = stem.removeprefix("lib") if stem != base else stem
    taken = {"shared", *(part.name for part in others)}
    if stem in taken and base.startswith("lib"):
        stem = f"lib{stem}"
    name = re.sub(r"\W", "_", stem, flags=re.ASCII) or "library"
    name = f"_{name}" if name[0].isdigit() else name
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    return unique


def by_folders(part: Part, main: str) -> list[Part]:
    """The part of the program, divided by the first folder in which its sources differ. The
    folder of `main` comes first."""
    top = os.path.commonpath([os.path.dirname(source) for source in part.sources])
    folders: dict[str, list[str]] = {}
    for source in sorted(part.sources, key=lambda source: source != main):
        folder, _, rest = os.path.relpath(source, top).partition(os.sep)
        folders.setdefault(folder if rest else "", []).append(source)
    if len(folders) < 2:
        return [part]
    made: list[Part] = []
    for folder, sources in folders.items():
        name = part.name if not made else part_name(folder or "other", made)
        what = f"{part.what}, the folder {folder or os.path.basename(top)}"
        made.append(Part(name, what, sources))
    return made


def plugins(build: Build, graph: BuildGraph, parts: list[Part]) -> list[Part]:
    """The shared libraries of the build that the program may load: it does not link them, and has
    names of their functions in its strings."""
    linked = {link.output for link in graph.links}
    probe = capture.Capture(build)
    others = [
        path
        for path, step in sorted(probe.makers.items())
        if path not in linked and "-shared" in (probe.link_command(step) or ())
    ]
    strings = Sources(graph).strings() if others else set()
    found: list[Part] = []
    taken = {source for part in parts for source in part.sources}
    files: set[str] = set()
    for path in others:
        try:
            exported, sources = library(probe, graph, path)
        except Failure:
            continue  # It cannot be split, so no policy can name it. It stays a guest.
        entries = sorted(exported & strings)
        relative = os.path.relpath(path, build.directory)
        file = os.path.basename(path)
        if not entries or taken.intersection(sources) or relative.startswith("..") or file in files:
            continue
        taken.update(sources)
        files.add(file)
        name = part_name(path, [*parts, *found])
        found.append(Part(name, f"{relative}, which dlopen loads", sources, relative, entries))
    return found


def library(probe: capture.Capture, graph: BuildGraph, path: str) -> tuple[set[str], list[str]]:
    """The functions that the shared library `path` shows to others, and its sources. Failure if
    the kit cannot split it."""
    index = probe.link(path)
    made = dataclasses.replace(graph, links=probe.links, objects=probe.objects)
    selection = Selection(made, {})
    members = selection.link(index)
    for member in members:
        if made.objects[member].language == "c++":
            raise Failure("is C++", path)
    exported = {
        name
        for member in members
        for name, kind in selection.of(member).kinds.items()
        if kind == "function" and name not in selection.of(member).hidden
    }
    return exported, sources_of(made, members)


# The globs. --------------------------------------------------------------------------------------


def covering(owners: dict[str, int]) -> dict[int, list[str]]:
    """Globs for each part. `owners`: path of a source, relative, to the position of its part. A
    folder of one part's sources is one glob."""
    made: dict[int, list[str]] = {}

    def walk(folder: str, names: list[str]) -> None:
        owner = owners[names[0]]
        if len(names) == 1:
            made.setdefault(owner, []).append(literal(names[0]))
            return
        if all(owners[name] == owner for name in names):
            made.setdefault(owner, []).append(literal(folder) + "**")
            return
        here = [name for name in names if "/" not in name[len(folder) :]]
        if len(here) > 1 and len({owners[name] for name in here}) == 1:
            made.setdefault(owners[here[0]], []).append(literal(folder) + "*")
        else:
            for name in here:
                made.setdefault(owners[name], []).append(literal(name))
        below: dict[str, list[str]] = {}
        for name in names:
            head, slash, _ = name[len(folder) :].partition("/")
            if slash:
                below.setdefault(f"{folder}{head}/", []).append(name)
        for inner in sorted(below):
            walk(inner, below[inner])

    if owners:
        walk("", sorted(owners))
    return made


def literal(path: str) -> str:
    """A glob that matches `path`. What TOML or a glob would read otherwise is any character."""
    text = "".join(character if character.isprintable() else "?" for character in path)
    return "?" + text[1:] if text.startswith("!") else text


def globs(parts: list[Part], graph: BuildGraph) -> list[list[str]]:
    """The sources of each part, as the policy names them."""
    nothing = policy_file.Policy("", [], {}, [], {}, {})
    owners = plan.Owners(nothing, graph.source_root, graph.build_dir)
    written: dict[str, int] = {}
    generated: dict[str, int] = {}
    every: dict[int, list[str]] = {}
    for position, part in enumerate(parts):
        for source in part.sources:
            names = owners.names(source)
            if is_generated(os.path.realpath(source), graph):
                generated[names[0]] = position
            else:
                written[names[-1]] = position
            every.setdefault(position, []).extend(names)
    covered = covering(written)
    made = [covered.get(position, []) for position in range(len(parts))]
    for name, position in sorted(generated.items()):
        made[position].append(literal(name))
    for position, found in enumerate(made):
        others = [name for other in every if other != position for name in every[other]]
        if any(plan.glob_pattern(glob).match(name) for glob in found for name in others):
            own = [name for name, owner in {**written, **generated}.items() if owner == position]
            made[position] = [literal(name) for name in sorted(own)]
    return made


# The file. ---------------------------------------------------------------------------------------


class Writer:
    """The text of one proposal."""

    def __init__(self, graph: BuildGraph, parts: list[Part], shared: list[plan.Crossing]):
        self.graph, self.parts, self.shared = graph, parts, shared
        self.lines: list[str] = []

    def comment(self, text: str) -> None:
        line = "#"
        for word in shown(text).split():
            if len(line) + len(word) >= LINE and line != "#":
                self.lines.append(line)
                line = "#"
            line += f" {word}"
        self.lines.append(line)

    def entry(self, key: str, values: list[str]) -> None:
        line = f"{key} = {policy_edit.value(values)}"
        if len(line) > LINE:
            items = "".join(f"    {policy_edit.value(value)},\n" for value in values)
            line = f"{key} = [\n{items}]"
        self.lines.append(line)

    def text(self, made: Plan | None, refused: str | None, libraries: list[str]) -> str:
        """The whole file; `made`: the plan of the same parts, which says what crosses."""
        self.comment(
            f"How IA2 splits {self.graph.program}. `init` proposed this file by the build."
        )
        self.comment("Read each line, and change what does not fit: `init` knows no meaning.")
        self.lines.append("#")
        self.comment(
            "A compartment is sources whose memory the others cannot touch. Code that reads what an"
            " attacker chooses belongs into one compartment, secrets into another."
            " compartments.toml(5), docs/policy.md: every key. docs/policy-by-task.md: recipes."
        )
        if libraries:
            self.comment(
                f"Libraries of the system ({listed(libraries)}) are in no compartment: their code"
                " runs with the rights of the compartment that calls it."
            )
        if refused:
            self.lines.append("#")
            self.comment(f"A finer split is not proposed, because it would be refused: {refused}")
        sources = globs(self.parts, self.graph)
        for key, part in enumerate(self.parts, 1):
            self.lines.append("")
            self.compartment(key, part, sources[key - 1], made)
        if len(self.parts) == 1:
            self.alone()
        self.variables()
        self.lines.append("")
        self.comment(
            "The next lines are for later. A run stops where one compartment uses memory of"
            " another. The message then says which line to add here. To see all such places of a"
            " run: rewrite.py --permissive, then learn."
        )
        self.lines += ["#", "# [allocations]", '# FUNCTION = "shared"   # blocks for both sides']
        return "\n".join(self.lines) + "\n"

    def compartment(self, key: int, part: Part, sources: list[str], made: Plan | None) -> None:
        main = " The compartment that defines main() has key 1." if key == 1 else ""
        self.comment(f"{part.what}: {count(len(part.sources), 'source')}.{main}")
        if made:
            called = [each.symbol for each in made.imports if each.owner == key]
            if called:
                self.comment(f"Others use {listed(called)} of it.")
        if part.plugin:
            self.comment("entries: what dlsym finds. These names are in strings of the program.")
        self.lines += [f"[compartment.{part.name}]", f"pkey = {key}"]
        self.entry("sources", sources)
        if part.plugin:
            self.lines.append(f"plugin = {policy_edit.value(part.plugin)}")
            self.entry("entries", part.entries)

    def alone(self) -> None:
        self.lines.append("")
        self.comment(
            "One compartment separates nothing. The build does not say which sources belong"
            " together. Choose those that read what an attacker chooses, for example a parser:"
        )
        self.lines += ["#", "# [compartment.parser]", "# pkey = 2", '# sources = ["parse*.c"]', "#"]
        self.comment('and take them out of the first one: sources = ["**", "!parse*.c"]')

    def variables(self) -> None:
        if not self.shared:
            return
        self.lines.append("")
        self.comment(
            "Each of these variables is used by two compartments today. A name in this list opens"
            " the variable to every compartment, for writing too. Better: a function that returns"
            " the value."
        )
        for crossing in self.shared:
            callers = [self.parts[key - 1].name for key in sorted(crossing.callers)]
            self.comment(
                f"{crossing.symbol}: of {self.parts[crossing.owner - 1].name}, used by"
                f" {listed(callers)}"
            )
        self.lines.append("[shared]")
        self.entry("variables", [crossing.symbol for crossing in self.shared])


# The proposal. -----------------------------------------------------------------------------------


def merged(parts: list[Part], most: int) -> list[Part]:
    """At most `most` parts: the smallest libraries together."""
    if len(parts) <= most:
        return parts
    libraries = sorted(
        (part for part in parts[1:] if not part.plugin), key=lambda part: len(part.sources)
    )
    surplus = len(parts) - most + 1
    together = [part.name for part in libraries[:surplus]]
    if len(together) < surplus:
        return parts[:most]  # More plugins than keys: the last ones are guests.
    one = [part for part in parts if part.name in together]
    rest = [part for part in parts if part.name not in together]
    sources = [source for part in one for source in part.sources]
    what = f"{listed([part.what for part in one])}, together"
    return [*rest, Part(part_name("libraries", rest), what, sources)]


def candidates(program: list[Part], plugged: list[Part]) -> list[list[Part]]:
    """Ways to split, the finest first."""
    every = [source for part in program for source in part.sources]
    alone = [Part(program[0].name, program[0].what, every)]
    divisions = [program]
    if len(program) > 2:
        divisions.append(merged(program, 2))
    if len(program) > 1:
        divisions.append(alone)
    with_plugins = [[*division, *plugged] for division in divisions] if plugged else []
    return [merged(parts, policy_file.LAST_KEY) for parts in [*with_plugins, *divisions]]


def loaded_policy(text: str) -> policy_file.Policy:
    with tempfile.TemporaryDirectory(prefix="ia2-init-") as folder:
        path = os.path.join(folder, "compartments.toml")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
        return policy_file.load(path)


def judged(
    build: Build, program: str, source_root: str | None, parts: list[Part], refused: str | None
) -> Proposal:
    """The proposal for `parts`. Failure if the plan stage refuses it."""
    taken = capture.Capture(build)
    graph = capture.graph(taken, program, source_root)
    first = loaded_policy(Writer(graph, parts, []).text(None, None, []))
    taken = capture.Capture(build)
    graph = capture.graph(taken, program, source_root, first)
    shared = plan.variables_to_share(first, graph, taken.commands)
    policy = loaded_policy(Writer(graph, parts, shared).text(None, None, []))
    made = plan.make(policy, graph, taken.commands, {})
    libraries = Sources(graph).system_libraries()
    return Proposal(
        Writer(graph, parts, shared).text(made, refused, libraries), parts, made, refused
    )


def propose(build: Build, target: str | None, source_root: str | None) -> Proposal:
    """The finest split that the plan stage accepts. Failure if it accepts none."""
    taken = capture.Capture(build)
    program = chosen_program(taken, target)
    graph = capture.graph(taken, program, source_root)
    sources = Sources(graph)
    main = sources.main()
    parts = sources.parts()
    if len(parts) == 1:
        parts = by_folders(parts[0], main)
    refused: str | None = None
    last: Failure | None = None
    for candidate in candidates(parts, plugins(build, graph, parts)):
        try:
            return judged(build, program, source_root, candidate, refused)
        except Failure as failure:
            refused, last = refused or failure.message, failure
    assert last, "there is at least one candidate"
    raise last
