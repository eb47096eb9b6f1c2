"""While dav1d decodes: each writable mapping is somebody's by name, and what is the library's lies
under the library's key."""

import os
import pathlib
import signal
import subprocess
import unittest

from tests.programs.dav1d import decoding, residency
from ia2.samples import streams

NEEDS_PKU = True
# Without keys the same look at the same program must find nothing keyed, else it would find nothing
# at all.
ALSO_NATIVE = True
TIMEOUT = 400
CLI, LIBRARY = 1, 2
RUNTIME = pathlib.Path(os.environ["IA2_SOURCE"]) / "runtime"


def build(out: pathlib.Path):
    streams.prepare(pathlib.Path(os.environ["IA2_BUILD"]), recipes=(streams.BENCHMARK,))
    decoding.build(out)
    subprocess.run(
        [
            "gcc",
            "-std=gnu11",
            f"-I{RUNTIME}",
            f"-I{RUNTIME / 'include'}",
            pathlib.Path(__file__).with_name("state_layout.c"),
            "-o",
            out / "state_layout",
        ],
        check=True,
    )


def layout() -> dict:
    text = subprocess.run(
        [pathlib.Path(os.environ["IA2_TEST_OUT"], "state_layout")],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return {name: int(value) for name, value in (line.split() for line in text.splitlines())}


class Residency(unittest.TestCase):
    def surveys(self, *options, frames=(2, 8)):
        """What a decode's memory is after so many frames."""
        program = decoding.builds()["compartmentalized"]
        stream = streams.prepare(
            pathlib.Path(os.environ["IA2_BUILD"]), recipes=(streams.BENCHMARK,)
        )[0].path
        env = {
            **os.environ,
            **({} if os.environ["IA2_PKU"] == "none" else {"IA2_REQUIRE_PKU": "1"}),
        }
        offsets, found = layout(), []
        compartments = set(os.listdir(os.path.dirname(program))) - {"libia2.so"}
        # --realtime: on a CPU that is fast it would be at the end before it is looked at.
        with subprocess.Popen(
            [program, "-i", stream, "--muxer", "md5", "-o", "-", "--realtime=20", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=env,
        ) as process:
            try:
                err = b""
                for wanted in frames:
                    while err.count(b"Decoded") < wanted and (
                        more := os.read(process.stderr.fileno(), 4096)
                    ):
                        err += more
                    self.assertGreaterEqual(err.count(b"Decoded"), wanted, err[-2000:])
                    process.send_signal(signal.SIGSTOP)
                    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
                    found.append(residency.survey(process.pid, offsets, compartments))
                    process.send_signal(signal.SIGCONT)
            finally:
                process.kill()
        return found

    def check(self, *options):
        for survey in self.surveys(*options):
            print(
                f"{' '.join(options)}: library {survey.share(LIBRARY):.2%} keyed,"
                f" {survey.strict_share(LIBRARY):.2%} with all of libc counted against"
                f" it\n{survey.table()}"
            )
            self.assertEqual(survey.unnamed, [])
            self.assertGreater(
                survey.of(LIBRARY), 4 << 20, "the library has too little memory to be decoding"
            )
            if os.environ["IA2_PKU"] == "none":
                self.assertEqual((survey.share(LIBRARY), survey.share(CLI)), (0, 0))
                self.assertIn("heap of 2 under key 0", " ".join(survey.wrong()))
                continue
            self.assertEqual(survey.wrong(), [])
            self.assertGreaterEqual(survey.share(LIBRARY), 0.99)
            self.assertGreaterEqual(survey.strict_share(LIBRARY), 0.99)
            self.assertEqual(
                {kind for owner, kind, key in survey.bytes if owner == key == LIBRARY},
                {"heap", "globals", "stacks", "thread-local storage"},
            )

    def test_one_thread(self):
        self.check("--threads", "1")

    def test_four_threads(self):
        self.check("--threads", "4")

    def test_pictures_from_the_tool(self):
        self.check("--threads", "4", "--negstride")


if __name__ == "__main__":
    unittest.main()
