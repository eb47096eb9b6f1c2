"""The compartmentalized dav1d behaves as the plain one of the same build: status, output and
messages, with every option, signal and broken stream, under enforced protection keys and on the
same CPU."""

import os
import pathlib
import random
import re
import resource
import signal
import subprocess
import tempfile
import unittest

from tests.programs.dav1d import decoding, variants
from ia2.samples import streams

NEEDS_PKU = True
TIMEOUT = 400
SEED = 20240229
PROGRAMS = ("plain", "compartmentalized")
TO_STDOUT = ("--muxer", "md5", "-o", "-")


def build(out: pathlib.Path):
    streams.prepare(pathlib.Path(os.environ["IA2_BUILD"]))
    variants.build(out)


def shape(text: str) -> str:
    """Without what differs from run to run: how far a decode came, how fast, and the MD5 of
    that."""
    text = re.sub(r"\b[0-9a-f]{32}\b", "MD5", text)
    text = re.sub(r"(?:[\r\n]*Decoded [^\r\n]*?(?=Decoded|[\r\n]|$))+", "Decoded", text)
    return re.sub(r"\d+", "N", text)


def damaged(whole: bytes, kind: int) -> bytes:
    """The kind-th way of breaking a stream, the same in each run."""
    chance = random.Random(SEED + kind)
    broken = bytearray(whole)
    for _ in range((1, 4, 16, 64)[kind % 4]):
        # Not in IVF's file header, after which nothing would be decoded at all.
        broken[chance.randrange(32, len(broken))] ^= 1 << chance.randrange(8)
    if kind % 3 == 1:
        del broken[chance.randrange(44, len(broken)) :]
    if kind % 3 == 2:
        at = chance.randrange(44, len(broken) - 40)
        del broken[at : at + chance.randrange(1, 40)]
    return bytes(broken)


class Case(unittest.TestCase):
    variant = variants.DEFAULT

    @classmethod
    def setUpClass(cls):
        cls.builds = variants.builds(cls.variant)
        if "missing" in cls.builds:
            raise unittest.SkipTest(cls.builds["missing"])
        cls.streams = {s.name: s for s in streams.prepare(pathlib.Path(os.environ["IA2_BUILD"]))}

    def setUp(self):
        # A tmpfs: there a system call may not read a buffer its caller may not read; on 9p it can
        # go unseen.
        folder = tempfile.TemporaryDirectory(dir="/dev/shm")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def stream(self, name):
        return self.streams[name].path

    def ends(self, *arguments) -> tuple[dict, dict]:
        return tuple(decoding.decode(self.builds[program], arguments) for program in PROGRAMS)

    def same(self, *arguments) -> dict:
        """Both programs end alike; returns how."""
        plain, ours = self.ends(*arguments)
        self.assertEqual(ours, plain, arguments)
        return plain

    def alike(self, *arguments) -> dict:
        """The same, but for how fast they were."""
        plain, ours = self.ends(*arguments)
        self.assertEqual(
            {**ours, "err": shape(ours["err"])}, {**plain, "err": shape(plain["err"])}, arguments
        )
        return plain

    def right(self, name, *options):
        ended = self.same("-q", "-i", self.stream(name), "--filmgrain", "1", *TO_STDOUT, *options)
        self.assertEqual(
            (ended["status"], ended["out"].strip(), ended["err"]), (0, self.streams[name].md5, "")
        )

    def same_file(self, name, muxer, *options):
        made = []
        for program in PROGRAMS:
            path = self.folder / program
            ended = decoding.decode(
                self.builds[program],
                ["-q", "-i", self.stream(name), "--muxer", muxer, "-o", path, *options],
            )
            self.assertEqual((ended["status"], ended["out"], ended["err"]), (0, "", ""), program)
            made.append(path.read_bytes())
        self.assertTrue(made[0] and made[0] == made[1], f"{name} {muxer}: the files differ")

    def interrupted(self, program, number, *options) -> dict:
        """How a decode that has begun ends when it gets a signal."""
        # A frame a second, so that it cannot have ended before.
        with subprocess.Popen(
            ["dav1d", "-i", self.stream("8bit-420"), *TO_STDOUT, "--realtime=1", *options],
            executable=self.builds[program],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "IA2_REQUIRE_PKU": "1"},
        ) as process:
            err = b""
            while b"Decoded" not in err and (more := os.read(process.stderr.fileno(), 4096)):
                err += more
            self.assertIn(b"Decoded", err)
            process.send_signal(number)
            try:
                out, rest = process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                self.fail(f"{program} went on after {signal.Signals(number).name}")
        return {
            "status": process.returncode,
            "out": shape(out.decode()),
            "err": shape((err + rest).decode()),
        }

    def broken(self, name, kind, *options):
        path = self.folder / f"broken-{kind}{self.stream(name).suffix}"
        path.write_bytes(damaged(self.stream(name).read_bytes(), kind))
        return "-q", "-i", path, *TO_STDOUT, *options


