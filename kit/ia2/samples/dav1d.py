"""dav1d, plain and in compartments, from one source: for the demo, the benchmarks and tests."""

import collections.abc
import fcntl
import hashlib
import os
import pathlib
import re
import subprocess
import time
from dataclasses import dataclass

from ..tools.setup import MESON, NINJA
from ..vm import vm
from ..base import debian_source

PACKAGE = "dav1d"
POLICY = vm.SOURCE / "examples" / "dav1d" / "compartments.toml"
PROGRAM = "dav1d"
Progress = collections.abc.Callable[[str], None]


class SampleError(Exception):
    """A step failed; the text says which and how."""


def say(text: str) -> None:
    print(f"demo: {text}", flush=True)


@dataclass(frozen=True)
class Builds:
    """The two programs to compare."""

    plain: pathlib.Path
    compartmentalized: pathlib.Path
    version: str


def _run(command: list, what: str, shown: bool = False) -> str:
    """Runs a build step and returns its output, which is shown if it fails. shown: its progress is,
    as ninja counts it."""
    command = [str(word) for word in command]
    lines, told = [], time.monotonic()
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout, "it is a pipe"
        for line in process.stdout:
            lines.append(line)
            count = re.match(r"\[\d+/\d+\]", line)
            if shown and count and time.monotonic() > told + 5:
                say(count[0])
                told = time.monotonic()
    output = "".join(lines)
    if process.returncode != 0:
        raise SampleError(
            f"{what} failed: `{' '.join(command)}` (exit status {process.returncode})\n"
            + output[-6000:].rstrip()
        )
    return output


def build_plain(source: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """Builds source with its own Meson files into folder; returns the program."""
    if not (source / "meson.build").exists():
        raise SampleError(f"{source} is not a source tree: it has no meson.build")
    if not (folder / "build.ninja").exists():
        _run(
            [MESON, "setup", folder, source, "-Denable_tests=false"], "configuring the plain build"
        )
    program = folder / "tools" / PROGRAM
    if not program.exists():
        say(f"building {source.name} as it is")
    _run([NINJA, "-C", folder], "the plain build", shown=True)
    return program


def compartmentalize(plain: pathlib.Path, out: pathlib.Path, *options: str) -> pathlib.Path:
    """Makes the compartmentalized program from the build directory plain, with further options of
    rewrite.py; returns it."""
    say(f"compartmentalizing it with {POLICY.relative_to(vm.SOURCE)}")
    _run(
        [
            "/usr/bin/python3",
            vm.SOURCE / "scripts" / "rewrite.py",
            "--policy",
            POLICY,
            "--out",
            out,
            *options,
            plain,
        ],
        "compartmentalizing",
    )
    program = out / "bin" / PROGRAM
    if not program.exists():
        raise SampleError(f"compartmentalizing made no {program}")
    return program


def builds(source: pathlib.Path | None, build: pathlib.Path, progress: Progress = say) -> Builds:
    """Both programs from source, or from the Debian suite's own; made if need be, by one process at
    a time.

    Raises SampleError or debian_source.SourceError."""
    folder = build / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        source = source.resolve() if source else debian_source.fetch(PACKAGE, folder, progress)
        # Two trees may have the same name.
        key = f"{source.name}-{hashlib.sha256(os.fsencode(source)).hexdigest()[:8]}"
        plain_dir = folder / f"plain-{key}"
        plain = build_plain(source, plain_dir)
        return Builds(
            plain, compartmentalize(plain_dir, folder / f"compartments-{key}"), source.name
        )
