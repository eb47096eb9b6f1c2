"""Where code and variables are in the sources: binutils' addr2line for code (it knows inlined
functions), DWARF for variables."""

import re
import subprocess

from elftools.common.exceptions import DWARFError, ELFError
from elftools.dwarf.compileunit import CompileUnit
from elftools.dwarf.dwarf_expr import DWARFExprParser
from elftools.dwarf.dwarfinfo import DWARFInfo
from elftools.elf.elffile import ELFFile


def functions(path: str, offsets: list[int]) -> dict[int, list[tuple[str, str, int]]]:
    """offset -> [(function, file, line)], innermost first, inlined ones included. Nothing for what
    the file does not say."""
    if not offsets:
        return {}
    wanted = sorted(set(offsets))
    try:
        done = subprocess.run(
            ["addr2line", "-afie", path, *(f"{offset:#x}" for offset in wanted)],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError:
        return {}
    found: dict[int, list[tuple[str, str, int]]] = {}
    current: list[tuple[str, str, int]] = []
    lines = done.stdout.splitlines()
    at = 0
    while at < len(lines):
        if re.fullmatch(r"0x[0-9a-f]{16}", lines[at]):
            current = found.setdefault(int(lines[at], 16), [])
            at += 1
            continue
        place = (
            re.fullmatch(r"(.*):(\d+|\?)(?: \(discriminator \d+\))?", lines[at + 1])
            if at + 1 < len(lines)
            else None
        )
        if place and lines[at] != "??":
            current.append((lines[at], place[1], int(place[2]) if place[2].isdigit() else 0))
        at += 2
    return found


def variables(path: str, names: set[str]) -> dict[str, tuple[str, int]]:
    """name -> (file, line) of the definitions of global and static variables, as the DWARF of the
    file has them."""
    found: dict[str, tuple[str, int]] = {}
    try:
        with open(path, "rb") as stream:
            image = ELFFile(stream)
            if not image.has_dwarf_info():
                return found
            dwarf = image.get_dwarf_info()
            for unit in dwarf.iter_CUs():
                if names <= set(found):
                    break
                _variables_of(dwarf, unit, names, found)
    except (OSError, ELFError, DWARFError, KeyError, IndexError, UnicodeDecodeError):
        pass  # as far as it could be read
    return found


def _variables_of(
    dwarf: DWARFInfo, unit: CompileUnit, names: set[str], found: dict[str, tuple[str, int]]
) -> None:
    parser = DWARFExprParser(unit.structs)
    for entry in unit.iter_DIEs():
        if entry.tag != "DW_TAG_variable" or "DW_AT_location" not in entry.attributes:
            continue
        location = entry.attributes["DW_AT_location"]
        described = entry
        if "DW_AT_specification" in entry.attributes:
            described = entry.get_DIE_from_attribute("DW_AT_specification")
        if (
            location.form not in ("DW_FORM_exprloc", "DW_FORM_block1")
            or "DW_AT_name" not in described.attributes
        ):
            continue
        name = described.attributes["DW_AT_name"].value.decode()
        if (
            name not in names
            or name in found
            or not any(
                step.op_name in ("DW_OP_addr", "DW_OP_addrx")
                for step in parser.parse_expr(location.value)
            )
        ):
            continue
        line = entry.attributes.get("DW_AT_decl_line") or described.attributes.get(
            "DW_AT_decl_line"
        )
        file = entry.attributes.get("DW_AT_decl_file") or described.attributes.get(
            "DW_AT_decl_file"
        )
        found[name] = (
            _file_name(dwarf, unit, file.value if file else 0),
            line.value if line else 0,
        )


def _file_name(dwarf: DWARFInfo, unit: CompileUnit, index: int) -> str:
    top = unit.get_top_DIE().attributes
    folder = top["DW_AT_comp_dir"].value.decode() if "DW_AT_comp_dir" in top else ""
    program = dwarf.line_program_for_CU(unit)
    if program is None:
        return ""
    first = 0 if program["version"] >= 5 else 1
    entry = program["file_entry"][index - first]
    folders = program["include_directory"]
    inside = entry.dir_index - first
    base = folders[inside].decode() if 0 <= inside < len(folders) else folder
    name = entry.name.decode()
    path: str = name if name.startswith("/") else f"{base}/{name}"
    return path if path.startswith("/") else f"{folder}/{path}"
