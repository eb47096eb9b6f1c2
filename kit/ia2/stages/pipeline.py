"""Runs the stages in order, each only if something it read or made has changed."""

import fcntl
import os
import sys
import time

from ..base import layout
from ..base.failure import Failure
from ..base.paths import inside
from .sequence import FURTHER_NEEDS, NAMES, STAGES
from .stage import BoundaryGrew, Run, Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    import typing

# Every module of the engine that a stage can reach is an input of every stage. The stamp of this
# name has their files; as long as none has changed, no other module can have joined them.
ENGINE = "engine"
# A gate or a local that moves for a new name can bring up another.
ROUNDS = 5
# Locked while a run uses OUT. Its presence says that OUT is rewrite.py's own.
LOCK = ".lock"
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def locked(directory: str, spelled: str) -> "typing.TextIO":
    """The open file whose lock says that a run uses `directory`. Failure if another run does."""
    lock = open(os.path.join(directory, LOCK), "a", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Failure("another run uses this output directory", spelled, "wait for it") from None
    return lock


def output_directory(options: "argparse.Namespace") -> str:
    """The absolute path of --out, which is made. Failure if it cannot be used: OUT must be new,
    empty, or of an earlier run, because files in it are replaced."""
    out: str = os.path.realpath(options.out)
    remedy = "name another with --out"
    if out == os.path.realpath(options.project):
        raise Failure("the output directory is the project's build directory", options.out, remedy)
    if "," in out or "=" in out:
        raise Failure(
            (
                "the output directory's name has a comma or an equals sign, at which compilers"
                " split options"
            ),
            options.out,
            remedy,
        )
    if os.path.exists(out) and not os.path.isdir(out):
        raise Failure("the output directory is a file", options.out, remedy)
    os.makedirs(out, exist_ok=True)
    found = sorted(os.listdir(out))
    if found and LOCK not in found:
        shown = ", ".join(found[:3]) + (", ..." if len(found) > 3 else "")
        raise Failure(
            f"the output directory holds files that rewrite.py did not put there: {shown}",
            options.out,
            "name a new or an empty directory with --out",
        )
    return out


class Pipeline:
    """One OUT directory. `options` is what scripts/rewrite.py parsed."""

    def __init__(self, options: "argparse.Namespace"):
        self.options = options
        layout.use(options.kit_build)
        self.out = output_directory(options)
        new = not os.listdir(self.out)
        self.locks = [locked(self.out, options.out)]
        if new:
            from . import publishing

            publishing.begin(self.out)
        # A recorded build is kept in one place. Copies in others would be out of date.
        recorded = os.path.realpath(options.recorded or options.out)
        if recorded != self.out:
            from ..builds import recorded_build

            if not os.path.exists(os.path.join(recorded, recorded_build.STEPS_FILE)):
                raise Failure(
                    "no build was recorded there",
                    options.recorded,
                    "name the output directory of an earlier run with --capture",
                )
            self.locks.append(locked(recorded, options.recorded))
        self.state = Run(options, self.out, recorded)
        self.stamps = self.state.stamps

    def path(self, *names: str) -> str:
        return self.state.path(*names)

    def run(self, last: str = NAMES[-1]) -> None:
        if self.options.capture is not None:
            from ..builds import recorded_build

            recorded_build.record(self.options.capture, self.options.project, self.state.recorded)
        self.run_stages(STAGES[: NAMES.index(last) + 1])
        if self.options.permissive and last == NAMES[-1]:
            # With --quiet too: nobody may take the program for one that enforces.
            print(
                f"warning: permissive: nothing is enforced in {self.path('bin')}",
                file=sys.stderr,
                flush=True,
            )
        if self.options.publish:
            from . import publishing

            publishing.publish(self.out, self.options.publish)
        if self.options.depfile:
            from . import publishing

            publishing.write_depfile(
                self.options.depfile, self.options.depfile_target, self.inputs()
            )

    def run_stages(self, stages: tuple[Stage, ...]) -> None:
        for _ in range(ROUNDS):
            try:
                for stage in stages:
                    self.run_stage(stage)
                return
            except BoundaryGrew:
                self.say(
                    "link         recompiled code needs more names of other compartments: planning"
                    " again"
                )
                stages = stages[[stage.name for stage in stages].index("plan") :]
        raise Failure(
            "recompiled code needs other names each time",
            self.path(FURTHER_NEEDS),
            "report this: the boundary of the program does not settle",
        )

    def run_stage(self, stage: Stage) -> None:
        started = time.monotonic()
        key = [*self.engine(), *stage.key(self.state)]
        if self.stamps.fresh(stage.name, key):
            self.say(f"{stage.name:<13}up to date")
            return
        self.stamps.forget(stage.name)
        done = stage.make(self.state)
        fixed = [self.path(name) for name in (*stage.inputs, *stage.outputs)]
        self.stamps.record(stage.name, key, [*fixed, *done.read, *done.made])
        self.say(f"{stage.name:<13}{done.summary}  ({time.monotonic() - started:.2f} s)")

    def engine(self) -> list[object]:
        """The signatures of the engine's own files."""
        if not self.stamps.fresh(ENGINE, PACKAGE):
            from ..base import import_closure

            files = import_closure.closure(os.path.abspath(__file__), PACKAGE)
            self.stamps.record(ENGINE, PACKAGE, files)
        return list(self.stamps.stages[ENGINE]["files"].values())

    def say(self, text: str) -> None:
        if not self.options.quiet:
            print(text, flush=True)

    def inputs(self) -> list[str]:
        """Every file that any stage read, except what the stages made."""
        found = {path for record in self.stamps.stages.values() for path in record["files"]}
        return sorted(path for path in found if not inside(path, self.out))
