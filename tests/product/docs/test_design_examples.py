"""docs/design/rewriter.md: each example is of a test case, with the text before and after."""

import re
import unittest

from tests.product.docs import pages


def sections(text: str) -> tuple[str, str]:
    """Of a case: its sources, and what the rewriter makes of them."""
    before, after = "", ""
    for part in text.split("\n>>> ")[1:]:
        if part.startswith("= "):
            after += part
        elif re.match(r"(-|\d+) ", part):
            before += part
    return before, after


def wrong_lines(block: str) -> list[str]:
    head, _, lines = block.partition("\n")
    before, after = sections((pages.SOURCE / head.removeprefix("# ")).read_text())
    found = []
    for line in lines.splitlines():
        text = before if line.startswith("-") else after
        if line[:1] not in ("-", "+") or line[1:] not in text.splitlines():
            found.append(line)
    return found


class Examples(unittest.TestCase):
    def test_each_example_is_what_the_rewriter_does(self):
        blocks = [
            text
            for language, text in pages.blocks(pages.page("design/rewriter.md"))
            if language == "diff"
        ]
        self.assertGreater(len(blocks), 6)
        for block in blocks:
            with self.subTest(block):
                self.assertEqual(wrong_lines(block), [])
                self.assertRegex(block, r"(?m)^-")
                self.assertRegex(block, r"(?m)^\+")

    def test_must_fail(self):
        case = "# tests/rewriter/rewrite/callback.case\n"
        self.assertEqual(wrong_lines(case + "-    lib_each(add, 0);\n"), [])
        for line in ("-    lib_each(sub, 0);", "+    lib_each(add, 0);", "     lib_each(add, 0);"):
            with self.subTest(line):
                self.assertEqual(wrong_lines(f"{case}{line}\n"), [line])

    def test_each_rule_has_a_section(self):
        rules = re.findall(r"^## Rule (\d+): ", pages.page("design/rewriter.md"), re.MULTILINE)
        self.assertEqual(rules, [str(number) for number in range(1, len(rules) + 1)])


if __name__ == "__main__":
    unittest.main()
