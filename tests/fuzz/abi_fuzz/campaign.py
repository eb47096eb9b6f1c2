"""A number of signatures spread over projects: every pair of compilers, several optimizations, with
and without wide vectors.

`campaign.py` is also the command scripts/fuzz_abi."""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import sys
import time
from dataclasses import dataclass

from tests.fuzz.abi_fuzz import broken_kit, disagreements, minimizing
from tests.fuzz.abi_fuzz.projects import IN_VM, KIT_BUILD, Configuration, Project, Refused
from tests.fuzz.abi_fuzz.signatures import Group

PER_GROUP = 125
GCC, CLANG = "gcc", "clang"
CONFIGURATIONS = [
    Configuration((GCC, GCC), "-O1", 16),
    Configuration((CLANG, CLANG), "-O1", 16),
    Configuration((GCC, CLANG), "-O0", 16),
    Configuration((CLANG, GCC), "-O0", 16),
    Configuration((GCC, GCC), "-O0", 64),
    Configuration((CLANG, CLANG), "-O0", 64),
    Configuration((GCC, CLANG), "-O0", 32),
    Configuration((CLANG, GCC), "-O0", 64),
    Configuration((GCC, GCC), "-O2", 16),
    Configuration((CLANG, CLANG), "-O1", 32),
]


def widest_here() -> int:
    """Bytes of the largest vector that this CPU has registers for."""
    flags = (
        pathlib.Path("/proc/cpuinfo").read_text().partition("flags")[2].partition("\n")[0].split()
    )
    if {"avx512f", "avx512bw", "avx512vl", "avx512dq"} <= set(flags):
        return 64
    return 32 if "avx2" in flags else 16


@dataclass
class Part:
    """One project of a campaign. `left_out`: reason -> how many random signatures were not taken
    for it."""

    name: str
    project: Project
    groups: list
    left_out: dict

    def signatures(self) -> list:
        return [it for group in self.groups for it in group]

    def find(self, number: int):
        return next(it for it in self.signatures() if it.number == number)

    def compare(self) -> dict:
        """Signature's number -> what is wrong with its calls in the split program. RuntimeError if
        the plain one is wrong."""
        plain, split = self.project.run(True), self.project.run(False)
        if plain.wrong:
            raise RuntimeError(
                f"{self.name}: the plain program goes wrong itself, so the generator does:"
                f" {plain.wrong}"
            )
        calls = sum(map(int, re.findall(r": (\d+) calls", plain.log)))
        if calls != len(self.signatures()):
            raise RuntimeError(
                f"{self.name}: {calls} calls of {len(self.signatures())} were made:\n{plain.log}"
            )
        if not split.wrong and split.log != plain.log:
            raise RuntimeError(
                f"{self.name}: the sides saw other bytes:\nplain\n{plain.log}\nsplit\n{split.log}"
            )
        return split.wrong


def parts(
    folder: pathlib.Path,
    seed: str,
    count: int,
    configurations=None,
    kit_build: pathlib.Path = KIT_BUILD,
    runner: tuple = (),
) -> list[Part]:
    """`count` signatures over the configurations, as even as it goes. `runner`: see Project."""
    chosen = CONFIGURATIONS if configurations is None else configurations
    made, first = [], 1
    for index, configuration in enumerate(chosen):
        share = count // len(chosen) + (index < count % len(chosen))
        name = "-".join(
            [*configuration.compilers, configuration.flags.strip("-"), str(configuration.widest)]
        )
        left_out: dict = {}

        def accepts(signature, configuration=configuration, left_out=left_out):
            reason = disagreements.reason(signature, configuration.compilers)
            if reason:
                left_out[reason] = left_out.get(reason, 0) + 1
            return not reason

        groups = []
        for begin in range(first, first + share, PER_GROUP):
            groups.append(
                Group(
                    f"{seed}/{name}/{begin}",
                    begin,
                    min(PER_GROUP, first + share - begin),
                    configuration.widest,
                    accepts,
                ).signatures
            )
        if groups:
            made.append(
                Part(
                    name, Project(folder / name, configuration, kit_build, runner), groups, left_out
                )
            )
        first += share
    return made


def build(part: Part) -> str:
    """What went wrong; empty if nothing did."""
    try:
        part.project.generate(part.groups)
        part.project.build(1)
    except (Refused, RuntimeError) as error:
        return str(error)
    return ""


