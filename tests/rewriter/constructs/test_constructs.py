"""Each *.case file here is a program that nobody prepared: compartmentalized, it does what the
plain one does."""

import os
import pathlib
import unittest

from tests.support import construct_case

NEEDS_PKU = True
ALSO_NATIVE = True


def build(out: pathlib.Path):
    failed = construct_case.prepare(out, construct_case.cases())
    for name, text in failed.items():
        (out / name / "failed").write_text(text)
    for case in construct_case.cases():
        if case.name not in failed:
            (out / case.name / "failed").unlink(missing_ok=True)


class Constructs(unittest.TestCase):
    def check(self, case):
        out = pathlib.Path(os.environ["IA2_TEST_OUT"])
        failed = out / case.name / "failed"
        self.assertFalse(failed.exists(), failed.read_text() if failed.exists() else "")
        self.assertEqual(construct_case.compare(case, out), "")


def add_cases():
    for case in construct_case.cases():
        setattr(Constructs, f"test_{case.name}", lambda self, case=case: self.check(case))


add_cases()

if __name__ == "__main__":
    unittest.main()
