"""What a worker process does with one test module: builds its programs, or runs its tests.

A worker is a fork of the supervisor. Its stdout and stderr are one file, the log.
"""

import importlib
import json
import os
import pathlib
import sys
import traceback
from collections.abc import Generator, Iterable
from typing import Any, TextIO

import pytest
from _pytest.config import default_plugins
from _pytest.terminal import TerminalReporter
from _pytest.unittest import TestCaseFunction

NOTE = "note: "  # begins a line that a person sees although nothing failed


# Parts of pytest that a worker has no use for. In emulation they take seconds for each module.
UNUSED = (
    "doctest nose pastebin junitxml stepwise setuponly setupplan freeze_support legacypath"
    " faulthandler warnings unraisableexception threadexception logging cacheprovider"
).split()


def import_pytest() -> None:
    """Imports what each worker needs, in the process that the workers are forks of."""
    for name in default_plugins:
        if name not in UNUSED:
            importlib.import_module(f"_pytest.{name}")


def notes_in(text: str) -> list[str]:
    """The notes in what a build or a test printed."""
    return [line[len(NOTE) :] for line in text.splitlines() if line.startswith(NOTE)]


def build(root: str, file: str, out: str) -> int:
    """Calls the module's build(). Returns the exit status."""
    try:
        name = ".".join(pathlib.Path(file).relative_to(root).with_suffix("").parts)
        importlib.import_module(name).build(pathlib.Path(out))
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def run(root: str, file: str, tests: list[str], tbstyle: str, events: TextIO) -> int:
    """Runs the module's tests whose node ids are in `tests`. Writes a JSON line per event to
    `events`: {"start": ID, "at": N}, {"report": ...}, {"done": ID}. N is how long the log was."""
    words = ["-c", os.devnull, f"--rootdir={root}", "-s"]
    for name in UNUSED:
        words += ["-p", f"no:{name}"]
    words += ["-o", "xfail_strict=true", f"--tb={tbstyle}", "--continue-on-collection-errors"]
    return int(pytest.main([*words, file], plugins=[Teller(tests, events)]))


class Teller:
    """Plugin of pytest that selects the tests and tells the supervisor about each."""

    config: pytest.Config

    def __init__(self, tests: Iterable[str], events: TextIO):
        self.tests, self.events, self.printed = set(tests), events, 0

    def emit(self, **event: object) -> None:
        print(json.dumps(event), file=self.events, flush=True)

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Silences pytest's own report, which would look like output of the tests."""
        self.config = config
        config.pluginmanager.unregister(name="terminalreporter")
        silent = TerminalReporter(config, open(os.devnull, "w"))
        config.pluginmanager.register(silent, "terminalreporter")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid in self.tests]

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.printed = position()
        self.emit(start=nodeid, at=self.printed)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        self.emit(report=data)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.emit(done=nodeid)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, Any, None]:
        further = worst_first(item)
        outcome = yield
        report = outcome.get_result()
        for title, problem in further:
            report.sections.append((title, str(item.repr_failure(problem))))
        output = self.output()
        if report.failed and output.strip():
            report.sections.append((f"Captured stdout {report.when}", output))
        item.stash[FAILED] = item.stash.get(FAILED, False) or not report.passed
        if report.when == "teardown" and not item.stash[FAILED]:
            report.user_properties += [("note", line) for line in notes_in(output)]

    def output(self) -> str:
        """What the test has printed so far."""
        return os.pread(2, max(0, position() - self.printed), self.printed).decode(errors="replace")


FAILED = pytest.StashKey[bool]()


def position() -> int:
    """How long the log is."""
    sys.stdout.flush()
    return os.lseek(2, 0, os.SEEK_CUR)


def worst_first(item: pytest.Item) -> list[tuple]:
    """A unittest test may have several outcomes, one per subtest. Puts a failure before the skips,
    and returns the further failures as (title, exception); pytest itself takes the first alone."""
    found = getattr(item, "_excinfo", None) or []
    failures = [it for it in found if not isinstance(it.value, pytest.skip.Exception)]
    if not failures:
        del found[1:]
        return []
    item.__dict__["_excinfo"] = failures[:1]
    named = item.__dict__.get("subtests", {})
    titles = [(named.get(id(it.value), ""), it) for it in failures]
    first = [("in subtest " + titles[0][0], titles[0][1])] if titles[0][0] else []
    return first + [("further failure " + name, it) for name, it in titles[1:]]


def add_subtest(self: Any, _case: object, subtest: Any, failure: Any) -> None:
    """unittest's callback for a subtest. pytest has none before version 9: there a test would end
    at its first subtest that fails."""
    if failure is not None:
        self._addexcinfo(failure)
        named = self.__dict__.setdefault("subtests", {})
        named[id(failure[1])] = subtest._subDescription()


if not hasattr(TestCaseFunction, "addSubTest"):
    setattr(TestCaseFunction, "addSubTest", add_subtest)
    setattr(TestCaseFunction, "failfast", False)
