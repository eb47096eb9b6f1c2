"""The rewriter's table of passes: `ia2-rewriter --passes`."""

import os
import pathlib
import subprocess
import unittest

SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("IA2_BUILD", SOURCE / "build"))
REWRITER = BUILD / "kit" / "rewriter" / "ia2-rewriter"
GIVEN = {"options"}  # before the first pass
KEPT = {"files"}  # what nothing of the rewriter reads


def passes():
    """(name, what it reads, what it makes)"""
    result = subprocess.run([REWRITER, "--passes"], capture_output=True, text=True, check=True)
    for line in result.stdout.splitlines():
        name, reads, makes = line.split("\t")
        yield name, set(filter(None, reads.split(", "))), set(filter(None, makes.split(", ")))


class RewriterPasses(unittest.TestCase):
    def test_what_a_pass_reads_is_made_before(self):
        there = set(GIVEN)
        for name, reads, makes in passes():
            self.assertLessEqual(reads, there, name)
            there |= makes

    def test_what_a_pass_makes_is_read_after(self):
        wanted = set(KEPT)
        for name, reads, makes in reversed(list(passes())):
            self.assertLessEqual(makes, wanted, name)
            wanted |= reads

    def test_names_are_different(self):
        names = [name for name, _, _ in passes()]
        self.assertEqual(len(names), len(set(names)))

    def test_each_result_has_an_owner(self):
        """What struct program has, some pass makes: its names are those of the table."""
        header = (SOURCE / "kit" / "rewriter" / "tree" / "program.h").read_text()
        body = header.split("struct program {")[1].split("};")[0]
        made = set().union(*(makes for _, _, makes in passes()))
        for result in sorted(made - KEPT):
            self.assertIn(f"[{result}]", body)


if __name__ == "__main__":
    unittest.main()
