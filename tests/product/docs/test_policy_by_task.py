"""docs/policy-by-task.md: each policy is one that the tests use, or belongs to a program on the
page, which does what the page says and is stopped where the page says so."""

import os
import pathlib
import re
import subprocess
import tomllib
import unittest

from tests.product.docs import pages
from tests.support import small_project as small

NEEDS_PKU = True
ALSO_NATIVE = True


def sections() -> dict[str, list[tuple[str, str]]]:
    """Heading -> blocks, of the sections that have a policy."""
    found = {}
    for part in re.split(r"^## ", pages.page("policy-by-task.md"), flags=re.MULTILINE)[1:]:
        blocks = pages.blocks(part)
        if blocks:
            found[part.partition("\n")[0]] = blocks
    return found


def own_programs() -> dict[str, list[tuple[str, str]]]:
    return {
        title: blocks
        for title, blocks in sections().items()
        if any(language == "c" for language, _ in blocks)
    }


def name_of(title: str) -> str:
    return re.sub(r"\W", "_", title.lower())


def build(out: pathlib.Path):
    for title, blocks in own_programs().items():
        project = out / name_of(title)
        for language, text in blocks:
            if language == "c":
                head, _, body = text.partition("\n")
                file = project / re.fullmatch(r"/\* (\S+) \*/", head)[1]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(body)
            elif language == "toml":
                project.mkdir(exist_ok=True)
                (project / "compartments.toml").write_text(text)
        sources = sorted(str(path.relative_to(project)) for path in project.rglob("*.c"))
        objects = " ".join(f"{name[:-2]}.o" for name in sources)
        (project / "Makefile").write_text(
            f"CFLAGS = -O2 -Wall -Wextra -Werror\nprogram: {objects}\n\t$(CC) -o $@ $^\n"
            f"clean:\n\trm -f program {objects}\n"
        )
        small.run("make", "clean", cwd=project)
        split = out / f"{name_of(title)}.split"
        small.rewrite(project, split, "--capture", "make", "--target", "program", project)


class Tasks(unittest.TestCase):
    def setUp(self):
        self.out = pathlib.Path(os.environ["IA2_TEST_OUT"])

    def run_both(self, title: str, *words: str, given: str = "") -> tuple[str, str, int]:
        """(output of the plain program, of the split one, status of the split one)"""
        name = name_of(title)
        done = [
            subprocess.run(
                [program, *words], input=given, capture_output=True, text=True, timeout=60
            )
            for program in (
                self.out / name / "program",
                self.out / f"{name}.split/bin/program",
            )
        ]
        return done[0].stdout, done[1].stdout + done[1].stderr, done[1].returncode

    def shown(self, title: str) -> list[str]:
        return [text for language, text in own_programs()[title] if language == "text"]

    def stopped(self, title: str, *words: str, given: str = ""):
        _, printed, status = self.run_both(title, *words, given=given)
        if os.environ["IA2_PKU"] == "none":
            self.assertEqual(status, 0, printed)
            return
        self.assertEqual(status, -11, printed)
        for line in self.shown(title)[1].splitlines():
            self.assertIn(line, printed)

    def test_each_task_has_a_section(self):
        self.assertEqual(len(own_programs()), 2)
        self.assertEqual(len(sections()), 5)
        listed = re.findall(r"^\| .* \| \[(.*?)\]", pages.page("policy-by-task.md"), re.MULTILINE)
        self.assertEqual(listed, list(sections()))

    def test_policies_of_other_programs_are_as_they_are_used(self):
        for title, blocks in sections().items():
            if title not in own_programs():
                with self.subTest(title):
                    text = next(text for language, text in blocks if language == "toml")
                    used = pages.SOURCE / re.match(r"# (\S+)\n", text)[1]
                    self.assertEqual(tomllib.loads(text), tomllib.loads(used.read_text()))

    def test_parser_in_a_server(self):
        title = "A parser in a server"
        plain, split, status = self.run_both(title, given="user=ada&color=red\n")
        self.assertEqual((plain, status), (self.shown(title)[0], 0))
        self.assertIn(plain, split)

    def test_parser_that_attacks_is_stopped(self):
        self.stopped("A parser in a server", given="!\n")

    def test_allocator_api(self):
        title = "An allocator API"
        plain, split, status = self.run_both(title)
        self.assertEqual((plain, status), (self.shown(title)[0], 0))
        self.assertIn(plain, split)

    def test_app_that_attacks_is_stopped(self):
        self.stopped("An allocator API", "attack")


if __name__ == "__main__":
    unittest.main()
