"""The arrows of a source tree, and which of them break a rule of its layers.

A file points at the files whose names it uses. For C these are the global symbols of its object,
and its #include lines; for Python its imports. The rules are those of layers.toml:

- a folder uses only folders below it;
- files form no circle;
- a header declares only what the .c (or .S) file of the same name defines.
"""

import ast
import collections
import dataclasses
import json
import pathlib
import re
import subprocess


@dataclasses.dataclass(frozen=True)
class Arrow:
    """`user` uses `names` of `used`; both are paths relative to the tree."""

    user: str
    used: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.user} -> {self.used}: {', '.join(self.names)}"


def _collect(pairs) -> list[Arrow]:
    """`pairs`: (user, used, name)."""
    found = collections.defaultdict(set)
    for user, used, name in pairs:
        if user != used:
            found[user, used].add(name)
    return [Arrow(*ends, tuple(sorted(names))) for ends, names in sorted(found.items())]


# ---- C ------------------------------------------------------------------------------------------


def _objects(build: pathlib.Path, tree: pathlib.Path) -> dict[pathlib.Path, str]:
    """Object -> its source's path in the tree. Ninja's compile database names both."""
    found = {}
    for command in json.loads((build / "compile_commands.json").read_text()):
        source = (pathlib.Path(command["directory"]) / command["file"]).resolve()
        if source.is_relative_to(tree):
            found[build / command["output"]] = str(source.relative_to(tree))
    return found


def _symbols(objects: list[pathlib.Path]):
    """For each object its defined and its undefined global symbols."""
    listed = subprocess.run(
        ["nm", "-A", "-g", *map(str, objects)], capture_output=True, text=True, check=True
    )
    defined, undefined = collections.defaultdict(set), collections.defaultdict(set)
    for line in listed.stdout.splitlines():
        path, _, rest = line.partition(":")
        kind, name = rest.split()[-2:]
        (undefined if kind in "Uvw" else defined)[pathlib.Path(path)].add(name)
    return defined, undefined


def symbol_arrows(build: pathlib.Path, tree: pathlib.Path) -> list[Arrow]:
    """Arrows by symbols. What an object's own library lacks is looked up in the other ones."""
    sources = _objects(build, tree)
    defined, undefined = _symbols(sorted(sources))
    homes = collections.defaultdict(dict)
    everywhere: dict[str, str] = {}
    for path, names in defined.items():
        for name in names:
            homes[path.parent][name] = sources[path]
            everywhere.setdefault(name, sources[path])
    pairs = []
    for path, names in undefined.items():
        for name in names:
            used = homes[path.parent].get(name) or everywhere.get(name)
            if used:
                pairs.append((sources[path], used, name))
    return _collect(pairs)


def include_arrows(tree: pathlib.Path) -> list[Arrow]:
    """Arrows by #include, of headers and sources, to the header that is found in the tree."""
    files = {
        path: str(path.relative_to(tree))
        for path in sorted(tree.rglob("*"))
        if path.suffix in (".c", ".h", ".S", ".inc")
    }
    pairs = []
    for path, user in files.items():
        for name in re.findall(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(), re.M):
            for root in (path.parent, tree, tree / "include"):
                if (root / name).resolve() in files:
                    pairs.append((user, files[(root / name).resolve()], f'#include "{name}"'))
                    break
    return _collect(pairs)


