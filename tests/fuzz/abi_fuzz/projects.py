"""Builds a generated project, splits it with the kit's engine, runs both and tells what differs."""

import os
import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass, field

from tests.fuzz.abi_fuzz import program

FOLDER = pathlib.Path(__file__).resolve().parent
SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE") or FOLDER.parents[2])
KIT_BUILD = pathlib.Path(os.environ.get("IA2_BUILD") or SOURCE / "build")
POLICY = (
    '[compartment.app]\npkey = 1\nsources = ["app/**"]\n{}\n[compartment.lib]\npkey = 2\nsources ='
    ' ["lib/**"]\n{}'
)
RULES = """\
rule cc
  command = $cc -std=gnu11 -w -fPIC -fno-omit-frame-pointer $flags -I.. -MD -MF $out.d -o $out -c $in
  deps = gcc
  depfile = $out.d
rule link
  command = gcc -o $out $in
"""  # noqa: E501
VECTOR_FLAGS = {16: "", 32: "-mavx2", 64: "-mavx512f -mavx512bw -mavx512vl -mavx512dq"}
NAMES = ("app", "lib")
RUN_LIMIT = 300  # seconds
IN_VM = (SOURCE / "scripts/run-in-vm", "--timeout", str(RUN_LIMIT - 10), "--")
MISMATCH = re.compile(r"^MISMATCH (\d+) (.*)$", re.M)


@dataclass
class Configuration:
    """How the two sides are compiled. `compilers`: of app and lib."""

    compilers: tuple = ("gcc", "gcc")
    flags: str = "-O1"
    widest: int = 16

    def text(self) -> str:
        return (
            f"app by {self.compilers[0]}, lib by {self.compilers[1]},"
            f" {self.flags} {VECTOR_FLAGS[self.widest]}".rstrip()
        )


@dataclass
class Outcome:
    """`wrong`: number of a signature -> what was seen; `log`: what a plain or split run printed
    besides."""

    wrong: dict = field(default_factory=dict)
    log: str = ""


class Refused(Exception):
    """The engine refused a program or broke; the text is what it said."""


def command(*words, **options) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(word) for word in words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        **options,
    )


class Project:
    """One folder: sources, the plain build and the split program. `runner`: the command in front of
    a program's."""

    def __init__(
        self,
        root: pathlib.Path,
        configuration: Configuration,
        kit_build: pathlib.Path = KIT_BUILD,
        runner: tuple = (),
    ):
        self.root, self.configuration, self.kit_build, self.runner = (
            root,
            configuration,
            kit_build,
            runner,
        )

    def write(self, name: str, content) -> None:
        """Keeps what is there already, so that nothing is built twice."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else content.encode()
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)

    def generate(self, groups: list) -> None:
        """`groups`: lists of signatures."""
        self.write("harness.h", program.HARNESS.read_text())
        sources = ["main"]
        self.write(
            "app/main.c",
            program.main_text([[it.number for it in signatures] for signatures in groups]),
        )
        for g, signatures in enumerate(groups):
            text, images = program.group_file(signatures, g, f"../images{g}")
            self.write(f"images{g}", images)
            for name in NAMES:
                self.write(f"{name}/g{g}.c", text)
            sources.append(f"g{g}")
        self.write_build(
            ["app/main", *(f"{name}/g{g}" for name in NAMES for g in range(len(groups)))]
        )

    def write_single(self, text: str) -> None:
        for name in NAMES:
            self.write(f"{name}/case.c", text)
        self.write_build([f"{name}/case" for name in NAMES])

    def write_build(self, sources: list) -> None:
        it = self.configuration
        lines = [RULES]
        for source in sources:
            part = NAMES.index(source.split("/")[0])
            lines.append(
                f"build {source.replace('/', '-')}.o: cc ../{source}.c\n  cc ="
                f" {it.compilers[part]}\n  flags ="
                f" {it.flags} {VECTOR_FLAGS[it.widest]} -DPART={part + 1}\n"
            )
        lines.append(
            "build fuzzed: link"
            f" {' '.join(source.replace('/', '-') + '.o' for source in sources)}\n"
        )
        self.write("build/build.ninja", "".join(lines))
        self.write("compartments.toml", POLICY.format('reads = ["lib"]', 'reads = ["app"]'))

    def build_plain(self, jobs: int = 2) -> None:
        done = command("ninja", "-C", self.root / "build", "-j", jobs)
        if done.returncode:
            raise RuntimeError(
                f"{self.root}: the generated program does not build:\n{done.stdout[-4000:]}"
            )

    def build(self, jobs: int = 2) -> None:
        """Refused if the engine refuses it; RuntimeError if the plain program does not build."""
        self.build_plain(jobs)
        done = command(
            sys.executable,
            SOURCE / "scripts/rewrite.py",
            "--policy",
            self.root / "compartments.toml",
            "--out",
            self.root / "split",
            "--source-root",
            self.root,
            "--kit-build",
            self.kit_build,
            "-j",
            jobs,
            self.root / "build",
        )
        if done.returncode:
            raise Refused(done.stdout)

    def program(self, plain: bool) -> pathlib.Path:
        return self.root / ("build" if plain else "split/bin") / "fuzzed"

    def run(self, plain: bool) -> Outcome:
        """All calls, also those after one that kills the program."""
        outcome = Outcome()
        done = command(*self.runner, self.program(plain), timeout=RUN_LIMIT)
        self.note(outcome, done)
        first = 0
        while done.returncode:
            done = command(*self.runner, self.program(plain), "trace", first, timeout=RUN_LIMIT)
            self.note(outcome, done)
            reached = re.findall(r"^at (\d+)$", done.stdout, re.M)
            if not done.returncode:
                break
            if not reached:
                raise RuntimeError(
                    f"{self.program(plain)} ends with status {done.returncode} before any"
                    f" call:\n{done.stdout[-2000:]}"
                )
            lost = int(reached[-1])
            said = [
                line
                for line in done.stdout.splitlines()
                if not re.match(r"at \d|MISMATCH|ia2: warning|app \d|lib \d", line)
            ]
            outcome.wrong.setdefault(
                lost, f"the program ends with status {done.returncode}: {' '.join(said)[-300:]}"
            )
            first = lost + 1
        return outcome

    @staticmethod
    def note(outcome: Outcome, done) -> None:
        for number, text in MISMATCH.findall(done.stdout):
            outcome.wrong.setdefault(int(number), text)
        if not done.returncode:
            outcome.log = "\n".join(
                line for line in done.stdout.splitlines() if re.match(r"(app|lib) \d+: ", line)
            )
