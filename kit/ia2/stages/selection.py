"""Which objects of a build graph a program really contains."""

from ..elf import symbols
from ..formats.build_graph import ArchiveItem, BuildGraph, ObjectItem, SharedItem


class Selection:
    """The objects a program really contains: linkers take archive members only when needed."""

    def __init__(self, graph: BuildGraph, further: dict[str, list[str]]):
        """`further`: names that an object needs beside those of its symbol table."""
        self.graph, self.further = graph, further
        self.tables: dict[int, symbols.ObjectSymbols] = {}
        self.by_link: dict[int, list[int]] = {}

    def of(self, index: int) -> symbols.ObjectSymbols:
        if index not in self.tables:
            path = self.graph.objects[index].path
            found = self.tables[index] = symbols.read(path)
            found.needs |= {name: True for name in self.further.get(path, ())}
        return self.tables[index]

    def link(self, index: int) -> list[int]:
        """Objects of link `index` (not those of the shared libraries it uses), in link order."""
        if index in self.by_link:
            return self.by_link[index]
        self.by_link[index] = []
        link = self.graph.links[index]
        taken: dict[int, None] = {}
        providers: dict[str, int | None] = {}
        for item in link.items:
            if isinstance(item, ObjectItem):
                taken[item.object] = None
            elif isinstance(item, ArchiveItem):
                for member in item.members:
                    if item.whole:
                        taken[member] = None
                    for name in self.of(member).kinds:
                        providers.setdefault(name, member)
            elif isinstance(item, SharedItem):
                for member in self.link(item.link):
                    found = self.of(member)
                    for name in found.kinds.keys() - found.hidden:
                        providers.setdefault(name, None)
        self.by_link[index] = self.pull(taken, providers, link.kind)
        return self.by_link[index]

    def pull(
        self, taken: dict[int, None], providers: dict[str, int | None], kind: str
    ) -> list[int]:
        defined: set[str] = set()
        queue = list(taken)
        for member in queue:
            defined |= self.of(member).kinds.keys()
        main = providers.get("main")
        if kind == "executable" and "main" not in defined and main is not None:
            queue.append(main)
            taken[main] = None
        position = 0
        while position < len(queue):
            found = self.of(queue[position])
            position += 1
            defined |= found.kinds.keys()
            for name, strong in found.needs.items():
                provider = providers.get(name)
                if (
                    strong
                    and name not in defined
                    and provider is not None
                    and provider not in taken
                ):
                    taken[provider] = None
                    queue.append(provider)
                    defined |= self.of(provider).kinds.keys()
        return list(taken)

    def program(self) -> dict[int, list[int]]:
        """Link index -> its objects, for the program, its plugins and each project library they
        use, directly or not."""
        return {
            index: self.link(index) for index in self.closure([0, *self.graph.plugins.values()])
        }

    def closure(self, roots: list[int]) -> list[int]:
        """`roots` and the links of the project's libraries that they use, directly or not."""
        reached, queue = list(dict.fromkeys(roots)), list(roots)
        while queue:
            for item in self.graph.links[queue.pop()].items:
                if isinstance(item, SharedItem) and item.link not in reached:
                    reached.append(item.link)
                    queue.append(item.link)
        return reached
