"""200 random programs at a fixed seed give the same checksums in compartments as plain.
scripts/fuzz_programs runs any others."""

import json
import os
import pathlib
import unittest

from tests.fuzz.csmith import compared_program, fuzzing, known_seeds

SEED, PROGRAMS = known_seeds.SUITE


def build(out: pathlib.Path):
    """Runs them too, as they take the room of all of them only so long. Results are kept while
    nothing that they depend on changes."""
    report, signature = out / "results.json", compared_program.kit_signature()
    if report.exists() and json.loads(report.read_text())["signature"] == signature:
        return
    report.unlink(missing_ok=True)
    results = fuzzing.campaign(out, SEED, PROGRAMS, known=known_seeds.known(SEED))
    bad = {
        result.seed: f"{result.text}\n{fuzzing.reproduction(out, result.seed)}"
        for result in results
        if result.verdict == "different"
    }
    text = json.dumps(
        {
            "signature": signature,
            "same": sum(result.verdict == "same" for result in results),
            "different": bad,
            "summary": fuzzing.summary(results),
        }
    )
    # What differed is tried again the next time.
    (out / ("failed.json" if bad else "results.json")).write_text(text)
    print(f"note: {fuzzing.summary(results)}")


class Programs(unittest.TestCase):
    def test_same_checksums(self):
        out = pathlib.Path(os.environ["IA2_TEST_OUT"])
        report = next(path for path in (out / "results.json", out / "failed.json") if path.exists())
        results = json.loads(report.read_text())
        self.assertEqual(results["different"], {})
        self.assertEqual(results["same"], PROGRAMS)


if __name__ == "__main__":
    unittest.main()
