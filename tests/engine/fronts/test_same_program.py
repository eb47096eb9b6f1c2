"""One policy and one project through every front: the same gates, the same exports, the same
protection."""

import json
import os
import pathlib
import shutil
import unittest

from tests.support import newer_meson
from tests.support import small_project as small
from ia2.elf import elf

NEEDS_PKU = True
ALSO_NATIVE = True

MODULE = (
    small.MESON.replace("'c')\n", "'c')\nia2 = import('ia2')\n", 1)
    + "ia2.compartmentalize(exe, policy: 'compartments.toml')\n"
)
PACKAGE = (
    small.CMAKE.replace("set(CMAKE_EXPORT_COMPILE_COMMANDS ON)", "find_package(IA2 REQUIRED)")
    + "ia2_compartmentalize(counter POLICY compartments.toml)\n"
)
ENVIRONMENT = {**os.environ, "IA2_BUILD": str(small.KIT_BUILD)}


def meson(folder, env):
    """The plain build of Meson, split by rewrite.py."""
    project = small.make(folder, meson___build=small.MESON)
    small.run("/usr/bin/meson", "setup", project / "build", project, env=env)
    small.run("ninja", "-C", project / "build")
    small.rewrite(project, project / "out", "--target", "counter", project / "build")


def module(folder, env):
    """The Meson module, with the Meson that IA2_MESON names."""
    project = small.make(folder, meson___build=MODULE)
    small.run(small.SOURCE / "scripts/ia2-meson", "setup", project / "build", project, env=env)
    small.run("ninja", "-C", project / "build")
    (project / "out").symlink_to(project / "build/counter.ia2/counter.p")


def module_newest(folder, env):
    module(folder, {**env, "IA2_MESON": str(newer_meson.script(newer_meson.NEWEST))})


def cmake(generator, configuration=""):
    def make(folder, env):
        project = small.make(folder, CMakeLists___txt=PACKAGE)
        small.run(
            "cmake",
            "-G",
            generator,
            "-S",
            project,
            "-B",
            project / "build",
            f"-DIA2_DIR={small.SOURCE}/cmake",
            env=env,
        )
        small.run(
            "cmake",
            "--build",
            project / "build",
            *(["--config", configuration] if configuration else []),
        )
        (project / "out").symlink_to(project / "build/counter.ia2" / configuration / "work")

    return make


def recorded(folder, env):
    project = small.make(folder, Makefile=small.MAKEFILE)
    small.rewrite(
        project,
        project / "out",
        "--capture",
        f"make CC={env['CC']}",
        "--target",
        "counter",
        project,
    )


FRONTS = {
    "meson": meson,
    "module": module,
    "module-newest": module_newest,
    "cmake-ninja": cmake("Ninja"),
    "cmake-makefiles": cmake("Unix Makefiles"),
    "cmake-several": cmake("Ninja Multi-Config", "Debug"),
    "recorded": recorded,
}


def made() -> list[tuple[str, str]]:
    """Front and compiler of each program. The newest Meson counts if there is one: where the mirror
    has none, tests/engine/meson skips with that reason."""
    fronts = [
        front
        for front in FRONTS
        if front != "module-newest" or newer_meson.carried(newer_meson.NEWEST)
    ]
    return [
        (front, compiler)
        for front in fronts
        for compiler in (("gcc", "clang") if front in ("module", "recorded") else ("gcc",))
    ]


def build(out: pathlib.Path):
    newer_meson.fetch(newer_meson.NEWEST)
    for front, compiler in made():
        shutil.rmtree(out / f"{front}-{compiler}", ignore_errors=True)
        FRONTS[front](out / f"{front}-{compiler}", {**ENVIRONMENT, "CC": compiler})


class SameProgram(unittest.TestCase):
    def out(self, front, compiler):
        return pathlib.Path(os.environ["IA2_TEST_OUT"]) / f"{front}-{compiler}" / "out"

    def test_gates(self):
        expected = None
        for one in made():
            with self.subTest(one):
                boundary = json.loads((self.out(*one) / "boundary.json").read_text())
                found = {
                    name: boundary[name]
                    for name in ("gates", "escaping_types", "shared_locals", "rewritten")
                }
                expected = expected or found
                self.assertEqual(found, expected)
        self.assertEqual(
            [gate["symbol"] for gate in expected["gates"]],
            [
                "__ia2_gate_0_add",
                "__wrap_counter_each",
                "__wrap_counter_put",
                "__wrap_counter_where",
            ],
        )

    def test_gate_sources(self):
        for name in ("tool.S", "counter.S"):
            texts = {one: (self.out(*one) / "callgates" / name).read_text() for one in made()}
            self.assertEqual(len(set(texts.values())), 1, texts)

    def test_exports(self):
        for name in ("counter", "counter.ia2.so"):
            found = {}
            for one in made():
                image = elf.Elf.read(str(self.out(*one) / "bin" / name))
                found[one] = tuple(
                    sorted(
                        symbol.name
                        for symbol in image.symbols(elf.SHT_DYNSYM)
                        if symbol.defined
                        and symbol.visibility == elf.STV_DEFAULT
                        and "__wrap_" in symbol.name
                    )
                )
            self.assertEqual(len(set(found.values())), 1, found)
        self.assertEqual(
            next(iter(found.values())),
            ("__wrap_counter_each", "__wrap_counter_put", "__wrap_counter_where"),
        )

    def test_runs(self):
        for one in made():
            with self.subTest(one):
                done = small.run(self.out(*one) / "bin/counter")
                self.assertIn("total 5\n", done.stdout)
                self.assertEqual(
                    "NOT protected" in done.stdout, os.environ.get("IA2_PKU") == "none"
                )

    def test_attack(self):
        """The tool reads the library's memory: with keys it dies there; without, the attack must
        work, or this tests nothing."""
        for one in made():
            with self.subTest(one):
                done = small.run(self.out(*one) / "bin/counter", "--attack", check=False)
                self.assertIn("total 5\n", done.stdout)
                if os.environ.get("IA2_PKU") == "none":
                    self.assertIn("stolen 2\n", done.stdout)
                else:
                    self.assertNotIn("stolen", done.stdout)
                    self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()
