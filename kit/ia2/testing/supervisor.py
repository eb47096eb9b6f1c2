"""Builds and runs test modules, each in a worker process, several at a time; outlives whatever a
test does. Runs here and in the PKU VM.

    python3 -m ia2.testing.supervisor

stdin: one JSON line {"jobs", "root", "tbstyle", "pku"}, then a line per task: {"task": N, "kind":
"build" | "run", "file", "out", "tests": [NODE ID], "timeout"}. stdout: JSON lines {"task": N, ...}
of these kinds:

    {"report": ...}                            pytest's report of one phase of a test
    {"dead": NODE ID, "text", "seconds"}       the test hung or took its process down
    {"end": "build" | "run", "status", "text", "seconds", "processor"}    the last of a task

A test that outlives its time limit, or takes its process down, has failed. The others of its module
go on in a new worker. With stdin closed the supervisor ends after its last task.
"""

import ctypes
import faulthandler
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from typing import NoReturn

from . import worker

Emit = Callable[..., None]
OUTPUT_LIMIT = 6000
END_OF_MODULE = "(end of module)"
PR_SET_PDEATHSIG = 1


def tail(text: str) -> str:
    return text if len(text) <= OUTPUT_LIMIT else "[...]\n" + text[-OUTPUT_LIMIT:]


def end_with_parent() -> None:
    """The calling process is killed when the process that forked it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Worker:
    """A forked process with one task, or with what is left of it."""

    def __init__(self, task: dict, settings: dict):
        self.task, self.left = task, list(task.get("tests", ()))
        self.current: str | None = None
        self.in_setup, self.printed = False, 0
        self.began = self.since = time.monotonic()
        self.log, self.buffer = tempfile.TemporaryFile(), b""
        self.events, write_end = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self.become_worker(settings, write_end)
        os.close(write_end)

    def become_worker(self, settings: dict, write_end: int) -> NoReturn:
        """In the child: does the task and ends the process."""
        status = 1
        try:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            end_with_parent()
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(self.log.fileno(), 1)
            os.dup2(self.log.fileno(), 2)
            os.closerange(3, write_end)
            os.closerange(write_end + 1, 1 << 10)
            out = self.task["out"]
            faulthandler.enable()
            os.chdir(out)
            os.environ["IA2_TEST_OUT"] = out
            if self.task["kind"] == "build":
                status = worker.build(settings["root"], self.task["file"], out)
            else:
                os.set_inheritable(write_end, False)
                with os.fdopen(write_end, "w") as events:
                    worker.run(
                        settings["root"], self.task["file"], self.left, settings["tbstyle"], events
                    )
                status = 0
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)

    @property
    def deadline(self) -> float:
        """When the test that is running has reached its time limit. A build has none."""
        limit = float(self.task["timeout"]) if self.task["kind"] == "run" else float("inf")
        return self.since + limit

    def printed_since(self, start: int) -> str:
        """What is in the log after `start`. The worker writes at the file's position, so that is
        not moved."""
        size = os.fstat(self.log.fileno()).st_size
        return os.pread(self.log.fileno(), size - start, start).decode(errors="replace")

    def take(self, data: bytes, emit: Emit) -> None:
        """Reads the worker's events."""
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        for line in lines:
            event = json.loads(line)
            if "start" in event:
                self.current, self.printed = event["start"], event["at"]
                self.in_setup, self.since = True, time.monotonic()
            elif "done" in event:
                self.left.remove(event["done"])
                self.current, self.since = None, time.monotonic()
            else:
                self.in_setup = False
                emit(task=self.task["task"], report=event["report"])

    def finish(self, problem: str | None, emit: Emit) -> float:
        """Ends the process and what it has started, and reports what it did not get to. Returns the
        processor time of all that the process has waited for."""
        if problem is None:
            problem = self.wait_for_the_end()
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        if not self.ended:
            self.ended = os.wait4(self.pid, 0)
        _, status, usage = self.ended
        os.close(self.events)
        code = os.waitstatus_to_exitcode(status)
        if self.task["kind"] == "build":
            self.report_build(code, emit, usage)
        else:
            self.report_run(problem, code, emit)
        self.log.close()
        return float(usage.ru_utime + usage.ru_stime)

    ended: tuple | None = None

    def wait_for_the_end(self) -> str | None:
        """After the last event a worker has half a minute to end."""
        limit = time.monotonic() + 30
        while time.monotonic() < limit:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self.ended = pid, status, usage
                return None
            time.sleep(0.002)
        return "the test process did not end after its last test"

    def report_build(self, code: int, emit: Emit, usage: resource.struct_rusage) -> None:
        text = self.printed_since(0)
        if code < 0:
            text += f"\nbuild() died ({signal.Signals(-code).name})"
        emit(
            task=self.task["task"],
            end="build",
            status=code,
            text=tail(text) if code else "\n".join(worker.notes_in(text)),
            seconds=round(time.monotonic() - self.began, 2),
            processor=round(usage.ru_utime + usage.ru_stime, 2),
        )

    def report_run(self, problem: str | None, code: int, emit: Emit) -> None:
        if problem is None and code != 0:
            how = signal.Signals(-code).name if code < 0 else f"status {code}"
            problem = f"the test process died ({how})"
        if self.left and not problem:
            problem = "the test process ended early"
        if not problem:
            return
        dead = list(self.left)
        if self.current:
            # A fixture that hangs or dies does so for every test that needs it.
            of_fixture = self.current.rpartition("::")[0] + "::"
            dead = [self.current] + [
                name
                for name in self.left
                if self.in_setup and name != self.current and name.startswith(of_fixture)
            ]
        output = self.printed_since(self.printed)
        text = tail(problem + (f"\n--- output\n{output}" if output.strip() else ""))
        seconds = round(time.monotonic() - self.since, 2)
        for name in dead or [END_OF_MODULE]:
            emit(task=self.task["task"], dead=name, text=text, seconds=seconds)
        self.left = [name for name in self.left if name not in dead]


