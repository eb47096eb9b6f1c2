"""Reads the fenced blocks of a page in docs/."""

import os
import pathlib
import re

SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE") or pathlib.Path(__file__).resolve().parents[3])


def page(name: str) -> str:
    return (SOURCE / "docs" / name).read_text()


def blocks(text: str) -> list[tuple[str, str]]:
    """(language, text) of each fenced block, in order."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
