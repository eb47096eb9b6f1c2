"""Third-party AV1 vectors, decoded by the compartmentalized dav1d under enforced protection keys.

Each row must end exactly as in the plain dav1d of the same version: status, output, messages; and
have the reference MD5 where that version is known to be right. A spread by default, all with
--all-vectors.
"""

import csv
import os
import pathlib
import re
import unittest

from tests.programs.dav1d import decoding

NEEDS_PKU = True
TIMEOUT = 400
FOLDER = pathlib.Path(os.environ["IA2_SOURCE"]).parent / "shared" / "av1-vectors"
MANIFEST = FOLDER / "MANIFEST.tsv"
SPREAD = 96
# More than these take an emulated CPU too long to be in the spread.
SPREAD_PIXELS = 8_000_000


def rows() -> list[dict]:
    """The rows to decode, each with "threads" and "test", a name of its own."""
    if not MANIFEST.exists():
        return []
    with open(MANIFEST, newline="") as lines:
        found = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    if os.environ.get("IA2_ALL_VECTORS") == "1":
        found = [{**row, "threads": threads} for row in found for threads in (1, 4)]
    else:
        found = [{**row, "threads": (1, 4)[i % 2]} for i, row in enumerate(spread(found))]
    for i, row in enumerate(found):
        name = f"{row['file']}_{row['dav1d_args']}_threads{row['threads']}"
        row["test"] = f"test_{i:04}_{re.sub('[^0-9A-Za-z]+', '_', name).strip('_')}"
    return found


def pixels(row: dict) -> int:
    size = re.match(r"(\d+)x(\d+)", row["WxH"])
    return (
        int(size[1]) * int(size[2]) * int(row["frames"]) if size and row["frames"].isdigit() else 0
    )


def spread(found: list[dict]) -> list[dict]:
    """SPREAD rows that differ as much as they can: round robin over folder, depth, layout and
    arguments."""
    groups: dict = {}
    for row in sorted(
        (row for row in found if pixels(row) <= SPREAD_PIXELS), key=lambda row: row["file"]
    ):
        key = (row["file"].rpartition("/")[0], row["bit_depth"], row["layout"], row["dav1d_args"])
        groups.setdefault(key, []).append(row)
    chosen: list[dict] = []
    while len(chosen) < SPREAD and any(groups.values()):
        for key in sorted(groups):
            if groups[key] and len(chosen) < SPREAD:
                # From the middle, so that successive rounds do not take neighbours.
                chosen.append(groups[key].pop(len(groups[key]) // 2))
    return chosen


def arguments(row: dict) -> list[str]:
    given = row["dav1d_args"].split()
    if "--filmgrain" not in given:
        given += ["--filmgrain", "0"]
    return [
        "-q",
        "-i",
        str(FOLDER / row["file"]),
        "--muxer",
        "md5",
        "-o",
        "-",
        *given,
        "--threads",
        str(row["threads"]),
    ]


def reference(row: dict, version: tuple) -> str | None:
    """The MD5 this version of dav1d must give, or None: there is none, or the version is known not
    to give it."""
    if row["ref_md5"] == "-":
        return None
    # Up to 1.0.0, dav1d is wrong on Argon's vectors and does not know --decodeframetype.
    if version < (1, 1) and ("argon" in row["file"] or "--decodeframetype" in row["dav1d_args"]):
        return None
    return row["ref_md5"]


def build(out: pathlib.Path):
    if MANIFEST.exists():
        decoding.build(out)


class Vectors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not MANIFEST.exists():
            raise unittest.SkipTest("there is no ../shared/av1-vectors beside this repository")
        cls.builds = decoding.builds()

    def check(self, row: dict):
        # On the same CPU: what dav1d makes of some broken streams depends on the instruction set it
        # finds.
        plain = decoding.decode(self.builds["plain"], arguments(row))
        ended = decoding.decode(self.builds["compartmentalized"], arguments(row))
        self.assertEqual(ended, plain)
        self.assertGreaterEqual(ended["status"], 0, "ended by a signal")
        right = reference(row, decoding.version(self.builds["version"]))
        if right:
            self.assertEqual((ended["status"], ended["out"].strip()), (0, right))


def _case(row: dict):
    return lambda self: self.check(row)


ROWS = rows()
for _row in ROWS:
    setattr(Vectors, _row["test"], _case(_row))
if not ROWS:
    setattr(Vectors, "test_vectors", lambda self: None)


if __name__ == "__main__":
    unittest.main()
