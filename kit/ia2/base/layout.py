"""The numbers that the runtime's C decides and Python needs, such as note types and offsets.

The kit's build makes them of the C (runtime/layout/layout.c). `layout.IA2_PT_TLS` is the value of
that name in the header of this process's kit: $IA2_BUILD, or build/ beside the engine, unless
`use` names another build directory.
"""

import os
import re

from .failure import Failure

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
DEFINE = re.compile(r"#define (IA2_\w+) (-?[0-9]+)")
_numbers: dict[str, int] = {}
_build_dir: str | None = None  # of the kit that this process works with


def header_of(build_dir: str) -> str:
    return os.path.join(build_dir, "runtime", "layout", "ia2_layout.h")


def parse(text: str) -> dict[str, int]:
    """The numbers of a header's text. ValueError, with the line, if there is anything else in it
    but comments and its guard."""
    found: dict[str, int] = {}
    code = re.sub(r"/\*.*?\*/", lambda comment: "\n" * comment[0].count("\n"), text, flags=re.S)
    for number, line in enumerate(code.splitlines(), 1):
        define = DEFINE.fullmatch(line.strip())
        if define:
            found[define[1]] = int(define[2])
        elif line.strip() not in ("", "#ifndef IA2_LAYOUT_H", "#define IA2_LAYOUT_H", "#endif"):
            raise ValueError(f"line {number} is not a #define of an integer: {line.strip()}")
    return found


def use(build_dir: str | None) -> None:
    """From now on the numbers are those of this build directory of the kit. None: the default."""
    global _build_dir
    _build_dir = build_dir
    _numbers.clear()


def _read() -> None:
    path = header_of(_build_dir or os.environ.get("IA2_BUILD") or os.path.join(TOP, "build"))
    try:
        with open(path, encoding="utf-8") as stream:
            found = parse(stream.read())
    except OSError as error:
        raise Failure(
            f"cannot be read ({error.strerror}): the kit is not built",
            path,
            "run scripts/setup, or name the kit's build directory with --kit-build",
        ) from None
    except ValueError as error:
        raise Failure(f"is damaged: {error}", path, "build the kit again") from None
    _numbers.update(found)


def __getattr__(name: str) -> int:
    if not name.startswith("IA2_"):
        raise AttributeError(name)
    if not _numbers:
        _read()
    if name not in _numbers:
        raise AttributeError(f"{name} is not in ia2_layout.h; add it to runtime/layout/layout.c")
    return _numbers[name]
