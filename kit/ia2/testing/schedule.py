"""Where and in which order the modules are built and run.

Builds and tests share this machine's processors, longest first, so that no processor waits at the
end. The VM boots once, when all that its modules need is built and nothing else waits: its two
processors are this machine's. What still runs here then ends beside it.
"""

import json
import os
import pathlib
import queue
import subprocess
import sys
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from ..vm import vm
from .modules import VM, Module, names
from .report import Report
from .supervisor import END_OF_MODULE

VM_LIMIT, VM_LIMIT_ALL_VECTORS = 40 * 60, 12 * 3600
VM_MEMORY = 4096
VM_JOBS = 2
COSTS = "ia2/seconds"  # what each module took, for the order of the next run
THE_VM = "(the VM)"
COMMAND = ["/usr/bin/python3", "-m", "ia2.testing.supervisor"]


def cost_name(kind: str, module: Module, place: str) -> str:
    """Under which name the cost of a task is kept."""
    return f"{module.title} {kind}{place}"


class Lines:
    """The supervisor's two ends: tasks go in, events come out into a queue under a name."""

    def __init__(self, name: str, events: queue.SimpleQueue):
        self.name, self.events = name, events
        read_end, tasks = os.pipe()
        self.tasks = os.fdopen(tasks, "w")
        output, write_end = os.pipe()
        self.theirs = read_end, write_end
        os.set_inheritable(read_end, True)
        os.set_inheritable(write_end, True)
        self.reader = threading.Thread(target=self.read, args=(output,), daemon=True)
        self.reader.start()

    def read(self, output: int) -> None:
        with os.fdopen(output, errors="replace") as lines:
            for line in lines:
                try:
                    event = json.loads(line)
                except ValueError:
                    print(line, end="", flush=True)  # the kernel of the VM, or an interpreter
                else:
                    self.events.put((self.name, event))
        self.events.put((self.name, None))

    def send(self, data: dict) -> None:
        try:
            print(json.dumps(data), file=self.tasks, flush=True)
        except BrokenPipeError:
            pass  # the reader says that the supervisor has ended

    def close(self) -> None:
        try:
            self.tasks.close()
        except BrokenPipeError:
            pass


