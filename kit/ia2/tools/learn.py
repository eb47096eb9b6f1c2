"""From the log of a permissive run (docs/permissive.md) to lines of the policy.

Each violation hit an object: a variable, a block of a heap, a frame of a stack, a thread-local.
What the policy can say about it:

    variable               [shared] variables = ["NAME"]
    block                  [allocations] FUNCTION = "shared": the function that allocated it
    anything, only read    [compartment.ACCESSOR] reads = ["OWNER"]: all its memory, one way

A violation that another line allows needs no line. Where compartment 1, the program, only reads
another one's memory, the grant is proposed: nothing of the other one becomes writable, and nobody
else gets anything. In every other case the single objects are: a grant would open all of the
owner's memory to the accessor. For what is neither, there is no line, and the reason is given
instead.
"""

import collections.abc
import dataclasses
import json
import os
import re

from ..base.failure import Failure
from ..elf import code_places
from .learn_choice import Allocated, Fact, Line, Place, Site, name_callers, shown, smallest

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
# A `*` before the name is an indirection only where no type or operand is before it.
ASSIGNED = re.compile(
    r"(?:(?:^|[;{}(,])\s*(\*+)\s*)?(?<![\w])(?:\w+\s*(?:->|\.)\s*)*(\w+)"
    r"((?:\s*\[[^][]*\])*)\s*=(?!=)\s*(?:\([\w\s*]+\)\s*)*(\w+)\s*\("
)
DEBUG = "build with --permissive --debug, and run again"


@dataclasses.dataclass
class Suggestion:
    """One entry of the policy, or none (`table` empty) with only a reason. `value`: a string, or a
    list to be added to."""

    table: tuple[str, ...]
    key: str
    value: object
    opens: str = ""  # how much, if the log says it
    reasons: list[str] = dataclasses.field(default_factory=list)


