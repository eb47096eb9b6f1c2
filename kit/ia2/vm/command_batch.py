"""Runs many commands where protection keys are enforced: here, or all of them in one boot of the
PKU VM.

    python3 -m ia2.vm.command_batch PLAN.json

PLAN.json: {"jobs": N, "commands": [{"argv", "env", "timeout"}]}. Writes one JSON line per command
as it ends, {"index", "status", "out", "err", "seconds"}; out and err have bytes that are not UTF-8
replaced.
"""

import collections.abc
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field

from . import vm


class BatchError(Exception):
    """The VM did not live to run all commands; the text says why."""


@dataclass(frozen=True)
class Command:
    """env: variables beside the caller's. timeout: seconds."""

    argv: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    timeout: float = 120


@dataclass(frozen=True)
class Outcome:
    """status: as subprocess has it, -N for signal N; 124 with a note in err when the time was
    up."""

    status: int
    out: str
    err: str
    seconds: float


# Told of each command that has ended: its position, and how.
Done = collections.abc.Callable[[int, Outcome], None]


def enforcer() -> str:
    """What enforces protection keys for the commands."""
    return "PKU hardware" if vm.pku_host() else "PKU VM"


def run_one(argv: tuple[str, ...], env: dict[str, str], timeout: float) -> Outcome:
    """Runs one command on this CPU."""
    began = time.monotonic()
    try:
        done = subprocess.run(
            argv,
            env={**os.environ, **env},
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        status, out, err = done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired as late:
        status, out = 124, late.stdout or b""
        err = (late.stderr or b"") + f"\ntime limit of {timeout:g} s reached\n".encode()
    except OSError as error:
        status, out, err = 127, b"", f"{argv[0]}: {error.strerror}\n".encode()
    return Outcome(
        status, out.decode(errors="replace"), err.decode(errors="replace"), time.monotonic() - began
    )


def run_here(commands: list[Command], jobs: int, done: Done) -> None:
    """Runs the commands on this CPU, jobs at a time; done(index, outcome) is called as each ends,
    in one thread."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = {
            pool.submit(run_one, c.argv, c.env, c.timeout): i for i, c in enumerate(commands)
        }
        for future in concurrent.futures.as_completed(futures):
            done(futures[future], future.result())


def run_enforced(
    commands: list[Command],
    *,
    jobs: int = 2,
    memory: int = 3072,
    timeout: float | None = None,
    progress: collections.abc.Callable[[str], None] = lambda text: None,
    done: Done = lambda index, outcome: None,
) -> list[Outcome]:
    """Runs the commands under enforced protection keys; returns their outcomes in order.

    timeout: seconds for all of them together in the VM. done: told of each as it ends, from some
    thread, one at a time. Raises BatchError."""
    outcomes: dict[int, Outcome] = {}

    def take(index: int, outcome: Outcome) -> None:
        outcomes[index] = outcome
        done(index, outcome)

    if vm.pku_host():
        run_here(commands, jobs, take)
    else:
        _run_in_vm(commands, jobs, memory, timeout, progress, take)
    return [outcomes[i] for i in range(len(commands))]


def _run_in_vm(
    commands: list[Command],
    jobs: int,
    memory: int,
    timeout: float | None,
    progress: collections.abc.Callable[[str], None],
    take: Done,
) -> None:
    read_end, write_end = os.pipe()
    junk: list[str] = []

    def read() -> None:
        with os.fdopen(read_end) as lines:
            for line in lines:
                try:
                    event = json.loads(line)
                    index = event.pop("index")
                except (ValueError, KeyError):
                    junk.append(line)
                    continue
                take(index, Outcome(**event))
                ended.add(index)

    ended: set[int] = set()
    with tempfile.TemporaryDirectory(dir=vm.build_dir(), prefix="batch-") as folder:
        plan = pathlib.Path(folder, "plan.json")
        plan.write_text(
            json.dumps({"jobs": jobs, "commands": [asdict(command) for command in commands]})
        )
        reader = threading.Thread(target=read)
        reader.start()
        try:
            result = vm.run(
                ["/usr/bin/python3", "-m", "ia2.vm.command_batch", str(plan)],
                cpus=jobs,
                memory=memory,
                timeout=timeout,
                cwd=vm.SOURCE,
                env={"PYTHONPATH": str(vm.SOURCE / "kit")},
                stdout=write_end,
                progress=progress,
            )
        except vm.VmError as error:
            raise BatchError(str(error)) from None
        finally:
            os.close(write_end)
            reader.join()
    if result.complaints or result.status or len(ended) != len(commands):
        raise BatchError(
            "\n".join(
                [
                    (
                        f"{len(ended)} of {len(commands)} commands ended in the VM, which ended"
                        f" with status {result.status}"
                    ),
                    *result.complaints,
                    result.err.decode(errors="replace")[-3000:],
                    *junk[-20:],
                ]
            )
        )


def main(argv: list[str]) -> int:
    plan = json.loads(pathlib.Path(argv[0]).read_text())
    commands = [Command(**command) for command in plan["commands"]]
    run_here(
        commands,
        plan["jobs"],
        lambda index, outcome: print(json.dumps({"index": index, **asdict(outcome)}), flush=True),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
