"""docs/crashes.md has an entry for each message with which a program may end, and no other."""

import pathlib
import re
import tempfile
import unittest

from tests.product.docs import messages, pages, walk


def pattern(message: messages.Message) -> str:
    text = message.text.removeprefix("ia2: ")
    return ".*".join(re.escape(part) for part in re.split(r"\*+", text))


def entries(text: str) -> list[str]:
    """The first cell of each row of the tables, which is one message."""
    return re.findall(r"^\| `(.+?)` \| [^|\s]", text, re.MULTILINE)


def without_entry(found: list[messages.Message], text: str) -> list[str]:
    known = entries(text)
    return [
        f"{message.place}: {message.text}"
        for message in found
        if not any(re.fullmatch(pattern(message), entry) for entry in known)
    ]


def without_message(found: list[messages.Message], text: str) -> list[str]:
    patterns = [pattern(message) for message in found]
    return [
        entry for entry in entries(text) if not any(re.fullmatch(one, entry) for one in patterns)
    ]


class Crashes(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.text = pages.page("crashes.md")
        self.messages = messages.of_runtime() + messages.of_vm()

    def test_each_message_has_an_entry(self):
        self.assertGreater(len(self.messages), 100)
        self.assertEqual(without_entry(self.messages, self.text), [])

    def test_each_entry_is_a_message(self):
        self.assertEqual(without_message(self.messages, self.text), [])

    def test_no_entry_is_there_twice(self):
        found = entries(self.text)
        self.assertEqual(sorted(found), sorted(set(found)))

    def test_the_example_is_that_of_the_tutorial(self):
        shown = re.findall(r"^    (ia2: .*\n)", self.text, re.MULTILINE)
        self.assertGreater(len(shown), 3)
        self.assertIn(walk.comparable("".join(shown)), walk.comparable(pages.page("usage.md")))

    def test_each_kind_of_memory_has_a_section(self):
        """What a violation's report calls the memory (signals/violations.c)."""
        source = (pages.SOURCE / "runtime/signals/violations.c").read_text()
        kinds = set(re.findall(r'snprintf\(text, size, "([a-z]+(?:-local storage)?)', source))
        self.assertEqual(kinds, {"heap", "global", "stack", "thread-local storage", "mapping"})
        headings = re.findall(r"^### (.*)$", self.text, re.MULTILINE)
        for kind in kinds:
            self.assertTrue(any(heading.lower().startswith(kind) for heading in headings), kind)


class MustFail(unittest.TestCase):
    """A message that is added to the runtime is found, in each way to write it."""

    def found(self, name: str, text: str) -> list[messages.Message]:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "runtime", "room", name)
            path.parent.mkdir(parents=True)
            path.write_text(text)
            return messages.of_runtime(pathlib.Path(folder, "runtime"))

    def test_message_of_c(self):
        made = self.found(
            "a.c", '\n    ia2_die("%s: the cat ate %zu of "\n        "it", name, n);\n'
        )
        self.assertEqual(
            without_entry(made, pages.page("crashes.md")),
            ["runtime/room/a.c:2: ia2: *: the cat ate * of it"],
        )
        self.assertEqual(without_entry(made, "| `FILE: the cat ate 3 of it` | Feed it. |"), [])
        self.assertEqual(len(without_entry(made, "The text names `FILE: the cat ate 3 of it`.")), 1)

    def test_both_branches(self):
        made = self.found("a.c", 'ia2_die(DOG ? "dog" : "cat" " %d", 1, "no message");')
        self.assertEqual([one.text for one in made], ["ia2: dog", "ia2: cat *"])

    def test_what_the_preprocessor_puts_in(self):
        made = self.found("a.c", '#define DIE(name, why) \\\n  ia2_die(#name " sleeps: " why)\n')
        self.assertEqual([one.text for one in made], ["ia2: * sleeps: *"])

    def test_a_format_that_is_given_is_no_message(self):
        self.assertEqual(self.found("a.c", "void ia2_die(const char *format, ...) {}"), [])

    def test_message_of_assembly(self):
        made = self.found("a.S", '    ia2_die cat, "gate: the cat; ", \\\n        "sleeps"\n')
        self.assertEqual([one.text for one in made], ["ia2: compartment *: gate: the cat; sleeps"])
        made = self.found("a.S", '    refusal cat, "the cat sleeps"\n')
        self.assertEqual([one.text for one in made], ["ia2: the runtime: the cat sleeps"])

    def test_no_message(self):
        self.assertEqual(self.found("a.h", '/* ia2_die("no") */ void ia2_die(const char *f);'), [])

    def test_entry_without_message(self):
        made = self.found("a.c", 'ia2_say("dog %d", 1);')
        self.assertEqual(without_message(made, "| `dog 7` | a |\n| `cat` | b |"), ["cat"])

    def test_entry_without_remedy(self):
        self.assertEqual(entries("| `dog 7` | |"), [])


if __name__ == "__main__":
    unittest.main()
