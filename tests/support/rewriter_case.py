"""One test of the rewriter is one file: a title, then sections that start with `>>> `.

    >>> policy              JSON: what differs from the plan below
    >>> KEY FILE [ARGS]     a C unit of compartment KEY; `ARGS | ARGS` compiles it twice; KIT is the top of this repository
    >>> - FILE              a header
    >>> = FILE              exactly what FILE becomes; each file that is rewritten has such a section
    >>> gates NAME          the gates of compartment NAME, without `ia2_gate`; an `ia2_no_gate` with its name
    >>> plugins NAME        what compartment NAME knows of plugins, without `ia2_plugin`
    >>> destructors NAME    the table of compartment NAME, without `ia2_destructor`
    >>> locals              FILE:LINE FUNCTION NAME: TYPE of each local that moves
    >>> may cross           FILE:LINE NAME (FILE:LINE) of each variable that may, and where its address is taken
    >>> refused             the exact diagnostics; nothing may be written then
    >>> stopped COMPILER    FILE:LINE of the calls at which the compiler stops in what was rewritten

FILE is under the source root; `build/FILE` is under the build directory, which is outside of it.
The plan has two compartments, app (1) and lib (2), without grants. Policy keys: imports {"SYMBOL":
[OWNER, CALLER...]}, data (the same for variables), reads {"KEY": [KEY...]}, allocations,
parameters, shared_variables, policy_lines, other_programs, destructors [[SYMBOL, KEY, UNIT, PRIORITY, VISIBLE]...],
plugins {"NAME": [ENTRY...]}, compartments (names), not_pic [FILE...], links {"LINK": TARGET} in the
source root.

`python3 rewriter_case.py CASE...` writes the sections of output into the files, to be read before
they are committed."""  # noqa: E501

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("IA2_BUILD", SOURCE / "build"))
REWRITER = BUILD / "kit" / "rewriter" / "ia2-rewriter"
INCLUDE = SOURCE / "runtime" / "include"
GATES = (SOURCE / "runtime" / "gates", BUILD / "runtime" / "layout")
OUTPUT = ("=", "gates", "plugins", "destructors", "locals", "may", "refused")
PLANNED = ("plan.json", "compile_commands.json")  # in the output folder before the rewriter runs
FLAGS = [
    "-std=gnu11",
    "-O1",
    "-fPIC",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-unused",
    "-Wno-unused-parameter",
    "-Wno-unknown-warning-option",
    "-Wno-dangling-pointer",
    "-Wno-deprecated-non-prototype",
]


class Case:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.title, *parts = self.path.read_text().split(">>> ")
        self.sections = [
            (head, body.rstrip("\n") + "\n")
            for head, body in (part.split("\n", 1) for part in parts)
        ]
        self.policy = json.loads(self.find("policy") or "{}")

    def find(self, head):
        return next((body for name, body in self.sections if name == head), None)

    def inputs(self):
        """(key or "-", file, [argument list], text)"""
        for head, body in self.sections:
            words = head.split()
            if words[0] == "-" or words[0].isdigit():
                yield words[0], words[1], [
                    part.replace("KIT", str(SOURCE)).split()
                    for part in " ".join(words[2:]).split("|")
                ], body

    def outputs(self):
        return {head: body for head, body in self.sections if head.split()[0] in OUTPUT}


