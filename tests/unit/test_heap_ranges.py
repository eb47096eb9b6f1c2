"""Who owns which address, in the runtime's heap ranges: each function of heap_ranges.c is one
behaviour. Without protection keys: what they enforce is tested in runtime/test_heap."""

import os
import pathlib
import re
import signal
import subprocess
import unittest

HERE = pathlib.Path(__file__).resolve().parent
RUNTIME = pathlib.Path(os.environ["IA2_SOURCE"]) / "runtime"
PARTS = (
    "memory/heap_ranges",
    "state/monitor",
    "state/rights",
    "state/state",
    "state/system_calls",
)
BASE = ("base/die", "base/format", "base/log", "base/lock")
OUT = pathlib.Path(os.environ["IA2_TEST_OUT"])
FAULTS = {"rest_of_a_granule_faults", "range_given_back_faults"}
REFUSED = {
    "too_many_early_ranges_are_refused": (
        "ia2: constructors allocate more than the runtime can take over (128 heap ranges)\n"
    )
}


def build(out: pathlib.Path):
    subprocess.run(
        [
            "gcc",
            "-std=gnu11",
            "-O1",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-DIA2_PERMISSIVE=0",
            "-DIA2_DEBUG=1",
            "-iquote",
            RUNTIME,
            f"-I{RUNTIME / 'include'}",
            f"-I{pathlib.Path(os.environ['IA2_BUILD']) / 'runtime' / 'layout'}",
            HERE / "heap_ranges.c",
            RUNTIME / "base/end_process.S",
            *(RUNTIME / f"{part}.c" for part in (*PARTS, *BASE)),
            RUNTIME / "state/rights.S",
            "-pthread",
            "-o",
            out / "heap_ranges",
        ],
        check=True,
    )


class HeapRanges(unittest.TestCase):
    def check(self, name: str):
        done = subprocess.run([OUT / "heap_ranges", name], capture_output=True, text=True)
        if name in FAULTS:
            self.assertEqual((done.returncode, done.stderr), (-signal.SIGSEGV, ""))
        elif name in REFUSED:
            self.assertEqual((done.returncode, done.stderr), (-signal.SIGABRT, REFUSED[name]))
        else:
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "done\n", ""))


def _add(name: str):
    setattr(HeapRanges, f"test_{name}", lambda self: self.check(name))


for _name in re.findall(r"TEST\((\w+)\),", (HERE / "heap_ranges.c").read_text()):
    _add(_name)