class Supervisor:
    """Keeps up to `jobs` workers busy with the tasks in the order of their arrival."""

    def __init__(self, settings: dict, emit: Emit):
        self.settings, self.emit = settings, emit
        self.waiting: list[dict] = []
        self.workers: dict[int, Worker] = {}
        self.spent: dict[int, list[float]] = {}

    def stop(self, *_: object) -> NoReturn:
        """Ends the workers and all that they have started."""
        for one in self.workers.values():
            try:
                os.killpg(one.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        os._exit(128 + signal.SIGTERM)

    def start_workers(self) -> None:
        while self.waiting and len(self.workers) < self.settings["jobs"]:
            self.start(self.waiting.pop(0))

    def start(self, task: dict) -> None:
        started = Worker(task, self.settings)
        self.workers[started.events] = started
        self.spent.setdefault(task["task"], [time.monotonic(), 0.0])

    def end(self, one: Worker, problem: str | None) -> None:
        """Takes a worker off. What is left of its tests goes to a new one at once."""
        del self.workers[one.events]
        spent = self.spent[one.task["task"]]
        spent[1] += one.finish(problem, self.emit)
        if one.task["kind"] == "build":
            return
        if one.left:
            self.start({**one.task, "tests": one.left})
            return
        self.emit(
            task=one.task["task"],
            end="run",
            status=0,
            text="",
            seconds=round(time.monotonic() - spent[0], 2),
            processor=round(spent[1], 2),
        )

    def serve(self, commands: int) -> None:
        """Until `commands`, a descriptor, is closed and all tasks are done."""
        text, is_open = b"", True
        while is_open or self.waiting or self.workers:
            self.start_workers()
            deadline = min((one.deadline for one in self.workers.values()), default=float("inf"))
            wait = None if deadline == float("inf") else max(0, deadline - time.monotonic())
            ready, _, _ = select.select([*self.workers, *[commands] * is_open], [], [], wait)
            for descriptor in ready:
                data = os.read(descriptor, 1 << 16)
                if descriptor == commands:
                    is_open = bool(data)
                    *lines, text = (text + data).split(b"\n")
                    self.waiting += [json.loads(line) for line in lines]
                elif data:
                    self.workers[descriptor].take(data, self.emit)
                else:
                    self.end(self.workers[descriptor], None)
            for one in list(self.workers.values()):
                if one.deadline <= time.monotonic():
                    self.end(one, f"time limit of {one.task['timeout']:g} s reached")


def main() -> int:
    first = b""
    while not first.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return 1
        first += byte
    settings = json.loads(first)
    commands = os.dup(0)
    os.environ["IA2_PKU"] = settings["pku"]
    os.environ["PYTHONFAULTHANDLER"] = "1"  # of the Pythons that tests start
    worker.import_pytest()
    output = os.fdopen(os.dup(1), "w")

    def emit(**event: object) -> None:
        print(json.dumps(event), file=output, flush=True)

    supervisor = Supervisor(settings, emit)
    signal.signal(signal.SIGTERM, supervisor.stop)
    supervisor.serve(commands)
    if settings["pku"] == "vm":
        emit(idle=idle_share())
    return 0


def idle_share() -> float:
    """The share of the processors' time since the boot in which nothing ran."""
    with open("/proc/stat") as file:
        times = [int(word) for word in file.readline().split()[1:9]]
    return (times[3] + times[4]) / sum(times)


if __name__ == "__main__":
    sys.exit(main())
