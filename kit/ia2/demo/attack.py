"""An attack by data: a hostile stream makes a decoder read its program's password. Once without
compartments, once with them. The program is examples/hostile-stream."""

import pathlib
import re
import shutil
import subprocess
from dataclasses import dataclass

from ..samples.dav1d import SampleError, say
from ..vm import command_batch, vm
from ..vm.command_batch import Command, Outcome

EXAMPLE = vm.SOURCE / "examples" / "hostile-stream"
PASSWORD = "correct horse battery"  # the viewer's own
TIMEOUT = 120
GOOD, HOSTILE = "good.art", "hostile.art"
VIOLATION = re.compile(r"violation: (compartment decoder .*)")


@dataclass(frozen=True)
class Ends:
    """How the viewer ended with each stream."""

    good: Outcome
    hostile: Outcome


def build(folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """Builds the example in `folder`, anew; returns the plain program and the split one. Raises
    SampleError."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(EXAMPLE, folder)
    rewrite = [str(vm.SOURCE / "scripts" / "rewrite.py"), "--policy", "compartments.toml"]
    rewrite += ["--out", "out", "--capture", "make -s", "--target", "viewer", "-q", "."]
    for command in (["/usr/bin/python3", "streams.py"], rewrite):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
        if done.returncode:
            raise SampleError(f"{command[0]} failed in {folder}\n{done.stdout}{done.stderr}")
    return folder / "viewer", folder / "out" / "bin" / "viewer"


def faults(plain: Ends, split: Ends) -> list[str]:
    """What did not go as the demo says."""
    found = []
    if plain.good.status or not plain.good.out.strip():
        found.append(f"plain, {GOOD}: status {plain.good.status}")
    if (split.good.status, split.good.out) != (plain.good.status, plain.good.out):
        found.append(f"compartments, {GOOD}: differs from plain, status {split.good.status}")
    if PASSWORD not in plain.hostile.out:
        found.append(f"plain, {HOSTILE}: the attack does not show the password")
    if PASSWORD in split.hostile.out + split.hostile.err:
        found.append(f"compartments, {HOSTILE}: THE PASSWORD WAS SHOWN")
    if split.hostile.status != -11 or not VIOLATION.search(split.hostile.err):
        found.append(
            f"compartments, {HOSTILE}: not stopped by a violation, status {split.hostile.status}"
        )
    return found


def told(plain: Ends, split: Ends) -> list[str]:
    """The table."""
    violation = VIOLATION.search(split.hostile.err)
    shown = next((line for line in plain.hostile.out.splitlines() if PASSWORD in line), "nothing")
    rows = plain.good.out.count("\n") - 1
    return [
        f"{'stream':<12} {'program':<13} result",
        f"{GOOD:<12} {'plain':<13} a picture of {rows} rows",
        f"{GOOD:<12} {'compartments':<13} "
        + ("the same picture" if split.good.out == plain.good.out else "another picture"),
        f"{HOSTILE:<12} {'plain':<13} shows the viewer's password: {shown}",
        f"{HOSTILE:<12} {'compartments':<13} "
        + (f"stopped: {violation[1]}" if violation else "not stopped"),
    ]


def show(build_dir: pathlib.Path) -> bool:
    """Builds, attacks, prints the table; returns whether everything went as it must."""
    say(f"an attack: the viewer of {EXAMPLE.relative_to(vm.SOURCE)} shows a hostile stream")
    folder = build_dir / "demo" / EXAMPLE.name
    folder.parent.mkdir(parents=True, exist_ok=True)
    commands = [
        Command((str(program), str(folder / stream)), {"IA2_REQUIRE_PKU": "1"}, TIMEOUT)
        for program in build(folder)
        for stream in (GOOD, HOSTILE)
    ]
    ends = command_batch.run_enforced(commands, progress=say)
    plain, split = Ends(*ends[:2]), Ends(*ends[2:])
    print("", *told(plain, split), "", sep="\n", flush=True)
    wrong = faults(plain, split)
    for text in wrong:
        say(f"error: {text}")
    return not wrong
