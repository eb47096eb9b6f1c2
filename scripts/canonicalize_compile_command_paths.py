#!/usr/bin/python3
"""Makes the paths in a compile_commands.json absolute, in place.

Run it in the directory of the file, or name that directory or the file."""

import argparse
import os
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
sys.dont_write_bytecode = not (
    KIT / "meson.build"
).exists()  # an installed kit stays as it was installed
sys.path.insert(0, str(KIT / "kit"))
from ia2.builds import canonicalize  # noqa: E402
from ia2.base.failure import exit_status  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "path", nargs="?", default=".", metavar="PATH", help="default: the current directory"
    )
    path = parser.parse_args().path
    canonicalize.canonicalize_file(
        os.path.join(path, "compile_commands.json") if os.path.isdir(path) else path
    )


if __name__ == "__main__":
    sys.exit(exit_status(main))
