"""The kit's own AV1 streams, decoded by the compartmentalized dav1d under enforced protection keys,
with the options that change who allocates, who waits for whom and who writes the output."""

import hashlib
import os
import pathlib
import subprocess
import tempfile
import unittest

from tests.programs.dav1d import decoding
from ia2.samples import streams

NEEDS_PKU = True
TIMEOUT = 300
VARIANTS = {
    "threads_2": ("--threads", "2"),
    "threads_64": ("--threads", "64"),
    "framedelay_1": ("--threads", "4", "--framedelay", "1"),
    "framedelay_8": ("--threads", "8", "--framedelay", "8"),
    "negstride": ("--threads", "1", "--negstride"),
    "negstride_threads_4": ("--threads", "4", "--negstride"),
}
VARIED = ("8bit-420", "10bit-444", "8bit-grain", "svt-8bit-tiles-2x2")


def build(out: pathlib.Path):
    streams.prepare(pathlib.Path(os.environ["IA2_BUILD"]))
    decoding.build(out)


class Streams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.builds = decoding.builds()
        cls.streams = {s.name: s for s in streams.prepare(pathlib.Path(os.environ["IA2_BUILD"]))}

    def decode(self, program, name, *options):
        return decoding.decode(
            self.builds[program],
            ["-q", "-i", self.streams[name].path, "--filmgrain", "1", *options],
        )

    def check(self, name, *options):
        ended = self.decode("compartmentalized", name, "--muxer", "md5", "-o", "-", *options)
        self.assertEqual(
            (ended["status"], ended["out"].strip(), ended["err"]), (0, self.streams[name].md5, "")
        )

    def test_output_files(self):
        """Raw and y4m pictures, into files on a tmpfs, where a system call that may not read its
        buffer fails."""
        for name in ("8bit-420", "10bit-444", "8bit-mono"):
            for muxer in ("yuv", "yuv4mpeg2"):
                with (
                    self.subTest(f"{name} {muxer}"),
                    tempfile.TemporaryDirectory(dir="/dev/shm") as folder,
                ):
                    made = []
                    for program in ("plain", "compartmentalized"):
                        path = pathlib.Path(folder, f"{program}.{muxer}")
                        ended = self.decode(program, name, "--muxer", muxer, "-o", path)
                        self.assertEqual((ended["status"], ended["err"]), (0, ""), program)
                        made.append(hashlib.sha256(path.read_bytes()).hexdigest())
                    self.assertEqual(made[0], made[1])

    def test_md5_verification(self):
        """The cli's own check of an MD5: right and wrong end alike in both programs."""
        for md5 in (self.streams["8bit-420"].md5, "0" * 32):
            ends = [
                self.decode(program, "8bit-420", "--verify", md5)
                for program in ("plain", "compartmentalized")
            ]
            self.assertEqual(ends[0], ends[1])

    def test_limit_and_skip(self):
        for options in (("--limit", "3"), ("--skip", "4"), ("--limit", "2", "--threads", "4")):
            ends = [
                self.decode(program, "8bit-420", "--muxer", "md5", "-o", "-", *options)
                for program in ("plain", "compartmentalized")
            ]
            self.assertEqual(ends[0], ends[1])

    def test_cut_off_and_missing_streams(self):
        whole = self.streams["8bit-420"].path.read_bytes()
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            for length in (0, 10, 32, 44, 500, len(whole) // 2, len(whole) - 1):
                cut = pathlib.Path(folder, "cut.ivf")
                cut.write_bytes(whole[:length])
                for threads in ("1", "4"):
                    with self.subTest(length=length, threads=threads):
                        ends = [
                            decoding.decode(
                                self.builds[program],
                                [
                                    "-q",
                                    "-i",
                                    cut,
                                    "--muxer",
                                    "md5",
                                    "-o",
                                    "-",
                                    "--threads",
                                    threads,
                                ],
                            )
                            for program in ("plain", "compartmentalized")
                        ]
                        self.assertEqual(ends[0], ends[1])
            ends = [
                decoding.decode(
                    self.builds[program], ["-i", f"{folder}/none.ivf", "-o", "-", "--muxer", "md5"]
                )
                for program in ("plain", "compartmentalized")
            ]
            self.assertEqual(ends[0], ends[1])


class Enforcement(unittest.TestCase):
    def test_memory_is_keyed_while_decoding(self):
        path = streams.prepare(pathlib.Path(os.environ["IA2_BUILD"]))[0].path
        keys = set()
        # --realtime: at the frame rate of the stream, so that it is still decoding when it is
        # looked at.
        with subprocess.Popen(
            [
                decoding.builds()["compartmentalized"],
                "-q",
                "-i",
                path,
                "--muxer",
                "md5",
                "-o",
                "/dev/null",
                "--realtime",
                "1",
            ],
            stderr=subprocess.DEVNULL,
            env={**os.environ, "IA2_REQUIRE_PKU": "1"},
        ) as process:
            while process.poll() is None and not {"1", "2"} <= keys:
                try:
                    text = pathlib.Path(f"/proc/{process.pid}/smaps").read_text()
                except OSError:
                    break
                keys |= {
                    line.split()[1]
                    for line in text.splitlines()
                    if line.startswith("ProtectionKey:")
                }
            process.kill()
        self.assertLessEqual({"1", "2"}, keys)


def _case(name, options):
    return lambda self: self.check(name, *options)


for _recipe in streams.RECIPES:
    for _threads in ("1", "4"):
        _test = f"test_{_recipe.name.replace('-', '_')}_threads_{_threads}"
        setattr(Streams, _test, _case(_recipe.name, ("--threads", _threads)))
for _name in VARIED:
    for _variant, _options in VARIANTS.items():
        setattr(Streams, f"test_{_name.replace('-', '_')}_{_variant}", _case(_name, _options))


if __name__ == "__main__":
    unittest.main()
