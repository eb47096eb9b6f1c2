"""The kit's plugin of pytest. pytest finds and selects the tests in this process. The tests run in
worker processes, here or in the PKU VM."""

import copy
import os
import signal
from collections.abc import Generator
from typing import Any

import pytest

from ..vm import vm
from .modules import Module, bare, described, names, title_of
from .report import Report
from .schedule import Schedule

MODULES = pytest.StashKey[dict]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("the kit's tests")
    group.addoption(
        "--only",
        default="",
        metavar="SUBSTR",
        help='run only tests with SUBSTR in their name, "room/test_x Class.method"',
    )
    group.addoption(
        "--all-vectors",
        action="store_true",
        help="decode all third-party AV1 vectors, not a spread, and run what takes long of the"
        " packages' own tests",
    )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Sets what test modules read when they are imported, and replaces pytest's report."""
    os.environ["IA2_SOURCE"] = str(vm.SOURCE)
    os.environ["IA2_BUILD"] = str(vm.build_dir())
    os.environ["IA2_PKU"] = "hardware" if vm.pku_host() else "none"
    os.environ["IA2_TEST_OUT"] = ""
    if config.option.all_vectors:
        os.environ["IA2_ALL_VECTORS"] = "1"
    if config.args == [str(config.invocation_params.dir)]:
        config.args = [str(config.rootpath / "tests")]
    # One module that cannot be loaded does not keep the others from running.
    config.option.continue_on_collection_errors = True
    config.pluginmanager.unregister(name="terminalreporter")
    config.pluginmanager.register(Report(config), "terminalreporter")
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("by SIGTERM", 143))


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, None]:
    """A module that cannot be loaded fails, unless --only names another."""
    outcome = yield
    report = outcome.get_result()
    if report.failed and collector.config.option.only not in title_of(collector.nodeid):
        report.outcome, report.result = "passed", []


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leaves what --only names, and makes an item for each place where a test runs."""
    only = config.option.only
    kept: list[pytest.Item] = []
    other: list[pytest.Item] = []
    for item in items:
        title, test, _ = names(item.nodeid)
        (kept if only in f"{title} {test}" else other).append(item)
    if other:
        config.hook.pytest_deselected(items=other)
    if only and not kept and not session.testsfailed:
        config.pluginmanager.getplugin("terminalreporter").nothing = (
            f"check: error: no test has '{only}' in its name"
            ' ("room/test_x Class.method")\n'
            "remedy: `scripts/check --collect-only -q` lists the tests"
        )
    modules: dict[str, Module] = {}
    items[:] = []
    for item in kept:
        file = str(item.path)
        if file not in modules:
            modules[file] = described(item)
        for place in modules[file].places():
            placed = copy.copy(item)
            placed._nodeid = item.nodeid + place
            items.append(placed)
    config.stash[MODULES] = modules


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Builds and runs the items in worker processes, instead of in this one."""
    if session.config.option.collectonly:
        return None
    modules = session.config.stash[MODULES]
    for item in session.items:
        nodeid, place = bare(item.nodeid)
        modules[str(item.path)].tests.setdefault(place, {})[nodeid] = item
    Schedule(session, [module for module in modules.values() if module.tests]).run()
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run in which nothing passed has not shown anything."""
    report = session.config.pluginmanager.getplugin("terminalreporter")
    if session.exitstatus in (0, 5) and not session.config.option.collectonly:
        session.exitstatus = 0 if report.count["passed"] and not report.count["failed"] else 1
