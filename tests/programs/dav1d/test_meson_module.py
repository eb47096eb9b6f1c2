"""dav1d with the three lines of examples/dav1d/README.md in its own Meson files: the diff on that
page is applied to a copy of Debian's source, the Meson module splits the program, and what comes
out is what scripts/demo makes."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from tests.programs.dav1d import decoding
from tests.support import kept_assembly
from ia2.elf import elf
from ia2.samples import dav1d, streams

NEEDS_PKU = True
TIMEOUT = 300
SOURCE = pathlib.Path(os.environ["IA2_SOURCE"])
FILES = ("dav1d", "libdav1d.ia2.so")


def diff() -> str:
    """The diff on the page, which has no other."""
    found = re.findall(
        r"^```diff\n(.*?)^```$",
        (SOURCE / "examples/dav1d/README.md").read_text(),
        re.MULTILINE | re.DOTALL,
    )
    if len(found) != 1:
        raise RuntimeError(f"examples/dav1d/README.md has {len(found)} diffs")
    return found[0]


def run(*command, text: str = "", **options) -> str:
    """Runs a command with `text` as its input; what it prints."""
    done = subprocess.run(
        list(map(str, command)),
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        **options,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}")
    return done.stdout


def build(out: pathlib.Path):
    """Builds a copy of the demo's source and build directory, so that only what the diff changes is
    built."""
    streams.prepare(pathlib.Path(os.environ["IA2_BUILD"]))
    made, build_dir = decoding.build(out), pathlib.Path(os.environ["IA2_BUILD"])
    plain = made.plain.parents[1]
    source = pathlib.Path(
        json.loads((plain / "meson-info/meson-info.json").read_text())["directories"]["source"]
    )
    tree, folder = out / source.name, out / plain.name
    text, stamp = diff(), out / "copied"
    key = hashlib.sha256(
        f"{text}{plain}{made.plain.stat().st_mtime_ns}{dav1d.POLICY.read_text()}".encode()
    ).hexdigest()
    if not stamp.exists() or stamp.read_text() != key:
        for old in (tree, folder):
            shutil.rmtree(old, ignore_errors=True)
        # Side by side under their own names: the commands of the copied build are the same text, so
        # Ninja takes its objects for its own. Those of nasm name the folder absolutely, so Ninja
        # makes them again, out of the store.
        kept_assembly.keep(plain, build_dir)
        shutil.copytree(source, tree, symlinks=True)
        shutil.copytree(plain, folder, symlinks=True)
        run("patch", "-p1", "--batch", "-d", tree, text=text)
        shutil.copy(dav1d.POLICY, tree / "compartments.toml")
        run(
            SOURCE / "scripts/ia2-meson",
            "setup",
            "--reconfigure",
            folder,
            tree,
            env={**os.environ, **kept_assembly.environment(build_dir)},
        )
        stamp.write_text(key)
    text = run(dav1d.NINJA, "-C", folder)
    print(f"note: {text.splitlines()[-1]}")
    (out / "module.json").write_text(json.dumps({"folder": str(folder / "tools/dav1d.ia2")}))


class Module(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.builds = decoding.builds()
        cls.folder = pathlib.Path(
            json.loads(pathlib.Path(os.environ["IA2_TEST_OUT"], "module.json").read_text())[
                "folder"
            ]
        )
        cls.outs = (
            pathlib.Path(cls.builds["compartmentalized"]).parents[1],
            cls.folder / "dav1d.p",
        )

    def test_three_lines(self):
        added = [
            line
            for line in diff().splitlines()
            if line.startswith("+") and not line.startswith("+++")
        ]
        self.assertEqual(len(added), 3)
        self.assertFalse(
            [
                line
                for line in diff().splitlines()
                if line.startswith("-") and not line.startswith("---")
            ]
        )

    def test_applies_to_every_version(self):
        """To the source of each Debian's version that is there; build() has fetched one."""
        sources = sorted(
            (pathlib.Path(os.environ["IA2_BUILD"]) / "demo").glob("dav1d-*/tools/meson.build")
        )
        self.assertTrue(sources)
        for source in sources:
            with self.subTest(source), tempfile.TemporaryDirectory() as folder:
                os.mkdir(os.path.join(folder, "tools"))
                made = pathlib.Path(shutil.copy(source, os.path.join(folder, "tools")))
                run("patch", "-p1", "--batch", "-d", folder, text=diff())
                self.assertTrue(made.read_text().endswith("install : true)\n"))

    def test_same_gates(self):
        ours, theirs = (json.loads((out / "boundary.json").read_text()) for out in self.outs)
        self.assertIn("__wrap_dav1d_open", {gate["symbol"] for gate in ours["gates"]})
        for name in ("gates", "escaping_types", "shared_locals", "rewritten"):
            self.assertEqual(ours[name], theirs[name], name)
        for name in ("cli.S", "libdav1d.S"):
            self.assertEqual(*((out / "callgates" / name).read_text() for out in self.outs))

    def test_same_exports(self):
        for name in FILES:
            ours, theirs = (
                {
                    symbol.name
                    for symbol in elf.Elf.read(str(folder / name)).symbols(elf.SHT_DYNSYM)
                    if symbol.defined and symbol.visibility == elf.STV_DEFAULT
                }
                for folder in (self.folder, self.outs[0] / "bin")
            )
            self.assertEqual(ours, theirs)
        self.assertIn("__wrap_dav1d_open", ours)

    def test_decodes(self):
        found = {
            stream.name: stream for stream in streams.prepare(pathlib.Path(os.environ["IA2_BUILD"]))
        }
        for name in ("8bit-420", "10bit-444"):
            ended = decoding.decode(
                str(self.folder / "dav1d"),
                [
                    "-q",
                    "-i",
                    found[name].path,
                    "--filmgrain",
                    "1",
                    "--muxer",
                    "md5",
                    "-o",
                    "-",
                    "--threads",
                    "4",
                ],
            )
            self.assertEqual(
                (ended["status"], ended["out"].strip(), ended["err"]), (0, found[name].md5, "")
            )


if __name__ == "__main__":
    unittest.main()
