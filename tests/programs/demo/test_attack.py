"""The demo's attack: a hostile stream reads the program's password, unless compartments stop it."""

import os
import pathlib
import shutil
import subprocess
import unittest

from ia2.demo import attack
from ia2.vm.command_batch import Outcome
from tests.support import small_project as small

OUT = pathlib.Path(os.environ["IA2_TEST_OUT"])
PLAIN, SPLIT, OPEN = (OUT / name for name in ("plain", "split", "open"))
NEEDS_PKU = True


def build(out: pathlib.Path) -> None:
    for compiler in ("gcc", "clang"):
        for folder, grant in ((SPLIT, ""), (OPEN, 'reads = ["viewer"]\n')):
            project = folder / compiler
            shutil.rmtree(project, ignore_errors=True)
            shutil.copytree(attack.EXAMPLE, project)
            small.run("/usr/bin/python3", "streams.py", cwd=project)
            policy = project / "compartments.toml"
            sources = 'sources = ["decoder.c"]\n'
            small.edit(policy, sources, sources + grant)
            make = f"make -s CC={compiler}"
            small.rewrite(project, project / "out", "--capture", make, project)


def view(program, stream):
    done = subprocess.run(
        [program, stream],
        capture_output=True,
        text=True,
        errors="replace",
        env={**os.environ, "IA2_REQUIRE_PKU": "1"},
    )
    return Outcome(done.returncode, done.stdout, done.stderr, 0.0)


def ends(program, project):
    return attack.Ends(*(view(program, project / name) for name in (attack.GOOD, attack.HOSTILE)))


class Attack(unittest.TestCase):
    def test_plain_succeeds_and_split_is_stopped(self):
        for compiler in ("gcc", "clang"):
            with self.subTest(compiler):
                project = SPLIT / compiler
                plain = ends(project / "viewer", project)
                split = ends(project / "out/bin/viewer", project)
                self.assertIn(attack.PASSWORD, plain.hostile.out)
                self.assertEqual(plain.hostile.status, 0)
                self.assertEqual(split.hostile.out, "")
                self.assertIn("heap of compartment viewer", split.hostile.err)
                self.assertEqual(attack.faults(plain, split), [])

    def test_it_is_the_key_that_stops_it(self):
        """With a grant for the decoder the same stream shows the password in the split program."""
        for compiler in ("gcc", "clang"):
            with self.subTest(compiler):
                project = OPEN / compiler
                split = ends(project / "out/bin/viewer", project)
                self.assertIn(attack.PASSWORD, split.hostile.out)
                self.assertEqual(split.hostile.status, 0)


PICTURE = Outcome(0, "##\n1 rows\n", "", 0.0)
SHOWN = Outcome(0, f"{attack.PASSWORD}\n1 rows\n", "", 0.0)
DIED = Outcome(-11, "", "ia2: violation: compartment decoder (PKRU 0x5) may not read", 0.0)


class Verdicts(unittest.TestCase):
    def faults(self, plain=(PICTURE, SHOWN), split=(PICTURE, DIED)):
        return " ".join(attack.faults(attack.Ends(*plain), attack.Ends(*split)))

    def test_right(self):
        self.assertEqual(self.faults(), "")
        text = "\n".join(attack.told(attack.Ends(PICTURE, SHOWN), attack.Ends(PICTURE, DIED)))
        self.assertIn(f"shows the viewer's password: {attack.PASSWORD}", text)
        self.assertIn("stopped: compartment decoder", text)
        self.assertIn("the same picture", text)

    def test_wrong(self):
        other = Outcome(-11, "", "", 0.0)
        self.assertIn("THE PASSWORD WAS SHOWN", self.faults(split=(PICTURE, SHOWN)))
        self.assertIn("not stopped by a violation", self.faults(split=(PICTURE, other)))
        self.assertIn("not stopped by a violation", self.faults(split=(PICTURE, PICTURE)))
        self.assertIn("does not show the password", self.faults(plain=(PICTURE, PICTURE)))
        self.assertIn("differs from plain", self.faults(split=(SHOWN, DIED)))
        self.assertIn("plain, good.art", self.faults(plain=(other, SHOWN)))
        leaked = Outcome(-11, SHOWN.out, DIED.err, 0.0)
        self.assertIn("THE PASSWORD WAS SHOWN", self.faults(split=(PICTURE, leaked)))
        self.assertIn(
            "not stopped",
            attack.told(attack.Ends(PICTURE, SHOWN), attack.Ends(*(PICTURE,) * 2))[-1],
        )


if __name__ == "__main__":
    unittest.main()
