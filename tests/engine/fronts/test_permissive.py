"""Permissive programs through the fronts: one option makes one, and nobody can take it for a
program that enforces."""

import json
import os
import pathlib
import shutil
import unittest

from tests.support import compartments
from tests.support import small_project as small

NEEDS_PKU = True
ALSO_NATIVE = True

OUT = pathlib.Path(os.environ.get("IA2_TEST_OUT", "."))


MODULE = small.MESON.replace("'c')\n", "'c')\nia2 = import('ia2')\n", 1) + "".join(
    f"ia2.compartmentalize(exe, policy: 'compartments.toml'{more})\n"
    for more in ("", ", permissive: true")
)
PACKAGE = small.CMAKE.replace(
    "set(CMAKE_EXPORT_COMPILE_COMMANDS ON)", "find_package(IA2 REQUIRED)"
) + "".join(
    f"ia2_compartmentalize(counter POLICY compartments.toml{more})\n"
    for more in ("", " PERMISSIVE")
)
ENVIRONMENT = {**os.environ, "IA2_BUILD": str(small.KIT_BUILD), "CC": "gcc"}
# Where each front puts the program that enforces and the one that does not, in one build.
BESIDE = {
    "module": ("build/counter.ia2/counter", "build/counter.ia2-permissive/counter"),
    "package": ("build/counter.ia2/bin/counter", "build/counter.ia2-permissive/bin/counter"),
}


def configure(out: pathlib.Path, front: str, text: str, check=True):
    """The project in out/FRONT, with `text` as its build file."""
    if front == "module":
        project = small.make(out / front, meson___build=text)
        return small.run(
            small.SOURCE / "scripts/ia2-meson",
            "setup",
            project / "build",
            project,
            env=ENVIRONMENT,
            check=check,
        )
    project = small.make(out / front, CMakeLists___txt=text)
    return small.run(
        "cmake",
        "-G",
        "Ninja",
        "-S",
        project,
        "-B",
        project / "build",
        f"-DIA2_DIR={small.SOURCE}/cmake",
        env=ENVIRONMENT,
        check=check,
    )


def build(out: pathlib.Path):
    for front, text in (("module", MODULE), ("package", PACKAGE)):
        configure(out, front, text)
        small.run("ninja", "-C", out / front / "build")
    project = small.make(out / "project", Makefile=small.MAKEFILE)
    for name, options in (("enforcing", []), ("permissive", ["--permissive"])):
        shutil.rmtree(out / name, ignore_errors=True)
        small.rewrite(
            project,
            out / name,
            *options,
            "--capture",
            "make clean; make",
            "--target",
            "counter",
            project,
        )
    # A source of IA2's that asks for it.
    asking = small.make(
        out / "asking",
        Makefile=small.MAKEFILE.replace(
            "-O2", f"-O2 -DIA2_ENABLE=0 -I{small.SOURCE}/runtime/include"
        ),
        tool__main___c="#include <ia2.h>\n#include <permissive_mode.h>\n"
        + small.FILES["tool/main.c"],
    )
    made = {}
    for name, options in (("refused", []), ("asked", ["--permissive"])):
        shutil.rmtree(out / name, ignore_errors=True)
        made[name] = small.rewrite(
            asking,
            out / name,
            *options,
            "--capture",
            "make clean; make",
            "--target",
            "counter",
            asking,
            check=bool(options),
        ).stdout
    (out / "said.json").write_text(json.dumps(made))


class Permissive(unittest.TestCase):
    def attack(self, program):
        return compartments.execute(program, "--attack", IA2_VIOLATION_LOG="log.json")

    def violations(self):
        """With the first line, of the run."""
        lines = [json.loads(line) for line in pathlib.Path("log.json").read_text().splitlines()]
        return [line for line in lines if line["kind"] != "allocated"]

    def test_attack_succeeds_and_is_recorded(self):
        done = self.attack(OUT / "permissive/bin/counter")
        self.assertEqual((done.status, done.out), (0, "total 5\nstolen 2\n"), done)
        self.assertIn("permissive: nothing is enforced", done.err)
        lines = self.violations()
        self.assertEqual(lines[0]["pkeys"], compartments.enforced())
        found = [
            (line["accessor"], line["owner"], line["memory"]["name"], line["at"]["function"])
            for line in lines[1:]
        ]
        self.assertEqual(
            found, [("tool", "counter", "values", "main")] if compartments.enforced() else []
        )

    def test_a_source_that_asks_for_it(self):
        said = json.loads((OUT / "said.json").read_text())
        self.assertIn(
            (
                "tool/main.c:2:10: error: #include <permissive_mode.h>: the source asks for a"
                " program that goes on after a violation, and this one is made to enforce\n"
            ),
            said["refused"],
        )
        self.assertFalse((OUT / "refused/bin").exists())
        done = self.attack(OUT / "asked/bin/counter")
        self.assertEqual((done.status, done.out), (0, "total 5\nstolen 2\n"), done)
        self.assertIn("permissive: nothing is enforced", done.err)
        self.assertEqual(
            len(self.violations()),
            2 if compartments.enforced() else 1,
        )

    def test_build_systems_have_one_beside_the_other(self):
        for front, (enforcing, permissive) in BESIDE.items():
            with self.subTest(front):
                done = self.attack(OUT / front / permissive)
                self.assertEqual((done.status, done.out), (0, "total 5\nstolen 2\n"), done)
                self.assertTrue(
                    (OUT / front / permissive).with_name("libia2_permissive.so").exists()
                )
                done = self.attack(OUT / front / enforcing)
                self.assertEqual(done.status, -11 if compartments.enforced() else 0, done)

    @unittest.skipUnless(compartments.enforced(), "needs protection keys")
    def test_the_same_dies_if_built_to_enforce(self):
        done = self.attack(OUT / "enforcing/bin/counter")
        self.assertEqual((done.status, done.out), (-11, "total 5\n"), done)


if __name__ == "__main__":
    unittest.main()
