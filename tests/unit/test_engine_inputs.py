"""The engine is an input of its stages: all modules that a stage can reach, and no others."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from ia2.base import import_closure
from ia2.stages import sequence

SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE") or pathlib.Path(__file__).resolve().parents[2])
POLICY = '[compartment.app]\npkey = 1\nsources = ["app.c"]\n'
BUILD = (
    "rule cc\n  command = gcc -fPIC -c $in -o $out\n"
    "rule link\n  command = gcc $in -o $out\n"
    "build app.o: cc ../app.c\nbuild app: link app.o\n"
)


class Closure(unittest.TestCase):
    def closure(self, files, module):
        with tempfile.TemporaryDirectory() as folder:
            package = pathlib.Path(folder) / "package"
            for name, text in files.items():
                path = package / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            found = import_closure.closure(str(package / module), str(package))
            return [os.path.relpath(path, package) for path in found]

    def test_what_is_imported_in_any_way_is_found(self):
        files = {
            "__init__.py": "",
            "top/__init__.py": "",
            "top/start.py": "from . import beside\nfrom ..low import one\nimport os, re\n",
            "top/beside.py": (
                "def late():\n    from ..low.two import name\n    import package.low.four\n"
            ),
            "top/unused.py": "",
            "low/__init__.py": "from package.low.three import x\n",
            "low/one.py": "",
            "low/two.py": "from ..top import start  # a circle ends\n",
            "low/three.py": "",
            "low/four.py": "",
            "low/unused.py": "",
        }
        wanted = sorted(name for name in files if "unused" not in name)
        self.assertEqual(self.closure(files, "top/start.py"), wanted)

    def test_other_packages_do_not_count(self):
        files = {"__init__.py": "", "a.py": "import json\nfrom os import path\n", "json.py": ""}
        self.assertEqual(self.closure(files, "a.py"), ["a.py"])

    def test_of_the_pipeline(self):
        package = SOURCE / "kit" / "ia2"
        found = {
            os.path.relpath(path, package)
            for path in import_closure.closure(str(package / "stages/pipeline.py"), str(package))
        }
        named = "base/atomic.py base/failure.py stages/stamps.py stages/link.py elf/gates.py"
        self.assertLessEqual({*named.split(), "__init__.py", "stages/__init__.py"}, found)
        rooms = {name.split("/")[0] for name in found if "/" in name}
        self.assertEqual(rooms, {"base", "builds", "elf", "formats", "policy", "stages"})


class Stages(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(os.path.realpath(folder.name))
        shutil.copytree(SOURCE / "kit" / "ia2", self.path / "kit" / "ia2")
        (self.path / "scripts").mkdir()
        shutil.copy(SOURCE / "scripts" / "rewrite.py", self.path / "scripts")
        (self.path / "app.c").write_text("int main(void) { return 0; }\n")
        (self.path / "compartments.toml").write_text(POLICY)
        (self.path / "build").mkdir()
        (self.path / "build" / "build.ninja").write_text(BUILD)
        subprocess.run(["ninja", "-C", self.path / "build"], check=True, capture_output=True)

    def fresh(self):
        """Of capture, canonicalize and plan, those that a run finds up to date."""
        script = self.path / "scripts" / "rewrite.py"
        words = ["--policy", "compartments.toml", "--out", "out", "--stage", "plan", "build"]
        done = subprocess.run(
            ["/usr/bin/python3", script, *words], cwd=self.path, capture_output=True, text=True
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return [line.split()[0] for line in done.stdout.splitlines() if "up to date" in line]

    def change(self, module):
        with open(self.path / "kit" / "ia2" / module, "a", encoding="utf-8") as stream:
            stream.write("# changed\n")

    def test_a_module_that_a_stage_can_reach_makes_all_run_again(self):
        self.assertEqual(self.fresh(), [])
        stages = ["capture", "canonicalize", "plan"]
        self.assertEqual(self.fresh(), stages)
        for module in ("base/atomic.py", "base/failure.py", "stages/stamps.py", "elf/__init__.py"):
            self.change(module)
            self.assertEqual(self.fresh(), [], module)
            self.assertEqual(self.fresh(), stages, module)

    def test_other_modules_do_not(self):
        self.fresh()
        for module in ("demo/demo.py", "vm/vm.py", "tools/doctor.py", "testing/__init__.py"):
            self.change(module)
            self.assertEqual(self.fresh(), ["capture", "canonicalize", "plan"], module)

    def test_a_module_that_joins_counts_from_then_on(self):
        self.fresh()
        self.change("tools/doctor.py")
        self.assertEqual(len(self.fresh()), 3)
        with open(self.path / "kit/ia2/stages/link.py", "a", encoding="utf-8") as stream:
            stream.write("def late():\n    from ..tools import doctor\n")
        self.assertEqual(self.fresh(), [])
        self.change("tools/doctor.py")
        self.assertEqual(self.fresh(), [])


class Sequence(unittest.TestCase):
    def test_what_a_stage_reads_an_earlier_one_makes(self):
        made = {sequence.FURTHER_NEEDS}  # by the link, of an earlier round
        for stage in sequence.STAGES:
            self.assertLessEqual(set(stage.inputs), made, stage.name)
            made.update(stage.outputs)

    def test_names(self):
        names = "capture canonicalize plan rewrite link audit"
        self.assertEqual(" ".join(sequence.NAMES), names)


if __name__ == "__main__":
    unittest.main()
