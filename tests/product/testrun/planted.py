"""Runs of the runner on planted test modules."""

import os
import pathlib
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

from ia2.vm import vm


@dataclass
class Run:
    """How a run ended. `lines`: what it printed. `results` and `texts`: of each test by its name,
    "Class.method" and the place, as the JUnit file has them."""

    status: int
    lines: list[str]
    results: dict[str, str]
    texts: dict[str, str]

    @property
    def ran(self) -> list[str]:
        return sorted(self.results)


class Planted:
    """A folder with test modules of its own, tests/room/NAME.py, and a build folder for them."""

    def __init__(self, folder: pathlib.Path, **modules: str):
        self.folder = folder
        room = folder / "tests" / "room"
        room.mkdir(parents=True)
        for package in (room, room.parent):
            (package / "__init__.py").touch()
        for name, text in modules.items():
            (room / f"{name}.py").write_text(text)
        (folder / "build").mkdir()
        # The VM's image is large and the same for all.
        (folder / "build" / "vm").symlink_to(vm.build_dir() / "vm")

    def command(self, *options: str) -> tuple[list, dict]:
        """What `scripts/check OPTION...` runs, with these modules; and how it is started."""
        words = ["/usr/bin/python3", "-m", "ia2.testing", f"--rootdir={self.folder}", *options]
        return words, {
            "text": True,
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
            "cwd": self.folder.parent,
            "env": {**os.environ, "IA2_BUILD": str(self.folder / "build")},
        }

    def run(self, *options: str) -> Run:
        """What `scripts/check OPTION...` does, with these modules."""
        xml = self.folder / "junit.xml"
        xml.unlink(missing_ok=True)
        command, how = self.command(*options, f"--junit-xml={xml}")
        done = subprocess.run(command, **how)
        results, texts = {}, {}
        for case in ElementTree.parse(xml).iter("testcase") if xml.exists() else ():
            name = f"{case.get('classname', '').rpartition('.')[2]}.{case.get('name')}"
            problems = [it for it in case if it.tag in ("failure", "error", "skipped")]
            kinds = {it.tag for it in problems if it.get("type") != "pytest.xfail"}
            results[name] = (
                "failed" if kinds - {"skipped"} else "skipped" if "skipped" in kinds else "ok"
            )
            texts[name] = "\n".join(f"{it.get('message')}\n{it.text}" for it in problems)
        return Run(done.returncode, done.stdout.splitlines(), results, texts)
