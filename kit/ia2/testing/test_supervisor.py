"""Runs test modules, each in a worker process, several at a time; outlives whatever a test does.

    python3 -m ia2.testing.test_supervisor PLAN.json

PLAN.json: {"jobs": N, "modules": [{"file", "tests", "timeout", "out"}]}. Writes one JSON line per
event to stdout: {"module": FILE, "test": ID, "result": ..., "text": ..., "seconds": ...}, and
{"done": true} at the end. A test that outlives its time limit, or takes its process down, has
failed; the others of its module go on in a new worker. Runs here or in the PKU VM.
"""

import json
import os
import pathlib
import queue
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time

from ..vm import vm

KIT = pathlib.Path(__file__).resolve().parents[2]
OUTPUT_LIMIT = 6000


def worker_command(*arguments) -> list[str]:
    """The command of a worker, under the interpreter that has Debian's modules."""
    return ["/usr/bin/python3", "-m", "ia2.testing.test_worker", *map(str, arguments)]


def worker_environment(out) -> dict:
    """The environment of a worker whose module's programs are in out."""
    return {
        **os.environ,
        "PYTHONPATH": str(KIT),
        "IA2_TEST_OUT": str(out),
        "PYTHONFAULTHANDLER": "1",
    }


def tail(text: str) -> str:
    return text if len(text) <= OUTPUT_LIMIT else "[...]\n" + text[-OUTPUT_LIMIT:]


class Worker:
    """One worker process and the tests it has been given."""

    def __init__(self, module: dict, tests: list[str], emit):
        self.module, self.left, self.emit = module, list(tests), emit
        self.current, self.since, self.printed = None, time.monotonic(), 0
        self.log = tempfile.TemporaryFile()
        self.buffer = b""
        self.process = subprocess.Popen(
            worker_command("run", module["file"], *tests),
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            stderr=self.log,
            start_new_session=True,
            cwd=module["out"],
            env=worker_environment(module["out"]),
            preexec_fn=vm.die_with_parent,
        )

    def output(self) -> str:
        """What the test that is running has printed, to add to why it failed. The worker writes at
        the same file position, so it must not be moved."""
        size = os.fstat(self.log.fileno()).st_size
        text = os.pread(self.log.fileno(), size - self.printed, self.printed).decode(
            errors="replace"
        )
        return f"\n--- output\n{text}" if text.strip() else ""

    def report(self, name, result, text, seconds):
        if name in self.left:
            self.left.remove(name)
        self.emit(
            module=self.module["file"], test=name, result=result, text=tail(text), seconds=seconds
        )

    def take(self, data: bytes):
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        for line in lines:
            event = json.loads(line)
            self.since = time.monotonic()
            if "start" in event:
                self.current, self.printed = event["start"], event["at"]
            else:
                self.current = None
                self.report(event["end"], event["result"], event["text"], event["seconds"])

    def stop(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        return self.process.wait()

    def run(self):
        """Until the worker has ended or been stopped; what it did not finish stays in left."""
        limit = self.module["timeout"]
        problem = None
        while True:
            ready, _, _ = select.select(
                [self.process.stdout], [], [], max(0, self.since + limit - time.monotonic())
            )
            if not ready:
                problem = f"time limit of {limit:g} s reached"
                break
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            if not data:
                break
            self.take(data)
        if problem is None:
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                problem = "the test process did not end after its last test"
        status = self.stop()
        self.process.stdout.close()
        if problem is None and status != 0:
            how = signal.Signals(-status).name if status < 0 else f"status {status}"
            problem = f"the test process died ({how})"
        if self.left and not problem:
            problem = "the test process ended early"
        if problem and self.left:
            # Which test was running is not known if a fixture hung or died: then none of them can
            # run.
            for name in [self.current] if self.current else list(self.left):
                self.report(
                    name, "failed", problem + self.output(), round(time.monotonic() - self.since, 2)
                )
        elif problem:
            self.emit(
                module=self.module["file"],
                test="(end of module)",
                result="failed",
                text=tail(problem + self.output()),
                seconds=0,
            )
        self.log.close()


def supervise(modules: list[dict], jobs: int, emit) -> None:
    """Runs the modules' tests, jobs modules at a time; emit(**event) is called once per test, from
    one thread at a time."""
    lock = threading.Lock()
    waiting: queue.SimpleQueue = queue.SimpleQueue()
    for module in modules:
        waiting.put(module)

    def emit_locked(**event):
        with lock:
            emit(**event)

    def serve():
        while True:
            try:
                module = waiting.get_nowait()
            except queue.Empty:
                return
            left = module["tests"]
            while left:
                worker = Worker(module, left, emit_locked)
                worker.run()
                left = worker.left

    # Daemons, so that an interrupted run ends at once; the workers die with them.
    threads = [threading.Thread(target=serve, daemon=True) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main(argv: list[str]) -> int:
    plan = json.loads(pathlib.Path(argv[0]).read_text())
    supervise(plan["modules"], plan["jobs"], lambda **event: print(json.dumps(event), flush=True))
    print(json.dumps({"done": True}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
