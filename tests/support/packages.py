"""Programs of Debian's source packages, built twice: as they are, and compartmentalized with a
policy file alone.

Sources, plain builds and results are kept in BUILD/packages and made again only when something they
depend on changed.
"""

import fcntl
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import time
import unittest
from dataclasses import dataclass

from ia2.base import debian_source
from ia2.vm import vm

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "programs" / "packages"
REPORT = "packages.json"


@dataclass(frozen=True)
class Package:
    """How one program is built. `source`: the Debian source package. `top`: the folder of it that
    is built, a copy of which is the build directory. `configure`, `make`: shell commands there;
    `make` is recorded by Bear, unless the build is Ninja's, and builds only what is needed.
    `ninja`: where Ninja's files are, in the build directory. `program`: what it makes, in the build
    directory. `tree`: the name of the build directory, if it is not the program's own: programs may
    share one, with the same commands; of a recorded build it is the name of the program that keeps
    the record, which is built first.
    """

    name: str
    source: str
    program: str
    make: str
    configure: str = "true"
    top: str = "."
    ninja: str = ""
    tree: str = ""

    @property
    def policy(self) -> pathlib.Path:
        """A release whose version of the program has other variables has a policy of its own."""
        own = FOLDER / self.name / f"compartments-{debian_source.codename()}.toml"
        return own if own.exists() else FOLDER / self.name / "compartments.toml"

    def rewriting(self, project: pathlib.Path) -> str:
        """What rewrite.py is told about the build."""
        if self.ninja:
            return f"--target {os.path.relpath(self.program, self.ninja)} {project / self.ninja}"
        recorded = f"--recorded {project.parent / f'out-{self.tree}'} " if self.tree else ""
        return f"--target {self.program} {recorded}--capture {shlex.quote(self.make)} {project}"


def shell(command: str, folder: pathlib.Path):
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode:
        raise RuntimeError(f"in {folder}: {command}\n{done.stdout[-6000:]}")
    return done.stdout


def source(package: Package, folder: pathlib.Path) -> pathlib.Path:
    """The source tree as the Debian release has it: mirrors drop the versions that a security
    update has replaced."""
    return debian_source.fetch(package.source, folder, suite=debian_source.codename())


