"""Reads compartments.toml, the one file that says how a program is split.

    [compartment.NAME]         one table for each compartment; NAME is a C identifier
    pkey = 1                   protection key, 1..12, none skipped; key 1 defines main()
    sources = ["src/**"]       globs on the path of a source, relative to the top of the source
                               tree: `*` and `?` stay within one folder, `**` does not. The path of
                               a generated source in the build directory counts too. A glob that
                               begins with `!` excludes what others of the list match. Each source
                               of the program is in exactly one compartment.
    reads = ["OTHER"]          optional: compartments whose memory this one may read, never write
    plugin = "filters/x.so"    optional: the compartment is this shared library of the build, by its
                               path in the build directory, and comes with dlopen
    entries = ["NAME"]         with `plugin` only, and then required: the functions and constants
                               that dlsym finds in it
    guests = false             optional, else true: the compartment may not load libraries that are
                               no compartment of the policy, except those in the system's folders
    system_calls = "none"      optional: what the compartment may have the kernel do: "none", "all",
                               or a list of the words in system_calls.py. If one compartment says
                               so, the system calls of all are contained; others may do "all"

    [allocations]              optional: where the blocks are that a function allocates
    FUNCTION = "shared"        "shared" or the name of a compartment
    "FUNCTION.VARIABLE" = ...  only what the function assigns to this variable or member
    "FUNCTION.VARIABLE[]" = .. only what it assigns to elements of this variable or member

    [shared]                   optional
    variables = ["NAME"]       global variables that every compartment may use

    [parameters]               optional: parameters of calls through a pointer that go by copy
    "STRUCT.MEMBER" = { PARAMETER = "in" }        "in", "out" or "inout"

Anything else in the file is an error that names the line.
"""

import dataclasses
import difflib
import os
import re
import tomllib
import typing

from ..base.failure import Failure
from . import system_calls

FIRST_KEY, LAST_KEY = 1, 12
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
KEY_PART = r"""(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)"""
TABLES = {"compartment", "allocations", "shared", "parameters"}
COMPARTMENT_KEYS = {"pkey", "sources", "reads", "plugin", "entries", "guests", "system_calls"}
Direction = typing.Literal["in", "out", "inout"]
DIRECTIONS: tuple[Direction, ...] = typing.get_args(Direction)


@dataclasses.dataclass
class Compartment:
    name: str
    pkey: int
    sources: list[str]
    reads: list[str]
    line: int
    plugin: str | None = None
    entries: list[str] = dataclasses.field(default_factory=list)
    guests: bool = True
    system_calls: int = system_calls.ALL


@dataclasses.dataclass
class Policy:
    """A valid policy. `compartments` is in key order, so element i has key i + 1."""

    path: str
    compartments: list[Compartment]
    allocations: dict[str, int]
    shared_variables: list[str]
    parameters: dict[str, dict[str, Direction]]
    lines: dict[str, int]

    def where(self, dotted: str) -> str:
        """ "file:line" of an entry such as "compartment.cli.reads"."""
        return _where(self.path, self.lines, dotted)


def load(path: str) -> Policy:
    """The policy in `path`; Failure with file:line if it is missing, malformed or inconsistent."""
    try:
        with open(path, "rb") as stream:
            text = stream.read().decode("utf-8")
    except FileNotFoundError:
        raise Failure(
            "no such policy file", path, "write one: see docs/policy.md and examples/"
        ) from None
    except IsADirectoryError:
        raise Failure(
            "the policy is a directory", path, "name the compartments.toml in it"
        ) from None
    except OSError as error:
        raise Failure(f"cannot read the policy: {error.strerror}", path) from None
    except UnicodeDecodeError:
        raise Failure("the policy is not UTF-8 text", path) from None
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = re.search(r"at line (\d+)", str(error))
        line = match.group(1) if match else str(text.count("\n") + 1)
        raise Failure(f"not valid TOML: {error}", f"{path}:{line}") from None
    return _Reader(os.path.abspath(path), path, tree, entry_lines(text)).policy()


