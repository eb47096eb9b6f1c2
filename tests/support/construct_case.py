"""Whole small programs, each in one file: a title, then sections that start with `>>> `.

    >>> FILE                    a source or header; app*.c is compartment app (1), lib*.c is lib (2), third*.c is third (3); plugin*.c and
                                addon*.c are linked apart, as plugin.so and addon.so, for dlopen
    >>> entries NAME ENTRY...   what dlsym finds in the plugin NAME
    >>> policy                  TOML to add to the policy, which has the compartments only
    >>> reads NAME OTHER...     a read grant: NAME may read OTHER
    >>> flags                   compiler options; KIT is the top of this repository
    >>> libraries               linker options
    >>> dies [WORD...]          what standard error holds when the compartmentalized program ends by SIGABRT; WORD: its arguments
    >>> faults [WORD...]        the same for SIGSEGV, where keys are enforced

The program is built by Ninja, split by scripts/rewrite.py, and must do what the plain one does,
without a change by hand (unless it `dies` without arguments)."""  # noqa: E501

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "rewriter" / "constructs"
SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE") or FOLDER.parents[2])
BUILD = pathlib.Path(os.environ.get("IA2_BUILD") or SOURCE / "build")
PLUGINS = ("plugin", "addon")
NAMES = ("app", "lib", "third", *PLUGINS)
FLAGS = (
    "-std=gnu11 -O1 -g -fPIC -Wall -Wextra -Werror -Wno-unused -Wno-unused-parameter"
    " -Wno-missing-field-initializers"
)
RULES = """\
rule cc
  command = gcc $flags -MD -MF $out.d -o $out -c $in
  deps = gcc
  depfile = $out.d
rule link
  command = gcc -o $out $in $libraries
rule plugin
  command = gcc -shared -o $out $in
"""


class Case:
    def __init__(self, path: pathlib.Path):
        self.name = path.stem
        title, *parts = path.read_text().split("\n>>> ")
        self.title = title.strip()
        self.sections = {}
        for part in parts:
            head, _, body = part.partition("\n")
            self.sections[head.strip()] = body.rstrip("\n") + "\n"

    def files(self) -> dict[str, str]:
        return {
            name: text
            for name, text in self.sections.items()
            if re.fullmatch(r"[\w/]+\.[ch]", name)
        }

    def policy(self) -> str:
        used = [name for name in NAMES if any(self.owner(file) == name for file in self.files())]
        made = ""
        for key, name in enumerate(used, 1):
            made += f'[compartment.{name}]\npkey = {key}\nsources = ["{name}*.c"]\n'
            grants = [
                head.split()[2:] for head in self.sections if head.startswith(f"reads {name} ")
            ]
            entries = [
                head.split()[2:] for head in self.sections if head.startswith(f"entries {name} ")
            ]
            if entries:
                made += (
                    f'plugin = "{name}.so"\nentries ='
                    f" {[entry for names in entries for entry in names]}\n"
                )
            if grants:
                made += f"reads = {[other for grant in grants for other in grant]}\n"
        return made + self.sections.get("policy", "")

    def lines_of_policy(self) -> list[str]:
        """What the program needs beyond its compartments."""
        plugins = [
            f"[compartment.{name}] plugin and entries"
            for name in PLUGINS
            if any(self.owner(file) == name for file in self.files())
        ]
        grants = [
            f"a read grant: {head.split()[1]} on {', '.join(head.split()[2:])}"
            for head in self.sections
            if head.startswith("reads ")
        ]
        added, table = [], ""
        for line in self.sections.get("policy", "").splitlines():
            if line.startswith("["):
                table = line
            elif line.strip():
                added.append(f"{table} {line}")
        return plugins + grants + added

    @staticmethod
    def owner(file: str) -> str | None:
        return next((name for name in NAMES if file.endswith(".c") and file.startswith(name)), None)

    def prepare(self, out: pathlib.Path) -> None:
        """out/NAME/build/plain and out/NAME/split/bin/plain. RuntimeError if the engine refuses the
        program."""
        root = out / self.name
        build = root / "build"
        build.mkdir(parents=True, exist_ok=True)
        for name, text in self.files().items():
            if not (root / name).exists() or (root / name).read_text() != text:
                (root / name).write_text(text)
        sources = [name for name in self.files() if self.owner(name)]
        flags = " ".join(
            [FLAGS, *self.sections.get("flags", "").replace("KIT", str(SOURCE)).split()]
        )
        lines = [f"build {name[:-2]}.o: cc ../{name}" for name in sources]
        lines.append(
            "build plain: link "
            + " ".join(name[:-2] + ".o" for name in sources if self.owner(name) not in PLUGINS)
        )
        for plugin in PLUGINS:
            objects = " ".join(name[:-2] + ".o" for name in sources if self.owner(name) == plugin)
            lines += [f"build {plugin}.so: plugin {objects}"] if objects else []
        ninja = (
            f"flags = {flags}\nlibraries = -lpthread -lm"
            f" {' '.join(self.sections.get('libraries', '').split())}\n{RULES}"
            + "\n".join(lines)
            + "\n"
        )
        if not (build / "build.ninja").exists() or (build / "build.ninja").read_text() != ninja:
            (build / "build.ninja").write_text(ninja)
        (root / "compartments.toml").write_text(self.policy())
        self.run("ninja", "-C", build)
        self.run(
            sys.executable,
            SOURCE / "scripts" / "rewrite.py",
            "--policy",
            root / "compartments.toml",
            "--out",
            root / "split",
            "--source-root",
            root,
            "--kit-build",
            BUILD,
            "-j",
            "1",
            build,
        )

    def run(self, *command) -> None:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{self.name}: {done.stdout}{done.stderr}")


