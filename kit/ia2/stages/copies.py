"""Objects of one source that are linked into the program twice: into the executable or a library,
and into another library again, as libtool and CMake do for sources that both name.

The loader takes the first definition of each name for all. In a compartment both objects would be
in one link, which refuses the second definition. So only the first object is kept, if nothing of
the second one would have been used.
"""

import collections.abc
import os

from ..base.failure import Failure
from ..elf import elf
from ..formats.build_graph import BuildGraph, SharedItem
from .selection import Selection

RUN_BY_LOADER = (".init_array", ".fini_array", ".preinit_array", ".ctors", ".dtors")


def load_order(graph: BuildGraph) -> list[int]:
    """The links that are there from the start, in the order in which the loader searches them."""
    order = [0]
    for link in order:
        for item in graph.links[link].items:
            if isinstance(item, SharedItem) and item.link not in order:
                order.append(item.link)
    return order


def superfluous(
    graph: BuildGraph,
    selection: Selection,
    homes: dict[int, list[int]],
    key: collections.abc.Callable[[int], int],
) -> list[int]:
    """Positions of the objects to leave out. Failure if the two copies would have been used side by
    side. `homes`: the links of each object; `key`: its compartment."""
    order = {link: position for position, link in enumerate(load_order(graph))}
    groups: dict[tuple[int, str], list[int]] = {}
    for index, links in homes.items():
        if graph.objects[index].language == "c" and all(link in order for link in links):
            source = os.path.realpath(graph.objects[index].source)
            groups.setdefault((key(index), source), []).append(index)
    found = []
    for group in groups.values():
        group.sort(key=lambda index: min(order[link] for link in homes[index]))
        first = group[0]
        for other in group[1:]:
            names = selection.of(first).kinds.keys() & selection.of(other).kinds.keys()
            if not names or set(homes[first]) & set(homes[other]):
                continue
            need_same(graph, selection, homes, first, other)
            found.append(other)
    return found


def need_same(
    graph: BuildGraph, selection: Selection, homes: dict[int, list[int]], first: int, other: int
) -> None:
    """Failure unless `other`, a second copy of the source of `first`, is not used."""
    one, two = selection.of(first), selection.of(other)
    separate = (one.hidden | two.hidden) & two.kinds.keys()
    symbolic = any(graph.links[link].symbolic for link in homes[other])
    reason = ""
    if two.kinds.keys() - one.kinds.keys():
        reason = "and one defines more than the other"
    elif two.writable and (symbolic or separate):
        reason = "and has variables; there would be one copy of them instead of two"
    elif _run_by_loader(graph.objects[other].path):
        reason = "and has constructors or destructors; they would run once instead of twice"
    if reason:
        outputs = [
            os.path.basename(graph.links[homes[index][0]].output) for index in (first, other)
        ]
        raise Failure(
            f"is compiled for {outputs[0]} and again for {outputs[1]}, {reason}",
            graph.objects[other].source,
            "link it into one of them only",
        )


def _run_by_loader(path: str) -> bool:
    image = elf.Elf.read(path)
    return any(section.name.startswith(RUN_BY_LOADER) for section in image.sections)