def entry_lines(text: str) -> dict[str, int]:
    """The line of each table header and key, by dotted name. tomllib does not tell."""
    lines: dict[str, int] = {}
    table: tuple[str, ...] = ()
    depth, multiline = 0, None
    for number, line in enumerate(text.splitlines(), 1):
        if multiline:
            if multiline in line:
                multiline = None
            continue
        stripped = line.strip()
        if depth == 0:
            header = re.match(r"\[\[?\s*([^\]]+?)\s*\]\]?", stripped)
            key = re.match(
                rf"({KEY_PART}(?:\s*\.\s*{KEY_PART})*)\s*=",
                stripped,
            )
            if header and stripped.startswith("["):
                table = _key_parts(header.group(1))
                lines.setdefault(".".join(table), number)
                continue
            if key:
                lines.setdefault(".".join(table + _key_parts(key.group(1))), number)
                stripped = stripped[key.end() :]
        for quote in ('"""', "'''"):
            if stripped.count(quote) % 2:
                multiline = quote
        bare = re.sub(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|#.*', "", stripped)
        depth = max(
            0, depth + bare.count("[") + bare.count("{") - bare.count("]") - bare.count("}")
        )
    return lines


def _key_parts(dotted: str) -> tuple[str, ...]:
    return tuple(
        part.strip("\"'") for part in re.findall(r'"[^"]*"|\'[^\']*\'|[A-Za-z0-9_-]+', dotted)
    )


def _where(path: str, lines: dict[str, int], dotted: str) -> str:
    while dotted:
        if dotted in lines:
            return f"{path}:{lines[dotted]}"
        dotted = dotted.rpartition(".")[0]
    return path


class _Reader:
    def __init__(self, absolute: str, shown: str, tree: dict, lines: dict[str, int]):
        self.absolute, self.shown, self.tree, self.lines = absolute, shown, tree, lines

    def fail(self, message: str, dotted: str, remedy: str | None = None) -> Failure:
        return Failure(message, _where(self.shown, self.lines, dotted), remedy)

    def known(self, given: dict[str, object], allowed: set[str], prefix: str, noun: str) -> None:
        for key in given:
            if key not in allowed:
                raise self.fail(f"unknown {noun} '{key}'", f"{prefix}{key}", _nearest(key, allowed))

    def table(self, value: object, dotted: str) -> dict:
        if not isinstance(value, dict):
            raise self.fail(
                f"'{dotted}' must be a table, not {_kind(value)}", dotted, f"write [{dotted}]"
            )
        return value

    def strings(self, value: object, dotted: str) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.fail(
                f"'{dotted}' must be a list of strings",
                dotted,
                f'for example {dotted.rpartition(".")[2]} = ["a"]',
            )
        duplicates = {item for item in value if value.count(item) > 1}
        if duplicates:
            raise self.fail(
                f"'{sorted(duplicates)[0]}' is given twice in '{dotted}'", dotted, "remove one"
            )
        return value

    def policy(self) -> Policy:
        self.known(self.tree, TABLES, "", "table or key")
        compartments = self.compartments()
        keys = {compartment.name: compartment.pkey for compartment in compartments}
        return Policy(
            self.absolute,
            compartments,
            self.allocations(keys),
            self.shared(),
            self.parameters(),
            self.lines,
        )

    def compartments(self) -> list[Compartment]:
        tables = self.table(self.tree.get("compartment", {}), "compartment")
        if not tables:
            raise self.fail(
                "no compartment is defined",
                "",
                "add [compartment.NAME] with pkey = 1 for the one that defines main()",
            )
        found: dict[int, Compartment] = {}
        for name, value in tables.items():
            compartment = self.compartment(name, value)
            if compartment.pkey in found:
                raise self.fail(
                    (
                        f"compartments '{found[compartment.pkey].name}' and '{name}' both have pkey"
                        f" {compartment.pkey}"
                    ),
                    f"compartment.{name}.pkey",
                    "give each compartment its own key",
                )
            found[compartment.pkey] = compartment
        ordered = [found[key] for key in sorted(found)]
        for expected, compartment in enumerate(ordered, FIRST_KEY):
            if compartment.pkey != expected:
                lead = (
                    "no compartment has pkey 1, the one that defines main()"
                    if expected == 1
                    else f"pkey {expected} is skipped"
                )
                raise self.fail(
                    lead,
                    f"compartment.{compartment.name}.pkey",
                    "keys are 1, 2, 3 ... without a gap",
                )
        files: dict[str, str] = {}
        for compartment in ordered:
            file = os.path.basename(compartment.plugin) if compartment.plugin else None
            if file and file in files:
                raise self.fail(
                    (
                        f"the plugins '{files[file]}' and '{compartment.name}' both have the file"
                        f" name '{file}'"
                    ),
                    f"compartment.{compartment.name}.plugin",
                    "dlopen goes by the file name: rename one of the libraries",
                )
            if file:
                files[file] = compartment.name
            for other in compartment.reads:
                dotted = f"compartment.{compartment.name}.reads"
                if other not in tables:
                    raise self.fail(
                        f"'reads' names the unknown compartment '{other}'",
                        dotted,
                        _nearest(other, set(tables)),
                    )
                if other == compartment.name:
                    raise self.fail(f"'{other}' reads itself anyway", dotted, "remove it")
        return ordered

    def compartment(self, name: str, value: object) -> Compartment:
        dotted = f"compartment.{name}"
        table = self.table(value, dotted)
        if not IDENTIFIER.match(name) or name == "shared":
            raise self.fail(
                f"'{name}' cannot name a compartment",
                dotted,
                "use a C identifier other than 'shared'",
            )
        self.known(table, COMPARTMENT_KEYS, dotted + ".", "key")
        if "pkey" not in table:
            raise self.fail(f"compartment '{name}' has no pkey", dotted, "add pkey = N")
        pkey = table["pkey"]
        if not isinstance(pkey, int) or isinstance(pkey, bool):
            raise self.fail(f"'pkey' must be an integer, not {_kind(pkey)}", f"{dotted}.pkey")
        if not FIRST_KEY <= pkey <= LAST_KEY:
            raise self.fail(
                f"pkey {pkey} is out of range",
                f"{dotted}.pkey",
                f"keys are {FIRST_KEY}..{LAST_KEY}; key 0 is what all compartments share",
            )
        if "sources" not in table:
            raise self.fail(
                f"compartment '{name}' has no sources", dotted, 'add sources = ["FOLDER/**"]'
            )
        sources = self.strings(table["sources"], f"{dotted}.sources")
        if all(glob.startswith("!") for glob in sources):
            raise self.fail(
                f"compartment '{name}' has no sources",
                f"{dotted}.sources",
                (
                    "list at least one glob that does not begin with '!'"
                    if sources
                    else "list at least one glob"
                ),
            )
        plugin, entries = self.plugin(table, dotted, name, pkey)
        guests = table.get("guests", True)
        if not isinstance(guests, bool):
            raise self.fail(
                f"'guests' must be true or false, not {_kind(guests)}", f"{dotted}.guests"
            )
        return Compartment(
            name,
            pkey,
            sources,
            self.strings(table.get("reads", []), f"{dotted}.reads"),
            self.lines.get(dotted, 0),
            plugin,
            entries,
            guests,
            self.calls(table, dotted),
        )

    def calls(self, table: dict, dotted: str) -> int:
        """The mask of what the compartment may have the kernel do."""
        said = table.get("system_calls")
        if said is not None and not isinstance(said, str):
            said = self.strings(said, f"{dotted}.system_calls")
        try:
            return system_calls.mask(said)
        except system_calls.UnknownWord as word:
            words = ", ".join(f'"{known}"' for known in system_calls.WORDS)
            raise self.fail(
                f"'system_calls' has the unknown word '{word}'",
                f"{dotted}.system_calls",
                f'say "none", "all", or a list of {words}',
            ) from None

    def plugin(
        self, table: dict, dotted: str, name: str, pkey: int
    ) -> tuple[str | None, list[str]]:
        """The compartment's shared library, if it comes with dlopen, and what dlsym finds in it."""
        plugin = table.get("plugin")
        if plugin is None:
            if "entries" in table:
                raise self.fail(
                    f"compartment '{name}' has entries but is no plugin",
                    f"{dotted}.entries",
                    'add plugin = "PATH" with its shared library, or remove the entries',
                )
            return None, []
        if not isinstance(plugin, str):
            raise self.fail(
                f"'plugin' must be a string, not {_kind(plugin)}",
                f"{dotted}.plugin",
                'for example plugin = "filters/blur.so"',
            )
        if (
            not plugin
            or os.path.isabs(plugin)
            or os.path.normpath(plugin) != plugin
            or plugin.startswith("..")
            or '"' in plugin
            or "\\" in plugin
        ):
            raise self.fail(
                f"'{plugin}' is not the path of a file in the build directory",
                f"{dotted}.plugin",
                'for example plugin = "filters/blur.so"',
            )
        if pkey == FIRST_KEY:
            raise self.fail(
                f"compartment '{name}' with pkey 1 defines main() and cannot be a plugin",
                f"{dotted}.plugin",
                "give it another key",
            )
        if "entries" not in table:
            raise self.fail(
                f"plugin '{name}' has no entries",
                f"{dotted}.plugin",
                'add entries = ["NAME"]: what the program looks up with dlsym',
            )
        entries = self.strings(table["entries"], f"{dotted}.entries")
        if not entries:
            raise self.fail(
                f"plugin '{name}' has no entries",
                f"{dotted}.entries",
                "list what the program looks up with dlsym",
            )
        for entry in entries:
            if not IDENTIFIER.match(entry):
                raise self.fail(
                    f"'{entry}' is not the name of a C function or variable", f"{dotted}.entries"
                )
        return plugin, entries

    def allocations(self, keys: dict[str, int]) -> dict[str, int]:
        targets = {"shared": 0, **keys}
        result = {}
        for function, target in self.table(self.tree.get("allocations", {}), "allocations").items():
            dotted = f"allocations.{function}"
            if isinstance(target, dict):
                raise self.fail(
                    f"'{function}' must be one quoted key",
                    f"{dotted}.{next(iter(target), '')}",
                    f'write "{function}.VARIABLE" = "shared"',
                )
            name, dot, variable = function.partition(".")
            if not IDENTIFIER.match(name) or (
                dot and not IDENTIFIER.match(variable.removesuffix("[]"))
            ):
                raise self.fail(
                    f"'{function}' is not the name of a C function, or FUNCTION.VARIABLE", dotted
                )
            if not isinstance(target, str):
                raise self.fail(
                    f"'{dotted}' must be a string, not {_kind(target)}",
                    dotted,
                    '"shared" or the name of a compartment',
                )
            if target not in targets:
                raise self.fail(
                    f"unknown compartment '{target}'", dotted, _nearest(target, set(targets))
                )
            result[function] = targets[target]
        return result

    def shared(self) -> list[str]:
        table = self.table(self.tree.get("shared", {}), "shared")
        self.known(table, {"variables"}, "shared.", "key")
        variables = self.strings(table.get("variables", []), "shared.variables")
        for name in variables:
            if not IDENTIFIER.match(name):
                raise self.fail(f"'{name}' is not the name of a C variable", "shared.variables")
        return variables

    def parameters(self) -> dict[str, dict[str, Direction]]:
        result: dict[str, dict[str, Direction]] = {}
        for callee, value in self.table(self.tree.get("parameters", {}), "parameters").items():
            dotted = f"parameters.{callee}"
            if isinstance(value, dict) and any(isinstance(item, dict) for item in value.values()):
                raise self.fail(
                    f"'{callee}' must be one quoted key",
                    f"{dotted}.{next(iter(value))}",
                    f'write "{callee}.MEMBER" = {{ PARAMETER = "in" }}',
                )
            if not isinstance(value, dict) or not value:
                raise self.fail(
                    f"'{callee}' must map parameters to directions",
                    dotted,
                    f'"{callee}" = {{ PARAMETER = "in" }}',
                )
            for parameter, direction in value.items():
                if not isinstance(direction, str) or direction not in DIRECTIONS:
                    raise self.fail(
                        f"parameter '{parameter}' has the unknown direction {direction!r}",
                        dotted,
                        'use "in", "out" or "inout"',
                    )
            result[callee] = dict(value)
        return result


def _nearest(name: str, allowed: set[str]) -> str:
    close = difflib.get_close_matches(name, allowed, n=1, cutoff=0.5)
    if close:
        return f"did you mean '{close[0]}'?"
    return "known: " + ", ".join(sorted(allowed))


def _kind(value: object) -> str:
    names = {
        bool: "a boolean",
        int: "an integer",
        float: "a number",
        str: "a string",
        list: "a list",
        dict: "a table",
    }
    return names.get(type(value), "a date")
