"""Programs in C of SQLite's own tests, each in a compartment of its own: its benchmark, and its
measure of blobs."""

import pathlib
import re
import shutil
import unittest

from tests.support import packages
from tests.support.packages import Case
from tests.programs.packages.test_sqlite import PROGRAMS, SHELL

NEEDS_PKU = True
TIMEOUT = 300
# How long something took, with what aligns it.
SECONDS = re.compile(
    (
        rb" *\d+\.\d+s$|(?:(?<=elapsed time: )|(?<=per BLOB read: )|(?<=per BLOB write:"
        rb" )|(?<=Content read rate: )|(?<=Content write rate: )).*"
    ),
    re.MULTILINE,
)


def build(out: pathlib.Path):
    # The shell first: its build is the one that is recorded.
    packages.build_all((SHELL, *PROGRAMS), out)


class Program(Case):
    def alike(self, *arguments, keep=(), leaves: bool = True) -> dict:
        """Runs both in a new folder each, with copies of the files `keep`; they must say the same,
        times apart, and leave the same, unless what it `leaves` is random."""
        results = []
        for program in (self.plain, self.ours):
            folder = self.scratch / "run"
            folder.mkdir()
            for path in keep:
                shutil.copy(path, folder)
            done = packages.run(program, *arguments, folder=folder, timeout=TIMEOUT)
            done["out"] = SECONDS.sub(b"N", done["out"])
            results.append(
                (
                    done,
                    {
                        str(path.relative_to(folder)): path.read_bytes()
                        for path in sorted(folder.rglob("*"))
                        if path.is_file()
                    },
                )
            )
            shutil.rmtree(folder)
        self.assertEqual(results[1][0], results[0][0])
        self.assertEqual(results[1][1].keys(), results[0][1].keys())
        if leaves:
            self.assertEqual(results[1][1], results[0][1])
        self.assertEqual(results[0][0]["status"], 0, results[0][0])
        return results[0][0]


class Speedtest1(Program):
    """The sizes are percents of the benchmark's; --verify adds a hash of all rows to the output."""

    package = "sqlite3_speedtest1"

    def steps(self, name: str, size: int, *options):
        done = self.alike("--size", size, "--verify", "--testset", name, *options, "x.db")
        self.assertRegex(done["out"], rb"Verification Hash: \d+ [0-9a-f]+")
        return len(re.findall(rb"^ *\d+ - ", done["out"], re.MULTILINE))

    def test_small(self):
        count = sum(self.steps(name, 1) for name in ("main", "fp", "orm"))
        self.assertGreater(count, 30)
        self.suite("test/speedtest1.c --size 1", count, "steps")

    def test_memory_of_the_programs(self):
        """Lookaside and pages that the program hands over."""
        self.steps("main", 1, "--journal", "wal", "--lookaside", 256, 100, "--pcache", 50, 4096)


class Kvtest(Program):
    package = "sqlite3_kvtest"

    def made(self, count: int) -> pathlib.Path:
        """A database of blobs, which are random: made by the plain program."""
        path = self.scratch / "x.db"
        done = packages.run(
            self.plain,
            "init",
            path,
            "--count",
            count,
            "--size",
            3000,
            "--variance",
            1000,
            "--pagesize",
            1024,
        )
        self.assertEqual(done["status"], 0)
        return path

    def blobs(self, count: int):
        database = self.made(count)
        runs = (
            ("stat", "x.db"),
            ("export", "x.db", "files"),
            ("export", "x.db", "tree", "--tree"),
            *(
                ("run", "x.db", "--count", count, "--max-id", count, "--integrity-check", *options)
                for options in (
                    ("--asc",),
                    ("--desc", "--blob-api"),
                    ("--random", "--cache-size", 10),
                    ("--mmap", 1000000, "--multitrans"),
                    ("--update", "--jmode", "wal"),
                    ("--update", "--blob-api", "--nosync"),
                )
            ),
        )
        for arguments in runs:
            with self.subTest(arguments):
                done = self.alike(*arguments, keep=[database], leaves="--update" not in arguments)
                if arguments[0] != "export":
                    self.assertRegex(done["out"], rb"(?i)integrity-check: +ok")
        self.suite("test/kvtest.c", len(runs), "runs")

    def test_blobs(self):
        self.blobs(50)


if __name__ == "__main__":
    unittest.main()