class Schedule:
    """One run of the modules' tests. run() returns when all are reported, or raises what stops
    pytest: the session's Failed (-x) or KeyboardInterrupt."""

    def __init__(self, session: pytest.Session, modules: list[Module]):
        self.session, self.config = session, session.config
        self.report: Report = session.config.pluginmanager.getplugin("terminalreporter")
        assert session.config.cache
        self.cache = session.config.cache
        self.costs: dict[str, float] = dict(self.cache.get(COSTS, {}))
        self.modules = modules
        self.events: queue.SimpleQueue = queue.SimpleQueue()
        self.running: dict[int, tuple] = {}
        self.waiting: list[tuple] = []
        self.keyed: list[Module] = []
        self.jobs = os.cpu_count() or 1
        self.problem: str | None = None
        self.machine: Lines | None = None
        self.machine_runs = False
        self.tasks = 0

    def cost(self, kind: str, module: Module, place: str) -> float:
        """The seconds that this took the last time. If that is not known, the time limit of the
        module's tests is a guess."""
        return self.costs.get(cost_name(kind, module, place), module.timeout / 10)

    def run(self) -> None:
        pathlib.Path(vm.build_dir(), "tests").mkdir(parents=True, exist_ok=True)
        self.here = Lines("here", self.events)
        process = self.start_here()
        try:
            self.here.send(self.settings(self.jobs + 1, os.environ["IA2_PKU"]))
            for module in self.modules:
                pathlib.Path(module.out).mkdir(parents=True, exist_ok=True)
                if module.build:
                    self.waiting.append(("build", module, ""))
                else:
                    self.built(module)
            while self.waiting or self.running or self.keyed or self.machine_runs:
                self.submit()
                self.take(*self.events.get())
        finally:
            self.here.close()
            if self.session.shouldfail or sys.exc_info()[0]:
                process.terminate()
            process.wait()
            self.cache.set(COSTS, self.costs)

    def settings(self, jobs: int, pku: str) -> dict:
        style = self.config.option.tbstyle
        style = "short" if style == "auto" else style
        return {"jobs": jobs, "root": str(self.config.rootpath), "tbstyle": style, "pku": pku}

    def environment(self) -> dict:
        kit = vm.SOURCE / "kit"
        return {"PYTHONPATH": f"{kit}:{self.config.rootpath}"}

    def start_here(self) -> subprocess.Popen:
        read_end, write_end = self.here.theirs
        process = subprocess.Popen(
            COMMAND,
            stdin=read_end,
            stdout=write_end,
            env={**os.environ, **self.environment()},
            preexec_fn=vm.die_with_parent,
        )
        os.close(read_end)
        os.close(write_end)
        return process

    # Tasks.

    def submit(self) -> None:
        """Gives tasks to the processors that have none, and boots the VM when its time has come.
        One build more than there are processors: builds wait for the network, and for one another
        where they share what they make."""
        self.waiting.sort(key=self.urgency)
        while self.waiting:
            kind, module, place = self.waiting[0]
            if sum(it[2] != VM for it in self.running.values()) >= self.jobs + (kind == "build"):
                break
            del self.waiting[0]
            if kind == "build":
                self.report.say(f"build   {module.title}")
            else:
                self.begin(module, place)
            self.here.send(self.task(kind, module, place))
        building = any(it[0] == "build" for it in self.running.values())
        if self.keyed and not self.waiting and not building and self.machine is None:
            self.start_vm()

    def urgency(self, waiting: tuple) -> tuple:
        """What comes first: builds, those that the VM needs before others; then what takes long."""
        kind, module, place = waiting
        for_vm = kind == "build" and VM in module.tests
        return (kind == "run", not for_vm, -self.cost(kind, module, place), module.title)

    def task(self, kind: str, module: Module, place: str) -> dict:
        number = self.tasks
        self.tasks += 1
        self.running[number] = (kind, module, place)
        return {
            "task": number,
            "kind": kind,
            "file": module.file,
            "out": module.out,
            "tests": list(module.tests.get(place, ())) if kind == "run" else [],
            "timeout": module.timeout,
        }

    def begin(self, module: Module, place: str) -> None:
        titles = [names(nodeid)[1] for nodeid in module.tests[place]]
        self.report.begin(module, place, titles)

    def built(self, module: Module) -> None:
        """Notes which of the module's tests can run now."""
        for place in module.tests:
            if place == VM:
                self.keyed.append(module)
            else:
                self.waiting.append(("run", module, place))

    def start_vm(self) -> None:
        """Boots the VM with all modules that need it. It reads this machine's files, and keeps what
        it has read, so nothing that it reads may change from here on."""
        self.machine = Lines("VM", self.events)
        read_end, write_end = self.machine.theirs
        limit = VM_LIMIT_ALL_VECTORS if self.config.option.all_vectors else VM_LIMIT
        self.machine_runs = True

        def boot() -> None:
            try:
                result = vm.run(
                    COMMAND,
                    timeout=limit,
                    cpus=VM_JOBS,
                    memory=VM_MEMORY,
                    cwd=vm.SOURCE,
                    env=self.environment(),
                    stdin=read_end,
                    stdout=write_end,
                    stderr=2,
                    progress=self.report.say,
                )
                if result.status or result.complaints:
                    complaint = f"the supervisor ended with status {result.status}"
                    self.problem = "\n".join(result.complaints) or complaint
            except vm.VmError as error:
                self.problem = str(error)
            finally:
                os.close(read_end)
                os.close(write_end)

        threading.Thread(target=boot, daemon=True).start()
        self.machine.send(self.settings(VM_JOBS, "vm"))
        for module in sorted(self.keyed, key=lambda it: -self.cost("run", it, VM)):
            self.begin(module, VM)
            self.machine.send(self.task("run", module, VM))
            self.last = module
        self.machine.close()
        self.keyed = []

    # Events.

    def take(self, name: str, event: dict | None) -> None:
        """Reports what a supervisor tells."""
        if event is None:
            self.ended(name)
        elif "idle" in event:
            if self.config.option.durations is not None:
                self.report.say(f"{name}: the processors were idle for {event['idle']:.0%}")
        else:
            kind, module, place = self.running[event["task"]]
            if "report" in event:
                self.log(module, place, self.from_worker(event["report"]))
            elif "dead" in event:
                self.fail(module, place, event["dead"], event["text"], event["seconds"])
            else:
                del self.running[event["task"]]
                self.end(module, place, event)
        if self.session.shouldfail and not self.report.phases:
            raise self.session.Failed(self.session.shouldfail)
        if self.session.shouldstop:
            raise self.session.Interrupted(self.session.shouldstop)

    def from_worker(self, data: dict) -> pytest.TestReport:
        """The report of a worker. JSON has no tuples, and pytest has no lists there."""
        report: Any = self.config.hook.pytest_report_from_serializable(
            config=self.config, data=data
        )
        report.location = tuple(report.location)
        if isinstance(report.longrepr, list):
            report.longrepr = tuple(report.longrepr)
        assert isinstance(report, pytest.TestReport)
        return report

    def log(self, module: Module, place: str, report: pytest.TestReport) -> None:
        """Reports a phase of a test under the node id that names its place."""
        if report.when == "teardown":
            module.tests[place].pop(report.nodeid, None)
        report.nodeid += place
        self.config.hook.pytest_runtest_logreport(report=report)

    def fail(self, module: Module, place: str, nodeid: str, text: str, seconds: float = 0) -> None:
        """Reports a test as failed that could not tell so itself."""
        if nodeid in (END_OF_MODULE, THE_VM):
            nodeid = f"{pathlib.Path(module.file).relative_to(self.config.rootpath)}::{nodeid}"
        location = (module.file, None, nodeid)
        for report in (
            pytest.TestReport(nodeid, location, {}, "failed", text, "call", duration=seconds),
            pytest.TestReport(nodeid, location, {}, "passed", None, "teardown"),
        ):
            self.log(module, place, report)

    def fail_all(self, module: Module, places: Iterable[str], text: str) -> None:
        """Reports the module's tests in `places` that are not done as failed."""
        for place in list(places):
            for nodeid in list(module.tests.get(place, ())):
                self.fail(module, place, nodeid, text)

    def end(self, module: Module, place: str, event: dict) -> None:
        """A build or a run of a module is over."""
        what = f"{module.title} ({'build' if event['end'] == 'build' else 'run'}){place}"
        self.report.processor.append((event["processor"], event["seconds"], what))
        self.costs[cost_name(event["end"], module, place)] = event["seconds"]
        if event["end"] != "build":
            return
        self.report.built(module, event["seconds"])
        if event["status"] == 0:
            for line in event["text"].splitlines():
                self.report.say(f"        {line}")
            self.built(module)
            return
        self.fail_all(module, module.tests, event["text"] or "build() failed")

    def ended(self, name: str) -> None:
        """A supervisor has closed its output. Tests it did not get to have failed."""
        why = f"the supervisor {name} ended before this test"
        if name == "VM":
            why = self.problem or "the VM ended before this test"
        lost = [it for it in self.running.items() if (it[1][2] == VM) == (name == "VM")]
        for number, (kind, module, place) in lost:
            del self.running[number]
            self.fail_all(module, module.tests if kind == "build" else [place], why)
        if name == "VM":
            self.machine_runs = False
            if self.problem and not lost:
                self.fail(self.last, VM, THE_VM, self.problem)
        else:
            raise RuntimeError(f"{why}: nothing more can be run")
