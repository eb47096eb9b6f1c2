"""Test modules and the names of their tests.

A module that needs keys runs in the VM, unless this CPU has keys, and here as well if it says so.
Its tests are then two items, told apart by what follows the node id: " [VM]" and " [no PKU]".
"""

import pathlib
from dataclasses import dataclass, field

import pytest

from ..vm import vm

VM, NO_PKU, HERE = " [VM]", " [no PKU]", ""


@dataclass
class Module:
    """A test module and the tests of it that are to run: by place, by node id without the place."""

    file: str
    title: str
    out: str
    needs_pku: bool
    also_native: bool
    build: bool
    timeout: float
    tests: dict[str, dict[str, pytest.Item]] = field(default_factory=dict)

    def places(self) -> list[str]:
        """Where its tests run."""
        if not self.needs_pku or vm.pku_host():
            return [HERE]
        return [NO_PKU, VM] if self.also_native else [VM]


def bare(nodeid: str) -> tuple[str, str]:
    """The node id as pytest has it, and the place."""
    for place in (VM, NO_PKU):
        if nodeid.endswith(place):
            return nodeid.removesuffix(place), place
    return nodeid, HERE


def names(nodeid: str) -> tuple[str, str, str]:
    """room/test_x, Class.method and the place."""
    name, place = bare(nodeid)
    path, _, test = name.partition("::")
    return title_of(path), test.replace("::", "."), place


def title_of(path: str) -> str:
    """room/test_x of tests/room/test_x.py."""
    return path.partition("::")[0].removeprefix("tests/").removesuffix(".py")


def described(item: pytest.Item) -> Module:
    """What the runner has to know of a module."""
    parent, path = item.getparent(pytest.Module), pathlib.Path(item.path)
    module = parent.obj if parent else None
    title = names(item.nodeid)[0]
    return Module(
        str(path),
        title,
        str(vm.build_dir() / "tests" / title),
        bool(getattr(module, "NEEDS_PKU", False)),
        bool(getattr(module, "ALSO_NATIVE", False)),
        hasattr(module, "build"),
        float(getattr(module, "TIMEOUT", 120)),
    )
