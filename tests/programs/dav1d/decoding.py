"""What the dav1d tests share: the two programs, built natively, and a comparison of how each
decodes."""

import json
import os
import pathlib
import subprocess

from ia2.samples import dav1d

REPORT = "builds.json"


def build(out: pathlib.Path):
    """Builds the plain and the compartmentalized dav1d of this Debian; their paths go to
    out/builds.json."""
    made = dav1d.builds(None, pathlib.Path(os.environ["IA2_BUILD"]))
    (out / REPORT).write_text(
        json.dumps(
            {
                "plain": str(made.plain),
                "version": made.version,
                "compartmentalized": str(made.compartmentalized),
            }
        )
    )
    return made


def builds() -> dict:
    """The paths that build() wrote, and the version: "plain", "compartmentalized", "version"."""
    return json.loads(pathlib.Path(os.environ["IA2_TEST_OUT"], REPORT).read_text())


def version(text: str) -> tuple[int, ...]:
    """(1, 5, 1) of "dav1d-1.5.1"."""
    return tuple(int(part) for part in text.rpartition("-")[2].split(".") if part.isdigit())


def decode(program: str, arguments, timeout: float = 300) -> dict:
    """How program ended with these arguments: "status" (-N for signal N), "out", "err".

    It is told that it is called dav1d, wherever it lies, so that its messages can be compared."""
    done = subprocess.run(
        ["dav1d", *map(str, arguments)],
        executable=program,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout,
        env={**os.environ, "IA2_REQUIRE_PKU": "1"},
    )
    return {
        "status": done.returncode,
        "out": done.stdout.decode(errors="replace"),
        "err": done.stderr.decode(errors="replace"),
    }
