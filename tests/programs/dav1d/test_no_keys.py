"""The compartmentalized dav1d on a CPU without protection keys: it runs with one warning, or not at
all if told so."""

import os
import pathlib
import subprocess
import unittest

from tests.programs.dav1d import decoding
from ia2.samples import streams

TIMEOUT = 120


def build(out: pathlib.Path):
    if os.environ["IA2_PKU"] == "none":
        decoding.build(out)


@unittest.skipIf(os.environ["IA2_PKU"] != "none", "this CPU has protection keys")
class NoKeys(unittest.TestCase):
    def decode(self, **env):
        self.stream = streams.prepare(pathlib.Path(os.environ["IA2_BUILD"]))[0]
        return subprocess.run(
            [
                decoding.builds()["compartmentalized"],
                "-q",
                "-i",
                self.stream.path,
                "--muxer",
                "md5",
                "-o",
                "-",
                "--filmgrain",
                "1",
                "--threads",
                "4",
            ],
            capture_output=True,
            text=True,
            env={**os.environ, **env},
        )

    def test_refused_when_keys_are_required(self):
        done = self.decode(IA2_REQUIRE_PKU="1")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, "")
        self.assertIn("protection key", done.stderr)

    def test_runs_with_one_warning(self):
        done = self.decode()
        self.assertEqual((done.returncode, done.stdout.strip()), (0, self.stream.md5))
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)


if __name__ == "__main__":
    unittest.main()
