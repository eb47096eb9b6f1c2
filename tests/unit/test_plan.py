"""Parts of the plan by themselves: rights, position independence, and which objects a program
contains."""

import unittest

from ia2.elf.symbols import ObjectSymbols
from ia2.formats import fields
from ia2.formats.build_graph import ArchiveItem, BuildGraph, Link, Object, ObjectItem, SharedItem
from ia2.stages import plan
from ia2.stages.selection import Selection


def table(defines=(), needs=(), weakly=(), hidden=()):
    """The symbols of an object of functions."""
    wanted = {name: True for name in needs} | {name: False for name in weakly}
    kinds = {name: "function" for name in (*defines, *hidden)}
    return ObjectSymbols(kinds, set(), set(hidden), wanted, False)


def selection(tables, *links, plugins=None):
    """Of a graph whose object i has tables[i]. A link is a list of items, the first the program."""
    graph = BuildGraph(
        program="program",
        source_root="/",
        build_dir="/build",
        links=[
            Link(f"/build/{i}", "shared" if i else "executable", ["cc"], False, items)
            for i, items in enumerate(links)
        ],
        objects=[Object(f"/build/{i}.o", "/x.S", "other", None, []) for i in range(len(tables))],
        plugins=plugins or {},
        inputs=[],
        other_units=[],
    )
    fields.checked(BuildGraph, fields.as_json(graph))
    made = Selection(graph, {})
    made.tables = dict(enumerate(tables))
    return made


def linked(index):
    return ObjectItem("object", index)


def archive(*members, whole=False):
    return ArchiveItem("archive", "/build/x.a", whole, list(members))


class Contains(unittest.TestCase):
    def test_an_archive_gives_the_members_that_are_needed(self):
        tables = [table(["main"], ["a"]), table(["a"], ["b"]), table(["b"]), table(["c"])]
        self.assertEqual(selection(tables, [linked(0), archive(1, 2, 3)]).program(), {0: [0, 1, 2]})

    def test_a_whole_archive_gives_all(self):
        tables = [table(["main"]), table(["a"]), table(["b"])]
        self.assertEqual(
            selection(tables, [linked(0), archive(1, 2, whole=True)]).program(), {0: [0, 1, 2]}
        )

    def test_a_weak_need_takes_no_member(self):
        tables = [table(["main"], weakly=["a"]), table(["a"])]
        self.assertEqual(selection(tables, [linked(0), archive(1)]).program(), {0: [0]})

    def test_what_is_defined_already_takes_no_member(self):
        tables = [table(["main"], ["a"]), table(["a"]), table(["a", "b"])]
        found = selection(tables, [linked(0), linked(1), archive(2)])
        self.assertEqual(found.program(), {0: [0, 1]})

    def test_main_may_be_in_an_archive_of_the_program(self):
        tables = [table(["a"]), table(["main"])]
        self.assertEqual(selection(tables, [linked(0), archive(1)]).program(), {0: [0, 1]})
        # But not in one of a library.
        made = selection([table(["main"]), *tables], [linked(0)], [linked(1), archive(2)])
        self.assertEqual(made.link(1), [1])

    def test_a_shared_library_before_the_archive_provides_the_name(self):
        tables = [table(["main"], ["a"]), table(["a"]), table(["a"])]
        shared = SharedItem("shared", 1)
        before = selection(tables, [linked(0), shared, archive(1)], [linked(2)])
        self.assertEqual(before.program(), {0: [0], 1: [2]})
        after = selection(tables, [linked(0), archive(1), shared], [linked(2)])
        self.assertEqual(after.program(), {0: [0, 1], 1: [2]})

    def test_a_hidden_name_of_a_shared_library_does_not(self):
        tables = [table(["main"], ["a"]), table(["a"]), table(hidden=["a"])]
        items = [linked(0), SharedItem("shared", 1), archive(1)]
        self.assertEqual(selection(tables, items, [linked(2)]).program(), {0: [0, 1], 1: [2]})

    def test_plugins_and_the_libraries_of_libraries(self):
        tables = [table(["main"]), table(["a"]), table(["b"]), table(["c"])]
        links = ([linked(0)], [linked(1), SharedItem("shared", 2)], [linked(2)], [linked(3)])
        made = selection(tables, *links, plugins={"plugin": 1})
        self.assertEqual(made.program(), {0: [0], 1: [1], 2: [2]})
        self.assertEqual(made.closure([0]), [0])

    def test_libraries_that_need_each_other(self):
        tables = [table(["main"]), table(["a"], ["b"]), table(["b"], ["a"])]
        one, two = SharedItem("shared", 1), SharedItem("shared", 2)
        made = selection(tables, [linked(0), one], [linked(1), two], [linked(2), one])
        self.assertEqual(made.program(), {0: [0], 1: [1], 2: [2]})


class Rights(unittest.TestCase):
    def test_a_compartment_may_use_its_own_key_and_key_0(self):
        for key in range(1, 13):
            value = plan.pkru(key, [])
            denied = [other for other in range(16) if value >> 2 * other & 3]
            self.assertEqual(denied, [other for other in range(1, 16) if other != key])

    def test_a_compartment_may_read_the_runtimes_state_and_not_its_stacks(self):
        value = plan.pkru(1, [])
        self.assertEqual([value >> 2 * other & 3 for other in (14, 15)], [2, 1])

    def test_a_grant_is_to_read_and_not_to_write(self):
        value = plan.pkru(1, [2, 12])
        self.assertEqual([value >> 2 * other & 3 for other in (0, 1, 2, 3, 12)], [0, 0, 2, 1, 2])


class PositionIndependence(unittest.TestCase):
    def test_the_last_flag_wins(self):
        for flags, wanted in (
            ("-fPIC", True),
            ("-fno-pic -fpic", True),
            ("-fPIC -fPIE", False),
            ("-fPIC -fno-PIC", False),
            ("-O2", False),
        ):
            self.assertEqual(plan.is_pic(["cc", *flags.split(), "-c", "a.c"]), wanted, flags)


if __name__ == "__main__":
    unittest.main()
