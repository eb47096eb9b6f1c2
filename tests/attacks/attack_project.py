"""Builds the attacked program: three compartments, each with a service and with all attacks.

The kit splits the services as it splits any program. It does not see the attacks: an attacker is
native code that no tool has looked at. Each attack is compiled to assembly once. Its assembly goes
into each compartment that it attacks from, with the names of that compartment's side in it.
"""

import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE") or HERE.parents[1])
KIT_BUILD = pathlib.Path(os.environ.get("IA2_BUILD") or SOURCE / "build")
RUNTIME = SOURCE / "runtime"
HARNESS = HERE / "harness"
SIDES = {1: "app", 2: "lib", 3: "third"}
NEXT = {"app": "lib", "lib": "third", "third": "app"}
VICTIMS = {1: 2, 2: 1, 3: 1}
KERNELS = ("6.1", "6.12")

# What an attack may still wait for. The threat model names each.
REASONS = (
    "the monitor",
    "libc's data are private",
    "it is addressed",  # what the threat model leaves open
)
EXPECT = re.compile(
    r"^expect(?: on (?P<kernel>6\.\d+))?(?: from (?P<attacker>\d))?: "
    r"(?:(?P<stopped>stopped)|succeeds(?P<race> at times)? until (?P<until>.+))$"
)
FLAGS = (
    "-std=gnu11 -D_GNU_SOURCE -O1 -fPIC -fno-stack-protector -fvisibility=hidden"
    " -fno-strict-aliasing -fno-asynchronous-unwind-tables"
    " -Wall -Wextra -Wno-unused-parameter -Werror"
).split()


class MarkError(Exception):
    """The comment at the head of an attack does not say what it has to."""


@dataclass(frozen=True)
class Mark:
    """One `expect` line. kernel, attacker: where it counts, None for all. until: what the attack
    waits for, None if it must be stopped. race: it is one, and may be lost."""

    kernel: str | None
    attacker: int | None
    until: str | None
    race: bool


@dataclass(frozen=True)
class Attack:
    path: pathlib.Path
    kind: str  # the class: its folder
    fields: dict
    attackers: tuple[int, ...]
    marks: tuple[Mark, ...]

    @property
    def name(self) -> str:
        return self.path.stem

    def expected(self, kernel: str, attacker: int) -> Mark:
        """The last line that fits counts."""
        fits = [
            mark
            for mark in self.marks
            if mark.kernel in (None, kernel) and mark.attacker in (None, attacker)
        ]
        if not fits:
            raise MarkError(f"{self.path}: no expect line for {kernel} from {attacker}")
        return fits[-1]


def read(path: pathlib.Path) -> Attack:
    """An attack by its head comment. Raises MarkError."""
    match = re.match(r"/\*(.*?)\*/", path.read_text(), re.DOTALL)
    lines = [
        line.strip().removeprefix("*").strip() for line in (match[1] if match else "").split("\n")
    ]
    fields: dict[str, str] = {}
    marks = []
    last = None
    for line in lines:
        name, colon, value = line.partition(": ")
        if expect := EXPECT.match(line):
            if expect["until"] and expect["until"] not in REASONS:
                raise MarkError(f"{path}: {expect['until']!r} is none of {REASONS}")
            by = int(expect["attacker"]) if expect["attacker"] else None
            marks.append(Mark(expect["kernel"], by, expect["until"], bool(expect["race"])))
            last = None
        elif line.startswith("expect"):
            raise MarkError(f"{path}: cannot read {line!r}")
        elif colon and name in ("class", "source", "tries", "must", "attackers", "sample"):
            fields[name] = value
            last = name
        elif last and line:
            fields[last] += " " + line
    missing = {"class", "source", "tries", "must"} - set(fields)
    if missing or not marks:
        raise MarkError(f"{path}: its comment does not say {sorted(missing) or 'expect'}")
    if fields["class"] != path.parent.name:
        raise MarkError(f"{path}: of class {fields['class']}, in folder {path.parent.name}")
    attackers = tuple(int(word) for word in fields.get("attackers", "1 2").split())
    return Attack(path, path.parent.name, fields, attackers, tuple(marks))


def all_attacks() -> list[Attack]:
    """Every attack of the suite, by class and name."""
    found = [read(path) for path in sorted(HERE.glob("*/*.c")) if path.parent != HARNESS]
    names = [attack.name for attack in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise MarkError(f"two attacks of one name: {sorted(twice)}")
    return found


def run(*command, **options) -> None:
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stdout}")


def assembly(source: pathlib.Path, folder: pathlib.Path, *defines: str) -> str:
    target = folder / f"{source.stem}.s"
    include = [f"-I{HARNESS}", f"-I{RUNTIME}", f"-I{RUNTIME / 'include'}"]
    include += [f"-I{KIT_BUILD / 'runtime/layout'}"]
    run("gcc", "-S", *FLAGS, *include, *defines, source, "-o", target)
    return target.read_text()


