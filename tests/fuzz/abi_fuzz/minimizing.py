"""From a signature that goes wrong to the simplest one that still does, in one C file."""

import shutil
from dataclasses import replace

from tests.fuzz.abi_fuzz import c_types, disagreements, program
from tests.fuzz.abi_fuzz.c_types import DOUBLE, FLOAT, INT, LONG, Record
from tests.fuzz.abi_fuzz.projects import Configuration, Project, Refused
from tests.fuzz.abi_fuzz.signatures import (
    CALLBACK,
    DIRECT,
    OLD_STYLE,
    UNPROTOTYPED_CALLBACK,
    VA_LIST,
    VARIADIC_CALLBACK,
    WITH_LIST,
    Signature,
    is_promoted,
    without,
)

ATTEMPTS = 300


def simpler_field(field):
    if field.bits is not None:
        yield replace(field, bits=None, name=field.name or "m")
        return
    if field.count is not None:
        yield replace(field, count=None)
        yield replace(field, count=max(1, field.count // 2))
    if field.aligned:
        yield replace(field, aligned=0)
    for it in simpler_type(field.type):
        yield replace(field, type=it)


def simpler_type(it):
    """Types with less in them, simplest first."""
    if isinstance(it, Record):
        yield from (INT, LONG, DOUBLE)
        for field in it.fields:
            if field.bits is None and field.count is None:
                yield field.type
        for n in range(len(it.fields)):
            smaller = c_types.rebuilt(it, it.fields[:n] + it.fields[n + 1 :])
            if smaller.size:
                yield smaller
        if it.packed or it.aligned:
            yield c_types.record(it.name, it.fields)
        for n, field in enumerate(it.fields):
            for other in simpler_field(field):
                yield c_types.rebuilt(it, it.fields[:n] + (other,) + it.fields[n + 1 :])
    elif it not in (INT, LONG, DOUBLE, FLOAT) and not it.name.startswith("struct tag"):
        yield from (INT, LONG, DOUBLE)


def complexity(it: Signature) -> tuple:
    types = c_types.closure(it.types())
    return (
        len(it.parameters),
        it.mode != DIRECT,
        sum(len(getattr(kind, "fields", ())) for kind in types),
        len(types),
        sum(kind.size for kind in it.types()),
    )


def simpler(it: Signature):
    """Signatures with less in them."""
    if it.mode in WITH_LIST:
        tagged = it.mode != VA_LIST
        yield replace(it, mode=DIRECT, fixed=len(it.parameters))
    else:
        tagged = False
    if it.mode not in (DIRECT, *WITH_LIST):
        yield replace(it, mode=DIRECT)
    if it.mode not in (DIRECT, CALLBACK) and it.mode not in WITH_LIST:
        yield replace(it, mode=CALLBACK)
    count = len(it.parameters)
    for half in (range(count // 2, count), range(1 if tagged else 0, count // 2)):
        if len(half) > 1:
            kept = tuple(parameter for n, parameter in enumerate(it.parameters) if n not in half)
            yield replace(
                it, parameters=kept, fixed=sum(n < it.fixed for n in range(count) if n not in half)
            )
    for n in range(1 if tagged else 0, count):
        yield without(it, n)
    if it.result and it.mode != UNPROTOTYPED_CALLBACK:
        yield replace(it, result=None)
        for other in simpler_type(it.result):
            yield replace(it, result=other)
    for n, parameter in enumerate(it.parameters):
        for other in simpler_type(parameter):
            yield replace(it, parameters=it.parameters[:n] + (other,) + it.parameters[n + 1 :])


def is_valid(it: Signature) -> bool:
    if it.mode in WITH_LIST:
        return (it.fixed >= 1 or it.mode == VA_LIST) and all(
            map(is_promoted, it.parameters[max(it.fixed - 1, 0) :])
        )
    return it.fixed == len(it.parameters)


class Minimizer:
    """`like`: a project for trials, in a folder of its own. What is found so far is in `signature`,
    `others` (signatures it needs beside it, which have its function type), `configuration` and
    `text` (what was seen)."""

    def __init__(self, like: Project, signature: Signature):
        self.like, self.configuration, self.signature = like, like.configuration, signature
        self.others: list[Signature] = []
        self.text, self.attempts = "", 0

    def seen(self, signature: Signature, others: list, configuration: Configuration) -> str:
        """What goes wrong with it; empty if nothing does, or not only in the split program."""
        self.attempts += 1
        shutil.rmtree(self.like.root, ignore_errors=True)
        project = Project(self.like.root, configuration, self.like.kit_build, self.like.runner)
        project.write_single(program.single_file([signature, *others], "trial"))
        try:
            project.build()
        except Refused as refused:
            return f"refused: {refused}"
        except RuntimeError:
            return ""
        if project.run(True).wrong:
            return ""
        return project.run(False).wrong.get(signature.number, "")

    def accept(
        self,
        signature: Signature | None = None,
        others: list | None = None,
        configuration: Configuration | None = None,
    ) -> bool:
        """Takes it if it still goes wrong in the same way."""
        trial = (
            signature or self.signature,
            self.others if others is None else others,
            configuration or self.configuration,
        )
        if self.attempts >= ATTEMPTS:
            return False
        text = self.seen(*trial)
        if not text or (
            self.text and text.startswith("refused") != self.text.startswith("refused")
        ):
            return False
        self.signature, self.others, self.configuration = trial
        self.text = text
        return True

    def simplify(self) -> bool:
        """One step; False if there is none."""
        for trial in simpler(self.signature):
            if (
                is_valid(trial)
                and complexity(trial) < complexity(self.signature)
                and not disagreements.reason(trial, self.configuration.compilers)
                and self.accept(trial)
            ):
                return True
        return False

    def minimize(self, siblings: list) -> bool:
        """`siblings`: signatures that may be needed for it to go wrong. False if it does not even
        with them."""
        if not self.accept() and not (siblings and self.accept(others=siblings)):
            return False
        for other in list(self.others):
            self.accept(others=[it for it in self.others if it is not other])
        for wanted in (
            replace(self.configuration, flags="-O0"),
            replace(self.configuration, flags="-O0", widest=16),
            Configuration(("gcc", "gcc"), "-O0", 16),
        ):
            if wanted != self.configuration:
                self.accept(configuration=wanted)
        while self.simplify():
            pass
        return True


def siblings(signature: Signature, among: list) -> list:
    """Those whose functions may have its type, so that each has a gate for its list of
    arguments."""
    if signature.mode not in (VARIADIC_CALLBACK, UNPROTOTYPED_CALLBACK):
        return []
    return [it for it in among if it.mode == signature.mode and it.number != signature.number]


def report(it: Minimizer) -> str:
    """The C file that shows it, to be read and to be replayed."""
    signature = it.signature
    sides = {1: ("app", "lib"), 2: ("lib", "app")}[signature.caller]
    old = ", declared without prototype" if signature.mode in OLD_STYLE else ""
    beside = "".join(f"\n   beside it: {other.text()}" for other in it.others)
    comment = f"""A call through a gate goes wrong which made plainly goes right.

   {signature.mode} call of {signature.text()}{old}, from {sides[0]} to {sides[1]}{beside}
   seen: {it.text.strip()}
   {it.configuration.text()}

   Both sides are here: -DPART=1 is app, with main, -DPART=2 is lib. To see it again: scripts/fuzz_abi --replay FILE
   {replay_line(it.configuration)}
"""  # noqa: E501
    return program.single_file([signature, *it.others], comment)


def replay_line(configuration: Configuration) -> str:
    first, second = configuration.compilers
    return f"replay: {first} {second} {configuration.flags} {configuration.widest}"
