"""Runs ia2-rewriter over the planned units."""

import os
import subprocess
import sys

from ..base.failure import Failure


def run(rewriter: str, out: str, source_root: str, permissive: bool) -> None:
    """Makes OUT/boundary.json, OUT/callgates/ and OUT/rewritten/ from OUT/plan.json, with
    OUT/trees/ of the last run. Failure if the rewriter refuses the program. If not `permissive`,
    it refuses a source that includes permissive_mode.h."""
    command = [
        rewriter,
        "--policy",
        os.path.join(out, "plan.json"),
        "--root-directory",
        source_root,
        "--output-directory",
        os.path.join(out, "rewritten"),
        "--output-prefix",
        out + os.sep,
        "-p",
        os.path.join(out, "compile_commands.json"),
        "--cache-directory",
        os.path.join(out, "trees"),
        *(["--permissive"] if permissive else []),
    ]
    try:
        result = subprocess.run(
            command, stderr=subprocess.PIPE, text=True, errors="replace", check=False
        )
    except OSError as error:
        raise Failure(
            f"the rewriter cannot be run: {error.strerror}",
            rewriter,
            "build the kit: ninja -C build",
        ) from None
    if result.returncode < 0:
        raise Failure(f"the rewriter died of signal {-result.returncode}", rewriter)
    # The rewriter's diagnostics name the line and the remedy.
    sys.stderr.write(result.stderr)
    if result.returncode:
        count = result.stderr.count(" error: ")
        raise Failure(
            f"the rewriter refused the program: {count or 'no'} diagnostics above"
            if count != 1
            else "the rewriter refused the program: see the diagnostic above"
        )