class Run:
    """A case in a folder of its own: project/ with the sources, build/, out/."""

    def __init__(self, case, folder):
        self.case, self.folder = case, pathlib.Path(folder)
        self.root, self.build, self.out = (
            self.folder / name for name in ("project", "build", "out")
        )
        for directory in (self.root, self.build, self.out):
            directory.mkdir()
        self.compartments = case.policy.get("compartments", ["app", "lib"])
        self.units, self.commands = [], []
        for key, name, argument_lists, text in case.inputs():
            path = self.locate(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            for link, target in case.policy.get("links", {}).items():
                if not (self.root / link).is_symlink():
                    (self.root / link).symlink_to(target)
            if key != "-":
                self.add_units(int(key), name, path, argument_lists)
        self.write_plan()

    def locate(self, name):
        return self.build / name[6:] if name.startswith("build/") else self.root / name

    def add_units(self, key, name, path, argument_lists):
        for arguments in argument_lists:
            number = len(self.units)
            command = [
                "cc",
                *FLAGS,
                f"-I{self.root}",
                f"-I{self.build}",
                *arguments,
                "-o",
                f"{number}.o",
                "-c",
                str(path),
            ]
            self.commands.append(
                {"directory": str(self.build), "file": str(path), "arguments": command}
            )
            self.units.append(
                {
                    "id": number,
                    "command": number,
                    "file": str(path),
                    "compartment": key,
                    "object": str(self.build / f"{number}.o"),
                    "pic": name not in self.case.policy.get("not_pic", []),
                    "force_recompile": False,
                }
            )

    def write_plan(self):
        policy, names = self.case.policy, self.compartments
        reads = policy.get("reads", {})
        imports = [
            {"symbol": symbol, "kind": kind, "owner": keys[0], "callers": keys[1:]}
            for kind, table in (("function", "imports"), ("data", "data"))
            for symbol, keys in sorted(policy.get(table, {}).items())
        ]
        plan = {
            "version": 1,
            "program": "app",
            "source_root": str(self.root),
            "build_dir": str(self.build),
            "compartments": [
                {
                    "name": name,
                    "pkey": key,
                    "pkru": 0x55555550 + key,
                    "reads": reads.get(str(key), []),
                    "file": name,
                    "plugin": f"{name}.so" if name in policy.get("plugins", {}) else None,
                    "guests": True,
                    "system_calls": 0x7FFFFFFF,
                }
                for key, name in enumerate(names, 1)
            ],
            "units": self.units,
            "objects": [],
            "imports": imports,
            "entries": self.entries(),
            "destructors": self.destructors(),
            **{
                key: policy.get(key, type_())
                for key, type_ in (
                    ("allocations", dict),
                    ("shared_variables", list),
                    ("parameters", dict),
                    ("policy_lines", dict),
                    ("other_programs", dict),
                )
            },
            "policy_file": "compartments.toml",
        }
        (self.out / "plan.json").write_text(json.dumps(plan))
        (self.out / "compile_commands.json").write_text(json.dumps(self.commands))

    def entries(self):
        """`*NAME` is a variable."""
        return [
            {
                "symbol": symbol.lstrip("*"),
                "owner": self.compartments.index(name) + 1,
                "kind": "data" if symbol[0] == "*" else "function",
            }
            for name, symbols in sorted(self.case.policy.get("plugins", {}).items())
            for symbol in symbols
        ]

    def destructors(self):
        """As the plan stage reads them off the objects; here the policy says it: [SYMBOL, KEY,
        UNIT, PRIORITY, VISIBLE]."""
        names = ("symbol", "compartment", "unit", "priority", "visible")
        return [dict(zip(names, values)) for values in self.case.policy.get("destructors", [])]

    def rewrite(self, *arguments):
        command = [
            REWRITER,
            "--policy",
            self.out / "plan.json",
            "--root-directory",
            self.root,
            "--output-directory",
            self.out / "rewritten",
            "--output-prefix",
            f"{self.out}/",
            "-p",
            self.out,
            *arguments,
        ]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def boundary(self):
        return json.loads((self.out / "boundary.json").read_text())

    def mirrored(self, name):
        return self.out / "rewritten" / name

    def written(self):
        """Every file the rewriter made, with its identity."""
        return {
            name: (path.lstat().st_ino, path.lstat().st_mtime_ns)
            for name, path in made(self.out).items()
        }

    def contents(self):
        """Every file the rewriter made, with its bytes."""
        return {name: path.read_bytes() for name, path in made(self.out).items()}

    def outputs(self, result):
        """The sections of output that this run would have."""
        if result.returncode:
            return {"refused": result.stderr}
        boundary = self.boundary()
        sections = {
            f"= {name.replace('.build/', 'build/')}": self.mirrored(name).read_text()
            for name in boundary["rewritten"]
        }
        for name in self.compartments:
            lines = (self.out / "callgates" / f"{name}.S").read_text().splitlines()
            for section, macros in (
                ("gates", ("ia2_gate ", "ia2_no_gate ")),
                ("plugins", ("ia2_plugin ",)),
                ("destructors", ("ia2_destructor ",)),
            ):
                entries = [
                    line.removeprefix(macros[0]) for line in lines if line.startswith(macros)
                ]
                if entries:
                    sections[f"{section} {name}"] = "".join(entry + "\n" for entry in entries)
        if boundary["shared_locals"]:
            sections["locals"] = "".join(
                "{file}:{line} {function} {name}: {type}\n".format(**local)
                for local in boundary["shared_locals"]
            )
        if boundary["may_cross"]:
            sections["may cross"] = "".join(
                "{file}:{line} {name} ({taken_file}:{taken_line})\n".format(**variable)
                for variable in boundary["may_cross"]
            )
        return sections

    def compile(self, compiler, unit, rewritten):
        """Compiles a unit, as it was or as the link stage does it after rewriting; the compiler's
        messages."""
        command = self.commands[unit]["arguments"]
        if rewritten:
            moved = {
                str(self.root): str(self.out / "rewritten"),
                str(self.build): str(self.out / "rewritten" / ".build"),
            }
            for old, new in moved.items():
                command = [argument.replace(old, new) for argument in command]
            command = [*command, f"-I{INCLUDE}", f"-DIA2_UNIT={unit}"]
        result = subprocess.run(
            [compiler, *command[1:]], cwd=self.build, capture_output=True, text=True, check=False
        )
        return result.stderr if result.returncode else ""

    def assemble(self, name):
        result = subprocess.run(
            [
                "gcc",
                "-c",
                *(f"-I{folder}" for folder in GATES),
                "-o",
                self.folder / "gates.o",
                self.out / "callgates" / f"{name}.S",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        return result.stderr if result.returncode else ""


def made(out):
    """The files in an output folder that the rewriter made, by name."""
    return {
        str(path.relative_to(out)): path
        for path in sorted(out.rglob("*"))
        if not path.is_dir() and path.name not in PLANNED
    }


def opened(test, path):
    """The case at `path`, in a folder that is there until the test ends."""
    folder = tempfile.TemporaryDirectory()
    test.addCleanup(folder.cleanup)
    return Run(Case(path), os.path.realpath(folder.name))


def add_cases(tests, folder):
    """A test for each case in the folder: its name is checked."""
    for path in sorted(folder.glob("*.case")):

        def method(self, name=path.stem):
            self.check(name)

        setattr(tests, f"test_case_{path.stem}", method)


def compilers():
    return [compiler for compiler in ("gcc", "clang") if shutil.which(compiler)]


def update(path):
    case = Case(path)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(case, os.path.realpath(folder))
        result = run.rewrite()
        outputs = run.outputs(result)
    kept = [(head, body) for head, body in case.sections if head.split()[0] not in OUTPUT]
    text = case.title + "".join(f">>> {head}\n{body}\n" for head, body in kept)
    text += "".join(
        f">>> {head}\n{body}" + ("" if index == len(outputs) - 1 else "\n")
        for index, (head, body) in enumerate(outputs.items())
    )
    case.path.write_text(text)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        update(argument)
