"""The seeds of the suite's campaigns whose programs are ones to compare, so that the suite need not
look for them each time.

Two seeds in three make a program that ends too late or calls hardly anything, and only csmith, a
compiler and a run of seconds show which. A check of csmith's text was rejected: csmith itself is a
third of the cost, and most functions that a text calls never run. What a seed makes is up to
csmith, so the file names the version it holds for; with any other the campaigns search, as they do
for all other seeds."""

import pathlib

from tests.fuzz.csmith.compared_program import LEAST_CALLS, PLAIN_LIMIT
from tests.fuzz.csmith.csmith_program import version

FILE = pathlib.Path(__file__).resolve().parent / "known_seeds.txt"
# First seed and number of programs of test_programs and test_enforced.
SUITE, ENFORCED = (1, 200), (1001, 30)
HEAD = f"""\
# Made by `scripts/fuzz_programs --write-known-seeds`: seeds whose programs end within {PLAIN_LIMIT} s and make at least {LEAST_CALLS} different
# calls across, by the first of their campaign. They hold for this csmith:
"""  # noqa: E501


def read(text: str, of: str) -> dict[int, list[int]]:
    """The seeds by the first of their campaign, if `text` holds for the csmith whose version is
    `of`; else nothing."""
    named, *lines = [line for line in text.splitlines() if not line.startswith("#")]
    if named != of:
        return {}
    return {
        int(first): [int(seed) for seed in seeds.split()]
        for first, seeds in (line.split(":") for line in lines)
    }


def known(first: int) -> list[int] | None:
    """The seeds of the campaign that begins with `first`, or None: to be searched for."""
    return read(FILE.read_text(), version()).get(first)


def written(campaigns: dict[int, list[int]]) -> str:
    return (
        HEAD
        + version()
        + "\n"
        + "".join(f"{first}: {' '.join(map(str, seeds))}\n" for first, seeds in campaigns.items())
    )
