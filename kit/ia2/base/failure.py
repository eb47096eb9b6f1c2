"""The one exception of the engine: what is wrong, where, and what to do about it."""

import collections.abc
import sys


class Failure(Exception):
    """Bad input or an impossible request. Scripts print it and exit with status 1.

    `where` is "file" or "file:line" (or None), `remedy` one sentence (or None).
    """

    def __init__(self, message: str, where: str | None = None, remedy: str | None = None):
        super().__init__(message)
        self.message = message
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f" ({self.remedy})" if self.remedy else ""
        return f"error: {place}{self.message}{advice}"


def exit_status(run: collections.abc.Callable[[], int | None]) -> int:
    """The exit status of a script whose work is `run`: the value that `run` returns (None: 0), or 1
    with the failure on stderr, or 130 if the user interrupted the work."""
    try:
        return run() or 0
    except Failure as failure:
        print(failure, file=sys.stderr)
    except OSError as error:
        print(f"error: {error.filename or 'system'}: {error.strerror}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1
