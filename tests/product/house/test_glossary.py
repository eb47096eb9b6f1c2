"""docs/glossary.md defines each term once, and no document or code uses a word that it retires."""

import os
import pathlib
import re
import unittest

SOURCE = pathlib.Path(os.environ["IA2_SOURCE"])
PAGE = SOURCE / "docs" / "glossary.md"
SEARCHED = ("README.md", "CONTRIBUTING.md", "docs", "runtime", "kit", "scripts", "examples")


def rows(text: str) -> list[list[str]]:
    """The cells of a page's tables, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if not set(row[0]) <= {"-"} and row[0] not in ("term", "not")]


def retired(text: str) -> list[str]:
    listed = rows(text.partition("## Words that are not used")[2])
    return [word.strip() for row in listed for word in row[0].split(",")]


def uses(words: list[str], text: str) -> list[str]:
    """Also over the end of a line."""
    folded = " ".join(re.sub(r"^[ \t]*(?:[*#>]+[ \t]*)?", "", text, flags=re.MULTILINE).split())
    return [word for word in words if re.search(rf"\b{re.escape(word)}\b", folded, re.IGNORECASE)]


class Glossary(unittest.TestCase):
    def setUp(self):
        self.text = PAGE.read_text()

    def test_each_term_is_defined_once_and_in_order(self):
        terms = [row[0] for row in rows(self.text.partition("## Words")[0])]
        self.assertGreater(len(terms), 40)
        self.assertEqual(terms, sorted(set(terms), key=str.lower))

    def test_no_retired_word_is_used(self):
        words = retired(self.text)
        self.assertGreater(len(words), 5)
        for name in SEARCHED:
            place = SOURCE / name
            for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
                if path == PAGE or not path.is_file() or "__pycache__" in path.parts:
                    continue
                with self.subTest(path=str(path.relative_to(SOURCE))):
                    self.assertEqual(uses(words, path.read_text(errors="replace")), [])

    def test_a_retired_word_is_found_over_two_lines(self):
        self.assertEqual(
            uses(["late compartment"], "/* a late\n * compartment */"), ["late compartment"]
        )
        self.assertEqual(uses(["late compartment"], "a plate compartment"), [])


if __name__ == "__main__":
    unittest.main()