def _declared(text: str) -> set[str]:
    """Names of the functions and variables that a header declares without defining them."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)
    text = re.sub(r'^\s*extern\s+"C"\s*\{', " ", text, flags=re.M)
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", " ", text, flags=re.M)
    while True:  # bodies of functions and types, from the innermost
        shorter = re.sub(r"\{[^{}]*\}", "@", text)
        if shorter == text:
            break
        text = shorter
    names = set()
    for statement in re.split(r"[;@]", text):
        statement = re.sub(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)", " ", statement)
        if re.search(r"\b(typedef|static)\b", statement):
            continue
        function = re.match(r"\s*[\w\s*]*?\b(\w+)\s*\(", statement)
        variable = re.match(r"\s*extern\b[\w\s*]*?\b(\w+)\s*(?:\[[^\]]*\]\s*)*$", statement)
        if function or variable:
            names.add((function or variable).group(1))
    return names


def foreign_declarations(build: pathlib.Path, tree: pathlib.Path) -> list[Arrow]:
    """Header -> the file of another name that defines what it declares."""
    sources = _objects(build, tree)
    defined, _ = _symbols(sorted(sources))
    homes = collections.defaultdict(set)
    for path, names in defined.items():
        for name in names:
            homes[name].add(sources[path])
    pairs = []
    for path in sorted(tree.rglob("*.h")):
        header = str(path.relative_to(tree))
        for name in _declared(path.read_text()):
            own = {home for home in homes[name] if home.rpartition(".")[0] == header[:-2]}
            if homes[name] and not own:
                pairs.append((header, min(homes[name]), name))
    return _collect(pairs)


# ---- Python -------------------------------------------------------------------------------------


def _imported(node: ast.AST, package: list[str]):
    """Dotted names that an import statement may bring in, absolute, with what it names itself."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name, alias.name
    elif isinstance(node, ast.ImportFrom):
        base = package[: len(package) - node.level + 1] if node.level else []
        start = ".".join([*base, *(node.module.split(".") if node.module else [])])
        for alias in node.names:
            yield start, alias.name
            yield f"{start}.{alias.name}" if start else alias.name, alias.name


def import_arrows(tree: pathlib.Path) -> list[Arrow]:
    """Arrows by import, also inside functions. The tree is a package named as its folder."""
    modules = {}
    for path in sorted(tree.rglob("*.py")):
        parts = [tree.name, *path.relative_to(tree).with_suffix("").parts]
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    pairs = []
    for path in modules.values():
        package = [tree.name, *path.relative_to(tree).parent.parts]
        for node in ast.walk(ast.parse(path.read_text())):
            for name, spelled in _imported(node, package):
                used = modules.get(name)
                if used and used.name != "__init__.py":
                    pairs.append(
                        (str(path.relative_to(tree)), str(used.relative_to(tree)), spelled)
                    )
    return _collect(pairs)


# ---- rules --------------------------------------------------------------------------------------


def folder_of(file: str) -> str:
    return file.split("/")[0] if "/" in file else "."


def climbs(arrows: list[Arrow], layers: list[str]) -> list[Arrow]:
    """Arrows that go up, and those from or to a folder that has no layer."""
    rank = {name: position for position, name in enumerate(layers)}
    found = []
    for arrow in arrows:
        user, used = folder_of(arrow.user), folder_of(arrow.used)
        if user not in rank or used not in rank or rank[used] < rank[user]:
            found.append(arrow)
    return found


def circles(arrows: list[Arrow]) -> list[list[str]]:
    """Groups of files that reach each other (strongly connected, Tarjan)."""
    targets = collections.defaultdict(list)
    for arrow in arrows:
        targets[arrow.user].append(arrow.used)
    index, low, stack, found = {}, {}, [], []

    def visit(file: str) -> None:
        index[file] = low[file] = len(index)
        stack.append(file)
        for used in targets[file]:
            if used not in index:
                visit(used)
                low[file] = min(low[file], low[used])
            elif used in stack:
                low[file] = min(low[file], index[used])
        if low[file] == index[file]:
            group = stack[stack.index(file) :]
            del stack[stack.index(file) :]
            if len(group) > 1:
                found.append(sorted(group))

    for file in list(targets):
        if file not in index:
            visit(file)
    return found


@dataclasses.dataclass
class Findings:
    climbs: list[Arrow]
    circles: list[list[str]]
    foreign: list[Arrow]

    def lines(self, tree: str) -> list[str]:
        found = [f"{tree}/{arrow} (goes up)" for arrow in self.climbs]
        found += [f"{tree}: a circle of files: {', '.join(group)}" for group in self.circles]
        found += [
            f"{tree}/{arrow} (declared by a header of another name)" for arrow in self.foreign
        ]
        return found


def judge(source: pathlib.Path, build: pathlib.Path, name: str, rules: dict) -> Findings:
    """`name`: a tree of layers.toml, with its `rules`."""
    tree = (source / name).resolve()
    if rules["language"] == "python":
        arrows = import_arrows(tree)
        return Findings(climbs(arrows, rules["layers"]), circles(arrows), [])
    used = symbol_arrows(build, tree)
    foreign = [
        arrow
        for arrow in foreign_declarations(build, tree)
        if folder_of(arrow.user) not in rules.get("contracts", [])
    ]
    every = used + include_arrows(tree)
    return Findings(climbs(every, rules["layers"]), circles(used), foreign)
