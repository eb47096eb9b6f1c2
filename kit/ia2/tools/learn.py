"""From the log of a permissive run (docs/permissive.md) to lines of the policy.

Each violation hit an object: a variable, a block of a heap, a frame of a stack, a thread-local.
What the policy can say about it:

    variable               [shared] variables = ["NAME"]
    block                  [allocations] FUNCTION = "shared": the function that allocated it
    anything, only read    [compartment.ACCESSOR] reads = ["OWNER"]: all its memory, one way

Where compartment 1, the program, only reads another one's memory, the grant is proposed: nothing of
the other one becomes writable, and nobody else gets anything. In every other case the single
objects are: a grant would open all of the owner's memory to the accessor. For what is neither,
there is no line, and the reason is given instead.
"""

import collections.abc
import dataclasses
import json
import os
import re

from ..base.failure import Failure
from ..elf import code_places

KINDS = ("access", "kernel", "call", "type", "block")
# Of the runtime, in each compartment: no function that a policy could name.
RUNTIME = re.compile(r"__wrap_|__ia2_|ia2_|noted$")
# Functions that allocate for others: what they allocate is not theirs, so their caller is named.
WRAPPER = re.compile(
    r"(?:.*_)?(?:x|s|z|mem|safe|my)?"
    r"(?:malloc|calloc|realloc|reallocarray|zalloc|alloc|strdup|strndup|memdup|dup)"
    # How the size is computed, and which layer it is.
    r"0?(?:_(?:nofree|n|array|zero|add|mul|muladd2?|\dop"
    r"|base|raw|default|internal|impl|safe|checked))*_?"
)
ASSIGNED = re.compile(r"(\w+)\s*=\s*(?:\([\w\s*]+\)\s*)?\w+\s*\(")


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


@dataclasses.dataclass
class Suggestion:
    """One entry of the policy, or none (`table` empty) with only a reason. `value`: a string, or a
    list to be added to."""

    table: tuple[str, ...]
    key: str
    value: object
    reasons: list[str] = dataclasses.field(default_factory=list)


