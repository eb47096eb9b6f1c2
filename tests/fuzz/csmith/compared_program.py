"""One of csmith's programs, built plain and in compartments, and how the two end."""

import contextlib
import hashlib
import importlib.machinery
import io
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
from dataclasses import dataclass
from tests.fuzz.csmith import csmith_program

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE") or HERE.parents[2])
BUILD = pathlib.Path(os.environ.get("IA2_BUILD") or SOURCE / "build")

# In this process: to start Python for each program would cost a tenth of all.
rewrite = importlib.machinery.SourceFileLoader(
    "rewrite", str(SOURCE / "scripts/rewrite.py")
).load_module()

# Seconds of processor time that a plain program may take: csmith does not promise that its programs
# end.
PLAIN_LIMIT = 2
# With fewer different calls across the boundary while it runs, a program shows next to nothing.
LEAST_CALLS = 4
# Seconds that the same program may take in compartments, on a busy machine or an emulated one.
SPLIT_LIMIT = 100
# csmith passes pointers of any type for `char *`, which GCC 14 takes for an error, unless it is
# asked for no warning by name.
LENIENT = "-w -Wno-incompatible-pointer-types"
FLAGS = f"-O1 {LENIENT} -fPIC -I/usr/include/csmith"
NINJA = f"""\
rule cc
  command = gcc {FLAGS} -MD -MF $out.d -o $out -c $in
  deps = gcc
  depfile = $out.d
rule link
  command = gcc -o $out $in
"""


class Dropped(Exception):
    """Why a program is not one to compare."""


@dataclass
class Result:
    """`verdict`: "same"; "dropped": `text` says why csmith's program is none to compare;
    "different": `text` says how. The numbers are the compartmentalized program's; `calls`: the
    different calls that crossed while it ran.
    """

    seed: int
    verdict: str
    text: str = ""
    calls: int = 0
    gates: int = 0
    moved: int = 0
    shared: int = 0


def run(*command, timeout: float = 120, **options) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
        **options,
    )


