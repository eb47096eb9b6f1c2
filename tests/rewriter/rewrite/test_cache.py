"""What the rewriter keeps of each unit from run to run: the same output with it, and it is believed
only while it is true."""

import os
import pathlib
import random
import re
import subprocess
import tempfile
import unittest

from tests.support import rewriter_case

FOLDER = pathlib.Path(__file__).resolve().parent

TIMEOUT = 600
PROGRAM = """Two units read own.h, and all of them shared.h.

>>> policy
{"imports": {"set_hook": [2, 1]}}

>>> 1 app.c -Iadded
#include "shared.h"
#include <own.h>
static void hook(int x) { (void)x; }
int main(void) { set_hook(hook); return OWN; }

>>> 1 other.c
#include <stdlib.h>
#include "shared.h"
#if __has_include("optional.h")
#include "optional.h"
#endif
int other(void) { return 0; }

>>> 2 lib.c
#include "shared.h"
#include <own.h>
static hook_t *saved;
void set_hook(hook_t *h) { saved = h; }
void call(void) { if (saved) saved(OWN); }

>>> - shared.h
typedef void hook_t(int);
void set_hook(hook_t *h);

>>> - own.h
#define OWN 1

"""


class Kept:
    """A case whose trees are kept in a folder."""

    def __init__(self, folder, path):
        self.run = rewriter_case.Run(rewriter_case.Case(path), os.path.realpath(folder))
        self.kept = self.run.folder / "trees"

    def rewrite(self, *arguments):
        """The result, without the explanation, and the names of the sources that were parsed, with
        the reasons."""
        done = self.run.rewrite("--cache-directory", self.kept, "--explain", *arguments)
        parsed, rest = {}, []
        for line in done.stderr.splitlines(keepends=True):
            match = re.fullmatch(r"(/[^:]*): (not parsed again|parsed: (.*))\n", line)
            if re.fullmatch(r"\S+:\d+: note: .*\n|  if a violation names it: .*\n", line):
                continue
            if not match:
                rest.append(line)
            elif match[3]:
                parsed[os.path.basename(match[1])] = match[3]
        done.stderr = "".join(rest)
        return done, parsed

    def trees(self):
        return sorted(self.kept.glob("*.tree"))


