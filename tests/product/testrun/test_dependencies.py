"""docs/dependencies.md and scripts/setup name the same packages."""

import os
import pathlib
import re
import subprocess
import unittest

SOURCE = pathlib.Path(os.environ["IA2_SOURCE"])


class Dependencies(unittest.TestCase):
    def test_each_package_is_explained(self):
        installed = re.search(r"packages='([^']*)'", (SOURCE / "scripts" / "setup").read_text())[
            1
        ].split()
        rows = re.findall(
            r"^\| (`.*?) \|", (SOURCE / "docs" / "dependencies.md").read_text(), re.MULTILINE
        )
        explained = re.findall(r"`([^`]+)`", " ".join(rows))
        # The kernel is downloaded, not installed.
        self.assertEqual(sorted(installed), sorted(set(explained) - {"linux-image-amd64"}))

    def test_setup_has_nothing_left_to_do(self):
        done = subprocess.run([SOURCE / "scripts" / "setup"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))


if __name__ == "__main__":
    unittest.main()
