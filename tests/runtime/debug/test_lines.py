"""Debug information of what is compiled again: every function, type, global and line of code is
where the project has it."""

import json
import os
import pathlib
import tempfile
import unittest

from elftools.elf.elffile import ELFFile

from tests.support import construct_case
from tests.support import small_project as small

TIMEOUT = 200
OUT = pathlib.Path(os.environ.get("IA2_TEST_OUT", "."))
# Those in which most is rewritten: in all places, over several lines, in headers and macros.
CASES = (
    "contexts",
    "declarations",
    "flowing",
    "function_pointers",
    "locals",
    "macros",
    "moving",
    "pasted_names",
    "variadic",
    "va_lists",
)
DECLARED = ("DW_TAG_subprogram", "DW_TAG_variable", "DW_TAG_structure_type", "DW_TAG_typedef")


def chosen() -> list:
    found = [case for case in construct_case.cases() if case.name in CASES]
    if len(found) != len(CASES):
        raise RuntimeError(f"tests/rewriter/constructs has not all of {CASES}")
    return found


def build(out: pathlib.Path):
    failed = construct_case.prepare(out, chosen())
    if failed:
        raise RuntimeError(str(failed))


def described(path: pathlib.Path) -> tuple[dict, set]:
    """Of an object: (kind, name) -> (file, line) of each declaration, and the (file, line) of its
    code."""
    places, lines = {}, set()
    with open(path, "rb") as stream:
        information = ELFFile(stream).get_dwarf_info()
        for unit in information.iter_CUs():
            folder = unit.get_top_DIE().attributes["DW_AT_comp_dir"].value.decode()
            program = information.line_program_for_CU(unit)

            def named(index: int) -> str:
                entry = program.header["file_entry"][index]
                return os.path.normpath(
                    os.path.join(
                        folder,
                        program.header["include_directory"][entry["dir_index"]].decode(),
                        entry["name"].decode(),
                    )
                )

            lines |= {
                (named(entry.state.file), entry.state.line)
                for entry in program.get_entries()
                if entry.state and not entry.state.end_sequence
            }
            for die in unit.get_top_DIE().iter_children():
                if (
                    die.tag in DECLARED
                    and {"DW_AT_name", "DW_AT_decl_file", "DW_AT_decl_line"}
                    <= die.attributes.keys()
                ):
                    name, file, line = (
                        die.attributes[f"DW_AT_{what}"].value
                        for what in ("name", "decl_file", "decl_line")
                    )
                    places.setdefault((die.tag, name.decode()), (named(file), line))
    return places, lines


def differences(plain: pathlib.Path, again: pathlib.Path) -> list:
    """What the object that was compiled again says otherwise than the plain one, of what both have;
    and lines that no file has."""
    (places, _), (others, lines) = described(plain), described(again)
    found = [
        (key, places[key], others[key])
        for key in sorted(places.keys() & others.keys())
        if places[key] != others[key]
    ]
    kit = str(small.SOURCE / "runtime/include")
    for file, line in sorted(lines):
        if not file.startswith(kit) and not 0 <= line <= len(
            pathlib.Path(file).read_text().splitlines()
        ):
            found.append((file, line))
    return found


def pairs(name: str):
    """(as built, compiled again) of the units of a case."""
    split = OUT.resolve() / name / "split"
    for unit in json.loads((split / "plan.json").read_text())["units"]:
        for again in split.glob(f"obj/{unit['id']}.*.c.o"):
            yield pathlib.Path(unit["object"]), again


class Lines(unittest.TestCase):
    def test_as_the_project_has_them(self):
        for case in chosen():
            with self.subTest(case.name):
                self.assertTrue(list(pairs(case.name)))
                for plain, again in pairs(case.name):
                    self.assertEqual(differences(plain, again), [])

    def test_differences_are_seen(self):
        """A rewritten file whose lines are not put right."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (
                ("plain", "int f(int n)\n{\n    return n;\n}\n"),
                ("moved", "\n\nint f(int n)\n{\n    return n;\n}\n"),
            ):
                source = pathlib.Path(folder, "f.c")
                source.write_text(text)
                small.run(
                    "gcc", "-g", "-gdwarf-5", "-c", source, "-o", pathlib.Path(folder, name + ".o")
                )
            source.write_text("int f(int n)\n{\n    return n;\n}\n")
            found = differences(pathlib.Path(folder, "plain.o"), pathlib.Path(folder, "moved.o"))
            self.assertEqual(
                found,
                [
                    (("DW_TAG_subprogram", "f"), (str(source), 1), (str(source), 3)),
                    (str(source), 5),
                    (str(source), 6),
                ],
            )


if __name__ == "__main__":
    unittest.main()
