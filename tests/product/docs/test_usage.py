"""The tutorial, the README and the packagers' page: every command in them, in order, prints what
they show."""

import unittest

from tests.product.docs import pages, walk

TIMEOUT = 600


def wrong(text: str) -> list[str]:
    """What does not go as the page says, step by step."""
    found = []
    for step in walk.walk(text):
        if not step.is_right():
            found.append(
                f"{step.commands}status {step.status}, prints\n{step.printed}"
                f"instead of\n{step.shown}"
            )
    return found


class Walks(unittest.TestCase):
    maxDiff = None

    def test_every_command_of_the_tutorial(self):
        text = pages.page("usage.md")
        steps = list(walk.steps(text))
        self.assertGreater(len(steps), 19)
        self.assertGreater(sum(shown is not None for _, shown in steps), 14)
        self.assertEqual("\n".join(wrong(text)), "")

    def test_every_command_of_the_readme(self):
        text = (pages.SOURCE / "README.md").read_text()
        self.assertGreater(len(list(walk.steps(text))), 2)
        self.assertEqual("\n".join(wrong(text)), "")

    def test_every_command_of_the_packagers_page(self):
        text = pages.page("packaging.md")
        self.assertEqual(sum(shown is not None for _, shown in walk.steps(text)), 2)
        self.assertEqual("\n".join(wrong(text)), "")

    def test_the_job_of_the_packagers_page(self):
        """The job in YAML types what the block of commands above it does."""
        blocks = pages.blocks(pages.page("packaging.md"))
        job = next(place for place, (language, _) in enumerate(blocks) if language == "yaml")
        typed = next(text for language, text in reversed(blocks[:job]) if language == "sh")
        for script, command in (("rewrite.py", "ia2-rewrite"), ("", "ia2-")):
            typed = typed.replace(f'"$IA2"/scripts/{script}', command)
        lines = [line.split("- ", 1)[1] for line in blocks[job][1].splitlines() if " - " in line]
        self.assertEqual(lines, typed.splitlines())


class MustFail(unittest.TestCase):
    def test_command_that_fails(self):
        self.assertEqual(len(wrong("```sh\nfalse\n```\n```sh\ntrue\n```\n")), 1)

    def test_line_that_is_not_shown(self):
        self.assertEqual(len(wrong("```sh\necho a; echo b\n```\n\n```text\na\n```\n")), 1)

    def test_line_that_is_not_printed(self):
        self.assertEqual(len(wrong("```sh\necho a\n```\n\n```text\na\nb\n```\n")), 1)

    def test_other_number(self):
        self.assertEqual(len(wrong("```sh\necho 7 gates\n```\n\n```text\n8 gates\n```\n")), 1)


class MustPass(unittest.TestCase):
    def test_what_differs_from_run_to_run(self):
        text = """```sh
cd ..
echo "ia2: warning: this CPU or kernel has no protection keys; and so on"
echo "0x7f00: 54 checks passed  (0.31 s) in $PWD"
```

```text
0x1: 1 checks passed  (2.00 s) in /home/you
```
"""
        self.assertEqual(wrong(text), [])

    def test_begins_in_the_tree(self):
        self.assertEqual(wrong("```sh\ntest -x scripts/setup && cd .. && test -d ia2\n```\n"), [])

    def test_written_anew(self):
        text = "a\n```sh\necho x\n```\n```text\ny\n```\nb\n```sh\ntrue\n```\n"
        self.assertEqual(walk.written_anew(text), text.replace("y\n", "x\n"))


class Pages(unittest.TestCase):
    def test_every_block_has_a_language_that_is_tested(self):
        for text in (pages.page("usage.md"), (pages.SOURCE / "README.md").read_text()):
            self.assertLessEqual(
                {language for language, _ in pages.blocks(text)}, {"sh", "text", "toml"}
            )


if __name__ == "__main__":
    unittest.main()
