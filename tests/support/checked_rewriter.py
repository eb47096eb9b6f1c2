"""The rewriter under AddressSanitizer, UndefinedBehaviorSanitizer and LeakSanitizer, and under
valgrind: how it is made and run.

Made once per build directory, for all who use it, and again only of the sources that changed.
Beside each stand rewriters with an error planted, for what has never been seen to find an error
shows nothing."""

import fcntl
import json
import os
import pathlib
import shlex
import subprocess

from tests.support import rewriter_case

FOLDER = rewriter_case.BUILD / "tests" / "rewrite" / "checked"
OBJECTS = "kit/rewriter/ia2-rewriter.p/"
SANITIZERS = (
    "-O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined"
)
LEAKS = (
    "#include <stdlib.h>\n__attribute__((constructor)) static void leak(void) { void *volatile p ="
    " malloc(7); p = NULL; }\n"
)
# Each with the words by which it is found. The second and the third read past a block, and decide
# by what nobody set.
SANITIZED_ERRORS = {
    "leaks": (LEAKS, "LeakSanitizer"),
    "overruns": (
        (
            "#include <stdlib.h>\n__attribute__((constructor)) static void overrun(void) { char"
            " *volatile p = malloc(7); volatile char c = p[7]; (void)c; free(p); }\n"
        ),
        "heap-buffer-overflow",
    ),
}
VALGRIND_ERRORS = {
    "leaks": (LEAKS, "definitely lost"),
    "unset": (
        (
            "#include <stdlib.h>\n__attribute__((constructor)) static void unset(void) { int"
            " *volatile p = malloc(4); if (*p == 5) abort(); free(p); }\n"
        ),
        "depends on uninitialised value",
    ),
}
# What libclang and LLVM allocate is their own, and so is what they compare.
SUPPRESSED = """{
   libclang
   Memcheck:Leak
   match-leak-kinds: definite
   ...
   obj:*/libclang-*.so*
}
{
   llvm
   Memcheck:Leak
   match-leak-kinds: definite
   ...
   obj:*/libLLVM*.so*
}
"""
NINJA = """\
rule cc
  command = $cc -MD -MF $out.d -o $out -c $in
  deps = gcc
  depfile = $out.d
rule link
  command = gcc $flags -o $out $in $libraries -ljansson -lpthread -ldl
"""


def write(path: pathlib.Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def compiled() -> list[dict]:
    """The rewriter's own compile commands, as the kit's build has them."""
    commands = json.loads((rewriter_case.BUILD / "compile_commands.json").read_text())
    return [entry for entry in commands if entry["output"].startswith(OBJECTS)]


def as_built(entry: dict, flags: str) -> str:
    """The command of an entry with other flags after its own, up to the names of the files."""
    words, kept = iter(shlex.split(entry["command"])), []
    for word in words:
        if word in ("-o", "-MF", "-MQ"):
            next(words)
        elif word not in ("-c", "-MD", entry["file"]):
            kept.append(word)
    return f"cd {shlex.quote(entry['directory'])} && {shlex.join(kept)} -w -g {flags}"


def make(folder: pathlib.Path, flags: str, errors: dict) -> None:
    """In `folder`: the rewriter compiled with `flags`, or of the kit's own objects without, and one
    with each error."""
    folder.mkdir(parents=True, exist_ok=True)
    linked = subprocess.run(
        ["ldd", rewriter_case.REWRITER], capture_output=True, text=True, check=True
    ).stdout
    clang = next(
        line.split()[2] for line in linked.splitlines() if "libclang" in line and "cpp" not in line
    )
    lines, objects = [f"flags = {flags}", f"libraries = {clang}"], []
    for entry in compiled():
        made = rewriter_case.BUILD / entry["output"]
        if flags:
            source = os.path.normpath(os.path.join(entry["directory"], entry["file"]))
            made = folder / pathlib.Path(entry["output"]).name
            lines += [f"build {made}: cc {source}", f"  cc = {as_built(entry, flags)}"]
        objects.append(str(made))
    for name, text in {
        "ia2-rewriter": "",
        **{name: text for name, (text, _) in errors.items()},
    }.items():
        write(folder / f"{name}.c", text)
        lines += [
            f"build {name}.o: cc {folder / name}.c",
            f"  cc = cd {folder} && gcc -g {flags}",
            f"build {name}: link {' '.join(objects)} {name}.o",
        ]
    write(folder / "build.ninja", NINJA + "\n".join(lines) + "\n")
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(["ninja", "-C", folder], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)


def command(
    program, plan: pathlib.Path, root, out: pathlib.Path, commands: pathlib.Path, *more
) -> list:
    """A run of the rewriter, as kit/ia2/stages/rewriting.py does it, that leaves what it makes in
    `out`."""
    return [
        program,
        "--policy",
        plan,
        "--root-directory",
        root,
        "--output-directory",
        out / "rewritten",
        "--output-prefix",
        f"{out}/",
        "-p",
        commands,
        *more,
    ]


class Checker:
    """A way to run the rewriter that finds its errors: `build` it first; `errors` are the ones
    planted."""

    def __init__(self, name: str, flags: str, errors: dict, prefix=()):
        self.folder, self.flags, self.errors, self.prefix = FOLDER / name, flags, errors, prefix

    def build(self) -> None:
        """RuntimeError if it does not compile."""
        make(self.folder, self.flags, self.errors)
        write(self.folder / "suppressions", SUPPRESSED)

    def run(
        self, *arguments, error: str = "ia2-rewriter", timeout: float = 300
    ) -> subprocess.CompletedProcess:
        """Runs it, or the one with an error, with the arguments of command(). Nothing was found if
        the exit status is the rewriter's and it wrote nothing else."""
        words = [*self.prefix, *command(self.folder / error, *arguments)]
        return subprocess.run(
            words, capture_output=True, text=True, errors="replace", timeout=timeout, check=False
        )


SANITIZED = Checker("sanitized", SANITIZERS, SANITIZED_ERRORS)
VALGRIND = Checker(
    "valgrind",
    "",
    VALGRIND_ERRORS,
    (
        "valgrind",
        "-q",
        "--leak-check=full",
        "--show-leak-kinds=definite",
        "--errors-for-leak-kinds=definite",
        "--error-exitcode=99",
        f"--suppressions={FOLDER / 'valgrind' / 'suppressions'}",
    ),
)