class Essentials:
    """For every build."""

    def test_threads(self):
        for threads in ("1", "2", "4", "64"):
            for name in ("8bit-420", "10bit-444"):
                with self.subTest(threads=threads, stream=name):
                    self.right(name, "--threads", threads)

    def test_framedelay(self):
        for delay in ("1", "2", "8"):
            with self.subTest(delay):
                self.right("8bit-420", "--threads", "8", "--framedelay", delay)

    def test_pictures_from_the_tool(self):
        for threads in ("1", "4"):
            self.right("8bit-grain", "--negstride", "--threads", threads)

    def test_output_files(self):
        for muxer in ("yuv", "yuv4mpeg2", "md5"):
            with self.subTest(muxer):
                self.same_file("8bit-odd-227x143", muxer, "--threads", "4")
                self.same_file("10bit-444", muxer, "--threads", "1", "--negstride")

    def test_no_arguments_and_wrong_ones(self):
        for arguments in (
            (),
            ("--no-such-option",),
            ("-i", self.folder / "none.ivf", *TO_STDOUT),
            ("--version",),
            ("-i", self.folder, *TO_STDOUT),
            ("-i", self.stream("8bit-420"), "--muxer", "nothing", "-o", "-"),
            ("-i", self.stream("8bit-420"), "--threads", "9999", *TO_STDOUT),
        ):
            with self.subTest(arguments):
                self.same(*arguments)

    def test_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            for options in (
                ("--threads", "1"),
                ("--threads", "4"),
                ("--threads", "4", "--negstride"),
            ):
                with self.subTest(signal=number, options=options):
                    plain, ours = (
                        self.interrupted(program, number, *options) for program in PROGRAMS
                    )
                    self.assertEqual(ours, plain)

    def test_broken_streams(self):
        for name in ("8bit-420", "10bit-444"):
            for kind in range(6):
                with self.subTest(name, kind=kind):
                    self.same(*self.broken(name, kind, "--threads", "1"))


class ClangLld(Essentials, Case):
    variant = variants.CLANG_LLD


class GccLld(Essentials, Case):
    variant = variants.GCC_LLD


