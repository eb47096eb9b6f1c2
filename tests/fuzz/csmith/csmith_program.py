"""One random program of csmith's, dealt out over the sources of two or three compartments.

csmith writes a program into one file, in sections, with a definition per line or per comment. Here
each function and each global goes to one of the compartments, as the seed says, a function rather
not to its caller's; what was static becomes global, and a header declares all of it. No statement
changes."""

import random
import re
import subprocess
import tempfile
from dataclasses import dataclass

NAMES = ("app", "lib", "third")
# What the seed chooses from: csmith's own defaults, and shapes with more and smaller functions,
# wide structs by value, deep pointers.
SHAPES = (
    (),
    ("--max-funcs", "16", "--max-block-size", "3", "--max-expr-complexity", "5"),
    ("--max-funcs", "20", "--max-block-size", "5", "--max-block-depth", "3"),
    (
        "--max-struct-fields",
        "20",
        "--max-union-fields",
        "8",
        "--max-funcs",
        "14",
        "--max-block-size",
        "3",
    ),
    (
        "--max-pointer-depth",
        "4",
        "--max-array-dim",
        "2",
        "--max-array-len-per-dim",
        "5",
        "--max-funcs",
        "12",
        "--max-block-size",
        "3",
    ),
)
ALWAYS = (
    "--float",
    "--packed-struct",
    "--bitfields",
    "--unions",
    "--volatiles",
    "--longlong",
    "--int8",
    "--uint8",
)
SECTION = re.compile(r"^/\* --- (.+) --- \*/$", re.M)
FUNCTION = re.compile(r"^/\* -{40,} \*/$", re.M)
GLOBAL = re.compile(
    r"static\s+(?P<declarator>.*?\b(?P<name>\w+)(?P<dimensions>(?:\[\d+\])*))(?:\s=\s.*)?;"
)
PROTOTYPE = re.compile(r"static\s+(?P<type>.*?\b(?P<name>func_\w+)\s*\(.*\));")


# With fewer functions there is too little to split. Of csmith's, most are never called.
LEAST_FUNCTIONS = 4
# How likely a function goes elsewhere than the first that calls it.
ELSEWHERE = 0.8


class Unexpected(Exception):
    """csmith wrote something in a form that is not known here."""


@dataclass
class Function:
    name: str
    text: str


@dataclass
class Split:
    """`files`: what to write, by name. `shared`: the globals that the policy shares. `crossing`:
    the different calls that cross while it runs."""

    files: dict[str, str]
    shared: list[str]
    compartments: tuple[str, ...]
    crossing: list[tuple[str, str]]

    def policy(self) -> str:
        tables = [
            f'[compartment.{name}]\npkey = {key}\nsources = ["{name}.c"]\n'
            for key, name in enumerate(self.compartments, 1)
        ]
        names = "".join(f'    "{name}",\n' for name in self.shared)
        return "\n".join([*tables, f"[shared]\nvariables = [\n{names}]\n"])


def csmith(*arguments) -> str:
    """What it prints. (It leaves a file in the current directory.)"""
    with tempfile.TemporaryDirectory() as scratch:
        return subprocess.run(
            ["csmith", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            cwd=scratch,
        ).stdout


def version() -> str:
    return " ".join(csmith("--version").split())


def generate(seed: int) -> str | None:
    """csmith's program for this seed, the same for the same version of csmith; None if it has next
    to no functions."""
    text = csmith("--seed", str(seed), *ALWAYS, *SHAPES[seed % len(SHAPES)])
    return text if len(FUNCTION.findall(text)) > LEAST_FUNCTIONS else None


def sections(text: str) -> dict[str, str]:
    parts = SECTION.split(text)
    found = dict(zip(parts[1::2], parts[2::2]))
    for name in (
        "Struct/Union Declarations",
        "GLOBAL VARIABLES",
        "FORWARD DECLARATIONS",
        "FUNCTIONS",
    ):
        if name not in found:
            raise Unexpected(f"no section {name}")
    return {"includes": parts[0], **found}


def functions(text: str) -> list[Function]:
    found = []
    for part in FUNCTION.split(text)[1:]:
        head = re.search(r"^(?:static\s.*?\b(func_\w+)|int (main)) ?\s*\(", part, re.M)
        if not head:
            raise Unexpected(f"no function in: {part[:200]}")
        found.append(
            Function(
                head.group(1) or head.group(2),
                part[: head.start()] + re.sub(r"^static\s+", "", part[head.start() :]),
            )
        )
    return found


def used(name: str, text: str) -> bool:
    return re.search(rf"\b{name}\b", text) is not None


def must_share(name: str, owner: str, texts: dict[str, str]) -> bool:
    """Whether a compartment other than its owner may come by the variable: by its name, or by its
    address."""
    return any(used(name, text) for other, text in texts.items() if other != owner) or any(
        re.search(rf"&\s*{name}\b", text) for text in texts.values()
    )


def places(
    found: list[Function],
    calls: list[tuple[str, str]],
    names: tuple[str, ...],
    chance: random.Random,
) -> dict[str, str]:
    """The compartment of each function. main computes the checksum with csmith.h's static state, of
    which each source has a copy."""
    owners = {"main": names[0]}
    first_caller = {callee: caller for caller, callee in reversed(calls)}
    called = list(dict.fromkeys(callee for _, callee in calls))
    for name in [*called, *(function.name for function in found)]:
        caller = owners.get(first_caller.get(name, ""))
        away = (
            [other for other in names if other != caller] if chance.random() < ELSEWHERE else names
        )
        owners.setdefault(name, chance.choice(away))
    return owners


def split(text: str, seed: int, calls: list[tuple[str, str]]) -> Split:
    """`calls`: each call (caller, callee) that the program makes, in order."""
    parts, chance = sections(text), random.Random(seed)
    names = NAMES[: chance.choice((2, 3))]
    head, texts = [
        "#include <float.h>",
        "#include <math.h>",
        '#include "csmith.h"',
        parts["Struct/Union Declarations"],
    ], {name: "" for name in names}
    owners = {}
    before = re.sub(r"/\*.*?\*/", "", parts["includes"], flags=re.S)
    for line in [*before.splitlines(), *parts["GLOBAL VARIABLES"].splitlines()]:
        if not line.strip() or line.startswith("#include"):
            continue
        found = GLOBAL.match(line)
        if not found:
            raise Unexpected(line)
        owner = owners[found["name"]] = chance.choice(names)
        head.append(f"extern {found['declarator']};")
        texts[owner] += re.sub(r"^static\s+", "", line) + "\n"
    for line in filter(str.strip, parts["FORWARD DECLARATIONS"].splitlines()):
        found = PROTOTYPE.match(line)
        if not found:
            raise Unexpected(line)
        head.append(f"{found['type']};")
    found = functions(parts["FUNCTIONS"])
    places_of = places(found, calls, names, chance)
    for function in found:
        texts[places_of[function.name]] += function.text
    shared = [name for name, owner in owners.items() if must_share(name, owner, texts)]
    files = {f"{name}.c": f'#include "program.h"\n\n{text}' for name, text in texts.items()}
    crossing = [
        (caller, callee) for caller, callee in calls if places_of[caller] != places_of[callee]
    ]
    return Split(
        {"program.h": "#pragma once\n" + "\n".join(head) + "\n", **files}, shared, names, crossing
    )
