"""OUT/plan.json: policy and build graph brought together. The plan stage makes the file; the
rewriter, the link and the audit read it.

Positions: `compartments[i]` has key i + 1, and `units[i]` has the id i.
"""

import dataclasses
import typing

from . import fields

Index = typing.Annotated[int, fields.Range(0, 2**31 - 1)]
Kind = typing.Literal["function", "data"]
# Plan.check limits a key to those of the compartments that the plan has.
Key = int


@dataclasses.dataclass
class Compartment:
    """`pkru`: the rights of its code. `reads`: the keys that it may read. `file`: its name in bin/.
    `plugin`: the file name that the project's build gives a plugin. `guests`: it may load libraries
    that the policy does not name. `system_calls`: the mask of what it may have the kernel do."""

    name: str
    pkey: Key
    pkru: typing.Annotated[int, fields.Range(0, 2**32 - 1)]
    reads: list[Key]
    file: str
    plugin: str | None
    guests: bool
    system_calls: typing.Annotated[int, fields.Range(0, 2**32 - 1)]


@dataclasses.dataclass
class Unit:
    """A C unit of the program. `command`: its position in compile_commands.json. `object`: as the
    project built it. `pic`: that object is position-independent. `force_recompile`: recompile the
    unit even if no file of it was rewritten, as --debug asks."""

    id: Index
    command: Index
    file: str
    compartment: Key
    object: str
    pic: bool
    force_recompile: bool


@dataclasses.dataclass
class Object:
    """An object of the program. `unit`: null for one that the C compiler did not make."""

    path: str
    compartment: Key
    unit: Index | None


@dataclasses.dataclass
class Import:
    """A function or variable that crosses. `owner` defines it, `callers` use it, as the symbol
    tables of the objects say."""

    symbol: str
    kind: Kind
    owner: Key
    callers: typing.Annotated[list[Key], fields.Length(1, noun="compartments")]


@dataclasses.dataclass
class Entry:
    """What dlsym finds in a plugin."""

    symbol: str
    owner: Key
    kind: Kind


@dataclasses.dataclass
class Destructor:
    """An entry of an object's .fini_array section. `visible`: other objects can name it."""

    symbol: str
    compartment: Key
    unit: Index | None
    priority: Index | None
    visible: bool


@dataclasses.dataclass
class Plan(fields.Format):
    """`allocations`: FUNCTION, FUNCTION.VARIABLE or FUNCTION.VARIABLE[] (its elements) to the key
    whose heap is used (0: shared). `parameters`: STRUCT.MEMBER to the parameters that go by copy.
    `policy_lines`: the line of each entry of the policy, by its dotted name. `other_programs`:
    entries that name something which another program of the build has, with the source that has
    it."""

    FILE = "plan.json"
    REMEDY = "run rewrite.py again"

    program: str
    source_root: str
    build_dir: str
    compartments: typing.Annotated[list[Compartment], fields.Length(1, 12, "compartments")]
    units: list[Unit]
    objects: list[Object]
    imports: list[Import]
    entries: list[Entry]
    destructors: list[Destructor]
    allocations: dict[str, Key]
    shared_variables: list[str]
    parameters: dict[str, dict[str, typing.Literal["in", "out", "inout"]]]
    policy_file: str
    policy_lines: dict[str, int]
    other_programs: dict[str, str]

    def check(self) -> None:
        keys = len(self.compartments)
        for index, compartment in enumerate(self.compartments):
            place = f"compartments[{index}]"
            fields.position(f"{place}.pkey", compartment.pkey, index + 1)
            self._keys(f"{place}.reads", compartment.reads)
        for index, unit in enumerate(self.units):
            fields.position(f"units[{index}].id", unit.id, index)
            fields.whole(f"units[{index}].compartment", unit.compartment, 1, keys)
        for index, record in enumerate(self.objects):
            self._place(f"objects[{index}]", record.compartment, record.unit)
        for index, crossing in enumerate(self.imports):
            fields.whole(f"imports[{index}].owner", crossing.owner, 1, keys)
            self._keys(f"imports[{index}].callers", crossing.callers)
        for index, entry in enumerate(self.entries):
            fields.whole(f"entries[{index}].owner", entry.owner, 1, keys)
        for index, destructor in enumerate(self.destructors):
            self._place(f"destructors[{index}]", destructor.compartment, destructor.unit)
        for name, key in self.allocations.items():
            fields.whole(f"allocations.{name}", key, 0, keys)

    def _keys(self, field: str, keys: list[int]) -> None:
        for index, key in enumerate(keys):
            fields.whole(f"{field}[{index}]", key, 1, len(self.compartments))

    def _place(self, field: str, key: int, unit: int | None) -> None:
        fields.whole(f"{field}.compartment", key, 1, len(self.compartments))
        if unit is not None:
            fields.whole(f"{field}.unit", unit, 0, len(self.units) - 1)
