"""Every page is easy to read: short lines, short sentences, the glossary's words."""

import unittest

from tests.product.docs import prose

WORDS = "one two three four five six seven eight nine ten "


def found(text: str) -> list[str]:
    return prose.findings("page.md", text)


class Pages(unittest.TestCase):
    def test_every_page_is_looked_at(self):
        names = prose.page_names()
        for name in ("README.md", "docs/usage.md", "examples/minimal/README.md"):
            self.assertIn(name, names)

    def test_every_page_is_easy_to_read(self):
        for name in prose.page_names():
            with self.subTest(name):
                self.assertEqual("\n".join(prose.findings(name)), "")


class MustFail(unittest.TestCase):
    def test_line_of_101_columns(self):
        self.assertEqual(found("a\n" + "x" * 101), ["page.md:2: 101 columns; write at most 100"])

    def test_list_item_of_101_columns(self):
        self.assertEqual(found("* " + "x" * 99), ["page.md:1: 101 columns; write at most 100"])

    def test_sentence_of_41_words(self):
        text = f"Short.\n{WORDS}\n{WORDS}\n{WORDS}\n{WORDS}\nlast. Short. Short."
        self.assertEqual(found(text), ["page.md:2: a sentence of 41 words; write at most 40"])

    def test_sentence_in_a_table(self):
        text = f"| head |\n|---|\n| {WORDS * 4} last |"
        self.assertIn("page.md:3: a sentence of 41 words; write at most 40", found(text))

    def test_sentence_after_code(self):
        text = f"```sh\n{WORDS * 9}\n```\n{WORDS}\n{WORDS}\n{WORDS}"
        self.assertEqual(found(text), ["page.md:4: 30.0 words a sentence; write at most 25"])

    def test_average_of_26_words(self):
        text = f"Title\n\n{WORDS}\n{WORDS}\nsix more words to go now."
        self.assertEqual(found(text), ["page.md:3: 26.0 words a sentence; write at most 25"])

    def test_colon_inside_of_a_line_divides_no_words(self):
        text = f"one: {WORDS * 2}\n{WORDS} {WORDS}."
        self.assertIn("page.md:1: a sentence of 41 words; write at most 40", found(text))

    def test_average_is_of_each_item(self):
        text = f"* {WORDS}\n* {WORDS}\n  {WORDS}\n  {WORDS}"
        self.assertEqual(found(text), ["page.md:2: 30.0 words a sentence; write at most 25"])

    def test_words_of_the_glossary(self):
        self.assertEqual(
            found("Here\nstands a late\ncompartment."),
            ["page.md:1: `late compartment`: the glossary says `plugin`"],
        )

    def test_words_of_style(self):
        self.assertEqual(len(found("It shall be. E.g. this.")), 2)

    def test_sentence_without_subject(self):
        for opening in prose.OPENINGS:
            with self.subTest(opening):
                text = f"Good. {opening} this concerns must read it."
                self.assertIn(
                    f"page.md:1: begins with `{opening}`; begin with the subject", found(text)
                )

    def test_indented_line_of_a_paragraph_is_no_code(self):
        self.assertEqual(len(found("* item\n    " + "x" * 99)), 1)


class MustPass(unittest.TestCase):
    def test_line_of_100_columns(self):
        self.assertEqual(found("x" * 100), [])

    def test_long_line_of_code_or_table(self):
        for text in (
            "```c\n" + "x " * 90 + "\n```",
            "text\n\n    " + "x " * 90,
            "* item\n\n        " + "x " * 90,
            "| " + "`x` " * 30 + " |",
            "<!-- " + "x " * 90 + "-->",
        ):
            with self.subTest(text):
                self.assertEqual(found(text), [])

    def test_target_of_a_link(self):
        self.assertEqual(found("See [this](" + "x" * 120 + ")."), [])

    def test_code_is_one_word(self):
        self.assertEqual(found("`" + WORDS * 5 + "` is\nshort.")[1:], [])

    def test_question(self):
        self.assertEqual(found("What does it cost in the end?"), [])

    def test_sentence_of_40_words_among_short_ones(self):
        self.assertEqual(found(f"{WORDS}\n{WORDS}\n{WORDS}\n{WORDS}. Short. Short."), [])


if __name__ == "__main__":
    unittest.main()
