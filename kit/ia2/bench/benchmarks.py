"""Measures what compartments cost: `python3 -m ia2.bench.benchmarks`, which scripts/bench runs.

Plain and compartmentalized are run in turn (A B A B ...) on this CPU, so that what else the machine
does falls on both; a ratio is the median of the ratios of neighbouring runs; "best" is the ratio of
the smallest values, which a busy machine disturbs least. On a CPU without protection keys WRPKRU is
virtual, which the report says. Products are kept in BUILD/bench, the dav1d builds in BUILD/demo.
"""

import argparse
import collections.abc
import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time
import typing
from dataclasses import asdict, dataclass, field

from ..formats import fields
from ..formats.plan import Plan
from ..base import debian_source
from ..samples import dav1d, streams
from ..samples.dav1d import Builds
from ..tools.setup import MESON, NINJA
from ..vm import vm

POLICY = dav1d.POLICY
BENCH = vm.SOURCE / "bench"
THREADS = (1, 4)
# What rewrite.py prints of a stage that ran.
STAGE = re.compile(r"^(\w+) .*\((\d+\.\d+) s\)$", re.MULTILINE)


class BenchError(Exception):
    """Something could not be measured; the text says what and why."""


T = typing.TypeVar("T")
Words = collections.abc.Sequence[str | int | pathlib.Path]


@dataclass
class Figure:
    """One line of the report. plain, compartments: a value per run, in pairs; plain is empty if
    there is nothing to compare with. goal: what `measure` ("ratio" or "value" of the compartments)
    shall not exceed."""

    name: str
    unit: str
    plain: list[float] = field(default_factory=list)
    compartments: list[float] = field(default_factory=list)
    measure: str = "ratio"
    goal: float | None = None
    note: str = ""

    def ratios(self) -> list[float]:
        return sorted(
            ours / theirs for theirs, ours in zip(self.plain, self.compartments) if theirs
        )

    def best(self) -> float | None:
        return min(self.compartments) / min(self.plain) if self.ratios() else None

    def judged(self) -> float:
        values = self.ratios() if self.measure == "ratio" else self.compartments
        return statistics.median(values)

    def verdict(self) -> str:
        if self.goal is None:
            return ""
        goal = f"goal {self.goal:g}" + (f" {self.unit}" if self.measure == "value" else "")
        if self.judged() <= self.goal:
            return f"{goal}: met"
        return f"{goal}: missed by {self.judged() - self.goal:.3g}"

    def line(self) -> str:
        plain = f"{statistics.median(self.plain):.4g}" if self.plain else "-"
        ratios = self.ratios()
        ratio = (
            f"{statistics.median(ratios):7.3f} ({ratios[0]:.3f}-{ratios[-1]:.3f})" if ratios else ""
        )
        best = f"{self.best():.3f}" if ratios else ""
        ours = statistics.median(self.compartments)
        text = (
            f"{self.name:<38} {plain:>9} {ours:>9.4g} {self.unit:<6} {ratio:<24} {best:>7} "
            f" {self.verdict()}"
        )
        return text.rstrip() + (f"\n    {self.note}" if self.note else "")

    def record(self) -> dict:
        ratios = self.ratios()
        return {
            **asdict(self),
            "ratio": statistics.median(ratios) if ratios else None,
            "ratio_range": [ratios[0], ratios[-1]] if ratios else None,
            "ratio_of_best": self.best(),
            "met": None if self.goal is None else self.judged() <= self.goal,
        }