def build_all(some: list[Part], jobs: int) -> dict[str, str]:
    """Name -> message of those that failed."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return {part.name: text for part, text in zip(some, pool.map(build, some)) if text}


def minimized(part: Part, number: int, folder: pathlib.Path) -> str:
    """The C file that shows what is wrong with a signature."""
    signature, like = part.find(number), part.project
    siblings = minimizing.siblings(
        signature, next(group for group in part.groups if signature in group)
    )
    for runner in dict.fromkeys(
        [(), like.runner]
    ):  # a boot of the VM for each trial only if it goes wrong nowhere else
        minimizer = minimizing.Minimizer(
            Project(folder, like.configuration, like.kit_build, runner), signature
        )
        if minimizer.minimize(siblings):
            return minimizing.report(minimizer)
    return (
        f"/* signature {number} of {part.name}, {signature.mode}: {signature.text()}, goes wrong"
        " only among the others */\n"
    )


def replay(path: pathlib.Path, folder: pathlib.Path, kit_build: pathlib.Path, runner: tuple) -> int:
    text = path.read_text()
    words = re.search(r"replay: (\S+) (\S+) (\S+) (\d+)", text)
    if not words:
        print(f"{path}: has no line 'replay: ...', so it is not this fuzzer's", file=sys.stderr)
        return 1
    project = Project(
        folder, Configuration((words[1], words[2]), words[3], int(words[4])), kit_build, runner
    )
    project.write_single(text)
    try:
        project.build()
    except Refused as refused:
        print(refused)
        return 1
    plain, split = project.run(True), project.run(False)
    for title, outcome in (("plain", plain), ("split", split)):
        print(f"{title}: {'; '.join(outcome.wrong.values()) or 'right'}")
    return 1 if plain.wrong or split.wrong else 0


def fuzz(options, folder: pathlib.Path, kit_build: pathlib.Path) -> int:
    widest = 16 if options.vm else widest_here()
    chosen = [
        it
        for it in CONFIGURATIONS
        if it.widest <= widest and (not options.compiler or set(it.compilers) == {options.compiler})
    ]
    for it in CONFIGURATIONS:
        if it.widest > widest:
            print(
                f"left out: {it.text()}, for {'the VM' if options.vm else 'this CPU'} has not the"
                " registers"
            )
    some, bad, begun = (
        parts(
            folder, options.seed, options.signatures, chosen, kit_build, IN_VM if options.vm else ()
        ),
        0,
        time.monotonic(),
    )
    failed = build_all(some, options.jobs)
    for part in some:
        wrong = {} if part.name in failed else part.compare()
        print(
            (
                f"{part.name}: {len(part.signatures())} signatures, "
                f"{failed[part.name].strip() if part.name in failed else f'{len(wrong)} wrong'}"
            ),
            flush=True,
        )
        bad += len(wrong) + (part.name in failed)
        for number in sorted(wrong)[: options.show]:
            print(
                f"\n{number}: {wrong[number]}\n{minimized(part, number, folder / 'trial')}",
                flush=True,
            )
    print(
        f"{sum(len(part.signatures()) for part in some)} signatures, {bad} wrong,"
        f" {time.monotonic() - begun:.0f} s, seed {options.seed}"
    )
    return 1 if bad else 0


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="fuzz_abi",
        description=(
            "Makes random calls plainly and through gates and compares all they "
            "pass. A call that goes wrong is reduced and printed as a C file."
        ),
    )
    parser.add_argument(
        "--signatures", type=int, default=10000, metavar="N", help="how many (default: 10000)"
    )
    parser.add_argument(
        "--seed",
        default="1",
        metavar="S",
        help="the same seed makes the same signatures (default: 1)",
    )
    parser.add_argument("--compiler", choices=(GCC, CLANG), help="this one alone, on both sides")
    parser.add_argument(
        "--vm", action="store_true", help="run in the PKU VM, where the keys are enforced"
    )
    parser.add_argument(
        "--show",
        type=int,
        default=1,
        metavar="N",
        help="reduce and print so many of each project (default: 1)",
    )
    parser.add_argument(
        "--replay",
        type=pathlib.Path,
        metavar="FILE",
        help="make the call of a C file that this printed",
    )
    parser.add_argument(
        "--fault",
        choices=sorted(broken_kit.FAULTS),
        help="put this fault into the gates, to see it found",
    )
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        metavar="DIR",
        help="where to (default: fuzz_abi/ in the kit's build directory)",
    )
    parser.add_argument(
        "-j",
        dest="jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="projects at a time",
    )
    options = parser.parse_args(argv)
    folder = (options.out or KIT_BUILD / "fuzz_abi").absolute()
    shutil.rmtree(folder / "trial", ignore_errors=True)
    kit_build = (
        broken_kit.make(folder / f"kit-{options.fault}", KIT_BUILD, options.fault)
        if options.fault
        else KIT_BUILD
    )
    if options.replay:
        return replay(options.replay, folder / "trial", kit_build, IN_VM if options.vm else ())
    return fuzz(options, folder, kit_build)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
