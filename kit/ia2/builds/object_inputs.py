"""What the objects of a build were made from, by content: OUT/object-inputs.json, from run to run.

Build systems compare times, and times lie: `tar x`, `rsync -a` and `cp -p` write new text with an
old time. A build then leaves an object as it is, and the kit would compile other units with the new
text, so that the parts of the program would not fit each other.

    { "version": 1,
      "objects": {"/abs/a.o": [size, mtime, ctime, "hash"]},
      "files": {"/abs/a.h": [size, mtime, ctime, "hash"]} }

An object that is as the last run saw it must have been made from what its files hold now. Of an
object that is new, only the times are known. A file whose inode changed after the object was made
may have other text, because no command can set that time (ctime) back. The object is then compiled
again, by the project's own command, and must come out the same.
"""

import collections.abc
import concurrent.futures
import dataclasses
import hashlib
import json
import os
import subprocess
import tempfile

from ..base import atomic
from ..base.failure import Failure
from ..formats.build_graph import Spelled
from . import compiler

FILE = "object-inputs.json"
VERSION = 1


@dataclasses.dataclass
class Made:
    """An object of the build, or a precompiled header. `files`: what it was made from, absolute.
    `spelled`: how, if it is C."""

    path: str
    files: list[str]
    spelled: Spelled | None


# Size, mtime, ctime and the hash of the contents.
State = tuple[int, int, int, str]


class Inputs:
    """The record at `path`. Without one, and if it is damaged, all objects are new."""

    def __init__(self, path: str):
        self.path = path
        self.objects: dict[str, State] = {}
        self.files: dict[str, State] = {}
        try:
            with open(path, encoding="utf-8") as stream:
                found = json.load(stream)
            if found["version"] == VERSION:
                self.objects = {name: _state(entry) for name, entry in found["objects"].items()}
                self.files = {name: _state(entry) for name, entry in found["files"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self.objects, self.files = {}, {}

    def check(self, made: collections.abc.Iterable[Made], remedy: str) -> None:
        """Notes what `made` was made from, and saves. Failure, and nothing is saved, if one of them
        was made from something else than its files hold now."""
        files: dict[str, State] = {}
        objects: dict[str, State] = {}
        doubtful: list[tuple[Made, str]] = []
        for each in made:
            now = objects[each.path] = state(each.path, self.objects.get(each.path))
            for name in each.files:
                if name not in files:
                    files[name] = state(name, self.files.get(name))
            before = self.objects.get(each.path)
            known = before is not None and (before[1], before[3]) == (now[1], now[3])
            for name in each.files:
                if known and name in self.files:
                    if files[name][3] != self.files[name][3]:
                        raise _stale(each, name, remedy)
                elif files[name][2] > now[1]:
                    doubtful.append((each, name))
                    break
        self.make_again(doubtful, remedy)
        if (objects, files) != (self.objects, self.files):
            atomic.write_text(
                self.path,
                json.dumps({"version": VERSION, "objects": objects, "files": files}) + "\n",
            )

    def make_again(self, doubtful: list[tuple[Made, str]], remedy: str) -> None:
        with (
            tempfile.TemporaryDirectory(prefix="ia2-objects-") as scratch,
            concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool,
        ):
            same = pool.map(
                lambda item: _comes_out_the_same(item[1][0], os.path.join(scratch, f"{item[0]}.o")),
                enumerate(doubtful),
            )
            for (each, name), answer in zip(doubtful, same):
                if not answer:
                    raise _stale(each, name, remedy)


def state(path: str, before: State | None) -> State:
    """The state of a file that exists. If it is as `before` but for the hash, it is not read."""
    status = os.stat(path)
    times = status.st_size, status.st_mtime_ns, status.st_ctime_ns
    if before is not None and before[:3] == times:
        return before
    with open(path, "rb") as stream:
        return (*times, hashlib.blake2b(stream.read(), digest_size=16).hexdigest())


def _state(entry: list) -> State:
    size, mtime, ctime, contents = entry
    return int(size), int(mtime), int(ctime), str(contents)


def _stale(made: Made, name: str, remedy: str) -> Failure:
    return Failure(
        f"holds something else than {made.path} was made from, though its time is older",
        name,
        f"`touch {name}`, then {remedy}",
    )


def _comes_out_the_same(made: Made, target: str) -> bool:
    """Whether compiling `made` again gives the same object. What is not C is linked as built and
    has no part in what the kit compiles, so its times are believed."""
    if made.spelled is None:
        return True
    line = [*compiler.without_outputs(made.spelled.arguments), "-c", "-o", target]
    try:
        subprocess.run(line, cwd=made.spelled.directory, capture_output=True, check=True)
        with open(target, "rb") as new, open(made.path, "rb") as old:
            return new.read() == old.read()
    except (OSError, subprocess.CalledProcessError):
        return False
    finally:
        if os.path.exists(target):
            os.unlink(target)
