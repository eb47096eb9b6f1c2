"""A kit whose rewriter makes one mistake: does the fuzzer notice?

Run as the kit's rewriter, this file runs the real one and spoils what it wrote."""

import pathlib
import re
import subprocess
import sys

# What each mistake does: where, the text that is right, what becomes of it.
MISTAKES = {
    "result_lost": ("callgates/*.S", r"\bret_int=1\b", "ret_int=0"),
    "argument_lost": ("callgates/*.S", r"\bargs_int=[2-6]\b", "args_int=1"),
    "initializer_lost": (
        "rewritten/*.c",
        r"IA2_SHARED_LOCAL_INIT\((\w+), [^;]*\);",
        r"IA2_SHARED_LOCAL(\1);",
    ),
    "global_left_private": ("rewritten/*.c", r" IA2_SHARED_DATA\b", ""),
}


def kit(folder: pathlib.Path, kit_build: pathlib.Path, mistake: str) -> pathlib.Path:
    """A kit build directory with that rewriter, made in `folder`."""
    made = folder / mistake
    rewriter = made / "kit/rewriter/ia2-rewriter"
    rewriter.parent.mkdir(parents=True, exist_ok=True)
    real = kit_build / "kit/rewriter/ia2-rewriter"
    rewriter.write_text(
        "#!/bin/sh\nexec /usr/bin/python3"
        f' {pathlib.Path(__file__).resolve()} {mistake} {real} "$@"\n'
    )
    rewriter.chmod(0o755)
    if not (made / "runtime").exists():
        (made / "runtime").symlink_to(kit_build / "runtime")
    return made


def main(mistake: str, rewriter: str, *arguments: str) -> int:
    status = subprocess.run([rewriter, *arguments], check=False).returncode
    glob, right, wrong = MISTAKES[mistake]
    out = pathlib.Path(arguments[arguments.index("--output-prefix") + 1])
    for path in out.glob(glob):
        if not path.is_symlink():
            path.write_text(re.sub(right, wrong, path.read_text()))
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