def progress(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def run(command: Words, what: str, cwd: pathlib.Path | None = None) -> str:
    """Runs a command and returns its stdout; raises BenchError with all it printed if it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", cwd=cwd
    )
    if done.returncode:
        raise BenchError(
            f"{what}: `{' '.join(words)}` ended with"
            f" {done.returncode}\n{(done.stdout + done.stderr)[-4000:]}"
        )
    return done.stdout


def rewrite_command(policy: pathlib.Path, out: pathlib.Path, plain: pathlib.Path) -> Words:
    return [
        "/usr/bin/python3",
        vm.SOURCE / "scripts" / "rewrite.py",
        "--policy",
        policy,
        "--out",
        out,
        plain,
    ]


class Bench:
    """What the benchmarks share: the folder, the number of pairs, and the builds, made when first
    asked for."""

    def __init__(self, build: pathlib.Path, runs: int, source: pathlib.Path | None):
        self.build, self.folder, self.runs, self.source = build, build / "bench", runs, source
        self.folder.mkdir(parents=True, exist_ok=True)
        self.virtual = not vm.pku_host()
        self._dav1d: Builds | None = None

    def dav1d(self) -> Builds:
        if self._dav1d is None:
            with contextlib.redirect_stdout(sys.stderr):  # its progress; stdout is the report's
                self._dav1d = dav1d.builds(self.source, self.build, progress)
        return self._dav1d

    def compiled(self, source: pathlib.Path) -> pathlib.Path:
        """A program of one C file."""
        program = self.folder / source.stem
        if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
            run(
                ["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", source, "-o", program],
                f"compiling {source.name}",
            )
        return program

    def pairs(self, name: str, once: collections.abc.Callable[[int], T]) -> tuple[list[T], list[T]]:
        """once(0) for plain and once(1) for compartmentalized in turn; the first pair only warms
        the caches."""
        made: tuple[list[T], list[T]] = ([], [])
        for i in range(self.runs + 1):
            progress(f"{name}: pair {i}/{self.runs}")
            for which in (0, 1):
                result = once(which)
                if i:
                    made[which].append(result)
        return made


# ---- decoding ------------------------------------------------------------------------------------


def decoding(bench: Bench) -> list[Figure]:
    stream = streams.prepare(bench.build, progress, (streams.BENCHMARK,))[0]
    launcher = bench.compiled(BENCH / "run_child.c")
    report = bench.folder / "run_child.out"
    made = bench.dav1d()
    figures = []
    for threads in THREADS:
        arguments: Words = [
            "-q",
            "-i",
            stream.path,
            "--muxer",
            "null",
            "-o",
            "/dev/null",
            "--threads",
            threads,
        ]

        def once(which: int) -> tuple[float, ...]:
            program = (made.plain, made.compartmentalized)[which]
            run([launcher, report, program, *arguments], "decoding")
            return tuple(map(float, report.read_text().split()))

        results = bench.pairs(f"{made.version}, {stream.name}, {threads} threads", once)
        title = f"{threads} thread" + "s" * (threads > 1)
        for i, (what, unit, scale, goal) in enumerate(
            (
                ("decode, wall time", "s", 1, 1.01),
                ("decode, CPU time", "s", 1, 1.01),
                ("decode, peak memory", "MiB", 1 / 1024, 1.05),
            )
        ):
            plain, ours = ([result[i] * scale for result in side] for side in results)
            figures.append(Figure(f"{what}, {title}", unit, plain, ours, goal=goal))
    return figures


# ---- gates, threads, memory ----------------------------------------------------------------------


def micro_programs(bench: Bench) -> tuple[pathlib.Path, pathlib.Path]:
    """bench/micro, plain and compartmentalized."""
    plain, out = bench.folder / "micro", bench.folder / "micro-compartments"
    if not (plain / "build.ninja").exists():
        run([MESON, "setup", plain, BENCH / "micro"], "configuring bench/micro")
    run([NINJA, "-C", plain], "building bench/micro")
    run(
        rewrite_command(BENCH / "micro" / "compartments.toml", out, plain),
        "compartmentalizing bench/micro",
    )
    return plain / "program", out / "bin" / "program"


# name in program.c -> title, unit, goal (of the value)
CALLS = {
    "direct": "call into the library",
    "indirect": "call through a pointer",
    "callback": "callback out of the library",
    "same-owner": "pointer to the caller's own function",
}
OTHERS = {
    "thread": ("thread, created and joined", "us"),
    "malloc-48": ("malloc and free, 48 bytes", "us"),
    "malloc-4000": ("malloc and free, 4000 bytes", "us"),
    "malloc-200000": ("malloc and free, 200000 bytes", "us"),
}
GATE_GOAL = 20


def micro(bench: Bench) -> list[Figure]:
    programs = micro_programs(bench)

    def once(which: int) -> dict[str, float]:
        lines = run([programs[which]], "bench/micro").splitlines()
        return {name: float(value) for name, value in (line.split() for line in lines)}

    plain, ours = bench.pairs("calls, threads, malloc", once)
    figures = []
    for name, title in CALLS.items():
        figures.append(Figure(title, "cycles", [r[name] for r in plain], [r[name] for r in ours]))
    figures[0].note = bare_gate(bench, figures, [r["direct"] for r in plain], ours)
    for name, (title, unit) in OTHERS.items():
        figures.append(Figure(title, unit, [r[name] for r in plain], [r[name] for r in ours]))
    return figures


def bare_gate(bench: Bench, figures: list[Figure], plain: list[float], ours: list[dict]) -> str:
    """Adds the figure for a direct call without WRPKRU and RDPKRU; returns the note for the one
    with them."""
    bare = Figure(
        "call into the library, without PKRU", "cycles", plain, measure="value", goal=GATE_GOAL
    )
    figures.insert(1, bare)
    if bench.virtual:
        bare.compartments = [r["direct-no-pkru"] for r in ours]
        bare.note = "the moves that stand for RDPKRU and WRPKRU taken out of the gate"
        return "no protection keys here: RDPKRU and WRPKRU are moves from and to a thread-local"
    costs = dict(
        line.split()
        for line in run([bench.compiled(BENCH / "wrpkru.c")], "bench/wrpkru").splitlines()
    )
    pkru = 2 * float(costs["wrpkru"]) + float(costs["rdpkru"])
    bare.compartments = [r["direct"] - pkru for r in ours]
    bare.note = "two WRPKRU and one RDPKRU subtracted"
    return f"of which WRPKRU {costs['wrpkru']} cycles (two), RDPKRU {costs['rdpkru']} (one)"


# ---- rewriting -----------------------------------------------------------------------------------


def private_copy(bench: Bench) -> tuple[pathlib.Path, pathlib.Path]:
    """A source tree of dav1d that may be touched, and its build directory."""
    original = (
        bench.source.resolve()
        if bench.source
        else debian_source.fetch(dav1d.PACKAGE, bench.build / "demo", progress)
    )
    if not (original / "meson.build").exists():
        raise BenchError(f"{original} is not a source tree: it has no meson.build")
    key = f"{original.name}-{hashlib.sha256(os.fsencode(original)).hexdigest()[:8]}"
    source, plain = bench.folder / f"source-{key}", bench.folder / f"plain-{key}"

    def builds(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if os.path.exists(os.path.join(folder, name, "build.ninja"))]

    shutil.copytree(original, source, ignore=builds, symlinks=True, dirs_exist_ok=True)
    if not (plain / "build.ninja").exists():
        run([MESON, "setup", plain, source, "-Denable_tests=false"], "configuring dav1d")
    return source, plain


def touched_files(out: pathlib.Path, source: pathlib.Path) -> dict[str, pathlib.Path]:
    """A C file that the rewriter changes, and one that it leaves as it is."""
    rewritten = set(json.loads((out / "boundary.json").read_text())["rewritten"])
    # In two builds of one source, as for each bit depth, a file would count twice.
    once = [unit["file"] for unit in json.loads((out / "plan.json").read_text())["units"]]
    names = sorted(os.path.relpath(path, source) for path in once if once.count(path) == 1)
    return {
        "one rewritten file touched": source / next(name for name in names if name in rewritten),
        "one other file touched": source / next(name for name in names if name not in rewritten),
    }


def rewriter_alone(bench: Bench, out: pathlib.Path, source: pathlib.Path) -> list[Figure]:
    """The plain side of each figure is the rewriter that keeps nothing from run to run."""
    kept, made = bench.folder / "trees", bench.folder / "rewriter"
    made.mkdir(exist_ok=True)
    one = pathlib.Path(fields.load(Plan, str(out / Plan.FILE)).units[0].file)
    command: Words = [
        bench.build / "kit/rewriter/ia2-rewriter",
        "--policy",
        out / "plan.json",
        "--root-directory",
        source,
        "-p",
        out,
        "--output-directory",
        made / "rewritten",
        "--output-prefix",
        f"{made}/",
    ]

    def timed(keeps: bool, prepare: collections.abc.Callable[[], object]) -> float:
        if keeps:
            prepare()
        began = time.monotonic()
        more: Words = ["--cache-directory", kept] if keeps else []
        run([*command, *more], "rewriting dav1d")
        return time.monotonic() - began

    cases: dict[str, collections.abc.Callable[[], object]] = {
        "from nothing": lambda: shutil.rmtree(kept, ignore_errors=True),
        "nothing changed": lambda: None,
        "one source changed": lambda: one.write_text(one.read_text() + "\n"),
    }
    figures = []
    for name, prepare in cases.items():
        title = f"rewriter alone, {name}"

        def once(which: int, prepare: collections.abc.Callable[[], object] = prepare) -> float:
            return timed(bool(which), prepare)

        plain, keeping = bench.pairs(title, once)
        figures.append(Figure(title, "s", plain, keeping))
    return figures


def rewriting(bench: Bench) -> list[Figure]:
    """The plain side of each figure is what Ninja takes to build the same."""
    source, plain = private_copy(bench)
    out = bench.folder / "compartments"

    def timed(command: Words) -> tuple[float, str]:
        began = time.monotonic()
        text = run(command, "rewriting dav1d")
        return time.monotonic() - began, text

    build: Words = [NINJA, "-C", plain]
    rewrite = rewrite_command(POLICY, out, plain)
    progress("rewriting: building dav1d from nothing")
    run([NINJA, "-C", plain, "-t", "clean"], "cleaning dav1d")
    from_nothing = Figure(
        "rewriting from nothing, all stages", "s", [timed(build)[0]], measure="value", goal=3
    )
    alone = Figure("rewriting from nothing, rewriter alone", "s", measure="value", goal=3)
    for i in range(bench.runs):
        progress(f"rewriting: from nothing, run {i + 1}/{bench.runs}")
        shutil.rmtree(out, ignore_errors=True)
        seconds, text = timed(rewrite)
        from_nothing.compartments.append(seconds)
        stages = {name: float(took) for name, took in STAGE.findall(text)}
        alone.compartments.append(stages["rewrite"])
        from_nothing.note = ", ".join(f"{name} {took:.2f}" for name, took in stages.items())
    from_nothing.plain *= bench.runs
    figures = [from_nothing, alone]
    for title, path in touched_files(out, source).items():

        def once(which: int, path: pathlib.Path = path) -> float:
            if which == 0:
                path.touch()
            return timed((build, rewrite)[which])[0]

        plains, ours = bench.pairs(title, once)
        note = str(path.relative_to(source))
        figures.append(Figure(f"rewriting, {title}", "s", plains, ours, note=note))
    plains, ours = bench.pairs("nothing changed", lambda which: timed((build, rewrite)[which])[0])
    figures.append(
        Figure("rewriting, nothing changed", "s", plains, ours, measure="value", goal=0.5)
    )
    return figures + rewriter_alone(bench, out, source)


GROUPS = {"decode": decoding, "micro": micro, "rewriting": rewriting}


def measured(bench: Bench, only: str | None) -> dict[str, list[Figure]]:
    with open(bench.folder / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BenchError(
                "another run of the benchmarks would disturb this one; wait for it"
            ) from None
        return {name: group(bench) for name, group in GROUPS.items() if only in (None, name)}


def cpu_name() -> str:
    match = re.search(
        r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE
    )
    return f"{match[1] if match else 'unknown CPU'}, {os.cpu_count()} cores"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench", description="Measures what compartments cost.")
    parser.add_argument(
        "--runs", type=int, default=5, metavar="N", help="pairs of runs for each figure (default 5)"
    )
    parser.add_argument("--only", choices=GROUPS, help="one group of figures")
    parser.add_argument("--json", action="store_true", help="print all values as JSON")
    parser.add_argument(
        "--source",
        type=pathlib.Path,
        metavar="DIR",
        help="dav1d's source tree (default: this Debian's, by apt-get source); it is only read",
    )
    options = parser.parse_args(argv)
    if options.runs < 1:
        parser.error("--runs must be 1 or more")
    try:
        bench = Bench(vm.build_dir(), options.runs, options.source)
        groups = measured(bench, options.only)
    except (BenchError, dav1d.SampleError, debian_source.SourceError, streams.StreamError) as error:
        print(f"bench: error: {error}", file=sys.stderr)
        return 1
    load = os.getloadavg()[0]
    keys = "no protection keys: PKRU is virtual" if bench.virtual else "protection keys"
    host = f"{cpu_name()}, {keys}; {options.runs} pairs, load {load:.1f}"
    if options.json:
        json.dump(
            {
                "host": host,
                "groups": {name: [f.record() for f in figures] for name, figures in groups.items()},
            },
            sys.stdout,
            indent=1,
        )
        print()
        return 0
    print(
        f"{host}\n{'':<38} {'plain':>9} {'compart.':>9} {'':<6}   ratio, median (min-max)"
        f" {'best':>6}"
    )
    for figures in groups.values():
        for figure in figures:
            print(figure.line())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
