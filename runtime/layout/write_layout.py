"""write_layout.py ASSEMBLY HEADER: makes ia2_layout.h of what a compiler made of layout.c."""

import os
import pathlib
import re
import sys

HEAD = """\
/* Made from runtime/layout/layout.c by write_layout.py. DO NOT EDIT.
 *
 * For assembly and Python. C has the same names, from the headers that are named below. */
#ifndef IA2_LAYOUT_H
#define IA2_LAYOUT_H
"""
MARKED = re.compile(r'\s*\.ascii\s+"->(.*)"\s*')
LINE = re.compile(r"#define (IA2_\w+) (-?[0-9]+)|/\* [\w/.]+ \*/")


def header(assembly: str) -> str:
    lines: list[str] = []
    names: set[str] = set()
    for line in assembly.splitlines():
        marked = MARKED.fullmatch(line)
        if not marked:
            continue
        text = marked[1]
        found = LINE.fullmatch(text)
        if not found:
            raise ValueError(f"'{text}' is neither a title nor a #define of an integer")
        if found[1] in names:
            raise ValueError(f"{found[1]} is defined twice")
        if found[1]:
            names.add(found[1])
            lines.append(text)
        else:
            lines += ["", text]
    if not names:
        raise ValueError("no string begins with '->'")
    return "\n".join([HEAD.rstrip(), *lines, "", "#endif", ""])


def main() -> int:
    source, target = map(pathlib.Path, sys.argv[1:])
    try:
        text = header(source.read_text(encoding="utf-8"))
    except ValueError as error:
        print(f"{source}: error: {error}; correct runtime/layout/layout.c", file=sys.stderr)
        return 1
    new = target.with_name(target.name + ".new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
