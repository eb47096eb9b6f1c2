"""The fuzzer finds faults: each kind of wrong gate is noticed, and what is noticed is reduced to a
C file that shows it."""

import os
import pathlib
import re
import subprocess
import sys
import unittest

from tests.fuzz.abi_fuzz import broken_kit, campaign, disagreements
from tests.fuzz.abi_fuzz.projects import KIT_BUILD, Configuration, Project
from tests.fuzz.abi_fuzz.signatures import Group

TIMEOUT = 600
OUT = pathlib.Path(os.environ.get("IA2_TEST_OUT", "."))
WIDE_FAULTS = ("vectors",)


def part_of(out: pathlib.Path, fault: str) -> campaign.Part:
    widest = 32 if fault in WIDE_FAULTS else 16
    return campaign.parts(
        out / fault,
        "faults",
        60,
        [Configuration(("gcc", "clang"), "-O0", widest)],
        broken_kit.make(out / fault / "kit", KIT_BUILD, fault),
    )[0]


def build(out: pathlib.Path):
    some = [part_of(out, fault) for fault in broken_kit.FAULTS]
    for part in some:
        text = campaign.build(part)
        if text:
            raise RuntimeError(text)


class Faults(unittest.TestCase):
    def check(self, fault):
        if fault in WIDE_FAULTS and campaign.widest_here() < 32:
            self.skipTest("this CPU has no vectors of 32 bytes")
        wrong = part_of(OUT, fault).compare()
        self.assertTrue(wrong, f"nothing is seen of the fault {fault}")
        if fault == "saved_registers":
            self.assertIn("callee-saved registers differ", "".join(wrong.values()))

    def test_a_mismatch_is_reduced(self):
        part = part_of(OUT, "stack_words")
        text = campaign.minimized(part, min(part.compare()), OUT / "trial")
        self.assertIn("A call through a gate goes wrong which made plainly goes right.", text)
        called = re.search(r"call of (.*), from", text)[1]
        self.assertEqual(called.count(","), 0, f"more than one parameter is left: {called}")
        self.assertEqual(called.split(" (")[0], "void")
        case = OUT / "case.c"
        case.write_text(text)
        for number in (1, 2):
            subprocess.run(
                ["gcc", "-w", f"-DPART={number}", "-c", case, "-o", OUT / f"case{number}.o"],
                check=True,
            )
        subprocess.run(["gcc", OUT / "case1.o", OUT / "case2.o", "-o", OUT / "case"], check=True)
        plain = subprocess.run([OUT / "case"], capture_output=True, text=True, check=True)
        self.assertNotIn("MISMATCH", plain.stdout)
        script = [
            sys.executable,
            "-m",
            "tests.fuzz.abi_fuzz.campaign",
            "--out",
            OUT / "replay",
            "--replay",
            case,
        ]
        self.assertEqual(
            subprocess.run(script, check=False).returncode,
            0,
            "the file goes wrong with a right kit",
        )
        self.assertEqual(
            subprocess.run([*script, "--fault", "stack_words"], check=False).returncode, 1
        )

    def test_what_is_left_out_goes_wrong(self):
        """Each reason to leave a signature out holds in plain programs, or it leaves out what
        should be tested."""
        mixed, clang = ("gcc", "clang"), ("clang", "clang")
        for reason, compilers, widest in (
            (disagreements.INT128, mixed, 16),
            (disagreements.FLOAT128, mixed, 16),
            (disagreements.UNNAMED, mixed, 16),
            (disagreements.WIDE, mixed, 32),
            (disagreements.INT128, clang, 16),
            (disagreements.FLOAT128, clang, 16),
        ):
            if widest > campaign.widest_here() or not disagreements.is_frequent(reason):
                continue
            with self.subTest(reason, compilers=compilers):
                group = Group(
                    "disagreements",
                    1,
                    120,
                    widest,
                    lambda it: disagreements.reason(it, compilers) == reason,
                )
                project = Project(OUT / "disagreements", Configuration(compilers, "-O0", widest))
                project.generate([group.signatures])
                project.build_plain()
                self.assertTrue(project.run(True).wrong)


for _fault in broken_kit.FAULTS:
    setattr(Faults, f"test_{_fault}", lambda self, fault=_fault: self.check(fault))

if __name__ == "__main__":
    unittest.main()
