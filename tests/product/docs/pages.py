"""Reads the kit's pages: their fenced blocks, their links, their headings."""

import os
import pathlib
import re

TREE = pathlib.Path(__file__).resolve().parents[3]
SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE") or TREE).resolve()


def every() -> list[pathlib.Path]:
    """Every page that a reader sees."""
    return sorted(
        [
            *SOURCE.glob("*.md"),
            *(SOURCE / "docs").rglob("*.md"),
            *(SOURCE / "examples").glob("*/*.md"),
        ]
    )


def page(name: str) -> str:
    return (SOURCE / "docs" / name).read_text()


def blocks(text: str) -> list[tuple[str, str]]:
    """(language, text) of each fenced block, in order."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """The names by which links reach the headings, as web pages of Markdown make them."""
    found: set[str] = set()
    without_code = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    for heading in re.findall(r"^#+ (.*)$", without_code, re.MULTILINE):
        name = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        again = sum(
            one == name or re.fullmatch(rf"{re.escape(name)}-\d+", one) is not None for one in found
        )
        found.add(f"{name}-{again}" if again else name)
    return found


def broken_links(path: pathlib.Path, text: str, tree: pathlib.Path = SOURCE) -> list[str]:
    """FILE: TARGET of each link of the page in `path` that leads nowhere in the tree."""
    found = []
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        place = (path.parent / name).resolve() if name else path
        if not place.exists() or not place.is_relative_to(tree.resolve()):
            found.append(f"{path.name}: {target}")
        elif anchor and anchor not in anchors(place.read_text() if name else text):
            found.append(f"{path.name}: {target}")
    return found
