"""What compilers do not agree on, or get wrong alone, so that even a plain program does not work.
Found by this fuzzer with plain programs of GCC 12 and 14, clang 14 and 19.

A program that only one of them compiles keeps to that one, and what a gate lets pass covers them
all (sysv_abi.c); only what is listed here is left out."""

import functools
import re
import subprocess

from tests.fuzz.abi_fuzz.c_types import Record, Vector
from tests.fuzz.abi_fuzz.signatures import WITH_LIST, Signature

INT128 = (
    "clang before 18 passes an __int128 for which there is one register left in that and on the"
    " stack, and does not align it there; clang from 18 on leaves that register unused; the va_arg"
    " of neither expects so"
)
FLOAT128 = (
    "clang 14 takes a record with a __float128 for one in memory, and its va_arg a __float128,"
    " which it does not pass there"
)
WIDE = (
    "clang passes a wide vector with a name in memory if the function is variadic, against the ABI"
)
UNNAMED = (
    "GCC counts an unnamed bit-field as INTEGER, clang as nothing (the ABI is silent), and its"
    " va_arg misses a record of nothing else"
)
FLOAT16 = "clang 14 has no _Float16 without AVX-512 FP16"
REFUSED = (
    "the kit refuses a result that one compiler returns in registers, another in memory: a record"
    " of 16 bytes with a __float128, a vector of one double"
)


def holds(it, wanted) -> bool:
    """Whether a type is such, or has a part that is."""
    return wanted(it) or any(holds(part, wanted) for part in it.parts())


def is_float128(it) -> bool:
    return it.name == "__float128"


def is_float16(it) -> bool:
    return it.name == "_Float16"


def is_double1(it) -> bool:
    return it.name == "vd8"


def has_unnamed(it) -> bool:
    return isinstance(it, Record) and any(not field.name and field.bits for field in it.fields)


def is_wide(it) -> bool:
    """A vector of more than 16 bytes, or what is passed as one."""
    return it.size > 16 and holds(it, lambda part: isinstance(part, Vector) and part.size > 16)


def may_leave_registers(signature: Signature, index: int) -> bool:
    """Whether parameter `index` may find fewer than two registers: by size alone, so on the safe
    side."""
    before = sum((it.size + 7) // 8 for it in signature.parameters[:index])
    return before + bool(isinstance(signature.result, Record)) > 4


@functools.cache
def clang_version() -> int:
    said = subprocess.run(["clang", "--version"], capture_output=True, text=True, check=True).stdout
    return int(re.search(r"version (\d+)", said)[1])


def is_frequent(which: str) -> bool:
    """Whether a hundred such signatures show it. From clang 18 on there are few left of two of
    them, but there are."""
    return which not in (FLOAT128, UNNAMED) or clang_version() < 18


def reason(signature: Signature, compilers: tuple) -> str | None:
    """Why the signature is left out of a program that these compile; None if it is not."""
    mixed, clang = len(set(compilers)) > 1, any("clang" in it for it in compilers)
    if clang and any(holds(it, is_float16) for it in signature.types()):
        return FLOAT16
    for index, it in enumerate(signature.parameters):
        listed = signature.mode in WITH_LIST and index >= signature.fixed
        if (
            it.name.endswith("__int128")
            and (mixed or clang and listed)
            and may_leave_registers(signature, index)
        ):
            return INT128
        if is_float128(it) and clang and listed:
            return FLOAT128
        if clang and listed and holds(it, has_unnamed):
            return UNNAMED
    if (
        mixed
        and signature.mode in WITH_LIST
        and any(is_wide(it) for it in signature.parameters[: signature.fixed])
    ):
        return WIDE
    for it in signature.types():
        if isinstance(it, Record) and mixed and holds(it, is_float128):
            return FLOAT128
        if mixed and holds(it, has_unnamed):
            return UNNAMED
    if signature.result and is_double1(signature.result):
        return REFUSED
    if (
        isinstance(signature.result, Record)
        and signature.result.size <= 16
        and holds(signature.result, is_float128)
    ):
        return REFUSED
    return None
