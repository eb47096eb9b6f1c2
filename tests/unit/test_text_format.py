"""The runtime's own formatter makes the texts that libc's makes, and asks libc for nothing."""

import os
import pathlib
import subprocess
import unittest

from tests.unit.c_behaviours import FLAGS, SANITIZED, add_behaviours

HERE = pathlib.Path(__file__).resolve().parent
RUNTIME = pathlib.Path(os.environ["IA2_SOURCE"]) / "runtime"
OUT = pathlib.Path(os.environ["IA2_TEST_OUT"])


def build(out: pathlib.Path):
    sources = ("-iquote", RUNTIME, HERE / "text_format.c", RUNTIME / "base/format.c")
    subprocess.run(["gcc", *FLAGS, *SANITIZED, *sources, "-o", out / "text_format"], check=True)
    subprocess.run(
        [
            "gcc",
            *FLAGS,
            "-iquote",
            RUNTIME,
            "-c",
            RUNTIME / "base/format.c",
            "-o",
            out / "format.o",
        ],
        check=True,
    )


class TextFormat(unittest.TestCase):
    def test_calls_no_function_of_libc(self):
        """Everybody can write what libc's functions read."""
        done = subprocess.run(
            ["nm", "-u", OUT / "format.o"], capture_output=True, text=True, check=True
        )
        names = set(done.stdout.split()) - {"U", "_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail"}
        self.assertEqual(names, set())


add_behaviours(TextFormat, "text_format")

if __name__ == "__main__":
    unittest.main()
