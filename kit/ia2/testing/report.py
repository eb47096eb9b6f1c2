"""What a run of the tests prints, in place of pytest's own report.

A module's line comes when its last test is done, a failure at once. The last line of all is
`N passed, N failed, N skipped`.
"""

import time
from collections import Counter

import pytest
from _pytest.reports import BaseReport
from _pytest.terminal import TerminalReporter

from .modules import Module, names, title_of

# Seconds without a line of output, in a long module, before one is printed.
PROGRESS = 20


def indented(text: str) -> str:
    return "    " + text.strip().replace("\n", "\n    ")


def failure_text(report: BaseReport) -> str:
    """Why a phase of a test failed, and what the test had printed."""
    parts = [report.longreprtext.strip()]
    for title, text in report.sections:
        name = "output" if title.startswith("Captured") else title
        parts.append(f"--- {name}\n{text.strip()}")
    return "\n".join(parts)


def skip_reason(report: BaseReport) -> str:
    """What a skip says of itself."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    for prefix in ("Skipped: ", "unittest.case.SkipTest: "):
        text = text.removeprefix(prefix)
    return text.strip() or "no reason"


class BuildTime:
    """A build among what --durations lists."""

    when, count_towards_summary = "build", False

    def __init__(self, nodeid: str, duration: float):
        self.nodeid, self.duration = nodeid, duration


class Report(TerminalReporter):  # type: ignore[misc] # final for others than pytest's plugins
    """Counts each test once, as what it was: failed if a phase of it failed, else skipped or
    passed."""

    def __init__(self, config: pytest.Config):
        super().__init__(config)
        self.count: Counter = Counter()
        self.skips: Counter = Counter()
        self.failed: list[str] = []
        self.modules: dict = {}
        self.phases: dict[str, list] = {}
        self.processor: list[tuple] = []
        self.told = time.monotonic()
        self.reason: tuple = ()  # module and text of the last failure
        self.nothing = ""  # why there was nothing to run

    def say(self, text: str) -> None:
        self.told = time.monotonic()
        self.write_line(text)
        self.flush()

    # The parts of pytest's report that this one has otherwise, or not at all.

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._session = session
        self._sessionstarttime = time.time()

    def pytest_collection(self) -> None:
        pass

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if self.config.getoption("collectonly"):
            super().pytest_collection_finish(session)

    def pytest_runtest_logstart(self, nodeid: str, location: tuple) -> None:
        pass

    def summary_errors(self) -> None:
        pass

    summary_failures = summary_passes = summary_warnings = summary_errors

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo) -> None:
        super().pytest_keyboard_interrupt(excinfo)
        self.say(f"stopped: {excinfo.value}" if str(excinfo.value) else "stopped")

    def _report_keyboardinterrupt(self) -> None:
        """Said already: nothing follows the closing line."""

    def report_collect(self, final: bool = False) -> None:
        pass

    # The tests.

    def begin(self, module: Module, where: str, tests: list[str]) -> None:
        """Tells that the tests of a module are to run: a line says how they went when all are
        done."""
        self.modules[module.title, where] = [set(tests), Counter(), 0.0]

    def built(self, module: Module, seconds: float) -> None:
        self._add_stats("", [BuildTime(f"{module.title} ", seconds)])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        super().pytest_collectreport(report)
        title = title_of(report.nodeid)
        if report.failed:
            self.close(title, "", "(module)", "failed", report.longreprtext, 0)
        elif report.skipped:
            self.close(title, "", "(module)", "skipped", skip_reason(report), 0)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        category = self.config.hook.pytest_report_teststatus(report=report, config=self.config)[0]
        self._add_stats(category, [report])
        phases = self.phases.setdefault(report.nodeid, [])
        phases.append(report)
        if report.when == "teardown":
            self.finish(self.phases.pop(report.nodeid))

    def finish(self, phases: list) -> None:
        """Counts a test whose phases are all reported."""
        title, test, where = names(phases[0].nodeid)
        seconds = round(sum(phase.duration for phase in phases), 2)
        failed = [phase for phase in phases if phase.failed]
        skipped = [it for it in phases if it.skipped and not hasattr(it, "wasxfail")]
        if failed:
            text = "\n".join(map(failure_text, failed))
            self.close(title, where, test, "failed", text, seconds)
        elif skipped:
            self.close(title, where, test, "skipped", skip_reason(skipped[0]), seconds)
        else:
            notes = [text for name, text in phases[-1].user_properties if name == "note"]
            self.close(title, where, test, "passed", "\n".join(notes), seconds)

    def close(
        self, module: str, where: str, test: str, result: str, text: str, seconds: float
    ) -> None:
        """Prints and counts a test's result."""
        self.count[result] += 1
        title = f"{module} {test}{where}"
        if result == "failed":
            self.failed.append(title)
            # A build that fails says the same for each test of its module.
            shown = "for the same reason" if (module, text) == self.reason else text
            self.reason = (module, text)
            self.say(f"FAILED  {title} ({seconds:g} s)\n{indented(shown)}")
        elif result == "skipped":
            self.skips[module + where, text.strip().splitlines()[-1]] += 1
        if self.verbosity > 0 and result != "failed":
            reason = f": {text}" if result == "skipped" else ""
            self.say(f"{result:8}{title} ({seconds:g} s){reason}")
        if result == "passed" and text:
            self.say("        " + text.replace("\n", "\n        "))
        self.close_module(module, where, test, result, seconds)
        if time.monotonic() > self.told + PROGRESS:
            self.say(f"...     {sum(self.count.values())} tests done, at {title}")

    def close_module(self, module: str, where: str, test: str, result: str, seconds: float) -> None:
        entry = self.modules.get((module, where))
        if not entry:
            return
        left, count, _ = entry
        count[result] += 1
        entry[2] += seconds
        left.discard(test)
        if not left:
            numbers = ", ".join(f"{n} {word}" for word, n in count.items())
            word = "FAILED" if count["failed"] else "ok"
            self.say(f"{word:8}{module}{where}: {numbers} ({entry[2]:.0f} s)")
            del self.modules[module, where]

    # The end.

    def short_test_summary(self) -> None:
        if self.config.option.durations is not None and self.processor:
            self.say(
                "processor time of modules, in seconds (with all that they started and awaited)"
            )
            count = self.config.option.durations or len(self.processor)
            for processor, seconds, what in sorted(self.processor, reverse=True)[:count]:
                self.say(f"{processor:8.1f}  in {seconds:6.1f} s  {what}")
        for (title, reason), n in sorted(self.skips.items()):
            self.say(f"skipped {title}: {reason}" + (f" ({n} tests)" if n > 1 else ""))
        for title in self.failed:
            self.say(f"failed  {title}")

    def summary_stats(self) -> None:
        if self.config.getoption("collectonly"):
            super().summary_stats()
            return
        if self.nothing:
            self.say(self.nothing)
        self.say(
            ", ".join(f"{self.count[word]} {word}" for word in ("passed", "failed", "skipped"))
        )
