"""Does what a page says: each block of `sh`, in order. A page begins in the top of the kit's tree.

A block of `text` is the whole output of the commands before it, or the page is wrong. Addresses,
times, the number of checks and the folder differ from run to run, and so does what the program says
on a CPU without protection keys; these count as equal.

    python3 -m tests.product.docs.walk README.md docs/usage.md

writes the blocks of `text` in these pages anew, after a change of what is printed."""

import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from tests.product.docs import pages

# Where a reader is when the page begins, and where the kit is.
HOME, KIT = "/home/you", "/home/you/ia2"
UNPROTECTED = re.compile(r"^ia2: warning: this CPU or kernel has no protection keys;.*\n", re.M)
# The linker's choices and the libc of the system: what differs, and what stands for it.
DIFFERS = (
    (re.compile(r"0x[0-9a-f]+"), "0x1000"),
    (re.compile(r"\(\d+\.\d+ s\)"), "(0.10 s)"),
    (re.compile(r"\b\d+ (checks passed|violations|different ones|times)\b"), r"50 \1"),
)


@dataclasses.dataclass
class Step:
    commands: str
    shown: str | None  # the block of text below, None if the page shows nothing
    printed: str
    status: int

    def is_right(self) -> bool:
        return self.status == 0 and (
            self.shown is None or comparable(self.shown) == comparable(self.printed)
        )


def comparable(text: str) -> str:
    text = UNPROTECTED.sub("", text.rstrip("\n") + "\n")
    for what, instead in DIFFERS:
        text = what.sub(instead, text)
    return text


def steps(text: str) -> Iterator[tuple[str, str | None]]:
    """(commands, what the page says that they print)."""
    blocks = pages.blocks(text)
    for place, (language, commands) in enumerate(blocks):
        if language == "sh":
            below = blocks[place + 1 : place + 2]
            shown = [block for name, block in below if name == "text"]
            yield commands, shown[0] if shown else None


def walk(text: str) -> Iterator[Step]:
    """Runs the page's commands with the kit in use. Ends after the first that fails."""
    build = os.environ.get("IA2_BUILD") or str(pages.SOURCE / "build")
    with tempfile.TemporaryDirectory() as folder:
        home = os.path.realpath(folder)
        where, here = pathlib.Path(home, ".where"), os.path.join(home, "ia2")
        os.mkdir(here)
        for entry in pages.SOURCE.iterdir():  # so that `..` is the folder
            os.symlink(entry, os.path.join(here, entry.name))
        state = {**os.environ, "IA2": here, "IA2_BUILD": build}
        # A make that runs the tests hands its options down.
        for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
            state.pop(name, None)
        for commands, shown in steps(text):
            # The kit in use may be built elsewhere than in the tree.
            script = commands.replace("rewrite.py ", 'rewrite.py --kit-build "$IA2_BUILD" ')
            done = subprocess.run(
                ["bash", "-euc", f"trap 'pwd > {where}' EXIT\n{script}"],
                cwd=here,
                env=state,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
            here = where.read_text().strip()
            printed = done.stdout.replace(str(pages.SOURCE), KIT).replace(home, HOME)
            step = Step(commands, shown, printed, done.returncode)
            yield step
            if done.returncode:
                return


def written_anew(text: str) -> str:
    """The page with what its commands print."""
    place, made = 0, ""
    for step in walk(text):
        if step.status:
            sys.exit(f"status {step.status}:\n{step.commands}\n{step.printed}")
        if step.shown is not None and not step.is_right():
            block = f"```text\n{step.shown}```"
            start = text.index(block, place)
            made += text[place:start] + f"```text\n{UNPROTECTED.sub('', step.printed)}```"
            place = start + len(block)
        elif step.shown is not None:
            block = f"```text\n{step.shown}```"
            end = text.index(block, place) + len(block)
            made, place = made + text[place:end], end
    return made + text[place:]


if __name__ == "__main__":
    for name in sys.argv[1:]:
        page = pages.SOURCE / name
        page.write_text(written_anew(page.read_text()))
