"""What the objects of a program define and need, and which members of its archives it takes."""

import dataclasses

from ..base.failure import Failure
from . import elf

BITCODE = (b"BC\xc0\xde", b"\xde\xc0\x17\x0b")


@dataclasses.dataclass
class ObjectSymbols:
    """Global symbols of one object. `kinds`: name -> "function", "data" or "thread-local";
    `constant`: data that nobody may write, which every compartment may read as it is."""

    kinds: dict[str, str]
    weak: set[str]
    hidden: set[str]
    needs: dict[str, bool]
    writable: bool
    constant: set[str] = dataclasses.field(default_factory=set)


def read(path: str) -> ObjectSymbols:
    """`needs` maps each undefined name to whether it must be found (false: weak). Failure if not
    linkable."""
    try:
        with open(path, "rb") as stream:
            data = stream.read()
        if data.startswith(BITCODE):
            raise _lto(path)
        image = elf.Elf(data)
    except elf.ElfError as error:
        raise Failure(f"{error}", path) from None
    except OSError as error:
        raise Failure(f"cannot read the object: {error.strerror}", path) from None
    if image.type != elf.ET_REL:
        raise Failure("is not a relocatable object", path)
    if any(section.name.startswith(".gnu.lto_") for section in image.sections):
        raise _lto(path)
    found = ObjectSymbols(
        {},
        set(),
        set(),
        {},
        any(
            section.size
            and section.flags & elf.SHF_ALLOC
            and not _is_constant(section)
            and not section.name.startswith((".init_array", ".fini_array"))
            for section in image.sections
        ),
    )
    for symbol in image.symbols(only_global=True):
        if not symbol.name or symbol.bind == elf.STB_LOCAL:
            continue
        if not symbol.defined:
            found.needs[symbol.name] = symbol.bind != elf.STB_WEAK
            continue
        found.kinds[symbol.name] = _kind(image, symbol)
        section = image.section_of(symbol)
        if found.kinds[symbol.name] == "data" and section and _is_constant(section):
            found.constant.add(symbol.name)
        if symbol.bind == elf.STB_WEAK:
            found.weak.add(symbol.name)
        if symbol.visibility in (elf.STV_HIDDEN, elf.STV_INTERNAL):
            found.hidden.add(symbol.name)
    return found


def _is_constant(section: elf.Section) -> bool:
    """Not writable, or only until the loader has relocated it."""
    return not section.flags & elf.SHF_WRITE or section.name.startswith(".data.rel.ro")


def _kind(image: elf.Elf, symbol: elf.Symbol) -> str:
    if symbol.type in (elf.STT_FUNC, elf.STT_IFUNC):
        return "function"
    if symbol.type == elf.STT_TLS:
        return "thread-local"
    # Assemblers leave symbols without a type; then the section tells.
    section = image.section_of(symbol)
    if symbol.type == elf.STT_NOTYPE and section and section.flags & elf.SHF_EXECINSTR:
        return "function"
    return "data"


def _lto(path: str) -> Failure:
    return Failure(
        "holds compiler intermediate code (link-time optimization), not machine code",
        path,
        "build the project without it: -Db_lto=false for Meson, no -flto",
    )


def archive_names(path: str) -> set[str]:
    """What the members of a static archive define, as its symbol index says; empty without an
    index. Failure if damaged."""
    try:
        with open(path, "rb") as stream:
            if stream.read(8) not in (b"!<arch>\n", b"!<thin>\n"):
                return set()
            header = stream.read(60)
            if header[:16].rstrip() != b"/":
                return set()
            index = stream.read(int(header[48:58]))
    except (OSError, ValueError) as error:
        raise Failure(f"cannot read the archive: {error}", path) from None
    count = int.from_bytes(index[:4], "big")
    names = index[4 + 4 * count :].split(b"\0")[:count]
    return {name.decode("utf-8", "surrogateescape") for name in names}


class Selection:
    """The objects a program really contains: linkers take archive members only when needed."""

    def __init__(self, graph: dict, further: dict[str, list[str]]):
        """`further`: names that an object needs beside those of its symbol table."""
        self.graph, self.further = graph, further
        self.symbols: dict[int, ObjectSymbols] = {}
        self.by_link: dict[int, list[int]] = {}

    def of(self, index: int) -> ObjectSymbols:
        if index not in self.symbols:
            path = self.graph["objects"][index]["path"]
            found = self.symbols[index] = read(path)
            found.needs |= {name: True for name in self.further.get(path, ())}
        return self.symbols[index]

    def link(self, index: int) -> list[int]:
        """Objects of link `index` (not those of the shared libraries it uses), in link order."""
        if index in self.by_link:
            return self.by_link[index]
        self.by_link[index] = []
        items = self.graph["links"][index]["items"]
        taken: dict[int, None] = {}
        providers: dict[str, int | None] = {}
        for item in items:
            if item["kind"] == "object":
                taken[item["object"]] = None
            elif item["kind"] == "archive":
                for member in item["members"]:
                    if item["whole"]:
                        taken[member] = None
                    for name in self.of(member).kinds:
                        providers.setdefault(name, member)
            elif item["kind"] == "shared":
                for member in self.link(item["link"]):
                    symbols = self.of(member)
                    for name in symbols.kinds.keys() - symbols.hidden:
                        providers.setdefault(name, None)
        self.by_link[index] = self.pull(taken, providers, self.graph["links"][index]["kind"])
        return self.by_link[index]

    def pull(
        self, taken: dict[int, None], providers: dict[str, int | None], kind: str
    ) -> list[int]:
        defined: set[str] = set()
        queue = list(taken)
        for member in queue:
            defined |= self.of(member).kinds.keys()
        if kind == "executable" and "main" not in defined and providers.get("main") is not None:
            queue.append(providers["main"])
            taken[providers["main"]] = None
        position = 0
        while position < len(queue):
            symbols = self.of(queue[position])
            position += 1
            defined |= symbols.kinds.keys()
            for name, strong in symbols.needs.items():
                member = providers.get(name)
                if strong and name not in defined and member is not None and member not in taken:
                    taken[member] = None
                    queue.append(member)
                    defined |= self.of(member).kinds.keys()
        return list(taken)

    def program(self) -> dict[int, list[int]]:
        """Link index -> its objects, for the program, its plugins and each project library they
        use, directly or not."""
        return {
            index: self.link(index) for index in self.closure([0, *self.graph["plugins"].values()])
        }

    def closure(self, roots: list[int]) -> list[int]:
        """`roots` and the links of the project's libraries that they use, directly or not."""
        reached, queue = list(dict.fromkeys(roots)), list(roots)
        while queue:
            for item in self.graph["links"][queue.pop()]["items"]:
                if item["kind"] == "shared" and item["link"] not in reached:
                    reached.append(item["link"])
                    queue.append(item["link"])
        return reached
