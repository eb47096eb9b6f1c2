"""Files that appear complete or not at all: temporary file in the same folder, then rename."""

import json
import os


def write_bytes(path: str, data: bytes, mode: int | None = None) -> None:
    """Replaces `path` by `data`. Keeps the mode of an existing file unless `mode` is given.

    Raises OSError; `path` is then as it was before.
    """
    # Imported here, because a run of the stages that writes nothing must be quick.
    import tempfile

    folder, name = os.path.split(os.path.abspath(path))
    if mode is None:
        try:
            mode = os.stat(path).st_mode & 0o7777
        except FileNotFoundError:
            umask = os.umask(0)
            os.umask(umask)
            mode = 0o666 & ~umask
    descriptor, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_text(path: str, text: str) -> None:
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def write_json(path: str, value: object) -> None:
    write_text(path, json.dumps(value, indent=1) + "\n")