def plain(package: Package, tree: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """The build directory, configured; what is recorded rewrite.py builds in it. Made again when
    the commands are other ones."""
    target = folder / f"plain-{package.tree or package.name}"
    stamp = target / ".ia2-package.json"
    wanted = json.dumps(
        [str(tree), package.top, package.configure, "" if package.ninja else package.make]
    )
    out = folder / f"out-{package.tree or package.name}"
    # Without the record of a build that was made, nothing would be left to record.
    if not (
        stamp.exists()
        and stamp.read_text() == wanted
        and (package.ninja or (out / "build-steps.json").exists())
    ):
        for stale in (target, out):
            shutil.rmtree(stale, ignore_errors=True)
        shutil.copytree(tree / package.top, target, symlinks=True)
        shell(package.configure, target)
        stamp.write_text(wanted)
    if package.ninja:
        shell(package.make, target)
    return target


def measured(package: Package, out: pathlib.Path, seconds: float) -> dict:
    """What it took: numbers to print."""
    policy = [
        line
        for line in package.policy.read_text().splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]
    boundary = json.loads((out / "boundary.json").read_text())
    changed = 0
    root = json.loads((out / "plan.json").read_text())["source_root"]
    for name in boundary["rewritten"]:
        # The rewriter puts its own lines in front, up to `#line 1`, and appends others.
        differing = subprocess.run(
            ["diff", pathlib.Path(root, name), out / "rewritten" / name],
            capture_output=True,
            text=True,
            errors="replace",
        )
        changed += sum(line.startswith("<") for line in differing.stdout.splitlines())
    return {
        "policy_lines": len(policy),
        "gates": len(boundary["gates"]),
        "rewritten_lines": changed,
        "rewritten_files": len(boundary["rewritten"]),
        "seconds": round(seconds, 1),
    }


def build(package: Package) -> dict:
    """Both programs of a package: {"plain", "compartmentalized", "folder", and what measured()
    counts}. SourceError if the source cannot be had, RuntimeError if a step fails."""
    folder = pathlib.Path(os.environ["IA2_BUILD"]) / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    # Programs of one source share its tree, and some their build.
    with open(folder / f".lock-{package.source}", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tree = source(package, folder)
        project, out = plain(package, tree, folder), folder / f"out-{package.name}"
        begun = time.monotonic()
        # Bear keeps what it saw the first time; later on there is nothing to make.
        said = shell(
            (
                f"/usr/bin/python3 {vm.SOURCE / 'scripts' / 'rewrite.py'} --policy"
                f" {package.policy} --out {out} -j2 {package.rewriting(project)} 2>&1"
            ),
            folder,
        )
        seconds = time.monotonic() - begun
        program = out / "bin" / os.path.basename(package.program)
        kept = out / "measured.json"
        if "link         up to date" not in said or not kept.exists():
            kept.write_text(json.dumps(measured(package, out, seconds)))
        return {
            "plain": str(project / package.program),
            "compartmentalized": str(program),
            "folder": str(project),
            **json.loads(kept.read_text()),
        }


def build_all(chosen, out: pathlib.Path):
    """Builds packages for the cases of a test module, whose directory `out` is, and prints what
    each took."""
    made = {}
    for package in chosen:
        try:
            it = made[package.name] = build(package)
        except debian_source.SourceError as error:
            made[package.name] = {
                "missing": (
                    f"the source of {package.source} cannot be had: {str(error).splitlines()[0]}"
                )
            }
            continue
        print(
            f"note: {package.name}: {it['policy_lines']} lines of policy, {it['gates']} gates,"
            f" {it['rewritten_lines']} lines rewritten in {it['rewritten_files']} files,"
            f" {it['seconds']} s"
        )
    (out / REPORT).write_text(json.dumps(made))


def run(
    program: str,
    *arguments,
    folder=None,
    given: bytes = b"",
    timeout: float = 100,
    environment=None,
) -> dict:
    """How the program ended: "status" (-N for signal N), "out", "err". It is told the same name
    wherever it lies. `environment`: further variables."""
    done = subprocess.run(
        [os.path.basename(program), *map(str, arguments)],
        executable=program,
        input=given,
        cwd=folder,
        capture_output=True,
        timeout=timeout,
        env={**os.environ, "IA2_REQUIRE_PKU": "1", **(environment or {})},
    )
    return {
        "status": done.returncode,
        "out": done.stdout,
        "err": re.sub(rb"0x[0-9a-f]+", b"ADDRESS", done.stderr),
    }


class Case(unittest.TestCase):
    """The tests of the package that build_all() made under this name."""

    package = ""

    @classmethod
    def setUpClass(cls):
        made = json.loads(pathlib.Path(os.environ["IA2_TEST_OUT"], REPORT).read_text())[cls.package]
        if "missing" in made:
            raise unittest.SkipTest(made["missing"])
        cls.plain, cls.ours, cls.folder = (
            made["plain"],
            made["compartmentalized"],
            pathlib.Path(made["folder"]),
        )
        cls.scratch = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))

    def same(self, *arguments, **options) -> dict:
        """Runs both programs in the same way; they must end alike, and by no signal. Returns
        how."""
        plain, ours = (run(program, *arguments, **options) for program in (self.plain, self.ours))
        self.assertEqual(ours, plain)
        self.assertGreaterEqual(plain["status"], 0)
        return ours

    def suite(self, name: str, count: int, what: str):
        """Says how much of the package's own tests ran. Last in a test, so that it is said only of
        what passed."""
        print(f"note: {self.package}, {name}: {count} {what}, the same enforced as plain")
