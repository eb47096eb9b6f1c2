"""dav1d's assembly is assembled once per version, for all builds of it: nasm takes most of the time
of a build, and makes the same of the same sources, whichever the C compiler.

keep() puts the objects of a build into a store. A build that is configured with environment() gets
a `nasm` that takes objects from the store, and assembles what is not there. An object's key is made
of the assembler, its options, and the text of every source of the tree and of config.asm; its name
for the source file, in the symbol table, is that of the first build.

    python3 kept_assembly.py STORE [NASM'S ARGUMENTS]      what that `nasm` runs
"""

import hashlib
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass

NASM = "/usr/bin/nasm"


@dataclass
class Command:
    """One run of nasm. `folder`: where it runs. `includes`: the -I folders, the first of which has
    all sources. `options`: what is neither a path nor a name of a file."""

    folder: pathlib.Path
    source: str
    target: str
    dependencies: str
    includes: list[str]
    options: list[str]

    @staticmethod
    def parse(arguments: list[str], folder: pathlib.Path) -> "Command | None":
        """None for what assembles nothing, such as `nasm -v`."""
        found: dict[str, list[str]] = {}
        options, words = [], iter(arguments)
        for word in words:
            if word in ("-o", "-MF", "-MQ", "-I"):
                found.setdefault(word, []).append(next(words))
            elif word == "-f":
                options += [word, next(words)]
            else:
                options.append(word)
        names = [word for word in options if word.endswith(".asm")]
        if len(names) != 1 or not {"-o", "-MF", "-I"} <= found.keys():
            return None
        options.remove(names[0])
        target, file = found["-o"][0], found["-MF"][0]
        return Command(folder, names[0], target, file, found["-I"], options)

    def sources(self) -> list[pathlib.Path]:
        """All that the object may depend on."""
        first, *others = [self.folder / name for name in self.includes]
        found = sorted(path for path in first.rglob("*") if path.suffix in (".asm", ".inc"))
        for folder in others:
            found += sorted(folder.glob("*.asm"))
        return found

    def key(self) -> str:
        tree = (self.folder / self.includes[0]).resolve()
        name = (self.folder / self.source).resolve().relative_to(tree)
        nasm = os.stat(NASM)
        text = hashlib.sha256(repr([nasm.st_size, nasm.st_mtime_ns, name, self.options]).encode())
        for path in self.sources():
            text.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return text.hexdigest()


def put(path: pathlib.Path, store: pathlib.Path, key: str) -> None:
    with tempfile.TemporaryDirectory(dir=store) as scratch:
        shutil.copyfile(path, pathlib.Path(scratch, "object"))
        os.replace(pathlib.Path(scratch, "object"), store / key)


def folder_of(kit_build: pathlib.Path) -> pathlib.Path:
    return kit_build / "tests" / "assembly"


def keep(build: pathlib.Path, kit_build: pathlib.Path) -> None:
    """Puts the objects of a finished build of Ninja's into the store."""
    store = folder_of(kit_build)
    store.mkdir(parents=True, exist_ok=True)
    said = subprocess.run(
        ["/usr/bin/ninja", "-C", build, "-t", "commands"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for line in said.splitlines():
        words = shlex.split(line) if line.startswith(NASM) else [""]
        command = Command.parse(words[1:], build) if words[0] == NASM else None
        if command and not (store / (key := command.key())).exists():
            put(build / command.target, store, key)


def environment(kit_build: pathlib.Path) -> dict[str, str]:
    """PATH with that `nasm` first."""
    store = folder_of(kit_build)
    (store / "bin").mkdir(parents=True, exist_ok=True)
    script = (
        f'#!/bin/sh\nexec /usr/bin/python3 -S {pathlib.Path(__file__).resolve()} {store} "$@"\n'
    )
    path = store / "bin" / "nasm"
    if not path.exists() or path.read_text() != script:
        with tempfile.TemporaryDirectory(dir=store) as scratch:
            new = pathlib.Path(scratch, "nasm")
            new.write_text(script)
            new.chmod(0o755)
            os.replace(new, path)
    return {"PATH": f"{path.parent}:{os.environ['PATH']}"}


def main(store: pathlib.Path, arguments: list[str]) -> int:
    command = Command.parse(arguments, pathlib.Path.cwd())
    if command is None:
        return subprocess.run([NASM, *arguments], check=False).returncode
    key = command.key()
    if not (store / key).exists():
        done = subprocess.run([NASM, *arguments], check=False)
        if done.returncode == 0:
            put(pathlib.Path(command.target), store, key)
        return done.returncode
    shutil.copyfile(store / key, command.target)
    sources = " ".join(str(path).replace(" ", "\\ ") for path in command.sources())
    pathlib.Path(command.dependencies).write_text(f"{command.target}: {sources}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2:]))
