"""Compares random programs of csmith's, plain and in compartments.

Each program is dealt out over two or three compartments, split by the kit, and must print the same
checksums after each of its variables. Seeds whose programs do not end within seconds, or hardly
call anything, are dropped for the next ones. The folder of a program that differs is kept. Exit
status 1 if one differs."""

import argparse
import collections
import concurrent.futures
import itertools
import json
import os
import pathlib
import re
import shutil
import sys

from tests.fuzz.csmith.compared_program import (
    BUILD,
    HERE,
    LENIENT,
    SOURCE,
    Program,
    Result,
    difference,
    ending,
    need,
    run,
    write,
)
from tests.fuzz.csmith import known_seeds
from ia2.base import atomic
from ia2.vm import vm


STALE = (
    f"{known_seeds.FILE} is stale\nremedy: scripts/fuzz_programs --write-known-seeds, and read what"
    " changes"
)


def check(
    folder: pathlib.Path, seed: int, keep: bool, kit_build: pathlib.Path, whole: bool
) -> Result:
    program = Program(folder / str(seed), kit_build)
    result = program.check(seed, whole)
    if result.verdict == "dropped" or result.verdict == "same" and not keep:
        program.remove()
    return result


def campaign(
    folder: pathlib.Path,
    seed: int,
    programs: int,
    jobs: int = os.cpu_count() or 1,
    keep: bool = False,
    kit_build: pathlib.Path = BUILD,
    tell=lambda result: None,
    known: list[int] | None = None,
    whole: bool = True,
) -> list[Result]:
    """The results of `seed` and the seeds after it, in order, until `programs` of them were
    compared. `keep` leaves the folders of equal programs too. `tell` is called with each result.
    `known`: take these seeds instead; one that is none to compare is a difference. Not `whole`:
    only find the programs, do not split them."""
    results, compared = [], 0
    following = itertools.count(seed) if known is None else iter(known)
    if known is not None and len(known) != programs:
        raise ValueError(f"{programs} programs wanted, {len(known)} seeds known\n{STALE}")
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        running = []
        while compared < programs:
            # Never more than are missing: to cancel one can hang Python 3.11.
            while len(running) < min(2 * jobs, programs - compared):
                running.append(pool.submit(check, folder, next(following), keep, kit_build, whole))
            result = running.pop(0).result()
            if known is not None and result.verdict == "dropped":
                result = Result(
                    result.seed,
                    "different",
                    f"no program to compare any more: {result.text}\n{STALE}",
                )
            compared += result.verdict != "dropped"
            results.append(result)
            tell(result)
    return results


def summary(results: list[Result]) -> str:
    count = collections.Counter(
        result.text if result.verdict == "dropped" else result.verdict for result in results
    )
    dropped = ", ".join(
        f"{count[reason]} {reason}" for reason in sorted(set(count) - {"same", "different"})
    )
    why = f" ({dropped})" if dropped else ""
    return (
        f"seeds {results[0].seed} to {results[-1].seed}: {count['same']} same,"
        f" {count['different']} different,"
        f" {sum(result.verdict == 'dropped' for result in results)} dropped{why};"
        f" {sum(result.calls for result in results)} different calls across,"
        f" {sum(result.gates for result in results)} gates,"
        f" {sum(result.moved for result in results)} moved locals,"
        f" {sum(result.shared for result in results)} shared globals"
    )


def reproduction(folder: pathlib.Path, seed: int) -> str:
    return (
        f"kept in {folder / str(seed)}; to make it again: scripts/fuzz_programs --programs 1 --seed"
        f" {seed}"
    )