def put(project: pathlib.Path, key: int, name: str, text: str) -> None:
    """The assembly of one attack, or of the tools, for the side of compartment `key`."""
    text = text.replace("own..", SIDES[key] + "_")
    text = text.replace("victim..", SIDES[VICTIMS[key]] + "_")
    (project / SIDES[key] / f"{name}.s").write_text(text)


def write_sources(project: pathlib.Path, attacks: list[Attack]) -> None:
    for side in SIDES.values():
        (project / side).mkdir(parents=True)
    for name in ("main.c", "blur.c", "service.h", "compartments.toml"):
        shutil.copy2(HARNESS / name, project)
    service = (HARNESS / "service.c.in").read_text()
    for side in SIDES.values():
        text = service.replace("@SIDE@", side).replace("@NEXT@", NEXT[side])
        (project / f"{side}_service.c").write_text(text)
    scratch = project / "assembly"
    for key in SIDES:
        (scratch / str(key)).mkdir(parents=True)
        text = assembly(
            HARNESS / "attacker.c",
            scratch / str(key),
            f"-DKEY={key}",
            f"-DVICTIM_KEY={VICTIMS[key]}",
        )
        put(project, key, "attacker", text)

    def one(attack):
        text = assembly(attack.path, scratch, f'-DATTACK_NAME="{attack.name}"')
        for key in attack.attackers:
            put(project, key, attack.name, text)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in [pool.submit(one, attack) for attack in attacks]:
            done.result()


def write_ninja(project: pathlib.Path) -> None:
    lines = [
        "rule cc",
        "  command = gcc -O1 -g -w $flags -I.. -MD -MF $out.d -o $out -c $in",
        "  deps = gcc",
        "  depfile = $out.d",
        "rule as",
        "  command = gcc -o $out -c $in",
        "rule plugin",
        "  command = gcc -shared -o $out $in",
        "rule link",
        "  command = gcc -rdynamic -o $out $in -ldl -lpthread",
    ]
    objects = []
    for path in sorted([*project.glob("*.c"), *project.glob("[alt]*/*.s")]):
        if path.parent.name == "assembly" or path.name == "blur.c":
            continue
        relative = path.relative_to(project)
        objects.append(f"{str(relative.with_suffix('')).replace('/', '-')}.o")
        lines.append(f"build {objects[-1]}: {'cc' if path.suffix == '.c' else 'as'} ../{relative}")
    lines.append(f"build program: link {' '.join(objects)}")
    lines += ["build blur.o: cc ../blur.c", "  flags = -fPIC", "build blur.so: plugin blur.o"]
    (project / "build").mkdir()
    (project / "build/build.ninja").write_text("\n".join(lines) + "\n")


def build(out: pathlib.Path) -> pathlib.Path:
    """The split program, in `out`, with what it finds beside it."""
    project = out / "project"
    shutil.rmtree(project, ignore_errors=True)
    shutil.rmtree(out / "split", ignore_errors=True)
    write_sources(project, all_attacks())
    write_ninja(project)
    run("ninja", "-C", project / "build")
    run(
        SOURCE / "scripts/rewrite.py",
        "--policy",
        project / "compartments.toml",
        "--source-root",
        project,
        "--out",
        out / "split",
        "--kit-build",
        KIT_BUILD,
        project / "build",
    )
    build_conversion(out / "split/bin/gconv")
    write_other_plugin(out / "split/bin")
    return program(out)


def build_conversion(folder: pathlib.Path) -> None:
    """The character set that libc/conversion_path.c names."""
    folder.mkdir()
    run("gcc", "-shared", "-fPIC", HARNESS / "gconv_module.c", "-o", folder / "EVIL.so")
    (folder / "gconv-modules").write_text(
        "module EVIL// INTERNAL EVIL 1\nmodule INTERNAL EVIL// EVIL 1\n"
    )


def write_other_plugin(folder: pathlib.Path) -> None:
    """A file as good as the plugin's, but another; and one that must be refused."""
    data = (folder / "blur.ia2.so").read_bytes()
    text, read = b"the plugin itself", b"\x0f\x01\xeeHERE"
    for part in (text, read):
        if data.count(part) != 1:
            raise RuntimeError(f"{data.count(part)} times {part!r} in the plugin")
    other = data.replace(text, b"another file here")
    (folder / "evil.ia2.so").write_bytes(other)
    (folder / "unsafe.ia2.so").write_bytes(other.replace(read, b"\x0f\x01\xefHERE"))


def program(out: pathlib.Path) -> pathlib.Path:
    return out / "split/bin/program"
