"""Runs the tests of one module in a process of its own, and tells the supervisor about each as it
happens.

    python3 -m ia2.testing.test_worker list FILE...       prints one JSON object per module: what is in it
    python3 -m ia2.testing.test_worker build FILE OUT     calls the module's build(OUT)
    python3 -m ia2.testing.test_worker run FILE [ID...]   runs these tests (ids: Class.method), default all

`run` writes JSON lines to its stdout: {"start": ID, "at": N} and {"end": ID, "result": "ok" |
"failed" | "skipped", "text": ..., "seconds": ...}. What the tests themselves print goes to its
stderr, a file; N is where it is then. The text of a test that passed is what it printed after
`note: `.
"""

import importlib.util
import json
import os
import pathlib
import sys
import time
import traceback
import unittest

NOTE = "note: "  # begins a line that a person shall see although nothing failed


def load(path: pathlib.Path):
    """Imports a test module, which may import its neighbours."""
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def cases(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from cases(item)
        else:
            yield item


def identity(case) -> str:
    """Class.method, the same in every process."""
    return ".".join(case.id().split(".")[-2:])


def describe(path: pathlib.Path) -> dict:
    """What the runner has to know of a module before running it."""
    try:
        module = load(path)
        found = list(cases(unittest.defaultTestLoader.loadTestsFromModule(module)))
    except (Exception, unittest.SkipTest):
        return {"file": str(path), "error": traceback.format_exc()}
    return {
        "file": str(path),
        "tests": [identity(case) for case in found],
        "needs_pku": bool(getattr(module, "NEEDS_PKU", False)),
        "also_native": bool(getattr(module, "ALSO_NATIVE", False)),
        "build": hasattr(module, "build"),
        "timeout": float(getattr(module, "TIMEOUT", 120)),
    }


def position() -> int:
    """How much the tests have printed so far."""
    sys.stdout.flush()
    return os.lseek(2, 0, os.SEEK_CUR)


class Reporter(unittest.TestResult):
    """Turns unittest's callbacks into JSON lines."""

    def __init__(self, out, expected):
        super().__init__()
        self.out, self.missing = out, list(expected)
        self.began, self.problem, self.printed = 0.0, None, position()

    def emit(self, **event):
        print(json.dumps(event), file=self.out, flush=True)

    def startTest(self, test):
        super().startTest(test)
        self.began, self.problem, self.printed = time.monotonic(), None, position()
        self.emit(start=identity(test), at=self.printed)

    def finish(self, name, result, text):
        if name in self.missing:
            self.missing.remove(name)
        output = os.pread(2, max(0, position() - self.printed), self.printed).decode(
            errors="replace"
        )
        if result == "failed":
            text += f"\n--- output\n{output}" if output.strip() else ""
        elif result == "ok":
            text = "\n".join(
                line[len(NOTE) :] for line in output.splitlines() if line.startswith(NOTE)
            )
        self.emit(
            end=name, result=result, text=text, seconds=round(time.monotonic() - self.began, 2)
        )

    def stopTest(self, test):
        super().stopTest(test)
        result, text = self.problem or ("ok", "")
        self.finish(identity(test), result, text)

    def note(self, test, result, text):
        """A test's outcome; or a fixture's, which is that of each test that it kept from
        running."""
        if isinstance(test, (unittest.TestCase, unittest.case._SubTest)):
            if self.problem and self.problem[0] == "failed":
                text = self.problem[1] + "\n" + text
            elif self.problem and result == "skipped":
                text = self.problem[1]
            self.problem = (result, text)
            return
        self.began = time.monotonic()
        scope = str(test.id()).rpartition("(")[2].rstrip(")").split(".")[-1]
        of_class = [name for name in self.missing if name.startswith(scope + ".")]
        for name in of_class or list(self.missing):
            self.finish(name, result, text)

    def addError(self, test, err):
        self.note(test, "failed", self._exc_info_to_string(err, test))

    def addFailure(self, test, err):
        self.note(test, "failed", self._exc_info_to_string(err, test))

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.note(
                test,
                "failed",
                f"{subtest._subDescription()}\n{self._exc_info_to_string(err, test)}",
            )

    def addSkip(self, test, reason):
        self.note(test, "skipped", reason)

    def addExpectedFailure(self, test, err):
        pass

    def addUnexpectedSuccess(self, test):
        self.note(test, "failed", "expected to fail, but passed")


def run(path: pathlib.Path, wanted: list[str]) -> None:
    """Runs the module's tests named in wanted, all if it is empty."""
    events = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    found = list(cases(unittest.defaultTestLoader.loadTestsFromModule(load(path))))
    if wanted:
        found = [case for case in found if identity(case) in wanted]
    reporter = Reporter(events, [identity(case) for case in found])
    unittest.TestSuite(found).run(reporter)
    for name in list(reporter.missing):
        reporter.finish(name, "failed", "the test was not run")
    sys.stdout.flush()


def main(argv: list[str]) -> int:
    mode, *rest = argv
    if mode == "list":
        for path in rest:
            print(json.dumps(describe(pathlib.Path(path))), flush=True)
    elif mode == "build":
        out = pathlib.Path(rest[1])
        out.mkdir(parents=True, exist_ok=True)
        load(pathlib.Path(rest[0])).build(out)
    else:
        run(pathlib.Path(rest[0]), rest[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
