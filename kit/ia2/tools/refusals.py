"""The tables in docs/refusals.md: each refusal of the rewriter, as the test cases show them, and
each failure of the other stages, as their sources have them. Both are sorted by the text.

`python3 -m ia2.tools.refusals` writes them. tests/product/docs/test_refusals.py says when they are
out of date."""

import ast
import pathlib
import re
from collections.abc import Iterator

from ..base import atomic
from . import limits

MARK = (
    "<!-- Below: made by `python3 -m ia2.tools.refusals` from tests/rewriter/reject and kit/ia2."
    " -->\n"
)
FOLDERS = ("policy", "builds", "elf", "stages")
FILLED_IN = "..."


def rewriter(folder: pathlib.Path) -> list[str]:
    """Sorted by the reason, since what is refused bears the names of the program."""
    rows = {
        (reason, remedy): f"| {reason} | {construct} | {remedy} | reject/{test} |"
        for construct, reason, remedy, test in limits.refusals(folder)
    }
    head = ["| because | refused, for example | remedy | test |", "|---|---|---|---|"]
    return head + [row for _, row in sorted(rows.items(), key=lambda it: it[0][0].lower())]


def shown(node: ast.expr | None) -> str:
    """A message as the user sees it, with `...` for what is filled in; empty if all of it is."""
    if isinstance(node, ast.Constant):
        return str(node.value) if node.value is not None else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(shown(part) or FILLED_IN for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return (shown(node.left) or FILLED_IN) + (shown(node.right) or FILLED_IN)
    if isinstance(node, ast.IfExp):
        return " / ".join(text for text in (shown(node.body), shown(node.orelse)) if text)
    return ""


def failures(path: pathlib.Path) -> Iterator[tuple[str, str]]:
    """(message, remedy) of each `Failure(..)`, and of each `self.fail(..)` that makes one."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        if getattr(node.func, "id", getattr(node.func, "attr", "")) not in ("Failure", "fail"):
            continue
        named = {word.arg: word.value for word in node.keywords}
        remedy = node.args[2] if len(node.args) > 2 else named.get("remedy")
        message = " ".join(shown(node.args[0]).split())
        message = re.sub(r"\.{4,}", FILLED_IN, message)
        if message.replace(FILLED_IN, "").strip(" /'"):
            yield message, re.sub(r"\.{4,}", FILLED_IN, " ".join(shown(remedy).split()))


def stages(kit: pathlib.Path) -> list[str]:
    rows: dict[tuple[str, str], str] = {}
    for folder in FOLDERS:
        for path in sorted((kit / folder).glob("*.py")):
            for message, remedy in failures(path):
                what = f"| {limits.cell(message)} | {limits.cell(remedy) or 'see the message'} |"
                rows[message, remedy] = f"{what} {folder}/{path.stem} |"
    head = ["| message | remedy | module |", "|---|---|---|"]
    return head + [row for _, row in sorted(rows.items(), key=lambda it: it[0][0].lower())]


def text(source: pathlib.Path = limits.SOURCE) -> str:
    """What docs/refusals.md should hold: the part written by hand, then the tables."""
    own = (source / "docs" / "refusals.md").read_text(encoding="utf-8").partition(MARK)[0]
    tables = [
        "## The rewriter",
        "",
        *rewriter(source / "tests" / "rewriter" / "reject"),
        "",
        "## The other stages",
        "",
        *stages(source / "kit" / "ia2"),
        "",
    ]
    return own + MARK + "\n" + "\n".join(tables)


if __name__ == "__main__":
    atomic.write_text(str(limits.SOURCE / "docs" / "refusals.md"), text())
