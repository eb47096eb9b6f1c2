"""docs/macros.md: its blocks of C are one program, which does what the page says, plain and split,
and becomes what it shows."""

import os
import pathlib
import re
import subprocess
import unittest

from tests.product.docs import pages
from tests.support import small_project as small

NEEDS_PKU = True
ALSO_NATIVE = True
# Everything the guide documents, and so each must be on the page.
NAMES = """INIT_RUNTIME IA2_COMPARTMENT ia2_compartment_init.inc ia2_main ia2_register_compartment IA2_SHARED_DATA IA2_IGNORE IA2_SIGHANDLER
IA2_DEFINE_SIGHANDLER IA2_DEFINE_SIGACTION IA2_FN IA2_FN_ADDR IA2_ADDR IA2_AS_PTR IA2_CALL IA2_CAST IA2_DEFINE_WRAPPER IA2_BEGIN_NO_WRAP
IA2_END_NO_WRAP IA2_PRE_CONDITION_FOR IA2_POST_CONDITION_FOR IA2_CONSTRUCTOR IA2_DESTRUCTOR ASSERT_PKRU PKRU ia2_get_compartment
ia2_get_compartment_stack shared_malloc shared_calloc shared_realloc shared_free permissive_mode.h
ia2_allocator.h shared_strdup ia2_memory_maps.h ia2_log_memory_maps""".split()  # noqa: E501
# What the macros are made of.
PARTS = re.compile(r"IA2_(CALLED_?_?[01]?|MORE|MARK|TEXT|GUIDE_H|DISABLED_H)")
FLAGS = (
    "-O1 -g -fPIC -Wall -Wextra -Werror -Wno-unused-parameter -DIA2_ENABLE=0"
    f" -I{pages.SOURCE}/runtime/include"
)


def files() -> dict[str, str]:
    """File -> its text: the blocks that begin with its name, in order."""
    found: dict[str, str] = {}
    for language, text in pages.blocks(pages.page("macros.md")):
        if language == "c":
            head, _, body = text.partition("\n")
            name = re.fullmatch(r"/\* (\S+) \*/", head)[1]
            found[name] = found.get(name, "") + body
    return found


def build(out: pathlib.Path):
    made = {name: text for name, text in files().items() if "/" not in name}
    made["compartments.toml"] = next(
        text for language, text in pages.blocks(pages.page("macros.md")) if language == "toml"
    )
    made[
        "Makefile"
    ] = f"""CFLAGS = {FLAGS}
app: app.o lib.o
\t$(CC) -o $@ $^
app.o lib.o: lib.h
clean:
\trm -f app *.o
"""
    project = out / "project"
    project.mkdir(exist_ok=True)
    for name, text in made.items():
        (project / name).write_text(text)
    small.run("make", "clean", cwd=project)
    small.rewrite(project, out / "split", "--capture", "make", "--target", "app", project)


def start(program: pathlib.Path, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [program, *words], capture_output=True, text=True, timeout=30, check=False
    )


class MacrosPage(unittest.TestCase):
    def setUp(self):
        self.out = pathlib.Path(os.environ["IA2_TEST_OUT"])

    def test_every_macro_has_a_section(self):
        headings = re.findall(r"^### (.*)$", pages.page("macros.md"), re.MULTILINE)
        self.assertEqual(
            sorted(name for heading in headings for name in re.findall(r"`([^`]+)`", heading)),
            sorted(NAMES),
        )

    def test_every_macro_of_the_guide_is_known(self):
        for name in ("ia2_guide.h", "ia2_disabled.h"):
            text = (pages.SOURCE / "runtime/include" / name).read_text()
            for macro in re.findall(r"^ *# *define (\w+)", text, re.MULTILINE):
                self.assertTrue(macro in NAMES or PARTS.fullmatch(macro), macro)

    def test_what_it_becomes(self):
        for name, text in files().items():
            if name.startswith("rewritten/"):
                made = (self.out / "split" / name).read_text().splitlines()
                for line in text.splitlines():
                    self.assertIn(line, made)

    def test_what_it_prints(self):
        commands = [
            text.split()[1:]
            for language, text in pages.blocks(pages.page("macros.md"))
            if language == "sh"
        ]
        shown = [
            text.strip()
            for language, text in pages.blocks(pages.page("macros.md"))
            if language == "text"
        ]
        self.assertEqual(len(commands), len(shown))
        for words, text in zip(commands, shown):
            with self.subTest(" ".join(words)):
                done = start(self.out / "split/bin/app", *words)
                self.assertEqual(done.returncode, -6 if words else 0, done)
                self.assertIn(text, done.stderr if words else done.stdout)

    def test_plain_program(self):
        done = start(self.out / "project/app")
        self.assertEqual((done.returncode, done.stdout), (0, "11 1 4 11 4 1\n"))


if __name__ == "__main__":
    unittest.main()
