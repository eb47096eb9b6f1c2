"""Which lines of the policy are proposed: the fewest, and of two ways the one that opens less.

What a line opens is counted in bytes of blocks and in places, as the run allocated them
(docs/permissive.md): a shared allocation may be read and written by all, a grant lets one
compartment read. The variables of the owner, which a grant opens too, are not counted."""

import dataclasses
import os
import re

MANY = 8  # places, so types of blocks


@dataclasses.dataclass(frozen=True)
class Place:
    function: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return (
            f"{self.function} ({shown(self.file)}:{self.line})"
            if self.file and self.line
            else self.function
        )


@dataclasses.dataclass(frozen=True)
class Line:
    """`listed`: `item` is one of a list."""

    table: tuple[str, ...]
    key: str
    item: str
    listed: bool = False

    def value(self) -> object:
        return [self.item] if self.listed else self.item


@dataclasses.dataclass
class Fact:
    """A violation, and the lines that would allow it: `single` opens one object to all, `grant` all
    memory of the owner to the accessor."""

    accessor: str
    owner: str
    accessor_key: int
    count: int
    reads: bool = False
    single: Line | None = None
    grant: Line | None = None
    reason: str = ""
    remedy: str = ""  # if there is no line
    instead: str = ""  # what opens less than the grant
    # If `single` names a function that allocates: it and its callers, innermost first.
    chain: list[Place] = dataclasses.field(default_factory=list)
    size: int = 0  # of a variable
    opened: bool = False  # the run no longer saw all of it


def shown(path: str) -> str:
    """As a person in the current directory would name it."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


@dataclasses.dataclass
class Amount:
    """Of blocks. A place allocates one type, mostly, so places stand for types."""

    blocks: int = 0
    size: int = 0
    places: int = 0

    def __str__(self) -> str:
        return ", ".join(
            f"{number} {noun}{'s' * (number != 1)}"
            for number, noun in (
                (self.blocks, "block"),
                (self.size, "byte"),
                (self.places, "place"),
            )
        )


@dataclasses.dataclass(frozen=True)
class Site:
    """What a place allocated. `functions`: those that led there; `line`: what the innermost of them
    would get."""

    owner: str
    blocks: int
    size: int
    functions: frozenset[str]
    line: Line | None


class Allocated:
    """What the runs allocated; nothing if no log says it."""

    def __init__(self, sites: list[Site], compartments: int):
        self.sites = sites
        self.others = max(compartments - 1, 1)

    def under(self, lines: set[Line], owner: str = "") -> Amount:
        """What these entries of [allocations] open, or all of the owner."""
        made = Amount()
        names = {line.key for line in lines}
        for site in self.sites:
            if site.owner == owner or site.line in lines or names & site.functions:
                made.blocks += site.blocks
                made.size += site.size
                made.places += 1
        return made

    def opens(self, line: Line) -> str:
        """In words; empty if it is not known."""
        if line.table == ("allocations",):
            amount, how = self.under({line}), "for all to read and write"
        elif line.key == "reads":
            amount, how = self.under(set(), line.item), "and all variables, to read"
        else:
            return ""
        return f"{amount}, {how}" if amount.places else ""

    def grant_opens_less(self, facts: list[Fact]) -> bool:
        """Than the single lines of these reads of one owner by one compartment. Never in place of
        few objects: a grant also opens what the run did not reach."""
        variables = {fact.single: fact.size for fact in facts if not fact.chain}
        blocks = self.under({fact.single for fact in facts if fact.single and fact.chain})
        whole = self.under(set(), facts[0].owner)
        single = 2 * self.others * (blocks.size + sum(variables.values()))
        return blocks.places >= MANY and whole.size < single


def allocation(place: Place) -> Line:
    return Line(("allocations",), place.function, "shared")


def name_callers(facts: list[Fact], allocated: Allocated) -> None:
    """In place of a function that allocates for many, its callers, if that opens less than half."""
    changed = True
    while changed:
        changed = False
        groups: dict[Line, list[Fact]] = {}
        for fact in facts:
            if fact.chain and fact.single == allocation(fact.chain[0]):
                groups.setdefault(fact.single, []).append(fact)
        for line, members in groups.items():
            if any(len(fact.chain) < 2 or not is_nameable(fact.chain[1]) for fact in members):
                continue
            callers = {allocation(fact.chain[1]) for fact in members}
            if 2 * allocated.under(callers).size >= allocated.under({line}).size:
                continue
            for fact in members:
                fact.reason += f", called by {fact.chain[1]}"
                del fact.chain[0]
                fact.single = allocation(fact.chain[0])
            changed = True


def is_nameable(place: Place) -> bool:
    """Whether a line may name the function: all of the program runs during main."""
    return place.function != "main" and bool(re.fullmatch(r"\w+", place.function))


def smallest(facts: list[Fact], allocated: Allocated) -> set[Line]:
    """The lines that are needed. First those without an alternative; a read that they allow needs
    no other line. Then the program gets a grant where it only reads. Others get the single objects,
    unless a grant opens less."""
    lines: set[Line | None] = {fact.single for fact in facts if not fact.reads}
    lines |= {fact.grant for fact in facts if not fact.single}
    pairs: dict[tuple[str, str], list[Fact]] = {}
    for fact in facts:
        pairs.setdefault((fact.accessor, fact.owner), []).append(fact)
    for pair in sorted(pairs.values(), key=lambda it: it[0].accessor_key == 1):
        left = [
            it
            for it in pair
            if it.single and it.single not in lines and (not it.grant or it.grant not in lines)
        ]
        if not left:
            continue
        if pair[0].accessor_key == 1 and all(fact.reads for fact in pair):
            granted = True
        else:
            granted = allocated.grant_opens_less(left)
        for fact in left:
            lines.add(fact.grant if granted and fact.grant else fact.single)
    return {line for line in lines if line is not None}
