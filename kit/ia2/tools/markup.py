"""HTML and SVG that is well-formed XML as well.

Each string is escaped, unless `element` or `joined` made it: names of files and symbols may hold
anything."""

import collections.abc
import html


class Markup(str):
    """Text that is markup already."""


def visible(text: str) -> str:
    """`text` with each character that would not be seen as \\u{...}: controls of a terminal, marks
    that turn the direction of text, bytes that are no UTF-8."""
    return "".join(
        character if character.isprintable() else f"\\u{{{ord(character):x}}}" for character in text
    )


def escaped(text: str) -> Markup:
    return text if isinstance(text, Markup) else Markup(html.escape(visible(text), quote=True))


def joined(parts: collections.abc.Iterable[str], between: str = "") -> Markup:
    return Markup(escaped(between).join(escaped(part) for part in parts))


def element(name: str, /, *children: str, **attributes: object) -> Markup:
    """<name attributes>children</name>. `class_` is class; "_" in other attributes is "-". None
    leaves an attribute out."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if not children:
        return Markup(f"<{name}{given}/>" if name in VOID else f"<{name}{given}></{name}>")
    return Markup(f"<{name}{given}>{joined(children)}</{name}>")


# Elements without an end tag in HTML, and those of SVG.
VOID = {"meta", "br", "col", "path", "rect", "line", "circle"}