def shown(path: str) -> str:
    """As a person in the current directory would name it."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


# Table, key and value (as JSON) of a suggestion.
Identity = tuple[tuple[str, ...], str, str]


class Learner:
    """All lines of some logs. Failure for a file that is no log, or that is of a run in which
    nothing could be seen."""

    def __init__(self, paths: list[str]):
        self.violations: list[dict] = []
        self.names: dict[str, str] = {}
        self.programs: list[str] = []
        self.cut_short: list[str] = []  # why a run may have done less than it should
        for path in paths:
            self.read(path)
        self.places: dict[tuple[str, int], list[Place]] = {}
        self.variables: dict[str, dict[str, tuple[str, int]]] = {}
        self.look_up()

    def read(self, path: str) -> None:
        remedy = "name the log that a program built with --permissive wrote"
        try:
            with open(path, encoding="utf-8", errors="replace") as stream:
                lines = [json.loads(line) for line in stream if line.strip()]
        except OSError as error:
            raise Failure(f"cannot be read: {error.strerror}", path, remedy) from None
        except ValueError as error:
            raise Failure(f"is not a log of violations: {error}", path, remedy) from None
        if (
            not lines
            or not all(isinstance(line, dict) for line in lines)
            or lines[0].get("kind") != "run"
            or lines[0].get("version") != 1
        ):
            raise Failure(
                "is not a log of violations: its first line is not that of a run", path, remedy
            )
        if not lines[0].get("pkeys"):
            raise Failure(
                "is of a run on a CPU without protection keys, where no violation is seen",
                path,
                (
                    "run the program in the PKU VM (scripts/run-in-vm) or on a CPU with protection"
                    " keys"
                ),
            )
        for line in lines[1:]:
            if line.get("kind") not in KINDS or not isinstance(line.get("memory"), dict):
                raise Failure(
                    f"is not a log of violations: a line of kind {line.get('kind')!r}", path, remedy
                )
        if lines[0].get("ended", "exit") != "exit":
            self.cut_short.append(
                f"{path}: the run "
                + (
                    "died, as the program said at its end"
                    if lines[0]["ended"] == "died"
                    else "was killed, or went on as another program (exec)"
                )
                + f", after {len(lines) - 1} different violations: what it did not reach is not in"
                " the log"
            )
        self.programs.append(lines[0].get("program", ""))
        self.violations += lines[1:]

    # Names. --------------------------------------------------------------------------------------

    @staticmethod
    def frames(violation: dict) -> list[dict]:
        return [frame for frame in violation["memory"].get("frames", []) if frame]

    def look_up(self) -> None:
        """All addresses of an object at a time."""
        wanted: dict[str, set[int]] = {}
        names: dict[str, set[str]] = {}
        for violation in self.violations:
            for code, back in self.codes(violation):
                wanted.setdefault(code["object"], set()).add(int(code["offset"], 16) - back)
            memory = violation["memory"]
            if memory["kind"] == "global" and memory.get("name"):
                names.setdefault(memory["object"], set()).add(source_name(memory["name"]))
        for path, offsets in wanted.items():
            for offset, chain in code_places.functions(path, sorted(offsets)).items():
                self.places[path, offset] = [
                    Place(source_name(function), file, line) for function, file, line in chain
                ]
        for path, variables in names.items():
            self.variables[path] = code_places.variables(path, variables)

    def codes(self, violation: dict) -> collections.abc.Iterator[tuple[dict, int]]:
        """(code, how far before it the instruction is): a return address is after the call."""
        if violation.get("at"):
            yield violation["at"], 1 if violation["kind"] in ("kernel", "call", "type") else 0
        if violation.get("caller"):
            yield violation["caller"], 1
        for frame in self.frames(violation):
            yield frame, 1

    def chain(self, code: dict, back: int) -> list[Place]:
        # Without a line it must be what the symbol table says: addr2line names whatever comes
        # before, of a gate the last function.
        found = [
            place
            for place in self.places.get((code["object"], int(code["offset"], 16) - back), [])
            if place.line or place.function == source_name(code.get("function", ""))
        ]
        return found or ([Place(source_name(code["function"]))] if code.get("function") else [])

    def calls(self, frames: list[dict]) -> list[Place]:
        """The functions of a stack, innermost first. One that ended with a jump to another has no
        frame, but its caller names it."""
        made: list[Place] = []
        for frame in frames:
            called = source_name(frame.get("calls", ""))
            if called and called not in [place.function for place in made]:
                made.append(Place(called))
            made += self.chain(frame, 1)
        return made

    def where(self, violation: dict) -> str:
        """Who did it: the function of the accessor's, and of libc if it was that."""
        own, via = (
            (violation["caller"], violation["at"])
            if violation.get("caller")
            else (violation.get("at"), None)
        )
        returned = violation.get("caller") or violation["kind"] != "access"
        chain = (
            (self.chain(own, 1 if returned else 0) or self.calls([own] if returned else []))
            if own
            else []
        )
        text = f"in {chain[0]}" if chain else "at an unknown place"
        if violation.get("function"):
            return f"{text}, by {libc_name(violation['function'])}()"
        return f"{text}, in {os.path.basename(via['object'])}" if via else text

    # Objects. ------------------------------------------------------------------------------------

    def allocator(self, violation: dict) -> tuple[str, str] | None:
        """(entry of [allocations], how it is described) for a block of a heap; None if it is not
        known."""
        chain = [
            place
            for place in self.calls(self.frames(violation))
            if not RUNTIME.match(place.function)
        ]
        via = []
        while len(chain) > 1 and WRAPPER.fullmatch(chain[0].function):
            via.append(chain.pop(0).function)
        if not chain or not re.fullmatch(r"\w+", chain[0].function):
            return None
        text = str(chain[0]) + (f", through {' and '.join(via)}" if via else "")
        if chain[0].function != "main":
            return chain[0].function, text
        # All of the program runs during main: only the one variable.
        variable = assigned(chain[0])
        return (f"main.{variable}", text) if variable else None

    def variable(self, violation: dict) -> tuple[str, str] | None:
        memory = violation["memory"]
        if not memory.get("name"):
            return None
        name = source_name(memory["name"])
        place = self.variables.get(memory["object"], {}).get(name)
        return name, f"'{name}'" + (
            f" ({shown(place[0])}:{place[1]})" if place and place[0] else ""
        )

    # What to write. ------------------------------------------------------------------------------

    def suggestions(self) -> list[Suggestion]:
        """Sorted, each once, with a reason per violation (those that differ only in the instruction
        are one)."""
        only_reads: dict[tuple[str, str], bool] = {}
        for violation in self.violations:
            pair = violation["accessor"], violation["owner"]
            reads = violation["kind"] in ("access", "kernel") and violation["access"] == "read"
            only_reads[pair] = only_reads.get(pair, True) and reads
        found: dict[Identity, Suggestion] = {}
        counts: dict[tuple[Identity, str], int] = {}
        for violation in self.violations:
            granted = (
                violation["accessor_key"] == 1
                and only_reads[violation["accessor"], violation["owner"]]
            )
            table, key, value, reason = self.suggest(violation, granted)
            identity = (table, key, json.dumps(value))
            found.setdefault(identity, Suggestion(table, key, value))
            if (identity, reason) not in counts:
                found[identity].reasons.append(reason)
            counts[identity, reason] = counts.get((identity, reason), 0) + violation.get("count", 1)
        for identity, suggestion in found.items():
            suggestion.reasons = [
                f"{reason}, {times(counts[identity, reason])}"
                for reason in sorted(suggestion.reasons, key=lambda it: -counts[identity, it])
            ]
        return [found[identity] for identity in sorted(found, key=lambda it: (not it[0], it))]

    def suggest(self, violation: dict, granted: bool) -> tuple[tuple[str, ...], str, object, str]:
        accessor, owner, kind = (
            violation["accessor"] or "code of no compartment",
            violation["owner"] or "no compartment",
            violation["memory"]["kind"],
        )
        verb, where = {"read": "reads", "write": "writes"}[violation["access"]], self.where(
            violation
        )
        if violation["kind"] in ("call", "type"):
            fault = (
                "a pointer that is no call gate"
                if violation["kind"] == "call"
                else "a function of another type"
            )
            return (
                (),
                "",
                None,
                (
                    f"{accessor} calls {fault} {where}: no line allows it; the function's address"
                    " was taken where the rewriter does not see it (assembly, a table in prebuilt"
                    " code, a pointer that was copied as bytes)"
                ),
            )
        allocator, variable = self.allocator(violation) if kind == "heap" else None, (
            self.variable(violation) if kind == "global" else None
        )
        thing = {
            "heap": (
                f"what {allocator[1]} allocates"
                if allocator
                else "a block that was allocated at an unknown place"
            ),
            "global": variable[1] if variable else "a variable without a name in the symbol table",
            "stack": f"a local variable of {self.frame(violation)}",
            "thread-local": "a thread-local variable",
            "mapping": "memory from mmap",
            "code": "the code or constants",
        }[kind]
        if violation["kind"] == "block":
            reason = (
                f"{accessor} calls {libc_name(violation['function'])} for {thing}, in the heap of"
                f" {owner}, {where.rsplit(', by', 1)[0]}"
            )
        else:
            reason = f"{accessor} {verb} {thing} of {owner} {where}"
        grant = ("compartment", accessor), "reads", [owner], reason
        if granted:
            return grant
        if variable:
            return ("shared",), "variables", [variable[0]], reason
        if allocator:
            return ("allocations",), allocator[0], "shared", reason
        if (
            violation["access"] == "read"
            and violation["accessor_key"] > 0
            and violation["owner_key"] > 0
        ):
            return (
                *grant[:3],
                reason
                + f" (opens all memory of {owner} to it, for reading; nothing less allows it)",
            )
        return (
            (),
            "",
            None,
            reason
            + ": no line allows it; "
            + {
                "stack": "let it be a parameter by copy ([parameters]), or allocate it",
                "thread-local": "share memory that a pointer in it points to",
                "heap": "name the function that allocates it in [allocations]",
            }.get(kind, "allocate it, in a function that [allocations] names"),
        )

    def frame(self, violation: dict) -> str:
        chain = self.chain(self.frames(violation)[0], 1) if self.frames(violation) else []
        return str(chain[0]) if chain else "an unknown function"


def times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def libc_name(symbol: str) -> str:
    """As a source has it: without what _FILE_OFFSET_BITS and _FORTIFY_SOURCE make of it."""
    plain = re.fullmatch(r"_*(.*?)(?:64|_chk|64_chk|_2)?", symbol)
    return plain[1] if plain else symbol


def source_name(symbol: str) -> str:
    """Without what the compiler appends to static locals and parts of functions (`count.0`,
    `parse.part.1`)."""
    return symbol.split(".")[0] if not symbol.startswith(".") else symbol


def assigned(place: Place) -> str | None:
    """What the source line assigns the result of a call to."""
    try:
        with open(place.file, encoding="utf-8", errors="replace") as stream:
            text = stream.read().splitlines()[place.line - 1]
    except (OSError, IndexError):
        return None
    found = ASSIGNED.search(text)
    return found[1] if found else None
