"""OUT/build-graph.json: the link closure of one program, as the project's own build made it. The
capture stage makes the file; the plan and the link read it.

`links[0]` is the program. Only what the program and its plugins can contain is in the graph.
"""

import dataclasses
import typing

from . import fields

Argument = typing.Literal["library", "option", "folder", "rpath"]
Language = typing.Literal["c", "c++", "other"]
Index = typing.Annotated[int, fields.Range(0)]


@dataclasses.dataclass
class ObjectItem:
    """An object on a link line: its position in `objects`."""

    kind: typing.Literal["object"]
    object: Index


@dataclasses.dataclass
class ArchiveItem:
    """A static archive of the build. `whole`: the link takes members that nothing needs too."""

    kind: typing.Literal["archive"]
    path: str
    whole: bool
    members: list[Index]


@dataclasses.dataclass
class SharedItem:
    """A shared library of the build: its position in `links`."""

    kind: typing.Literal["shared"]
    link: Index


@dataclasses.dataclass
class FileItem:
    """A file that the build does not make, such as a prebuilt archive."""

    kind: typing.Literal["file"]
    value: str
    whole: bool


@dataclasses.dataclass
class ArgumentItem:
    """An argument that is kept as spelled (a -lNAME, an option), or a folder of -L or -rpath."""

    kind: Argument
    value: str


Item = ObjectItem | ArchiveItem | SharedItem | FileItem | ArgumentItem


@dataclasses.dataclass
class Link:
    """A program or shared library. `driver`: the compiler that links it. `symbolic`: linked with
    -Bsymbolic. `items`: what is on its link line, in order."""

    output: str
    kind: typing.Literal["executable", "shared"]
    driver: list[str]
    symbolic: bool
    items: list[Item]


@dataclasses.dataclass
class Spelled:
    """A compile command as the build spells it, relative to `directory`."""

    source: str
    directory: str
    arguments: typing.Annotated[list[str], fields.Length(1, noun="arguments")]


@dataclasses.dataclass
class Object:
    """`command`: its position in compile_commands.json, null for what is not C. `parts`: the
    sources that its source includes, as that of a unity build does. `spelled`: C only."""

    path: str
    source: str
    language: Language
    command: Index | None
    parts: list[str]
    spelled: Spelled | None = None


@dataclasses.dataclass
class OtherUnit:
    """A C unit of the build that is no part of the program: of another program, or unused."""

    source: str
    object: str


@dataclasses.dataclass
class BuildGraph(fields.Format):
    """`plugins`: compartment to the position of the link of its shared library. `inputs`: every
    file that the objects were made from. `other_units`: what the build compiles beside that."""

    FILE = "build-graph.json"
    REMEDY = "run rewrite.py again"

    program: str
    source_root: str
    build_dir: str
    links: typing.Annotated[list[Link], fields.Length(1, noun="links")]
    objects: list[Object]
    plugins: dict[str, Index]
    inputs: list[str]
    other_units: list[OtherUnit]

    def check(self) -> None:
        for index, link in enumerate(self.links):
            for number, item in enumerate(link.items):
                self._check_item(f"links[{index}].items[{number}]", item)
        for index, record in enumerate(self.objects):
            is_c = record.language == "c"
            if is_c and record.command is None:
                raise fields.Fault(f"objects[{index}].command", "a whole number", None)
            if is_c and record.spelled is None:
                raise fields.Fault(f"objects[{index}].spelled", "an object", None)
        for name, number in self.plugins.items():
            fields.whole(f"plugins.{name}", number, 0, len(self.links) - 1)

    def _check_item(self, field: str, item: Item) -> None:
        last = len(self.objects) - 1
        if isinstance(item, ObjectItem):
            fields.whole(f"{field}.object", item.object, 0, last)
        elif isinstance(item, SharedItem):
            fields.whole(f"{field}.link", item.link, 0, len(self.links) - 1)
        elif isinstance(item, ArchiveItem):
            for index, member in enumerate(item.members):
                fields.whole(f"{field}.members[{index}]", member, 0, last)
