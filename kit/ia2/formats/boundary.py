"""OUT/boundary.json: what the rewriter found and did. The rewriter makes the file; the link and
people read it.

Everything is sorted, so equal input gives equal bytes.
"""

import dataclasses
import typing

from . import fields

Key = typing.Annotated[int, fields.Range(1, 12)]
Count = typing.Annotated[int, fields.Range(0)]
Word = typing.Annotated[int, fields.Range(0, 2**32 - 1)]


@dataclasses.dataclass
class Gate:
    """`symbol` is the gate and `target` what it calls. `callers`: the compartments that may call
    it; a function whose type escapes has all of them. `export`: another compartment imports the
    symbol. `type`: the hash of `abi`. The numbers say what its calls pass: registers (`args_int`,
    `args_sse`, `ret_int`, `ret_sse`), words on the stack, and bytes of a result in memory, whose
    hidden pointer counts in `args_int` and `ret_int`.

    `ungated`: a jump, for a function that runs with its caller's rights. `align`: the alignment of
    stack arguments or of a result in memory, if more than 16. `vectors`: the masks ymm, zmm,
    ret_ymm and ret_zmm of registers that carry wide vectors."""

    symbol: str
    function: str
    target: str
    owner: Key
    callers: list[Key]
    export: bool
    file: str
    line: Count
    signature: str
    abi: str
    type: Word
    args_int: Count
    args_sse: Count
    ret_int: Count
    ret_sse: Count
    stack_words: Count
    sret_bytes: Count
    ungated: bool = False
    variadic: bool = False
    align: Count = 0
    vectors: typing.Annotated[list[Count], fields.Length(4, 4, "masks")] = dataclasses.field(
        default_factory=list
    )


@dataclasses.dataclass
class SharedLocal:
    """A local that moved to the thread's shared stack."""

    file: str
    line: Count
    function: str
    name: str
    type: str


@dataclasses.dataclass
class MayCross:
    """A global whose address may cross, and where the address is taken."""

    name: str
    file: str
    line: Count
    taken_file: str
    taken_line: Count


@dataclasses.dataclass
class Boundary(fields.Format):
    """`recompile`: ids of units. `rewritten`: paths in the mirror of files with rewritten text.
    `files`: every path in the mirror."""

    FILE = "boundary.json"
    REMEDY = "run the rewrite stage again"

    gates: list[Gate]
    escaping_types: list[str]
    shared_locals: list[SharedLocal]
    may_cross: list[MayCross]
    recompile: list[Count]
    rewritten: list[str]
    files: list[str]
