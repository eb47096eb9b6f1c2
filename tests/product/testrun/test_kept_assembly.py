"""Assembly that is kept for further builds: the same object for the same sources, a new one after
any change."""

import pathlib
import subprocess
import tempfile
import unittest

from tests.support import kept_assembly

SOURCE = '%include "shared.asm"\n%include "config.asm"\nsection .data\ndb SHARED, CONFIG\n'
NINJA = """\
rule nasm
  command = /usr/bin/nasm -f elf64 -I {tree}/src/ -I {folder}/ -MD -MQ $out -MF $out.d $in -o $out
build one.obj: nasm {tree}/src/one.asm
"""


class KeptAssembly(unittest.TestCase):
    def setUp(self):
        self.kit = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.store = kept_assembly.folder_of(self.kit)

    def project(self, name: str) -> pathlib.Path:
        """A source tree and a build folder for it."""
        tree, folder = self.kit / name, self.kit / f"{name}-build"
        (tree / "src").mkdir(parents=True)
        folder.mkdir()
        (tree / "src/one.asm").write_text(SOURCE)
        (tree / "src/shared.asm").write_text("%define SHARED 1\n")
        (folder / "config.asm").write_text("%define CONFIG 1\n")
        (folder / "build.ninja").write_text(NINJA.format(tree=tree, folder=folder))
        return tree

    def assemble(self, tree: pathlib.Path) -> bytes:
        """Runs the kept nasm as a build would. Returns the object."""
        folder = tree.with_name(f"{tree.name}-build")
        path = kept_assembly.environment(self.kit)["PATH"]
        words = ["-f", "elf64", "-I", f"{tree}/src/", "-I", f"{folder}/", "-MD", "-MQ", "one.obj"]
        words += ["-MF", "one.d", f"../{tree.name}/src/one.asm", "-o", "one.obj"]
        nasm = pathlib.Path(path.partition(":")[0], "nasm")
        (folder / "one.d").unlink(missing_ok=True)
        subprocess.run([nasm, *words], cwd=folder, check=True)
        return (folder / "one.obj").read_bytes()

    def objects(self) -> int:
        return len([path for path in self.store.iterdir() if path.name != "bin"])

    def test_a_second_build_takes_the_object_of_the_first(self):
        first = self.project("first")
        subprocess.run(["ninja", "-C", self.kit / "first-build"], check=True, capture_output=True)
        kept_assembly.keep(self.kit / "first-build", self.kit)
        self.assertEqual(self.objects(), 1)
        made = (self.kit / "first-build/one.obj").read_bytes()
        self.assertEqual(self.assemble(self.project("second")), made)
        self.assertEqual(self.assemble(first), made)
        self.assertEqual(self.objects(), 1)
        dependencies = (self.kit / "second-build/one.d").read_text()
        self.assertTrue(dependencies.startswith("one.obj: "))
        for name in ("second/src/one.asm", "second/src/shared.asm", "config.asm"):
            self.assertIn(name, dependencies)

    def test_any_change_makes_a_new_object(self):
        tree = self.project("first")
        made = [self.assemble(tree)]
        for path in (
            tree / "src/one.asm",
            tree / "src/shared.asm",
            self.kit / "first-build/config.asm",
        ):
            path.write_text(path.read_text().replace("1\n", "2\n").replace("db ", "db 7, "))
            made.append(self.assemble(tree))
        self.assertEqual(len(set(made)), 4)
        self.assertEqual(self.objects(), 4)

    def test_errors_and_questions_are_nasm_s(self):
        tree = self.project("first")
        (tree / "src/one.asm").write_text("no such instruction\n")
        with self.assertRaises(subprocess.CalledProcessError):
            self.assemble(tree)
        nasm = self.store / "bin" / "nasm"
        self.assertIn("NASM version", subprocess.check_output([nasm, "-v"], text=True))


if __name__ == "__main__":
    unittest.main()