class Default(Essentials, Case):
    """All there is, for the build the demo shows."""

    def test_limit_with_workers_alive(self):
        for threads, limit in (("4", "1"), ("4", "3"), ("64", "2"), ("1", "5")):
            with self.subTest(threads=threads, limit=limit):
                self.same(
                    "-q",
                    "-i",
                    self.stream("8bit-420"),
                    *TO_STDOUT,
                    "--threads",
                    threads,
                    "--limit",
                    limit,
                )

    def test_return_from_main_with_workers_alive(self):
        """The output cannot be opened, which main notices when the first picture is there."""
        for threads in ("1", "4", "64"):
            ended = self.same(
                "-q",
                "-i",
                self.stream("8bit-420"),
                "--muxer",
                "yuv",
                "-o",
                self.folder / "none" / "out.yuv",
                "--threads",
                threads,
            )
            self.assertNotEqual(ended["status"], 0)

    def test_output_cannot_be_written(self):
        for threads in ("1", "4"):
            self.same(
                "-q",
                "-i",
                self.stream("8bit-420"),
                "--muxer",
                "yuv",
                "-o",
                "/dev/full",
                "--threads",
                threads,
            )

    def test_skip(self):
        for skip in ("1", "4", "9", "50"):
            with self.subTest(skip):
                self.alike("-i", self.stream("8bit-420"), *TO_STDOUT, "--skip", skip)

    def test_film_grain(self):
        for name in ("8bit-grain", "10bit-grain", "svt-8bit-grain"):
            ends = [
                self.same(
                    "-q",
                    "-i",
                    self.stream(name),
                    *TO_STDOUT,
                    "--filmgrain",
                    grain,
                    "--threads",
                    "4",
                )
                for grain in "01"
            ]
            self.assertNotEqual(ends[0]["out"], ends[1]["out"], f"{name} has no film grain")

    def test_cpumask(self):
        for mask in ("0", "sse2", "ssse3", "sse41", "avx2"):
            with self.subTest(mask):
                self.right("8bit-420", "--cpumask", mask, "--threads", "4")

    def test_verify(self):
        name = "8bit-420"
        for md5, status in ((self.streams[name].md5, 0), ("0" * 32, 1), ("short", None)):
            with self.subTest(md5):
                ended = self.same("-q", "-i", self.stream(name), "--verify", md5)
                self.assertIn(status, (ended["status"], None))

    def test_progress_and_frame_times(self):
        self.alike("-i", self.stream("8bit-420"), *TO_STDOUT, "--threads", "4")
        self.alike("-i", self.stream("8bit-420"), *TO_STDOUT, "--frametimes", self.folder / "times")
        self.assertGreater(len((self.folder / "times").read_text().splitlines()), 3)

    def test_where_the_stream_lies(self):
        """On 9p, on a tmpfs, in a pipe."""
        name = "8bit-section5"
        self.right(name)
        copy = self.folder / "copy.obu"
        copy.write_bytes(self.stream(name).read_bytes())
        self.assertEqual(
            self.same("-q", "-i", copy, *TO_STDOUT)["out"].strip(), self.streams[name].md5
        )
        ends = []
        for program in PROGRAMS:
            done = subprocess.run(
                [
                    self.builds[program],
                    "-q",
                    "-i",
                    "/dev/stdin",
                    "--demuxer",
                    "ivf",
                    *TO_STDOUT,
                    "--threads",
                    "4",
                ],
                input=self.stream("8bit-420").read_bytes(),
                capture_output=True,
                timeout=60,
                env={**os.environ, "IA2_REQUIRE_PKU": "1"},
            )
            ends.append((done.returncode, done.stdout))
        self.assertEqual(ends[0], ends[1])

    def test_limited_address_space(self):
        """Reserving address space by the gigabyte would not work under `ulimit -v`."""
        ends = []
        for program in PROGRAMS:
            done = subprocess.run(
                [
                    self.builds[program],
                    "-q",
                    "-i",
                    self.stream("8bit-420"),
                    *TO_STDOUT,
                    "--threads",
                    "4",
                ],
                capture_output=True,
                timeout=60,
                env={**os.environ, "IA2_REQUIRE_PKU": "1"},
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)),
            )
            ends.append((done.returncode, done.stdout, done.stderr))
        self.assertEqual(ends[0], ends[1])
        self.assertEqual(ends[0][0], 0)

    def test_many_broken_streams(self):
        ends = []
        for name in (
            "8bit-screen",
            "8bit-tiles-4x2",
            "8bit-superres",
            "8bit-section5",
            "svt-8bit-grain",
        ):
            for kind in range(6, 13):
                with self.subTest(name, kind=kind):
                    ends.append(self.same(*self.broken(name, kind, "--threads", "1")))
        # They must not be broken all in one way, nor be good after all.
        self.assertGreater(
            len({(ended["status"], ended["err"]) for ended in ends if ended["err"]}), 5
        )

    def test_broken_streams_with_threads(self):
        """Which pictures are out before the error is a race in dav1d itself, so the plain one may
        try some times."""
        for name in ("8bit-420", "svt-8bit-tiles-2x2"):
            for kind in range(18, 23):
                with self.subTest(name, kind=kind):
                    command = self.broken(name, kind, "--threads", "4")
                    ours = decoding.decode(self.builds["compartmentalized"], command)
                    for _ in range(6):
                        plain = decoding.decode(self.builds["plain"], command)
                        if plain == ours:
                            break
                    self.assertEqual(ours, plain)


class OtherVersion(Default):
    """dav1d of the other Debian, with the same policy."""

    variant = variants.OTHER


if __name__ == "__main__":
    unittest.main()
