"""Tests of a C file of the kit alone: a C program beside this file has a function for each
behaviour, and runs the one that its argument names."""

import json
import os
import pathlib
import re
import subprocess

FOLDER = pathlib.Path(__file__).resolve().parent
SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE", FOLDER.parents[1]))
FLAGS = ["-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE"]
SANITIZED = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]


def compile_program(out: pathlib.Path, program: str, *sources: str) -> None:
    """`out`/`program` of `program`.c and of sources of the kit's rewriter. RuntimeError if it does
    not compile."""
    build = pathlib.Path(os.environ.get("IA2_BUILD", SOURCE / "build"))
    rewriter = SOURCE / "kit" / "rewriter"
    commands = json.loads((build / "compile_commands.json").read_text())
    own = next(entry for entry in commands if entry["file"].endswith("rewriter/main.c"))
    system = re.findall(r"-isystem\s*\S+", own["command"])
    command = ["gcc", *FLAGS, *SANITIZED, "-Wno-missing-field-initializers", f"-I{rewriter}"]
    command += [word for option in system for word in ("-isystem", option[8:].strip())]
    command += ["-o", str(out / program), str(FOLDER / f"{program}.c")]
    command += [*(str(rewriter / source) for source in sources), "-lpthread"]
    done = subprocess.run(
        command, cwd=own["directory"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)


def add_behaviours(tests: type, program: str) -> None:
    """A test for each behaviour of `program`.c, which was compiled into the working directory."""
    names = re.findall(r"BEHAVIOUR\((\w+)\)[,}]", (FOLDER / f"{program}.c").read_text())
    assert names

    for name in names:

        def method(self, name=name):
            done = subprocess.run(
                [f"{os.environ['IA2_TEST_OUT']}/{program}", name],
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertEqual((done.returncode, done.stderr), (0, ""))

        setattr(tests, f"test_{name}", method)
