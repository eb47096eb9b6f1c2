"""OUT/destructors.json: what runs at exit, whose it is, and where it is written. The rewriter makes
the file; people read it.
"""

import dataclasses
import typing

from . import fields


@dataclasses.dataclass
class Destructor:
    """`kind`: "destructor" for an entry of .fini_array, or the function that registers it.
    `file` is empty for a function without source. `target`: the symbol by which the runtime finds
    it, null if no other object can name it."""

    symbol: str
    compartment: str
    compartment_id: typing.Annotated[int, fields.Range(1, 12)]
    kind: typing.Literal[
        "destructor",
        "atexit",
        "on_exit",
        "at_quick_exit",
        "__cxa_atexit",
        "__cxa_thread_atexit_impl",
        "pthread_key_create",
        "tss_create",
    ]
    file: str
    line: typing.Annotated[int, fields.Range(0)]
    priority: typing.Annotated[int, fields.Range(0, 65535)] | None
    target: str | None


@dataclasses.dataclass
class Destructors(fields.Format):
    FILE = "destructors.json"
    REMEDY = "run the rewrite stage again"

    destructors: list[Destructor]
