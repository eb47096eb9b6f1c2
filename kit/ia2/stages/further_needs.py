"""What recompiled code needs beyond what it needed as the project built it.

The boundary is read off the objects as built. A compiler drops what it proves not to matter, such
as a use of a global or a call in a branch that is never taken. When a local has moved to shared
memory, the proof may fail, and the use is there. OUT/further-needs.json keeps such names for the
plan, which then treats them like all others:

    {"/abs/as-built.o": {"built": [size, time], "names": ["counter"]}}
"""

import json
import re

from ..base import atomic
from ..base.failure import Failure
from ..elf import symbols
from ..formats.build_graph import BuildGraph
from ..formats.plan import Plan
from . import stamps
from .stage import BoundaryGrew

# What the runtime defines, and the gate of a function.
RUNTIME = ("ia2_", "__ia2_")
GATE = re.compile(r"^__wrap_(.+?)(?:__[0-9a-f]{8})?$")


def read(path: str) -> dict[str, list[str]]:
    """Object as built -> names, for objects that are still the same."""
    return {
        built: record["names"]
        for built, record in _load(path).items()
        if stamps.signature(built) == record["built"]
    }


def _load(path: str) -> dict[str, dict[str, list]]:
    try:
        with open(path, encoding="utf-8") as stream:
            found: dict[str, dict[str, list]] = json.load(stream)
            return found
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Failure(f"cannot be read: {error}", path, "remove it") from None


def check(file: str, plan: Plan, graph: BuildGraph, made: dict[str, str]) -> None:
    """`made`: object as built -> the recompiled one. BoundaryGrew if a
    recompiled object needs a name that the plan does not know, and that another compartment or an
    unused member of an archive defines."""
    read_once: dict[str, symbols.ObjectSymbols] = {}

    def of(path: str) -> symbols.ObjectSymbols:
        if path not in read_once:
            read_once[path] = symbols.read(path)
        return read_once[path]

    keys = {record.path: record.compartment for record in plan.objects}
    known = {(record.symbol, key) for record in plan.imports for key in record.callers}
    further = {}
    for path, again in made.items():
        key = keys[path]
        names = {GATE.sub(r"\1", name) for name in of(again).needs if not name.startswith(RUNTIME)}
        names = {name for name in names - of(path).needs.keys() if (name, key) not in known}
        if names:
            further[path] = names
    # Most objects have none. Then the other objects are not read.
    for path, names in further.items():
        names -= {
            name for other, key in keys.items() if key == keys[path] for name in of(other).kinds
        }
    further = {path: names for path, names in further.items() if names}
    if not further:
        return
    somewhere = {name for record in graph.objects for name in of(record.path).kinds}
    kept = _load(file)
    new = False
    for path, names in further.items():
        built = stamps.signature(path) or []
        before = (
            set(kept[path]["names"]) if path in kept and kept[path]["built"] == built else set()
        )
        if names & somewhere - before:
            kept[path] = {"built": built, "names": sorted(before | names & somewhere)}
            new = True
    if new:
        atomic.write_json(file, kept)
        raise BoundaryGrew
