"""Finds and runs the kit's tests: `python3 -m ia2.testing.testrun [--all-vectors] [--only SUBSTR] [-v]`.

CONTRIBUTING.md says what a test module is. Modules that need protection keys run in the PKU VM, all
in one boot, unless this CPU has keys. Ends with `N passed, N failed, N skipped` alone on the last
line.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter

from ..vm import vm
from .test_supervisor import supervise, tail, worker_command, worker_environment
from .test_worker import NOTE

SOURCE = vm.SOURCE
VM_LIMIT, VM_LIMIT_ALL_VECTORS = 40 * 60, 12 * 3600
VM_MEMORY = 4096
# Seconds without a line of output, in a long module, before one is printed.
PROGRESS = 20


def name_of(path: str) -> str:
    """room/test_x of a test module."""
    relative = pathlib.Path(path).relative_to(SOURCE / "tests")
    return str(relative.with_suffix(""))


class Report:
    """Prints results as they come and counts them."""

    def __init__(self, verbose: bool):
        self.verbose, self.count = verbose, Counter()
        self.skips: Counter = Counter()
        self.failed: list[str] = []
        self.modules: dict = {}
        self.told = time.monotonic()

    def begin(self, module: dict, where: str):
        self.modules[module["file"], where] = [set(module["tests"]), Counter(), 0.0]

    def add(self, where: str, module: str, test: str, result: str, text: str, seconds: float):
        word = {"ok": "passed", "failed": "failed", "skipped": "skipped"}[result]
        self.count[word] += 1
        title = f"{name_of(module)} {test}{where}"
        if result == "failed":
            self.failed.append(title)
            self.say(
                f"FAILED  {title} ({seconds:g} s)\n    " + text.strip().replace("\n", "\n    ")
            )
        elif result == "skipped":
            self.skips[
                name_of(module) + where,
                text.strip().splitlines()[-1] if text.strip() else "no reason",
            ] += 1
        if self.verbose and result != "failed":
            self.say(
                f"{word:8}{title} ({seconds:g} s)"
                + (f": {text}" if text and result == "skipped" else "")
            )
        if result == "ok" and text:
            self.say("        " + text.replace("\n", "\n        "))
        entry = self.modules.get((module, where))
        if entry:
            left, count, _ = entry
            count[word] += 1
            entry[2] += seconds
            left.discard(test)
            if not left:
                numbers = ", ".join(f"{n} {w}" for w, n in count.items())
                self.say(
                    f"{'FAILED' if count['failed'] else 'ok':8}{name_of(module)}{where}:"
                    f" {numbers} ({entry[2]:.0f} s)"
                )
                del self.modules[module, where]
        if time.monotonic() > self.told + PROGRESS:
            self.say(f"...     {sum(self.count.values())} tests done, at {title}")

    def say(self, text: str):
        self.told = time.monotonic()
        print(text, flush=True)

    def fail_all(self, where: str, module: dict, text: str):
        for test in module.get("tests") or ["(module)"]:
            self.add(where, module["file"], test, "failed", text, 0)

    def end(self) -> int:
        for (title, reason), n in sorted(self.skips.items()):
            print(f"skipped {title}: {reason}" + (f" ({n} tests)" if n > 1 else ""))
        for title in self.failed:
            print(f"failed  {title}")
        print(
            f"{self.count['passed']} passed, {self.count['failed']} failed,"
            f" {self.count['skipped']} skipped"
        )
        return 1 if self.count["failed"] or not self.count["passed"] else 0


def discover(only: str, report: Report) -> list[dict]:
    """The modules with tests to run. `only` is looked for in "room/test_x Class.method"."""
    files = sorted(map(str, (SOURCE / "tests").glob("*/test_*.py")))
    done = subprocess.run(
        worker_command("list", *files),
        stdout=subprocess.PIPE,
        text=True,
        env=worker_environment(""),
    )
    modules = []
    described = [json.loads(line) for line in done.stdout.splitlines()]
    for path in files[len(described) :]:
        described.append(
            {"file": path, "error": f"cannot be loaded (exit status {done.returncode})"}
        )
    for module in described:
        title = name_of(module["file"])
        module["out"] = str(vm.build_dir() / "tests" / title)
        if "error" in module:
            if only in title:
                report.fail_all("", module, module["error"])
            continue
        module["tests"] = [test for test in module["tests"] if only in f"{title} {test}"]
        if module["tests"]:
            modules.append(module)
    return modules


def build(modules: list[dict], report: Report) -> list[dict]:
    """Builds the modules' programs, here; returns those that built. The others' tests have
    failed."""

    def one(module):
        pathlib.Path(module["out"]).mkdir(parents=True, exist_ok=True)
        if not module["build"]:
            return None
        print(f"build   {name_of(module['file'])}", flush=True)
        done = subprocess.run(
            worker_command("build", module["file"], module["out"]),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=module["out"],
            env=worker_environment(module["out"]),
            errors="replace",
        )
        # What a module wants a person to know, such as the size of what it built.
        for line in done.stdout.splitlines():
            if line.startswith(NOTE) and not done.returncode:
                print(f"        {line[len(NOTE):]}", flush=True)
        return done.stdout or "build() failed" if done.returncode else None

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = list(pool.map(one, modules))
    built = []
    for module, problem in zip(modules, problems):
        if problem is None:
            built.append(module)
        else:
            report.fail_all("", module, tail(problem))
    return built


def run_here(modules: list[dict], where: str, report: Report):
    """Runs modules on this CPU."""
    for module in modules:
        report.begin(module, where)
    supervise(modules, os.cpu_count() or 1, lambda **event: report.add(where, **event))


def run_in_vm(modules: list[dict], report: Report, limit: float):
    """Runs modules in one boot of the PKU VM; tests it did not get to have failed."""
    where = " [VM]"
    folder = tempfile.TemporaryDirectory(
        dir=vm.build_dir() / "tests", prefix=".vm-"
    )  # another run may use this build directory too
    plan = pathlib.Path(folder.name, "plan.json")
    plan.write_text(json.dumps({"jobs": 2, "modules": modules}))
    left = {(module["file"], test) for module in modules for test in module["tests"]}
    for module in modules:
        report.begin(module, where)
    read_end, write_end = os.pipe()

    def take():
        with os.fdopen(read_end) as lines:
            for line in lines:
                try:
                    event = json.loads(line)
                except ValueError:
                    print(line, end="", flush=True)
                    continue
                if "done" not in event:
                    left.discard((event["module"], event["test"]))
                    report.add(where, **event)

    reader = threading.Thread(target=take)
    reader.start()
    problem = None
    try:
        result = vm.run(
            ["/usr/bin/python3", "-m", "ia2.testing.test_supervisor", str(plan)],
            timeout=limit,
            cpus=2,
            memory=VM_MEMORY,
            cwd=SOURCE,
            env={"PYTHONPATH": str(SOURCE / "kit"), "IA2_PKU": "vm"},
            stdout=write_end,
            stderr=2,
            progress=lambda text: print(text, flush=True),
        )
        if result.status or result.complaints:
            problem = (
                "\n".join(result.complaints) or f"the supervisor ended with status {result.status}"
            )
    except vm.VmError as error:
        problem = str(error)
    finally:
        os.close(write_end)
        reader.join()
        folder.cleanup()
    for file, test in sorted(left):
        report.add(where, file, test, "failed", problem or "the VM ended before this test", 0)
    if problem and not left:
        report.add(where, modules[-1]["file"], "(the VM)", "failed", problem, 0)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="check", description="Runs the kit's tests.")
    parser.add_argument(
        "--all-vectors",
        action="store_true",
        help=(
            "decode all third-party AV1 vectors, not a spread, and run what takes long of the"
            " packages' own tests"
        ),
    )
    parser.add_argument(
        "--only",
        default="",
        metavar="SUBSTR",
        help='run only tests with SUBSTR in their name, "room/test_x Class.method"',
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="print every test")
    options = parser.parse_args(argv)
    os.environ["IA2_BUILD"] = str(vm.build_dir())
    os.environ["IA2_SOURCE"] = str(SOURCE)
    os.environ["IA2_PKU"] = "hardware" if vm.pku_host() else "none"
    if options.all_vectors:
        os.environ["IA2_ALL_VECTORS"] = "1"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report = Report(options.verbose)
    modules = discover(options.only, report)
    modules = build(modules, report)
    keyed = [module for module in modules if module["needs_pku"]]
    if vm.pku_host():
        run_here(modules, "", report)
    else:
        run_here([module for module in modules if not module["needs_pku"]], "", report)
        run_here([module for module in keyed if module["also_native"]], " [no PKU]", report)
        if keyed:
            run_in_vm(keyed, report, VM_LIMIT_ALL_VECTORS if options.all_vectors else VM_LIMIT)
    return report.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
