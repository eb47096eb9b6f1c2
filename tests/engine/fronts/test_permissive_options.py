"""The option that makes a permissive program: what it is checked for, what is said, and that the
audit sees it."""

import json
import os
import pathlib
import shutil
import tempfile
import unittest

from tests.engine.fronts.test_permissive import MODULE, PACKAGE, configure, small

OUT = pathlib.Path(os.environ.get("IA2_TEST_OUT", "."))


def build(out: pathlib.Path):
    project = small.make(out / "project", Makefile=small.MAKEFILE)
    made = {}
    for name, options in (("enforcing", []), ("permissive", ["--permissive"])):
        shutil.rmtree(out / name, ignore_errors=True)
        made[name] = small.rewrite(
            project,
            out / name,
            *options,
            "--capture",
            "make clean; make",
            "--target",
            "counter",
            project,
        ).stdout
    # The same directory, one way and then the other.
    shutil.rmtree(out / "changed", ignore_errors=True)
    for options in ([], ["--permissive"]):
        small.rewrite(
            project,
            out / "changed",
            *options,
            "--capture",
            "make clean; make",
            "--target",
            "counter",
            project,
        )
        shutil.copytree(out / "changed/bin", out / f"changed{len(options)}", dirs_exist_ok=True)
    small.rewrite(
        project, out / "changed", "--capture", "make clean; make", "--target", "counter", project
    )
    (out / "said.json").write_text(json.dumps(made))


class Options(unittest.TestCase):
    def test_is_not_installed(self):
        with tempfile.TemporaryDirectory() as folder:
            done = configure(
                pathlib.Path(folder),
                "module",
                MODULE.replace("permissive: true", "permissive: true, install: true"),
                check=False,
            )
            self.assertIn(
                (
                    'ia2.compartmentalize: argument "permissive": nothing is enforced in a'
                    " permissive program, so it is not installed; leave out install: true"
                ),
                done.stdout,
            )
            self.assertNotEqual(done.returncode, 0)
            done = configure(
                pathlib.Path(folder),
                "package",
                PACKAGE.replace("PERMISSIVE", "PERMISSIVE INSTALL"),
                check=False,
            )
            self.assertIn(
                (
                    "ia2_compartmentalize: PERMISSIVE: nothing is enforced in a permissive program,"
                    " so it is not installed; leave out INSTALL"
                ),
                " ".join(done.stdout.split()),
            )
            self.assertNotEqual(done.returncode, 0)

    def test_is_a_bool(self):
        with tempfile.TemporaryDirectory() as folder:
            done = configure(
                pathlib.Path(folder),
                "module",
                MODULE.replace("permissive: true", "permissive: 'yes'"),
                check=False,
            )
            self.assertRegex(
                done.stdout,
                (
                    r"ia2.compartmentalize keyword argument .permissive. was of type str but should"
                    r" have been bool"
                ),
            )

    def test_engine_says_it_whatever_quiet_says(self):
        said = json.loads((OUT / "said.json").read_text())
        self.assertIn(
            f"warning: permissive: nothing is enforced in {OUT.resolve()}/permissive/bin\n",
            said["permissive"],
        )
        self.assertNotIn("permissive: ", said["enforcing"])

    def test_one_directory_both_ways(self):
        for count, runtime in ((0, "libia2.so"), (1, "libia2_permissive.so")):
            self.assertEqual(
                sorted(os.listdir(OUT / f"changed{count}")),
                sorted(["counter", "counter.ia2.so", runtime]),
            )
        self.assertEqual(
            sorted(os.listdir(OUT / "changed/bin")), ["counter", "counter.ia2.so", "libia2.so"]
        )

    def test_enforcing_program_is_the_same_as_ever(self):
        for name in ("counter", "counter.ia2.so", "libia2.so"):
            self.assertEqual(
                (OUT / "changed/bin" / name).read_bytes(), (OUT / "changed0" / name).read_bytes()
            )

    def audit(self, *arguments):
        return small.run(small.SOURCE / "scripts/audit", *arguments, check=False)

    def test_audit(self):
        for target in ("permissive", "permissive/bin/counter"):
            done = self.audit("-q", OUT / target)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn(
                (
                    "FAILED counter: enforces: permissive: nothing is enforced; build it without"
                    " --permissive\n"
                ),
                done.stdout,
            )
            self.assertIn("PERMISSIVE: NOTHING IS ENFORCED in this program\n", done.stdout)
            done = self.audit("-q", "--permissive", OUT / target)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertIn("PERMISSIVE: NOTHING IS ENFORCED in this program\n", done.stdout)
        done = self.audit("-q", "--permissive", OUT / "enforcing")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertNotIn("PERMISSIVE", done.stdout)
        self.assertTrue(json.loads(self.audit("--json", OUT / "permissive").stdout)["permissive"])

    def test_audit_sees_the_mark_whatever_the_runtime_is_called(self):
        """The flag of one compartment among enforcing ones."""
        mixed = pathlib.Path("mixed")
        shutil.rmtree(mixed, ignore_errors=True)
        shutil.copytree(OUT / "enforcing/bin", mixed)
        shutil.copy(OUT / "permissive/bin/counter.ia2.so", mixed)
        done = self.audit("--only", "enforcement", mixed / "counter")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(
            (
                "ok     counter: enforces\nFAILED counter.ia2.so: enforces: permissive: nothing is"
                " enforced"
            ),
            done.stdout,
        )


if __name__ == "__main__":
    unittest.main()
