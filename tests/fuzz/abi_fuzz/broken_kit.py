"""A kit with a fault in it, which the fuzzer must find: a rewriter whose gates say too little, or a
gate body that is wrong."""

import pathlib
import re
import subprocess
import sys

GATE = pathlib.Path(__file__).resolve().parents[3] / "runtime/gates/ia2_gate.S"


def swapped() -> str:
    """The gates' own macro that restores registers, with two of them exchanged."""
    macro = re.search(
        r"^\.macro ia2_pop_saved\b.*?^\.endm\n", GATE.read_text(), re.MULTILINE | re.DOTALL
    )[0]
    first, second = "pop %r13\n", "pop %r12\n"
    if macro.count(first) != 1 or macro.count(second) != 1:
        raise RuntimeError(f"{GATE}: ia2_pop_saved is not what this fault is made for")
    exchanged = {first: second, second: first}
    return ".purgem ia2_pop_saved\n" + re.sub(
        f"{first}|{second}", lambda found: exchanged[found[0]], macro
    )


def less(field: str, text: str) -> str:
    """One less of what `field` counts, if there is any."""
    return re.sub(rf"\b{field}=(\d+)", lambda found: f"{field}={max(0, int(found[1]) - 1)}", text)


def of_calls(change, text: str) -> str:
    """Changes the gates of what is fuzzed, not of what starts it."""
    return "".join(
        change(line) if re.search(r"target=\w*call\d", line) else line
        for line in text.splitlines(True)
    )


# name: what is done to the line of each gate
GATES = {
    "stack_words": lambda text: less("stack_words", text),
    "args_int": lambda text: less("args_int", text),
    "args_sse": lambda text: less("args_sse", text),
    "ret_int": lambda text: re.sub(r"ret_int=2", "ret_int=1", text),
    "ret_sse": lambda text: less("ret_sse", text),
    "sret_bytes": lambda text: re.sub(
        r"sret_bytes=(?!0\b)(\d+)", lambda found: f"sret_bytes={int(found[1]) + 1}", text
    ),
    "align": lambda text: re.sub(r", align=\d+", "", text),
    "vectors": lambda text: re.sub(r"\b(ret_)?([yz]mm)=0x[1-9a-f]\w*", r"\1\2=0x0", text),
}
FAULTS = (*GATES, "saved_registers")


def broken(fault: str, text: str) -> str:
    """callgates/NAME.S with the fault."""
    if fault == "saved_registers":
        return text.replace("#include <ia2_gate.S>\n", "#include <ia2_gate.S>\n" + swapped())
    return of_calls(GATES[fault], text)


def make(folder: pathlib.Path, kit_build: pathlib.Path, fault: str) -> pathlib.Path:
    """A build directory of the kit in `folder`, with the fault."""
    rewriter = folder / "kit/rewriter/ia2-rewriter"
    rewriter.parent.mkdir(parents=True, exist_ok=True)
    if not (folder / "runtime").exists():
        (folder / "runtime").symlink_to(kit_build / "runtime")
    real = str(kit_build / "kit/rewriter/ia2-rewriter")
    top = pathlib.Path(__file__).resolve().parents[3]
    rewriter.write_text(
        f"#!/bin/sh\nexport PYTHONPATH={top}\n"
        f'exec {sys.executable} -m {__name__} {real} {fault} "$@"\n'
    )
    rewriter.chmod(0o755)
    return folder


def rewrite(rewriter: str, fault: str, arguments: list) -> None:
    """What the rewriter does, and then the fault."""
    done = subprocess.run([rewriter, *arguments], check=False)
    prefix = arguments[arguments.index("--output-prefix") + 1]
    for path in pathlib.Path(prefix, "callgates").glob("*.S") if not done.returncode else ():
        path.write_text(broken(fault, path.read_text()))
    sys.exit(done.returncode)


if __name__ == "__main__":
    rewrite(sys.argv[1], sys.argv[2], sys.argv[3:])