def cases() -> list[Case]:
    return [Case(path) for path in sorted(FOLDER.glob("*.case"))]


def prepare(out: pathlib.Path, chosen: list[Case]) -> dict[str, str]:
    """Builds all; the messages of those that failed, by name."""
    failed = {}

    def one(case: Case) -> None:
        try:
            case.prepare(out)
        except RuntimeError as error:
            failed[case.name] = str(error)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(one, chosen))
    return failed


def program(out: pathlib.Path, name: str, plain: bool) -> pathlib.Path:
    return out / name / ("build" if plain else "split/bin") / "plain"


def execute(path: pathlib.Path, *words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [path, *(words or ("one", "two"))],
        input="first line\nsecond line\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "CONSTRUCT": "set"},
        cwd=path.parent,
    )
    return done.returncode, done.stdout, done.stderr.replace(str(path), "PROGRAM")


def endings(case: Case, out: pathlib.Path) -> str:
    """What is wrong with the ways in which the program should end."""
    for head, body in case.sections.items():
        way, *words = head.split()
        if way not in ("dies", "faults") or (
            way == "faults" and os.environ.get("IA2_PKU") == "none"
        ):
            continue
        signal, found = (-6 if way == "dies" else -11), execute(
            program(out, case.name, False), *words
        )
        missing = [line for line in body.splitlines() if line not in found[2]]
        if found[0] != signal or missing:
            return f"{head}: should end by signal {-signal} with {missing}, but: {found}"
    return ""


def compare(case: Case, out: pathlib.Path) -> str:
    """What is wrong with the compartmentalized program; empty if nothing is."""
    ending = endings(case, out)
    if ending or "dies" in case.sections:
        return ending
    plain, split = execute(program(out, case.name, True)), execute(program(out, case.name, False))
    split = (split[0], split[1], re.sub(r"^ia2: warning:.*\n", "", split[2], flags=re.M))
    if plain[0]:
        return f"the plain program fails: {plain}"
    return "" if plain == split else f"plain:\n{plain}\ncompartmentalized:\n{split}"


if __name__ == "__main__":
    # construct_case.py [--run] OUT [NAME...]: builds (unless --run) and runs by hand
    words = [word for word in sys.argv[1:] if word != "--run"]
    target = pathlib.Path(words[0])
    picked = [case for case in cases() if not words[1:] or case.name in words[1:]]
    bad = {} if "--run" in sys.argv else prepare(target, picked)
    for item in picked:
        print(item.name, bad.get(item.name) or compare(item, target) or "ok")
