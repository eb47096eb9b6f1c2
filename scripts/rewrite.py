#!/usr/bin/python3
"""Splits a program into compartments: PROJECT in, OUT/bin/ out.

PROJECT is the directory of a finished build by Ninja (Meson, or CMake with -G Ninja) or by CMake's
Makefiles, or the Ninja file of one configuration (build-Release.ninja, by CMake's Ninja
Multi-Config). With --capture it is where that command builds the project, whatever builds it; run
it the first time on a clean tree. The project's tree and build directory are only read. What is
made at each stage is in docs/design.md, and its format in kit/ia2/formats. A stage whose inputs
have not changed is skipped."""

import argparse
import os
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
sys.dont_write_bytecode = not (
    KIT / "meson.build"
).exists()  # an installed kit stays as it was installed
sys.path.insert(0, str(KIT / "kit"))
from ia2.stages import pipeline, sequence  # noqa: E402
from ia2.base.failure import exit_status  # noqa: E402


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """What is split, and where the result goes."""
    parser.add_argument("--policy", required=True, metavar="FILE", help="compartments.toml")
    parser.add_argument(
        "--out",
        required=True,
        metavar="DIR",
        help="directory for all output: new, empty, or of an earlier run",
    )
    parser.add_argument(
        "--capture",
        metavar="COMMAND",
        help="build the project with this shell command, recorded by Bear: 'make -j2'",
    )
    parser.add_argument(
        "--recorded",
        metavar="DIR",
        help=(
            "with --capture: the output directory that keeps what was seen of the build, if another"
            " than --out. A second output directory then needs no clean build"
        ),
    )
    parser.add_argument(
        "--target", metavar="NAME", help="the program to split, if the policy fits several"
    )


def add_compilation(parser: argparse.ArgumentParser) -> None:
    """How the program is compiled and linked again."""
    parser.add_argument(
        "--cc",
        metavar="COMPILER",
        help="compile and link with this instead of the project's compiler",
    )
    parser.add_argument(
        "--ld",
        metavar="LINKER",
        help="link with -fuse-ld=LINKER (bfd, lld) instead of the project's linker",
    )
    parser.add_argument(
        "--cflag",
        action="append",
        default=[],
        metavar="ARG",
        help="a further argument for what is compiled again",
    )
    parser.add_argument(
        "--ldflag",
        action="append",
        default=[],
        metavar="ARG",
        help="a further argument for each link",
    )
    parser.add_argument(
        "--permissive",
        action="store_true",
        help="make a program that records violations and goes on: NOTHING IS ENFORCED in it",
    )
    parser.add_argument(
        "--debug",
        action="store_true",
        help=(
            "compile every C source again, for gdb: -g, and -Og where the project optimizes more. "
            "It enforces as ever"
        ),
    )
    parser.add_argument(
        "--library",
        action="append",
        default=[],
        metavar="FILE",
        help="refuse unless FILE is linked into the program",
    )
    parser.add_argument(
        "-j",
        dest="jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="compilations at a time",
    )


def add_run(parser: argparse.ArgumentParser) -> None:
    """Which stages run, and what build systems need of them."""
    parser.add_argument(
        "--stage",
        choices=sequence.NAMES,
        default=sequence.NAMES[-1],
        help="the last stage to run",
    )
    parser.add_argument(
        "--source-root",
        metavar="DIR",
        help="top of the source tree, if Meson or CMake did not record it",
    )
    parser.add_argument(
        "--publish",
        metavar="DIR",
        help="put what is in OUT/bin into DIR as well (for build systems)",
    )
    parser.add_argument(
        "--depfile",
        metavar="FILE",
        help="write what the result depends on, as Make and Ninja read it",
    )
    parser.add_argument(
        "--depfile-target",
        default="",
        metavar="FILE",
        help=(
            "what FILE says depends on it; if relative, so are the paths below "
            "the current directory"
        ),
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print errors only")
    parser.add_argument(
        "--kit-build",
        metavar="DIR",
        help="the kit's own Meson build directory (default: build/ beside scripts/)",
    )


def argument_parser() -> argparse.ArgumentParser:
    """--help lists the options in the order in which they are added here."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_inputs(parser)
    add_compilation(parser)
    add_run(parser)
    parser.add_argument("project", metavar="PROJECT")
    return parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser()
    options = parser.parse_args(argv)
    if options.recorded and options.capture is None:
        parser.error("--recorded needs --capture")
    if bool(options.depfile) != bool(options.depfile_target):
        parser.error("--depfile and --depfile-target go together")
    if options.stage != sequence.NAMES[-1] and (options.depfile or options.publish):
        parser.error("--depfile and --publish need all stages")
    return exit_status(lambda: pipeline.Pipeline(options).run(options.stage))


if __name__ == "__main__":
    sys.exit(main())