def need(*command, **options) -> str:
    done = run(*command, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(str(word) for word in command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def write(folder: pathlib.Path, files: dict[str, str]) -> None:
    """Leaves alone what is as it should be: its date says whether something must be made again."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def ending(
    program: pathlib.Path, timeout: float = SPLIT_LIMIT, cpu: int | None = None, **environment
) -> dict:
    """How a program ends, and all it prints: told "1", csmith's programs print the checksum after
    each variable."""
    limit = (lambda: resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))) if cpu else None
    try:
        done = run(
            program, "1", timeout=timeout, preexec_fn=limit, env={**os.environ, **environment}
        )
    except subprocess.TimeoutExpired:
        return {"status": f"none after {timeout} s", "out": "", "err": ""}
    return {
        "status": done.returncode,
        "out": done.stdout,
        "err": re.sub(r"^ia2: warning:.*\n", "", done.stderr, flags=re.M),
    }


def difference(plain: dict, split: dict) -> str:
    """The first difference of two endings, in words; empty if there is none."""
    if plain == split:
        return ""
    lines = zip(plain["out"].splitlines() + ["(end)"], split["out"].splitlines() + ["(end)"])
    first = next(((a, b) for a, b in lines if a != b), None)
    text = f"status {plain['status']} plain, {split['status']} in compartments\n"
    if first:
        text += f"plain:           {first[0]}\nin compartments: {first[1]}\n"
    return text + split["err"][-2000:]


class Program:
    """`folder` has source/ (with its policy and build/), split/ (the engine's output) and csmith's
    own program."""

    def __init__(self, folder: pathlib.Path, kit_build: pathlib.Path = BUILD):
        self.folder, self.kit_build = folder, kit_build
        self.source, self.original, self.split = (
            folder / "source",
            folder / "original",
            folder / "split/bin/program",
        )

    def generate(self, seed: int) -> csmith_program.Split:
        """csmith's program as it is, and dealt out over compartments. Dropped if it is not one to
        compare."""
        text = csmith_program.generate(seed)
        if text is None:
            raise Dropped("next to no functions")
        write(self.folder, {"program.c": text})
        # Only csmith's own functions and main are traced.
        need(
            "gcc",
            *FLAGS.split(),
            "-finstrument-functions",
            "-finstrument-functions-exclude-file-list=/usr/",
            self.folder / "program.c",
            HERE / "call_trace.c",
            "-o",
            self.original,
        )
        trace = self.folder / "calls"
        if ending(self.original, cpu=PLAIN_LIMIT, CALL_TRACE=str(trace))["status"]:
            raise Dropped("does not end")
        made = csmith_program.split(text, seed, self.calls(trace.read_text()))
        if len(made.crossing) < LEAST_CALLS:
            raise Dropped("calls next to nothing")
        write(self.source, {**made.files, "compartments.toml": made.policy()})
        return made

    def calls(self, trace: str) -> list[tuple[str, str]]:
        names = {}
        for line in need("nm", self.original).splitlines():
            *address, _, name = line.split()
            if address and (name == "main" or name.startswith("func_")):
                names[int(address[0], 16)] = name
        pairs = [[names.get(int(word, 16)) for word in line.split()] for line in trace.splitlines()]
        return [(caller, callee) for caller, callee in pairs if caller and callee]

    def compartmentalize(self) -> dict:
        """Builds source/ and splits the program; its boundary.json. RuntimeError if the engine
        refuses it."""
        names = sorted(path.stem for path in self.source.glob("*.c"))
        lines = [f"build {name}.o: cc ../{name}.c" for name in names] + [
            f"build program: link {' '.join(f'{name}.o' for name in names)}\n"
        ]
        write(self.source / "build", {"build.ninja": NINJA + "\n".join(lines)})
        need("ninja", "-j1", "-C", self.source / "build")
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            status = rewrite.main(
                [
                    "-q",
                    "-j",
                    "1",
                    "--policy",
                    str(self.source / "compartments.toml"),
                    "--out",
                    str(self.folder / "split"),
                    "--source-root",
                    str(self.source),
                    "--kit-build",
                    str(self.kit_build),
                    str(self.source / "build"),
                ]
            )
        if status:
            raise RuntimeError(said.getvalue())
        return json.loads((self.folder / "split/boundary.json").read_text())

    def compare(self) -> str:
        """What is different about the program in compartments; empty if nothing is."""
        return difference(ending(self.original), ending(self.split))

    def check(self, seed: int, whole: bool = True) -> Result:
        """All of it, or only whether it is one to compare. What the engine refuses is a difference:
        csmith writes no construct that is not supported."""
        try:
            made = self.generate(seed)
            if not whole:
                return Result(seed, "same", "", len(made.crossing))
            boundary = self.compartmentalize()
            different = self.compare()
        except Dropped as reason:
            return Result(seed, "dropped", str(reason))
        except (RuntimeError, csmith_program.Unexpected) as error:
            return Result(seed, "different", str(error))
        return Result(
            seed,
            "different" if different else "same",
            different,
            len(made.crossing),
            len(boundary["gates"]),
            len(boundary["shared_locals"]),
            len(made.shared),
        )

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def kit_signature(kit_build: pathlib.Path = BUILD) -> str:
    """What a result depends on beside its seed: equal for equal contents."""
    files = [
        *(SOURCE / "kit/ia2").rglob("*.py"),
        *HERE.glob("*.py"),
        *HERE.glob("*.[ct]*"),
        *(SOURCE / "runtime/include").iterdir(),
        *(SOURCE / "runtime/gates").iterdir(),
        *(SOURCE / "runtime").glob("*.ldflags"),
        kit_build / "kit/rewriter/ia2-rewriter",
        kit_build / "runtime/libia2.so",
        kit_build / "runtime/libia2_compartment.a",
    ]
    digest = hashlib.sha256(csmith_program.version().encode() + need("gcc", "--version").encode())
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()
