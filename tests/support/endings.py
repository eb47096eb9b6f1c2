"""Programs whose end is looked at: compartmentalized, and plain ones of the same shape (one DSO per
compartment)."""

import json
import os
import pathlib
import shutil

from tests.support import compartments
from tests.support.compartments import TESTS, Compartment, Result
from tests.support.compartments import BUILD, RUNTIME, execute  # noqa: F401 - for the tests

FOLDER = TESTS / "runtime" / "exit"
FLAGS = [f"-I{FOLDER}"]
# The compiler adds a destructor to each of two DSOs (crtbeginS.o's), AddressSanitizer another.
COMPILERS = 4 if compartments.EXTRA_FLAGS else 2


# What links of both kinds get besides, by source.
OPTIONS = {"library.c": ("-Wl,-fini,library_fini",)}


def parts(*sources) -> list[Compartment]:
    """One compartment per source, named after it; the first is the program."""
    return [
        Compartment(pathlib.Path(source).stem, [FOLDER / source], options=OPTIONS.get(source, ()))
        for source in sources
    ]


def build(out: pathlib.Path, name: str, sources, toolchain=compartments.GCC) -> pathlib.Path:
    return compartments.build(out, name, parts(*sources), toolchain, FLAGS)


def build_plain(out: pathlib.Path, name: str, sources) -> pathlib.Path:
    """Without runtime and gates, linked in the same order, so that the loader ends it in the same
    order."""
    folder = out / f"{name}-plain"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    linked: list[pathlib.Path] = []
    for key, source in reversed(list(enumerate(sources, 1))):
        target = folder / ("prog" if key == 1 else f"lib{pathlib.Path(source).stem}.so")
        kind = ["-pie"] if key == 1 else ["-shared", f"-Wl,-soname,{target.name}"]
        compartments.run(
            "gcc",
            "-o",
            target,
            *kind,
            "-O1",
            "-g",
            "-fPIC",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-D_GNU_SOURCE",
            "-DPLAIN",
            f"-DPKEY={key}",
            f"-I{TESTS / 'support' / 'plain'}",
            *FLAGS,
            FOLDER / source,
            *OPTIONS.get(source, ()),
            "-Wl,-rpath,$ORIGIN",
            "-Wl,--no-as-needed",
            *linked,
            "-lpthread",
            "-ldl",
        )
        linked.append(target)
    return folder / "prog"


def out() -> pathlib.Path:
    return pathlib.Path(os.environ["IA2_TEST_OUT"])


def save(path: pathlib.Path, results: dict[str, Result]):
    path.write_text(
        json.dumps({name: [result.status, result.out] for name, result in results.items()})
    )


def load(path: pathlib.Path) -> dict:
    return {name: tuple(value) for name, value in json.loads(path.read_text()).items()}
