"""The rewriter under the sanitizers and under valgrind, on real code: the compile commands of every
package of tests/programs/packages, and both dav1d.

What it makes there must be what it made for the build, byte for byte, so that it is the same work
that was looked at."""

import json
import os
import pathlib
import tempfile
import unittest

from tests.support import packages
from tests.programs.packages import (
    test_brotli,
    test_jansson,
    test_libjpeg_turbo,
    test_libpng,
    test_libxml2,
    test_packages,
    test_pngvalid,
    test_sqlite,
)
from tests.programs.dav1d import variants
from tests.support.checked_rewriter import SANITIZED, VALGRIND

FOLDER = pathlib.Path(__file__).resolve().parent

ALL = "IA2_ALL_VECTORS" in os.environ
TIMEOUT = 3600 if ALL else 1200
PACKAGES = [
    test_sqlite.SHELL,
    *test_sqlite.PROGRAMS,
    *(
        package
        for module in (
            test_packages,
            test_libpng,
            test_pngvalid,
            test_libjpeg_turbo,
            test_libxml2,
            test_brotli,
            test_jansson,
        )
        for package in module.PACKAGES
    ),
]
DAV1D = (variants.DEFAULT, variants.OTHER)
# Valgrind is fifty times as slow, most of it in libclang, which reads what these include.
SMALL = ("bzip2", "zlib")
REPORT = "outputs.json"


def build(out: pathlib.Path):
    """Writes where the engine's output of each is, or why there is none."""
    SANITIZED.build()
    VALGRIND.build()
    packages.build_all(PACKAGES, out)
    variants.build(out, DAV1D)
    made = json.loads((out / packages.REPORT).read_text())
    made |= {
        f"dav1d-{name}": json.loads((out / name / variants.decoding.REPORT).read_text())
        for name in DAV1D
    }
    (out / REPORT).write_text(
        json.dumps(
            {
                name: (
                    {"missing": it["missing"]}
                    if "missing" in it
                    else {"out": str(pathlib.Path(it["compartmentalized"]).parents[1])}
                )
                for name, it in made.items()
            }
        )
    )


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    """What the rewriter makes of a program: gates, what crosses, and each source that it
    changed."""
    boundary = (folder / "boundary.json").read_bytes()
    names = [
        "destructors.json",
        *(f"rewritten/{name}" for name in json.loads(boundary)["rewritten"]),
    ]
    gates = [str(path.relative_to(folder)) for path in sorted((folder / "callgates").iterdir())]
    return {
        "boundary.json": boundary,
        **{name: (folder / name).read_bytes() for name in [*names, *gates]},
    }


class Memory(unittest.TestCase):
    def outputs(self) -> dict[str, pathlib.Path]:
        """Of each program that could be had: OUT."""
        made = json.loads(pathlib.Path(os.environ["IA2_TEST_OUT"], REPORT).read_text())
        self.assertEqual(len(made), len(PACKAGES) + len(DAV1D))
        missing = sorted({it["missing"] for it in made.values() if "missing" in it})
        if missing:
            print(f"note: not looked at: {'; '.join(missing)}")
        return {name: pathlib.Path(it["out"]) for name, it in made.items() if "out" in it}

    def run_twice(self, checker, out: pathlib.Path, runs: int = 2, **options):
        """Cold, and with the trees of that. Both must find nothing, and make what the build has."""
        expected = contents(out)
        root = json.loads((out / "plan.json").read_text())["source_root"]
        with tempfile.TemporaryDirectory() as folder:
            scratch = pathlib.Path(folder).resolve()
            for run in range(runs):
                done = checker.run(
                    out / "plan.json",
                    root,
                    scratch,
                    out / "compile_commands.json",
                    "--cache-directory",
                    scratch / "trees",
                    **options,
                )
                self.assertEqual((done.returncode, done.stderr), (0, ""), f"run {run + 1}")
                self.assertEqual(contents(scratch), expected, f"run {run + 1}")
            self.assertTrue(list((scratch / "trees").glob("*.tree")))

    def all_of(self, checker, outputs: dict[str, pathlib.Path]):
        for name, out in outputs.items():
            with self.subTest(name):
                self.run_twice(checker, out, timeout=TIMEOUT - 10)

    def test_sanitized(self):
        self.all_of(SANITIZED, self.outputs())

    def test_valgrind(self):
        self.all_of(
            VALGRIND, {name: out for name, out in self.outputs().items() if ALL or name in SMALL}
        )

    def test_what_is_wrong_is_seen(self):
        """Here too, and on these commands: nothing of them turns the checks off."""
        outputs = self.outputs()
        if not outputs:
            self.skipTest("no source of a package can be had")
        out = next(iter(outputs[name] for name in ("bzip2", *outputs) if name in outputs))
        root = json.loads((out / "plan.json").read_text())["source_root"]
        for checker in (SANITIZED, VALGRIND):
            for error, (_, words) in checker.errors.items():
                with self.subTest(error), tempfile.TemporaryDirectory() as folder:
                    done = checker.run(
                        out / "plan.json",
                        root,
                        pathlib.Path(folder).resolve(),
                        out / "compile_commands.json",
                        "--cache-directory",
                        out / "trees",
                        error=error,
                    )
                    self.assertNotEqual(done.returncode, 0)
                    self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
