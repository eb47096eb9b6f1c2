"""Adds entries to the text of a compartments.toml, and keeps its comments and order.

The new text is parsed and compared with what was meant. A way of writing TOML that this module does
not know is refused, never guessed at."""

import json
import re
import tomllib

from ..base.failure import Failure


def value(data: object) -> str:
    """A string, or a list of strings, in TOML."""
    return json.dumps(data, ensure_ascii=False)


def key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def _table(lines: list[str], path: tuple[str, ...]) -> tuple[int, int] | None:
    """(first line after the header, line after the last) of the table."""
    wanted = re.compile(
        r"\s*\[\s*" + r"\s*\.\s*".join(re.escape(part) for part in path) + r"\s*\]\s*(#.*)?"
    )
    start = next((number for number, line in enumerate(lines) if wanted.fullmatch(line)), None)
    if start is None:
        return None
    end = next(
        (
            number
            for number in range(start + 1, len(lines))
            if re.match(r"\s*\[[^]\[\"']*\]\s*(#.*)?$", lines[number])
        ),
        len(lines),
    )
    while end > start + 1 and (
        not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")
    ):
        end -= 1
    return start + 1, end


def _entry(lines: list[str], start: int, end: int, name: str) -> tuple[int, int] | None:
    """The lines of the entry `name`, which may be a list over several lines."""
    begins = re.compile(rf"\s*(?:{re.escape(name)}|{re.escape(json.dumps(name))})\s*=")
    for number in range(start, end):
        if begins.match(lines[number]):
            last = number
            while last < end:
                try:
                    tomllib.loads("\n".join(lines[number : last + 1]))
                    return number, last + 1
                except tomllib.TOMLDecodeError:
                    last += 1
    return None


def edited(text: str, additions: dict[tuple[str, ...], dict], path: str) -> str:
    """`additions`: table -> {key: string, or list of strings to add to what is there}. Failure if
    the text cannot be edited so."""
    expected = tomllib.loads(text)
    lines = text.splitlines()
    for table, entries in additions.items():
        place = expected
        for part in table:
            place = place.setdefault(part, {})
        for name, new in entries.items():
            whole = (
                [*place.get(name, []), *(item for item in new if item not in place.get(name, []))]
                if isinstance(new, list)
                else new
            )
            place[name] = whole
            line = f"{key(name)} = {value(whole)}"
            found = _table(lines, table)
            if found is None:
                lines += [
                    *([""] if lines and lines[-1].strip() else []),
                    f"[{'.'.join(key(part) for part in table)}]",
                    line,
                ]
                continue
            old = _entry(lines, *found, name)
            begin, end = old or (found[1], found[1])
            lines[begin:end] = [line]
    result = "\n".join(lines) + "\n"
    try:
        agrees = tomllib.loads(result) == expected
    except tomllib.TOMLDecodeError:
        agrees = False
    if not agrees:
        raise Failure(
            "is written in a way that cannot be edited here", path, "add the lines by hand"
        )
    return result
