"""What a stage of the pipeline is: a name, the files it reads and makes, and a key.

A run in which nothing has changed imports this module and little else. dataclasses and typing take
longer to import than such a run may last.
"""

import os

from ..base.failure import Failure
from .stamps import Stamps

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    import typing

    from ..policy.policy import Policy


class BoundaryGrew(Exception):
    """Recompiled code needs names that the plan does not know. The plan stage must run again."""


class Done:
    """What a stage did. `read` and `made`: files beside those that the stage always reads and
    makes."""

    def __init__(self, summary: str, read: list[str], made: list[str] | None = None):
        self.summary, self.read, self.made = summary, read, made or []


class Run:
    """One run of rewrite.py, as the stages see it. `options`: what scripts/rewrite.py parsed.
    `out`: the output directory. `recorded`: the folder that keeps what was seen of a recorded
    build."""

    def __init__(self, options: "argparse.Namespace", out: str, recorded: str):
        self.options, self.out, self.recorded = options, out, recorded
        self.stamps = Stamps(self.path("stamps.json"))
        self._policy: "Policy | None" = None

    def path(self, *names: str) -> str:
        return os.path.join(self.out, *names)

    def policy(self) -> "Policy":
        from ..policy import policy

        if self._policy is None:
            self._policy = policy.load(self.options.policy)
        return self._policy

    def commands(self) -> "list[dict[str, typing.Any]]":
        """The entries of compile_commands.json."""
        import json

        path = self.path("compile_commands.json")
        try:
            with open(path, encoding="utf-8") as stream:
                entries: "list[dict[str, typing.Any]]" = json.load(stream)
                return entries
        except (OSError, ValueError) as error:
            raise Failure(f"cannot be read: {error}", path, "run the earlier stages") from None


class Stage:
    """`inputs` and `outputs` are the files of OUT that the stage always reads and makes, by name.
    A stage is up to date as long as these, the files of its Done, the engine and its key are what
    they were."""

    name: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    def key(self, run: Run) -> list[object]:
        """The part of the request on which the stage depends, beside files. JSON's types only."""
        return []

    def make(self, run: Run) -> Done:
        """Does the stage's work. Failure if it cannot be done."""
        raise NotImplementedError