class Cache(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        case = pathlib.Path(folder.name) / "program.case"
        case.write_text(PROGRAM.replace("-Iadded", f"-I{folder.name}/inner/project/added"))
        (pathlib.Path(folder.name) / "inner").mkdir()
        self.kept = Kept(f"{folder.name}/inner", case)
        self.run_ = self.kept.run
        self.assertEqual(set(self.parsed()), {"app.c", "other.c", "lib.c"})

    def parsed(self, *arguments):
        done, parsed = self.kept.rewrite(*arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return parsed

    def test_cases(self):
        """Cold, warm and without: the same bytes, and the same refusals."""
        for path in (
            *sorted(FOLDER.glob("*.case")),
            *sorted((FOLDER.parent / "reject").glob("*.case")),
        ):
            with self.subTest(path.stem), tempfile.TemporaryDirectory() as folder:
                kept = Kept(folder, path)
                plain = kept.run.rewrite()
                expected = (plain.returncode, plain.stderr, kept.run.contents())
                for warm in (False, True):
                    done, parsed = kept.rewrite()
                    self.assertEqual((done.returncode, done.stderr, kept.run.contents()), expected)
                    if warm and "cannot parse" not in plain.stderr:
                        self.assertEqual(parsed, {})

    def test_nothing_changed(self):
        before = self.run_.written()
        self.assertEqual(self.parsed(), {})
        self.assertEqual(self.run_.written(), before)

    def test_touched_but_equal(self):
        os.utime(self.run_.root / "own.h")
        self.assertEqual(self.parsed(), {})

    def test_header_of_some(self):
        (self.run_.root / "own.h").write_text("#define OWN 2\n")
        reason = "own.h has changed"
        self.assertEqual(self.parsed(), {"app.c": reason, "lib.c": reason})
        self.assertEqual(self.parsed(), {})

    def test_source(self):
        path = self.run_.root / "lib.c"
        path.write_text(path.read_text().replace("OWN)", "0)"))
        self.assertEqual(self.parsed(), {"lib.c": "lib.c has changed"})
        self.assertIn("IA2_CALL(saved, 0x", self.run_.mirrored("lib.c").read_text())

    def test_header_that_shadows(self):
        """A file of the name in a folder that is searched before."""
        (self.run_.root / "added").mkdir()
        self.assertEqual(set(self.parsed()), {"app.c"})
        (self.run_.root / "added" / "own.h").write_text("#define OWN 3\n")
        self.assertEqual(set(self.parsed()), {"app.c"})

    def test_asked_for_by_condition(self):
        (self.run_.root / "optional.h").write_text("#include <own.h>\n")
        self.assertEqual(set(self.parsed()), {"other.c"})
        (self.run_.root / "optional.h").unlink()
        self.assertEqual(set(self.parsed()), {"other.c"})

    def test_link_that_leads_elsewhere(self):
        (self.run_.root / "copy.h").write_bytes((self.run_.root / "own.h").read_bytes())
        (self.run_.root / "own.h").unlink()
        (self.run_.root / "own.h").symlink_to("copy.h")
        self.assertEqual(set(self.parsed()), {"app.c", "lib.c"})

    def test_command(self):
        for command in self.run_.commands:
            if command["file"].endswith("other.c"):
                command["arguments"].insert(1, "-DMORE")
        self.run_.write_plan()
        self.assertEqual(set(self.parsed()), {"other.c"})
        self.assertEqual(len(self.kept.trees()), 3)  # that of the old command is gone
        self.assertEqual(set(self.parsed("--extra-arg", "-DALL")), {"app.c", "other.c", "lib.c"})

    def test_environment(self):
        os.environ["CPATH"] = str(self.run_.build)
        self.addCleanup(os.environ.pop, "CPATH")
        self.assertEqual(set(self.parsed()), {"app.c", "other.c", "lib.c"})

    def test_boundary(self):
        """What crosses changes nothing in what a unit says, except if a system header declares
        it."""
        self.run_.case.policy["imports"]["call"] = [2, 1]
        self.run_.write_plan()
        self.assertEqual(self.parsed(), {})

    def test_boundary_in_system_header(self):
        """What a system header declares is read when the plan has it, and then its gate is the one
        that a first run makes."""
        self.run_.case.policy["imports"]["rand"] = [2, 1]
        self.run_.write_plan()
        self.assertEqual(
            self.parsed(),
            {"other.c": "the boundary has a function of a system header that it had not"},
        )
        self.assertEqual(self.parsed(), {})
        kept = self.run_.contents()
        self.assertIn(b"__wrap_rand", kept["boundary.json"])
        self.assertEqual(self.run_.rewrite().returncode, 0)
        self.assertEqual(self.run_.contents(), kept)

    def test_unreadable_search(self):
        """A name that only the preprocessor knows: nothing is kept."""
        path = self.run_.root / "other.c"
        path.write_text(
            "#define NAME <own.h>\n#if __has_include(NAME)\n#endif\n" + path.read_text()
        )
        for _ in range(2):
            self.assertEqual(set(self.parsed()), {"other.c"})

    def test_one_of_the_sources(self):
        """What is kept of the others stays."""
        (self.run_.root / "shared.h").write_text((self.run_.root / "shared.h").read_text() + "\n")
        self.assertEqual(set(self.parsed(str(self.run_.root / "other.c"))), {"other.c"})
        self.assertEqual(set(self.parsed()), {"app.c", "lib.c"})

    def test_damaged(self):
        """Cut short, longer, empty, of another unit, or with any byte changed: it is not believed,
        and made anew."""
        chance = random.Random(1)
        expected = self.run_.contents()
        tree, other = self.kept.trees()[:2]
        good = tree.read_bytes()
        bad = [good[: chance.randrange(len(good))] for _ in range(20)] + [
            good + b"x",
            b"",
            other.read_bytes(),
            b"IA2tree1" + bytes(4096),
        ]
        for _ in range(60):
            at = chance.randrange(len(good) if chance.random() < 0.7 else 300)
            bad.append(good[:at] + bytes([good[at] ^ 1 << chance.randrange(8)]) + good[at + 1 :])
        for data in bad:
            tree.write_bytes(data)
            parsed = self.parsed()
            self.assertEqual(list(parsed.values()), ["what was kept of it is damaged"])
            self.assertEqual(tree.read_bytes(), good)
        self.assertEqual(self.run_.contents(), expected)

    def test_two_at_once(self):
        """Ten of them at once, on nothing kept: the same output as alone."""
        expected = self.run_.contents()
        for tree in self.kept.trees():
            tree.unlink()
        command = [
            rewriter_case.REWRITER,
            "--policy",
            self.run_.out / "plan.json",
            "--root-directory",
            self.run_.root,
            "-p",
            self.run_.out,
            "--cache-directory",
            self.kept.kept,
        ]
        started = []
        for number in range(10):
            out = self.run_.folder / f"out{number}"
            out.mkdir()
            started.append(
                (
                    out,
                    subprocess.Popen(
                        [
                            *command,
                            "--output-directory",
                            out / "rewritten",
                            "--output-prefix",
                            f"{out}/",
                        ]
                    ),
                )
            )
        for out, process in started:
            self.assertEqual(process.wait(60), 0)
            self.assertEqual(
                {name: path.read_bytes() for name, path in rewriter_case.made(out).items()},
                expected,
            )
        self.assertEqual(self.parsed(), {})
        self.assertEqual(list(self.kept.kept.glob("*.tmp")), [])

    def test_place_that_cannot_be_made(self):
        done = self.run_.rewrite("--cache-directory", "/dev/null/trees")
        self.assertEqual((done.returncode, done.stderr.count("cannot make the directory")), (1, 1))


if __name__ == "__main__":
    unittest.main()
