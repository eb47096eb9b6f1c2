"""What else the loader maps with the program, and the instructions in it that set PKRU or the
thread pointer.

libc and ld.so have some of their own. Each that is known is listed here with the reason why it is
accepted; any other is refused."""

import os
import re
import subprocess

from ..base.failure import Failure
from . import elf

# ld.so's trampolines (lazy binding; since glibc 2.41 also TLS descriptors) restore the state
# components of a constant mask: mov $MASK, %eax; xor %edx, %edx; xrstor 0x40(%rsp). PKRU is
# component 9.
TRAMPOLINE = re.compile(rb"\xb8(....)\x31\xd2\x0f\xae\x6c\x24\x40", re.DOTALL)
PKRU_COMPONENT = 1 << 9
PKEY_SET = (
    "the only WRPKRU of libc, in pkey_set(); start-up makes the instruction a trap"
    " (runtime/start/libc_code.c)"
)
XRSTOR = (
    "its constant mask leaves PKRU as it is; start-up makes the instruction a call that looks at"
    " the mask (runtime/start/libc_code.c)"
)


def closure(program: str) -> dict[str, str]:
    """Name -> path of each object the loader maps with `program`, as it finds them without
    LD_LIBRARY_PATH; "" for one that it does not find. Runs no code of the program. Failure if the
    loader refuses the program."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if name not in ("LD_LIBRARY_PATH", "LD_PRELOAD")
    }
    result = subprocess.run(
        ["ldd", program],
        capture_output=True,
        text=True,
        errors="replace",
        env={**clean, "LC_ALL": "C"},
        check=False,
    )
    found = {}
    for line in result.stdout.splitlines():
        match = re.match(r"\s*(\S+) => (?:(not found)|(/\S.*?) \(0x)|\s*(/\S+) \(0x", line)
        if match:
            path = match.group(3) or match.group(4) or ""
            found[match.group(1) or os.path.basename(path)] = path
    if result.returncode or not found:
        text = (result.stdout + result.stderr).strip().splitlines()
        raise Failure(
            f"the dynamic loader refuses it: {text[-1].strip() if text else 'no message'}", program
        )
    return found


def judged(image: elf.Elf, name: str, found: list[tuple[int, str]]) -> tuple[list[str], list[str]]:
    """(accepted with their reasons, refused) of `found`: addresses and instructions in the object
    `name`."""
    accepted, refused = [], []
    trampolines = (
        {
            image.address_of(match.end() - 5)
            for match in TRAMPOLINE.finditer(image.data)
            if not int.from_bytes(match[1], "little") & PKRU_COMPONENT
        }
        if name.startswith("ld-linux")
        else set()
    )
    for address, mnemonic in found:
        symbol = _function(image, address)
        if name.startswith("libc.so.") and symbol == "pkey_set" and mnemonic == "WRPKRU":
            accepted.append(f"{mnemonic} at {address:#x} in {symbol}: {PKEY_SET}")
        elif address in trampolines:
            accepted.append(f"XRSTOR at {address:#x} in a trampoline of the loader: {XRSTOR}")
        else:
            refused.append(f"{mnemonic} at {address:#x}" + (f" in {symbol}" if symbol else ""))
    return accepted, refused


def _function(image: elf.Elf, address: int) -> str:
    for kind in (elf.SHT_DYNSYM, elf.SHT_SYMTAB):
        for symbol in image.symbols(kind):
            if (
                symbol.type == elf.STT_FUNC
                and symbol.defined
                and symbol.value <= address < symbol.value + symbol.size
            ):
                return symbol.name
    return ""