def enforced(folder: pathlib.Path, seeds: list[int]) -> list[Result]:
    """Runs what campaign() kept where keys are enforced."""
    command = [
        "/usr/bin/python3",
        HERE / "fuzzing.py",
        "--run",
        *(folder / str(seed) for seed in seeds),
    ]
    if vm.pku_host():
        done = run(*command, timeout=3600)
    else:
        done = run(SOURCE / "scripts/run-in-vm", "--timeout", "3600", "--", *command, timeout=3700)
    endings = re.findall(r"^(\d+) (\{.*\})$", done.stdout, re.M)
    if len(endings) != len(seeds):
        raise RuntimeError(
            "run-in-vm ended with status"
            f" {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    differences = {int(seed): difference(**json.loads(text)) for seed, text in endings}
    return [
        Result(seed, "different" if differences[seed] else "same", differences[seed])
        for seed in seeds
    ]


def run_kept(folders: list[str]) -> None:
    for folder in folders:
        program = Program(pathlib.Path(folder))
        print(
            program.folder.name,
            json.dumps({"plain": ending(program.original), "split": ending(program.split)}),
            flush=True,
        )


def again(folder: pathlib.Path, policy: pathlib.Path) -> int:
    """Compares the sources in `folder`, however they were changed since csmith made them: 0 same, 1
    different, 2 no longer a program that compiles, ends, and is defined by C. Globals that are gone
    are dropped from the policy.
    """
    scratch = folder / "again"
    shutil.rmtree(scratch, ignore_errors=True)
    files = {
        path.name: path.read_text() for path in folder.iterdir() if path.suffix in (".c", ".h")
    }
    text = "".join(files.values())
    kept = [
        line
        for line in policy.read_text().splitlines()
        if not re.match(r'    "', line) or re.search(rf"\b{line.strip()[1:-2]}\b", text)
    ]
    program = Program(scratch)
    write(program.source, {**files, "compartments.toml": "\n".join(kept) + "\n"})
    compile_plain = [
        "gcc",
        *LENIENT.split(),
        "-Werror=implicit-function-declaration",
        "-Werror=uninitialized",
        "-Werror=return-type",
        "-I/usr/include/csmith",
        *sorted(program.source.glob("*.c")),
        "-o",
        program.original,
    ]
    try:
        # (Pointers into packed structs are misaligned.)
        need(
            *compile_plain,
            "-O1",
            "-fsanitize=address,undefined",
            "-fno-sanitize=alignment",
            "-fno-sanitize-recover=undefined",
        )
        if ending(program.original, cpu=10)["status"]:
            return 2
        need(*compile_plain, "-O1")
        if ending(program.original, cpu=2)["status"]:
            return 2
    except RuntimeError:
        return 2
    try:
        program.compartmentalize()
        different = program.compare()
    except RuntimeError as error:
        different = str(error)
    print(different or "same")
    return 1 if different else 0


def write_known_seeds(
    folder: pathlib.Path,
    jobs: int,
    file: pathlib.Path = known_seeds.FILE,
    campaigns=(known_seeds.SUITE, known_seeds.ENFORCED),
) -> None:
    """Searches for the seeds of the suite's campaigns; raises RuntimeError if csmith writes what is
    not known here."""
    found = {}
    for first, programs in campaigns:
        results = campaign(folder, first, programs, jobs, whole=False)
        bad = [result for result in results if result.verdict == "different"]
        if bad:
            raise RuntimeError(f"seed {bad[0].seed}: {bad[0].text}")
        found[first] = [result.seed for result in results if result.verdict == "same"]
    atomic.write_text(str(file), known_seeds.written(found))


def tell(folder: pathlib.Path, results: list[Result]) -> int:
    bad = [result for result in results if result.verdict == "different"]
    for result in bad:
        print(
            (
                f"seed {result.seed} is"
                f" different:\n{result.text.rstrip()}\n{reproduction(folder, result.seed)}\n"
            ),
            flush=True,
        )
    return len(bad)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="fuzz_programs",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--programs", type=int, default=200, metavar="N", help="how many to compare (200)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="the first seed (1)")
    parser.add_argument(
        "-j",
        dest="jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="programs at a time",
    )
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        default=BUILD / "fuzz/programs",
        metavar="DIR",
        help="where they are made",
    )
    parser.add_argument(
        "--enforced",
        action="store_true",
        help="run them also where keys are enforced: in the PKU VM if this CPU has none",
    )
    parser.add_argument(
        "--again",
        type=pathlib.Path,
        metavar="DIR",
        help=(
            "compare the sources in DIR as they are now: exit status 0 same, 1 different, 2 not a"
            " valid program"
        ),
    )
    parser.add_argument(
        "--policy",
        type=pathlib.Path,
        metavar="FILE",
        help="for --again; DIR/compartments.toml if not given",
    )
    parser.add_argument(
        "--write-known-seeds",
        action="store_true",
        help=(
            "search anew for the seeds of which scripts/check compares the programs, and write"
            " them, with the version of csmith they hold for, to"
            f" {known_seeds.FILE.relative_to(SOURCE)}"
        ),
    )
    parser.add_argument("--run", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.run:
        run_kept(options.run)
        return 0
    if options.again:
        return again(options.again.resolve(), options.policy or options.again / "compartments.toml")
    folder = options.out.resolve()
    if options.write_known_seeds:
        write_known_seeds(folder, options.jobs)
        return 0
    results = campaign(
        folder,
        options.seed,
        options.programs,
        options.jobs,
        options.enforced,
        tell=lambda result: tell(folder, [result]),
    )
    bad = sum(result.verdict == "different" for result in results)
    if options.enforced:
        seeds = [result.seed for result in results if result.verdict == "same"]
        keyed = enforced(folder, seeds)
        bad += tell(folder, keyed)
        print(
            f"where keys are enforced: {sum(result.verdict == 'same' for result in keyed)} same, "
            f"{sum(result.verdict == 'different' for result in keyed)} different"
        )
    print(summary(results))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
