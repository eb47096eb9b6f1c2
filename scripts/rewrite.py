#!/usr/bin/python3
"""Splits a program into compartments: PROJECT in, OUT/bin/ out.

PROJECT is the directory of a finished build by Ninja (Meson, or CMake with -G Ninja) or by CMake's Makefiles. With
--capture it is where that command builds the project, whatever builds it; run it the first time on a clean tree. The
project's tree and build directory are only read.
What is made at each stage, and its format, is in docs/design.md. A stage whose inputs have not changed is skipped."""

import argparse
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "kit"))
from ia2 import pipeline  # noqa: E402
from ia2.failure import Failure  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", required=True, metavar="FILE", help="compartments.toml")
    parser.add_argument("--out", required=True, metavar="DIR", help="directory for all output")
    parser.add_argument("--capture", metavar="COMMAND", help="build the project with this shell command, recorded by Bear: 'make -j2'")
    parser.add_argument("--target", metavar="NAME", help="the program to split, if the policy fits several")
    parser.add_argument("--cc", metavar="COMPILER", help="compile and link with this instead of the project's compiler")
    parser.add_argument("--ld", metavar="LINKER", help="link with -fuse-ld=LINKER (bfd, lld) instead of the project's linker")
    parser.add_argument("-j", dest="jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="compilations at a time")
    parser.add_argument("--stage", choices=pipeline.STAGES, default=pipeline.STAGES[-1], help="the last stage to run")
    parser.add_argument("--source-root", metavar="DIR", help="top of the source tree, if Meson or CMake did not record it")
    parser.add_argument("--kit-build", metavar="DIR", help="the kit's own Meson build directory (default: build/ beside scripts/)")
    parser.add_argument("project", metavar="PROJECT")
    options = parser.parse_args()
    try:
        pipeline.Pipeline(options).run(options.stage)
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.filename or 'system'}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