class Learner:
    """All lines of some logs. Failure for a file that is no log, or that is of a run in which
    nothing could be seen."""

    def __init__(self, paths: list[str]):
        self.violations: list[dict] = []
        self.names: dict[str, str] = {}
        self.programs: list[str] = []
        self.sites: list[dict] = []
        self.compartments = 2
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
        sites = [line for line in lines[1:] if line.get("kind") == "allocated"]
        lines = [line for line in lines if line.get("kind") != "allocated"]
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
        self.sites += sites
        self.compartments = max(self.compartments, len(lines[0].get("compartments", [])))

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
        for site in self.sites:
            for frame in self.frames({"memory": site}):
                wanted.setdefault(frame["object"], set()).add(int(frame["offset"], 16) - 1)
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
        if chain:
            text = f"in {chain[0]}"
        else:
            text = f"in {offset(own)}" if own else "at an unknown place"
        if violation.get("function"):
            return f"{text}, by {libc_name(violation['function'])}()"
        return f"{text}, in {os.path.basename(via['object'])}" if via else text

    # Objects. ------------------------------------------------------------------------------------

    def block(self, violation: dict) -> tuple[str, Line | None, str]:
        """As `thing`."""
        frames = self.frames(violation)
        calls = self.calls(frames)
        at = next((i for i, it in enumerate(calls) if not RUNTIME.match(it.function)), len(calls))
        via = []
        while at + 1 < len(calls) and WRAPPER.fullmatch(calls[at].function):
            via.append(calls[at].function)
            at += 1
        if at == len(calls) or not re.fullmatch(r"\w+", calls[at].function):
            nameless = [it for it in frames if not it.get("function")]
            if nameless:
                return (
                    f"what {offset(nameless[0])} allocates",
                    None,
                    f"the function has no name: {DEBUG}",
                )
            return (
                "a block that was allocated at an unknown place",
                None,
                "name the function that allocates it in [allocations]",
            )
        place = calls[at]
        thing = (
            "what " + f"{place}" + (f", through {' and '.join(via)}" if via else "") + " allocates"
        )
        if place.function != "main":
            return thing, Line(("allocations",), place.function, "shared"), ""
        # All of the program runs during main: only the one variable.
        variable = assigned(place, calls[at - 1].function.removeprefix("__wrap_") if at else "")
        if variable:
            return thing, Line(("allocations",), f"main.{variable}", "shared"), ""
        return (
            thing,
            None,
            "name the variable to which main assigns it: 'main.VARIABLE' in [allocations]"
            + ("" if place.line else f" (for its name, {DEBUG})"),
        )

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
        facts = [self.fact(violation) for violation in self.violations]
        allocated = Allocated([self.site(site) for site in self.sites], self.compartments)
        name_callers(facts, allocated)
        lines = smallest(facts, allocated)
        found: dict[Line | None, Suggestion] = {}
        counts: dict[tuple[Line | None, str], int] = {}
        opened: dict[tuple[Line | None, str], bool] = {}
        for fact in facts:
            line = next((it for it in (fact.single, fact.grant) if it in lines), None)
            reason = fact.reason
            if line is None:
                reason += ": no line allows it; " + fact.remedy
            elif line == fact.grant and fact.accessor_key != 1 and not fact.single:
                reason += f" (opens all memory of {fact.owner} to it, for reading{fact.instead})"
            suggestion = found.setdefault(
                line,
                (
                    Suggestion(line.table, line.key, line.value(), allocated.opens(line))
                    if line
                    else Suggestion((), "", None)
                ),
            )
            if (line, reason) not in counts:
                suggestion.reasons.append(reason)
            counts[line, reason] = counts.get((line, reason), 0) + fact.count
            opened[line, reason] = opened.get((line, reason), False) or fact.opened
        for line, suggestion in found.items():
            suggestion.reasons = [
                f"{reason}, {'at least ' * opened[line, reason]}{times(counts[line, reason])}"
                for reason in sorted(suggestion.reasons, key=lambda it: -counts[line, it])
            ]
        return [
            found[line]
            for line in sorted(found, key=lambda it: dataclasses.astuple(it) if it else ())
        ]

    def site(self, site: dict) -> Site:
        functions = frozenset(it.function for it in self.calls(self.frames({"memory": site})))
        line = self.block({"memory": site})[1]
        return Site(site["owner"], site["blocks"], site["bytes"], functions, line)

    def fact(self, violation: dict) -> Fact:
        accessor, owner, kind = (
            violation["accessor"] or "code of no compartment",
            violation["owner"] or "no compartment",
            violation["memory"]["kind"],
        )
        fact = Fact(accessor, owner, violation["accessor_key"], violation.get("count", 1))
        fact.opened = violation.get("opened", False)
        if violation["kind"] in ("call", "type"):
            fault = (
                "a pointer that is no call gate"
                if violation["kind"] == "call"
                else "a function of another type"
            )
            fact.reason = f"{accessor} calls {fault} {self.where(violation)}"
            fact.remedy = (
                "the function's address was taken where the rewriter does not see it (assembly, a"
                " table in prebuilt code, a pointer that was copied as bytes)"
            )
            return fact
        fact.reads = violation["kind"] != "block" and violation["access"] == "read"
        thing, fact.single, fact.remedy = self.thing(violation)
        if fact.single and fact.single.table == ("allocations",):
            chain = self.calls(self.frames(violation))
            names = [place.function for place in chain]
            if fact.single.key in names:
                fact.chain = chain[names.index(fact.single.key) :]
        if violation["kind"] == "block":
            fact.reason = (
                f"{accessor} calls {libc_name(violation['function'])} for {thing}, in the heap of"
                f" {owner}, {self.where(violation).rsplit(', by', 1)[0]}"
            )
        else:
            verb = "reads" if fact.reads else "writes"
            fact.reason = f"{accessor} {verb} {thing} of {owner} {self.where(violation)}"
        if fact.reads and fact.accessor_key > 0 and violation["owner_key"] > 0:
            # A block has a line of its own, though it may be unknown here. To open everything
            # instead is for the program only.
            if fact.single or kind != "heap" or fact.accessor_key == 1:
                fact.grant = Line(("compartment", accessor), "reads", owner, True)
            fact.size = violation["memory"].get("size", 0)
            if kind == "stack":
                fact.instead = "; less is a copy by [parameters], or a block instead"
        return fact

    def thing(self, violation: dict) -> tuple[str, Line | None, str]:
        """What an access hits: in words, its own line, and what to do if there is none."""
        kind = violation["memory"]["kind"]
        if kind == "global":
            variable = self.variable(violation)
            if variable:
                return variable[1], Line(("shared",), "variables", variable[0], True), ""
            return "a variable without a name in the symbol table", None, "do not strip its symbol"
        if kind == "heap":
            return self.block(violation)
        if kind == "stack":
            return (
                f"a local variable of {self.frame(violation)}",
                None,
                "let it be a parameter by copy ([parameters]), or allocate it",
            )
        if kind == "thread-local":
            return (
                "a thread-local variable",
                None,
                "share memory that a pointer in it points to",
            )
        what = "memory from mmap" if kind == "mapping" else "the code or constants"
        return what, None, "allocate it, in a function that [allocations] names"

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


def offset(code: dict) -> str:
    """Code that has no name."""
    return f"{os.path.basename(code['object'])}+{code['offset']}"


def statement(place: Place) -> str:
    """The source text of the statement, as far as a reader of lines can tell."""
    try:
        with open(place.file, encoding="utf-8", errors="replace") as stream:
            lines = stream.read().splitlines()
    except OSError:
        return ""
    if not 0 < place.line <= len(lines):
        return ""
    first = place.line - 1
    while first > 0 and not re.search(r"[;{}:]\s*(?:/[/*].*)?$", lines[first - 1]):
        first -= 1
    last = place.line - 1
    while last + 1 < len(lines) and not re.search(r"[;{}]", lines[last]):
        last += 1
    return " ".join(lines[first : last + 1])


def assigned(place: Place, callee: str) -> str | None:
    """What the statement assigns the result of the call to, as [allocations] names it. None if that
    is not clear."""
    found = [
        (name[2] + ("[]" if name[1] or name[3] else ""), name[4])
        for name in ASSIGNED.finditer(statement(place))
    ]
    exact = {name for name, function in found if function == callee}
    names = exact or {name for name, _function in found}
    return names.pop() if len(names) == 1 else None
