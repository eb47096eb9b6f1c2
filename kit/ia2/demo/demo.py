"""Shows an attack that compartments stop. Then compartmentalizes dav1d and decodes AV1 streams with
it, beside the plain dav1d: `python3 -m ia2.demo.demo`.

Every step is kept in BUILD/demo and redone only when something it depends on has changed, except
the decoding.
"""

import argparse
import pathlib
import sys
from dataclasses import dataclass

from ..base import debian_source
from ..samples import dav1d, streams
from ..samples.dav1d import SampleError, say
from ..vm import command_batch, vm
from ..vm.command_batch import Command, Outcome
from . import attack

THREADS = (1, 4)
ROW_TIMEOUT = 300


@dataclass(frozen=True)
class Row:
    """One stream to decode with one number of threads. reference: aomdec's MD5, None if there is
    none."""

    name: str
    path: pathlib.Path
    threads: int
    reference: str | None


def command(program: pathlib.Path, row: Row) -> Command:
    """Decodes the row's stream and prints its MD5."""
    return Command(
        (
            str(program),
            "-q",
            "-i",
            str(row.path),
            "--muxer",
            "md5",
            "-o",
            "-",
            "--filmgrain",
            "1",
            "--threads",
            str(row.threads),
        ),
        {"IA2_REQUIRE_PKU": "1"},
        ROW_TIMEOUT,
    )


def verdict(row: Row, plain: Outcome, compartmentalized: Outcome) -> str:
    """'bit-exact', or what is wrong with the row."""
    if plain.status != 0:
        return f"plain ended with {plain.status}"
    if violated(compartmentalized):
        return "VIOLATION"
    if compartmentalized.status != 0:
        return f"ended with {compartmentalized.status}"
    if plain.out.strip() != compartmentalized.out.strip():
        return "DIFFERS from plain"
    if row.reference and row.reference != plain.out.strip():
        return "DIFFERS from aomdec"
    return "bit-exact"


def violated(outcome: Outcome) -> bool:
    """Whether the program died of, or reported, an access across compartments."""
    return outcome.status == -11 or "violation" in outcome.err.lower()


def decode(rows: list[Row], made: dav1d.Builds) -> int:
    """Decodes all rows with both programs, prints the table; returns the exit status."""
    commands = [
        command(program, row) for row in rows for program in (made.plain, made.compartmentalized)
    ]
    say(f"decoding {len(rows)} times with each, in the {command_batch.enforcer()}")
    ended = [0]

    def count(*_: object) -> None:
        ended[0] += 1
        if sys.stdout.isatty():
            print(f"\r{ended[0]}/{len(commands)}", end="\r", flush=True)

    outcomes = command_batch.run_enforced(commands, progress=say, done=count)
    print(
        f"\n{'stream':<28} {'threads':>7}  {'plain':>7} {'compartments':>12}  {'MD5':<32}  result"
    )
    exact = violations = 0
    problems = []
    for i, row in enumerate(rows):
        plain, compartmentalized = outcomes[2 * i : 2 * i + 2]
        result = verdict(row, plain, compartmentalized)
        exact += result == "bit-exact"
        violations += violated(compartmentalized)
        if result != "bit-exact":
            problems.append(
                f"{row.name}, {row.threads} threads: {result}\n{plain.err[-1000:]}"
                f"{compartmentalized.err[-3000:]}"
            )
        print(
            f"{row.name:<28} {row.threads:>7}  {plain.seconds:>6.2f}s"
            f" {compartmentalized.seconds:>11.2f}s  {compartmentalized.out.strip()[:32]:<32} "
            f" {result}"
        )
    for text in problems[:10]:
        print(f"\n{text.rstrip()}")
    print(
        f"\n{exact}/{len(rows)} streams bit-exact, {violations} violations, "
        f"enforced by: {command_batch.enforcer()}"
    )
    return 0 if rows and exact == len(rows) and violations == 0 else 1


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="demo",
        description=(
            "Shows an attack by a hostile stream, with and without compartments. Then "
            "compartmentalizes dav1d, decodes AV1 streams with it and with the plain one, and "
            "compares."
        ),
    )
    parser.add_argument(
        "--source",
        type=pathlib.Path,
        metavar="DIR",
        help="dav1d's source tree (default: this Debian's, by apt-get source); it is only read",
    )
    parser.add_argument(
        "--streams",
        type=pathlib.Path,
        nargs="+",
        metavar="FILE",
        help="AV1 streams to decode (default: streams made with Debian's encoders)",
    )
    parser.add_argument(
        "--attack", action="store_true", help="show the attack only, which takes half a minute"
    )
    options = parser.parse_args(argv)
    if options.attack and (options.source or options.streams):
        parser.error("--attack takes no source and no streams")
    build = vm.build_dir()
    try:
        for path in options.streams or ():
            if not path.is_file():
                raise SampleError(f"{path}: no such stream")
        if options.attack:
            return 0 if attack.show(build) else 1
        chosen: list[tuple[str, pathlib.Path, str | None]]
        if options.streams:
            chosen = [(path.name, path.resolve(), None) for path in options.streams]
        else:
            chosen = [(s.name, s.path, s.md5) for s in streams.prepare(build, say)]
        rows = [Row(name, path, threads, md5) for name, path, md5 in chosen for threads in THREADS]
        made = dav1d.builds(options.source, build)
        stopped = attack.show(build)
        return decode(rows, made) or (0 if stopped else 1)
    except (
        SampleError,
        streams.StreamError,
        debian_source.SourceError,
        command_batch.BatchError,
    ) as error:
        print(f"demo: error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
