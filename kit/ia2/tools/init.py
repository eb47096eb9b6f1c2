"""The command line of `init`: a build in, a policy to start from out."""

import argparse
import os
import shlex
import sys

from ..base import layout
from ..base.failure import Failure, exit_status
from ..builds import capture, recorded_build
from ..stages import pipeline, publishing
from . import first_policy
from .first_policy import count, listed, shown

NAME = "compartments.toml"


def refuse_existing(path: str) -> None:
    if os.path.lexists(path):
        raise Failure(
            "exists, and init never overwrites a file", path, "name another with --policy"
        )


def write_new(path: str, text: str) -> None:
    """Makes the file `path`. Failure if there is one; it is then as it was before."""
    try:
        with open(path, "x", encoding="utf-8") as stream:
            try:
                stream.write(text)
                stream.flush()
            except OSError:
                os.unlink(path)
                raise
    except FileExistsError:
        refuse_existing(path)


def record(options: argparse.Namespace) -> str:
    """Builds the project in OUT's sight, as rewrite.py does; returns OUT."""
    out = pipeline.output_directory(options)
    new = not os.listdir(out)
    with pipeline.locked(out, options.out):
        if new:
            publishing.begin(out)
        recorded_build.record(options.capture, options.project, out)
    return out


def next_command(options: argparse.Namespace, policy: str, program: str) -> str:
    """What splits the program by the new file, as a shell reads it."""
    here = sys.argv[0]
    installed = os.path.basename(here) == "ia2-init"
    words = ["ia2-rewrite" if installed else os.path.join(os.path.dirname(here), "rewrite.py")]
    words += ["--policy", policy, "--out", options.out]
    if options.capture is not None:
        words += ["--capture", options.capture]
    words += ["--target", program]
    if options.source_root:
        words += ["--source-root", options.source_root]
    if options.kit_build and options.kit_build != os.environ.get("IA2_BUILD"):
        words += ["--kit-build", options.kit_build]
    return shlex.join([*words, options.project])


def describe(proposal: first_policy.Proposal) -> list[str]:
    """A line for each compartment."""
    width = max(len(part.name) for part in proposal.parts)
    lines = []
    for key, part in enumerate(proposal.parts, 1):
        used = [each.symbol for each in proposal.plan.imports if each.owner == key]
        crossing = f"; others use {listed(used)}" if used else ""
        lines.append(
            f"{part.name:<{width}}  key {key:>2}  {count(len(part.sources), 'source'):>11}"
            f"  {shown(part.what)}{crossing}"
        )
    return lines


def propose(options: argparse.Namespace) -> int:
    layout.use(options.kit_build)
    out, path = options.out, options.policy
    if path is None and options.capture is not None:
        path = os.path.join(options.project, NAME)
    if path:
        refuse_existing(path)
    if options.capture is not None:
        out = record(options)
    build = capture.find_build(options.project, out, options.capture is not None)
    proposal = first_policy.propose(build, options.target, options.source_root)
    if path is None:
        path = os.path.relpath(os.path.join(proposal.plan.source_root, NAME))
    write_new(path, proposal.text)
    print(*describe(proposal), sep="\n")
    if proposal.plan.shared_variables:
        print(
            f"shared: {listed(proposal.plan.shared_variables)}; each is open to every compartment"
        )
    if proposal.refused:
        print(f"a finer split would be refused: {shown(proposal.refused)}")
    if len(proposal.parts) == 1:
        print("one compartment separates nothing: the new file says how to make a second one")
    print(f"wrote {shown(path)}. Read it, and change what does not fit. Then type:")
    print(f"  {next_command(options, path, proposal.plan.program)}")
    return 0


def main(description: str) -> int:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--policy",
        metavar="FILE",
        help=f"the file to write (default: {NAME} at the top of the project); it must not exist",
    )
    parser.add_argument(
        "--capture",
        metavar="COMMAND",
        help="build the project with this shell command, recorded by Bear: 'make -j2'",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        default="out",
        help=(
            "the output directory of rewrite.py (default: %(default)s). With --capture it keeps"
            " what was seen of the build; without, nothing is written there"
        ),
    )
    parser.add_argument(
        "--target", metavar="NAME", help="the program to split, if the build makes several"
    )
    parser.add_argument(
        "--source-root",
        metavar="DIR",
        help="top of the source tree, if Meson or CMake did not record it",
    )
    parser.add_argument(
        "--kit-build",
        metavar="DIR",
        default=os.environ.get("IA2_BUILD"),
        help="the kit's own Meson build directory (default: build/ beside scripts/)",
    )
    parser.add_argument("project", metavar="PROJECT")
    options = parser.parse_args()
    return exit_status(lambda: propose(options))
