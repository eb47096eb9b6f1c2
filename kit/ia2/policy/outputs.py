"""The files of a split program, by the policy alone: build systems ask before there are any.

`python3 -m ia2.policy.outputs POLICY PROGRAM [--permissive]` prints their names, one a line.
"""

import argparse
import sys

from ..base.failure import exit_status
from ..base.kit import RUNTIMES
from ..elf import plugin_file
from . import policy as policy_file


def outputs(policy: policy_file.Policy, program: str, permissive: bool) -> list[str]:
    """The names of what is published for the executable `program`, the executable first."""
    libraries = [f"{compartment.name}.ia2.so" for compartment in policy.compartments[1:]]
    carriers = [
        plugin_file.carrier_name(compartment.name)
        for compartment in policy.compartments
        if compartment.plugin
    ]
    return [program, *libraries, *carriers, RUNTIMES[permissive]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("policy")
    parser.add_argument("program")
    parser.add_argument("--permissive", action="store_true")
    options = parser.parse_args()
    print(*outputs(policy_file.load(options.policy), options.program, options.permissive), sep="\n")


if __name__ == "__main__":
    sys.exit(exit_status(main))
