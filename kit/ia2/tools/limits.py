"""The tables in docs/limits.md: what the test cases show to be supported, or to need the policy.

`python3 -m ia2.tools.limits` writes it. tests/rewriter/constructs/test_limits.py says when it is
out of date."""

import json
import pathlib
import re

from ..base import atomic

SOURCE = pathlib.Path(__file__).resolve().parents[3]
MARK = (
    "<!-- Below: made by `python3 -m ia2.tools.limits` from tests/rewriter: constructs and"
    " rewrite. -->\n"
)
POLICY = {
    "reads": "a read grant",
    "plugins": "a plugin",
    "allocations": "[allocations]",
    "parameters": "[parameters]",
    "shared_variables": "[shared]",
    "data": "[shared]",
}


def parts(path: pathlib.Path) -> tuple[str, dict[str, str]]:
    """A case's title, and its sections: head -> body."""
    title, *sections = ("\n" + path.read_text(encoding="utf-8")).split("\n>>> ")
    split = (section.partition("\n") for section in sections)
    return " ".join(title.split()).rstrip("."), {head.strip(): body for head, _, body in split}


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def programs(folder: pathlib.Path) -> list[str]:
    rows = ["| construct | status | test |", "|---|---|---|"]
    for path in sorted(folder.glob("*.case")):
        title, sections = parts(path)
        needs = [f"`{head}`" for head in sections if head.startswith(("reads ", "entries "))]
        table = ""
        for line in sections.get("policy", "").splitlines():
            table = line if line.startswith("[") else table
            needs += [f"`{table} {line}`"] if line.strip() and not line.startswith("[") else []
        if "dies" in sections:
            status = "ends the program, which says: " + cell(sections["dies"])
        else:
            status = "needs a policy line: " + ", ".join(needs) if needs else "supported"
            ends = sum(head.startswith(("dies ", "faults ")) for head in sections)
            status += f"; {ends} misuses end the program" if ends else ""
        rows.append(f"| {cell(title)} | {status} | constructs/{path.stem} |")
    return rows


def rewritten(folder: pathlib.Path) -> list[str]:
    rows = ["| construct | status | test |", "|---|---|---|"]
    for path in sorted(folder.glob("*.case")):
        title, sections = parts(path)
        policy = json.loads(sections.get("policy", "{}") or "{}")
        needs = sorted({words for key, words in POLICY.items() if policy.get(key)})
        status = "uses the policy: " + ", ".join(needs) if needs else "supported"
        status = (
            "stops the compiler, which says the remedy"
            if any(head.startswith("stopped ") for head in sections)
            else status
        )
        rows.append(f"| {cell(title)} | {status} | rewrite/{path.stem} |")
    return rows


def refusals(folder: pathlib.Path) -> list[tuple[str, str, str, str]]:
    """(construct, reason, remedy, test) of each refusal that the cases show, once."""
    found: dict[tuple[str, str], tuple[str, str, str, str]] = {}
    for path in sorted(folder.glob("*.case")):
        _, sections = parts(path)
        for construct, reason, remedy in re.findall(
            r"^\S+: error: (.*?): (.*)\n  remedy: (.*)$", sections.get("refused", ""), re.M
        ):
            found.setdefault(
                (reason, remedy), (cell(construct), cell(reason), cell(remedy), path.stem)
            )
    return list(found.values())


def text(source: pathlib.Path = SOURCE) -> str:
    """What docs/limits.md should hold: the part written by hand, then the tables."""
    own = (source / "docs" / "limits.md").read_text(encoding="utf-8").partition(MARK)[0]
    tests = source / "tests" / "rewriter"
    tables = [
        "## Programs that run the same in compartments",
        "",
        *programs(tests / "constructs"),
        "",
        "## What the rewriter does with sources",
        "",
        *rewritten(tests / "rewrite"),
        "",
    ]
    return own + MARK + "\n" + "\n".join(tables)


if __name__ == "__main__":
    atomic.write_text(str(SOURCE / "docs" / "limits.md"), text())
