"""10,000 random signatures: what a call passes through a gate is what it passes plainly, between
all pairs of compilers."""

import os
import pathlib
import re
import unittest

from tests.fuzz.abi_fuzz import campaign

SEED, SIGNATURES = "1", 10000
TIMEOUT = 900  # a call that goes wrong is reduced: hundreds of small programs
OUT = pathlib.Path(os.environ.get("IA2_TEST_OUT", "."))
PARTS = campaign.parts(OUT, SEED, SIGNATURES) if os.environ.get("IA2_TEST_OUT") else []
NAMES = [
    "-".join([*it.compilers, it.flags.strip("-"), str(it.widest)]) for it in campaign.CONFIGURATIONS
]


def build(out: pathlib.Path):
    widest = campaign.widest_here()
    some = [
        part
        for part in campaign.parts(out, SEED, SIGNATURES)
        if part.project.configuration.widest <= widest
    ]
    failed = campaign.build_all(some, os.cpu_count() or 1)
    for part in some:
        (out / f"{part.name}.failed").write_text(failed.get(part.name, ""))
    left_out = sum(sum(part.left_out.values()) for part in some)
    print(
        f"note: {sum(len(part.signatures()) for part in some)} signatures, seed {SEED};"
        f" {left_out} more were left out, for what the compilers do not agree on"
    )


class Signatures(unittest.TestCase):
    def check(self, name):
        part = next(part for part in PARTS if part.name == name)
        if part.project.configuration.widest > campaign.widest_here():
            self.skipTest(f"this CPU has no vectors of {part.project.configuration.widest} bytes")
        self.assertEqual((OUT / f"{name}.failed").read_text(), "")
        wrong = part.compare()
        if wrong:
            number = min(wrong)
            self.fail(
                f"{len(wrong)} of {len(part.signatures())} go wrong; {number}: {wrong[number]}\n"
                f"{campaign.minimized(part, number, OUT / f'trial-{name}')}"
            )


for _name in NAMES:
    setattr(
        Signatures, "test_" + re.sub(r"\W", "_", _name), lambda self, name=_name: self.check(name)
    )

if __name__ == "__main__":
    unittest.main()
