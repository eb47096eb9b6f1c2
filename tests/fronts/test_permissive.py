"""Permissive programs through the fronts: one option makes one, and nobody can take it for a program that enforces."""

import json
import os
import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import compartments  # noqa: E402
import small_project as small  # noqa: E402

NEEDS_PKU = True
ALSO_NATIVE = True

OUT = pathlib.Path(os.environ.get("IA2_TEST_OUT", "."))


def build(out: pathlib.Path):
    project = small.make(out / "project", Makefile=small.MAKEFILE)
    made = {}
    for name, options in (("enforcing", []), ("permissive", ["--permissive"])):
        shutil.rmtree(out / name, ignore_errors=True)
        made[name] = small.rewrite(project, out / name, *options, "--capture", "make clean; make", "--target", "counter", project).stdout
    # The same directory, one way and then the other.
    shutil.rmtree(out / "changed", ignore_errors=True)
    for options in ([], ["--permissive"]):
        small.rewrite(project, out / "changed", *options, "--capture", "make clean; make", "--target", "counter", project)
        shutil.copytree(out / "changed/bin", out / f"changed{len(options)}", dirs_exist_ok=True)
    small.rewrite(project, out / "changed", "--capture", "make clean; make", "--target", "counter", project)
    # A source of IA2's that asks for it.
    asking = small.make(out / "asking", Makefile=small.MAKEFILE.replace("-O2", f"-O2 -DIA2_ENABLE=0 -I{small.SOURCE}/runtime/include"),
                        tool__main___c="#include <ia2.h>\n#include <permissive_mode.h>\n" + small.FILES["tool/main.c"])
    for name, options in (("refused", []), ("asked", ["--permissive"])):
        shutil.rmtree(out / name, ignore_errors=True)
        made[name] = small.rewrite(asking, out / name, *options, "--capture", "make clean; make", "--target", "counter", asking,
                                   check=bool(options)).stdout
    (out / "said.json").write_text(json.dumps(made))


class Permissive(unittest.TestCase):
    def attack(self, program):
        return compartments.execute(program, "--attack", IA2_VIOLATION_LOG="log.json")

    def test_attack_succeeds_and_is_recorded(self):
        done = self.attack(OUT / "permissive/bin/counter")
        self.assertEqual((done.status, done.out), (0, "total 5\nstolen 2\n"), done)
        self.assertIn("permissive: nothing is enforced", done.err)
        lines = [json.loads(line) for line in pathlib.Path("log.json").read_text().splitlines()]
        self.assertEqual(lines[0]["pkeys"], compartments.enforced())
        found = [(line["accessor"], line["owner"], line["memory"]["name"], line["at"]["function"]) for line in lines[1:]]
        self.assertEqual(found, [("tool", "counter", "values", "main")] if compartments.enforced() else [])

    @unittest.skipUnless(compartments.enforced(), "needs protection keys")
    def test_the_same_dies_if_built_to_enforce(self):
        for program in ("enforcing/bin/counter", "changed/bin/counter"):
            done = self.attack(OUT / program)
            self.assertEqual((done.status, done.out), (-11, "total 5\n"), done)

    def test_engine_says_it_whatever_quiet_says(self):
        said = json.loads((OUT / "said.json").read_text())
        self.assertIn(f"warning: permissive: nothing is enforced in {OUT.resolve()}/permissive/bin\n", said["permissive"])
        self.assertNotIn("permissive: ", said["enforcing"])

    def test_a_source_that_asks_for_it(self):
        said = json.loads((OUT / "said.json").read_text())
        self.assertIn("tool/main.c:2:10: error: #include <permissive_mode.h>: the source asks for a program that goes on after a violation, "
                      "and this one is made to enforce\n", said["refused"])
        self.assertFalse((OUT / "refused/bin").exists())
        done = self.attack(OUT / "asked/bin/counter")
        self.assertEqual((done.status, done.out), (0, "total 5\nstolen 2\n"), done)
        self.assertIn("permissive: nothing is enforced", done.err)
        self.assertEqual(len(pathlib.Path("log.json").read_text().splitlines()), 2 if compartments.enforced() else 1)

    def test_one_directory_both_ways(self):
        for count, runtime in ((0, "libia2.so"), (1, "libia2_permissive.so")):
            self.assertEqual(sorted(os.listdir(OUT / f"changed{count}")), sorted(["counter", "counter.ia2.so", runtime]))
        self.assertEqual(sorted(os.listdir(OUT / "changed/bin")), ["counter", "counter.ia2.so", "libia2.so"])

    def test_enforcing_program_is_the_same_as_ever(self):
        for name in ("counter", "counter.ia2.so", "libia2.so"):
            self.assertEqual((OUT / "changed/bin" / name).read_bytes(), (OUT / "changed0" / name).read_bytes())

    def audit(self, *arguments):
        return small.run(small.SOURCE / "scripts/audit", *arguments, check=False)

    def test_audit(self):
        for target in ("permissive", "permissive/bin/counter"):
            done = self.audit("-q", OUT / target)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn("FAILED counter: enforces: permissive: nothing is enforced; build it without --permissive\n", done.stdout)
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
        self.assertIn("ok     counter: enforces\nFAILED counter.ia2.so: enforces: permissive: nothing is enforced", done.stdout)


if __name__ == "__main__":
    unittest.main()
