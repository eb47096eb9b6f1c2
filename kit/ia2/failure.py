"""The one exception of the engine: what is wrong, where, and what to do about it."""


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
