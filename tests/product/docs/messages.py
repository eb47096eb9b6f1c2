"""Finds every message that a running program, or the PKU VM, may print: its format as written in
the source, with the place."""

import ast
import dataclasses
import pathlib
import re
from collections.abc import Iterator

from tests.product.docs import pages

RUNTIME = pages.SOURCE / "runtime"
# Function -> what its lines begin with.
SAYING = {"ia2_die": "ia2: ", "ia2_say": "ia2: ", "ia2_exit_event": "IA2_EXIT: "}
CONVERSION = re.compile(r"%[-#0 ]*\d*(?:\.\d+)?[lz]*[sdcuxp]")
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclasses.dataclass(frozen=True)
class Message:
    place: str  # file:line
    text: str  # each value that is filled in is a "*"


def _first_argument(text: str) -> str:
    """Up to the comma or parenthesis that ends it, without comments."""
    depth, at = 0, 0
    while at < len(text):
        if text[at] == '"':
            at = STRING.match(text, at).end()
            continue
        if text[at] in "([{":
            depth += 1
        elif text[at] in ")]}":
            if not depth:
                break
            depth -= 1
        elif text[at] == "," and not depth:
            break
        at += 1
    return text[:at]


def _branches(argument: str) -> list[str]:
    """Of `a ? b : c`, b and c; of anything else, all of it."""
    parts, at, start = [], 0, 0
    while at < len(argument):
        if argument[at] == '"':
            at = STRING.match(argument, at).end()
            continue
        if argument[at] in "?:":
            if argument[at] == ":":
                parts.append(argument[start:at])
            start = at + 1
        at += 1
    return [*parts, argument[start:]]


def _literals(argument: str) -> Iterator[str]:
    """The strings that the argument may be. What the preprocessor puts in is a "*"."""
    for branch in _branches(argument):
        joined, found = "", False
        for token in re.finditer(rf"{STRING.pattern}|#?\w+", branch):
            if token[0].startswith('"'):
                found = True
                joined += token[1].replace('\\"', '"').replace("\\n", "\n").replace("%%", "%")
            else:
                joined += "*"
        if found:
            yield joined


def _of_c(path: pathlib.Path, text: str) -> Iterator[Message]:
    code = re.sub(r"/\*.*?\*/", lambda note: re.sub(r"[^\n]", " ", note[0]), text, flags=re.DOTALL)
    for call in re.finditer(rf"\b({'|'.join(SAYING)})\(", code):
        place = f"{path}:{code.count(chr(10), 0, call.start()) + 1}"
        for literal in _literals(_first_argument(code[call.end() :])):
            yield Message(place, SAYING[call[1]] + CONVERSION.sub("*", literal))


def _of_assembly(path: pathlib.Path, text: str) -> Iterator[Message]:
    """`ia2_die LABEL, "TEXT", "REST"` of the gates, and `refusal LABEL, "TEXT"` of the runtime."""
    code = re.sub(r"\\\n", "  ", text)
    for line in re.finditer(r"^ *(ia2_die|refusal) \w+, (.*)$", code, re.MULTILINE):
        speaker = "compartment *" if line[1] == "ia2_die" else "the runtime"
        yield Message(f"{path}: {line[1]}", f"ia2: {speaker}: " + "".join(STRING.findall(line[2])))


def of_runtime(folder: pathlib.Path = RUNTIME) -> list[Message]:
    found: list[Message] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder.parent)
        if path.suffix in (".c", ".h", ".inc"):
            found += _of_c(name, path.read_text())
        elif path.suffix == ".S":
            found += _of_assembly(name, path.read_text())
    return found


def of_vm(path: pathlib.Path = pages.SOURCE / "kit/ia2/vm/vm.py") -> list[Message]:
    """What run-in-vm says of a command that did not come to its end: the text of each VmError, of
    each complaint, and of what is left when QEMU is gone."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        texts: list[ast.AST] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            if getattr(node.func, "id", "") == "VmError" or (
                isinstance(node.func, ast.Attribute) and _is_complaints(node.func.value)
            ):
                texts = node.args[:1]
        elif isinstance(node, ast.ListComp) and _is_complaints(node.generators[0].iter):
            texts = [node.elt]
        elif isinstance(node, ast.FunctionDef) and node.name == "_post_mortem":
            returned = [one for one in ast.walk(node) if isinstance(one, ast.Return)]
            texts = [one.value.left for one in returned if isinstance(one.value, ast.BinOp)]
        for text in texts:
            line = _formatted(text).partition("\n")[0]
            if line.strip("*"):
                found.append(Message(f"{path.name}:{text.lineno}", line))
    return found


def _is_complaints(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "complaints"


def _formatted(node: ast.AST) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_formatted(part) for part in node.values)
    return "*"
