"""Which stages are up to date.

A stage is fresh when the command that made it is the same and each file it read or wrote still has
the size and times it had then. The inode's time (ctime) is one of them, because no command can set
it back. Contents are not hashed: a run with nothing to do must cost no more than the stats.
"""

import collections.abc
import json
import os

from ..base import atomic


# Size, mtime and ctime, or a hash of the contents (recompile).
Signature = list[int] | list[str]


def signature(path: str) -> list[int] | None:
    """Size, mtime and ctime of what `path` refers to, or None if there is nothing."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]


class Stamps:
    """The contents of OUT/stamps.json: name -> {"key": ..., "files": {path: signature}}.

    The names are those of the stages, "engine" (pipeline) and "unit N" of each recompiled unit."""

    def __init__(self, path: str):
        self.path = path
        try:
            with open(path, encoding="utf-8") as stream:
                self.stages = json.load(stream)
        except (OSError, ValueError):
            self.stages = {}
        if not isinstance(self.stages, dict):
            self.stages = {}

    def fresh(self, stage: str, key: object) -> bool:
        record = self.stages.get(stage)
        if (
            not isinstance(record, dict)
            or record.get("key") != key
            or not isinstance(record.get("files"), dict)
        ):
            return False
        return all(signature(path) == was for path, was in record["files"].items())

    def record(self, stage: str, key: object, files: collections.abc.Iterable[str]) -> None:
        """Remembers `stage` as done with `files` as they are now, and saves."""
        self.stages[stage] = {
            "key": key,
            "files": {path: signature(path) for path in sorted(set(files))},
        }
        self.save()

    def forget(self, stage: str) -> None:
        if self.stages.pop(stage, None) is not None:
            self.save()

    def save(self) -> None:
        atomic.write_text(self.path, json.dumps(self.stages) + "\n")
