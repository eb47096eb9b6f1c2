"""Reads the prose of a Markdown page, and says where it is hard to read.

Prose is what is left without code, tables, comments and the targets of links. `findings` names each
place as FILE:LINE."""

import dataclasses
import pathlib
import re
from collections.abc import Iterator

from tests.product.docs import pages
from tests.product.house import test_glossary

COLUMNS = 100
AVERAGE = 25  # words a sentence, in one paragraph
LONGEST = 40
# Words that STYLE asks to avoid, beside those that the glossary retires.
AVOIDED = {
    "shall": "say what the tool does, or what the reader must do",
    "whoever": "name the subject",
    "e.g.": "write `for example`",
    "i.e.": "write a sentence of its own",
}
# A sentence that begins so has no subject yet. A question may.
OPENINGS = ("Who", "Whoever", "What", "Of")

ITEM = re.compile(r"^(?:[-*+]|\d+\.|:)\s+")
LINK = re.compile(r"(!?\[[^\]]*\])\([^)\s]*\)")


@dataclasses.dataclass
class Line:
    number: int
    text: str


@dataclasses.dataclass
class Sentence:
    number: int  # of the line in which it begins
    text: str

    def words(self) -> list[str]:
        return [word for word in self.text.split() if re.search(r"\w", word)]


def page_names() -> list[str]:
    """Every page that a reader sees, relative to the top of the tree."""
    return [str(path.relative_to(pages.SOURCE)) for path in pages.every()]


def without_code(text: str) -> list[Line]:
    """Lines, with those of fenced blocks, indented blocks and comments empty."""
    kept, fence, comment, indented, blank, in_item = [], "", False, False, True, False
    for number, line in enumerate(text.splitlines(), 1):
        mark = re.match(r"\s*(```+|~~~+)", line)
        empty = not line.strip()
        if fence:
            if mark and mark[1].startswith(fence):
                fence = ""
            line = ""
        elif mark:
            fence, line = mark[1], ""
        elif comment or line.startswith("<!--"):
            comment = "-->" not in line
            line = ""
        else:
            # Four columns after a blank line are code; in a list, eight.
            depth = 8 if in_item else 4
            indented = line.startswith(" " * depth) and (blank or indented)
            if not empty and not line.startswith(" "):
                in_item = bool(ITEM.match(line))
            if indented:
                line = ""
        blank = empty
        kept.append(Line(number, line))
    return kept


def cells(text: str) -> Iterator[list[Line]]:
    for line in without_code(text):
        if line.text.lstrip().startswith("|"):
            yield from ([Line(line.number, cell)] for cell in re.split(r"(?<!\\)\|", line.text))


def paragraphs(text: str) -> Iterator[list[Line]]:
    """A heading and a list's item are each a paragraph of their own."""
    part: list[Line] = []
    for line in without_code(text):
        words = line.text.strip()
        if words.startswith("|"):
            words = ""
        if not words or words.startswith("#") or ITEM.match(words):
            yield part
            part = []
        if words.startswith("#"):
            yield [Line(line.number, words.lstrip("# "))]
        elif words:
            part.append(Line(line.number, ITEM.sub("", words, count=1) if not part else words))
    yield part


def sentences(part: list[Line]) -> list[Sentence]:
    """Code is one word, and a link is its text."""
    text, starts = "", []
    for line in part:
        starts.append((len(text), line.number))
        text += line.text + "\n"
    # The same length as before, so that places stay.
    text = re.sub(r"(`+)(.+?)\1", lambda code: "C" * len(code[0]), text, flags=re.DOTALL)
    text = LINK.sub(lambda link: link[1].ljust(len(link[0])), text)
    found, begin = [], 0
    for end in re.finditer(r"[.!?][\"')\]*_]*(?=\s)|\Z", text):
        if text[begin : end.end()].strip():
            first = begin + len(text[begin:]) - len(text[begin:].lstrip())
            number = [line for start, line in starts if start <= first][-1]
            found.append(Sentence(number, " ".join(text[begin : end.end()].split())))
        begin = end.end()
    return found


def long_lines(text: str) -> Iterator[tuple[int, str]]:
    for line in without_code(text):
        length = len(LINK.sub(r"\1()", line.text))
        if length > COLUMNS and not line.text.lstrip().startswith("|"):
            yield line.number, f"{length} columns; write at most {COLUMNS}"


def long_sentences(text: str) -> Iterator[tuple[int, str]]:
    for part in paragraphs(text):
        found = sentences(part)
        lengths = [len(sentence.words()) for sentence in found]
        for sentence, length in zip(found, lengths):
            if length > LONGEST:
                yield sentence.number, f"a sentence of {length} words; write at most {LONGEST}"
        if found and sum(lengths) > AVERAGE * len(found):
            average = sum(lengths) / len(found)
            yield found[0].number, f"{average:.1f} words a sentence; write at most {AVERAGE}"
    for part in cells(text):
        for sentence in sentences(part):
            if (length := len(sentence.words())) > LONGEST:
                yield sentence.number, f"a sentence of {length} words; write at most {LONGEST}"


def wrong_words(text: str, retired: dict[str, str]) -> Iterator[tuple[int, str]]:
    """retired: word -> what to do instead."""
    for part in paragraphs(text):
        for sentence in sentences(part):
            first = sentence.text.lstrip("*_([\"'")
            opening = re.match(r"\w+", first)
            if opening and opening[0] in OPENINGS and sentence.text.endswith((".", ":", ";")):
                yield sentence.number, f"begins with `{opening[0]}`; begin with the subject"
    for part in [*paragraphs(text), *cells(text)]:
        for sentence in sentences(part):
            for word, instead in retired.items():
                if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", sentence.text, re.IGNORECASE):
                    yield sentence.number, f"`{word}`: {instead}"


def retired_words() -> dict[str, str]:
    """Those of the glossary, each with the term that replaces it, and those of STYLE."""
    table = (pages.SOURCE / "docs/glossary.md").read_text().partition("## Words that are")[2]
    words = {
        word.strip(): f"the glossary says `{row[1]}`"
        for row in test_glossary.rows(table)
        for word in row[0].split(",")
    }
    return {**words, **AVOIDED}


def findings(name: str, text: str | None = None) -> list[str]:
    """`NAME:LINE: what is wrong; what to write`, in order. text: the page's own by default."""
    if text is None:
        text = pathlib.Path(pages.SOURCE, name).read_text()
    retired = {} if name == "docs/glossary.md" else retired_words()
    found = [*long_lines(text), *long_sentences(text), *wrong_words(text, retired)]
    return [f"{name}:{number}: {what}" for number, what in sorted(set(found))]
