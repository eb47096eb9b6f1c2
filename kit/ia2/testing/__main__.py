"""Runs the kit's tests: `python3 -m ia2.testing [--all-vectors] [--only SUBSTR] [OPTION...]`, where
the further options are pytest's.

The exit status is 0 only if a test passed and none failed.
"""

import os
import sys

import pytest

from ..vm import vm
from . import plugin

# Settings of pytest are given here and not in a file: the tests of the runner run it elsewhere.
SETTINGS = ("xfail_strict=true", "junit_logging=system-out")


def main(argv: list[str]) -> int:
    # Only the kit's own plugin runs, whatever else this machine has.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    words = ["-c", os.devnull, f"--rootdir={vm.SOURCE}", "-p", plugin.__name__]
    for setting in (*SETTINGS, f"cache_dir={vm.build_dir() / 'tests' / '.pytest'}"):
        words += ["-o", setting]
    return int(pytest.main([*words, *argv]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
