"""The AV1 test streams: made the same everywhere, cached, and really what their names say."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from ia2.samples import streams, synthetic_video


class SyntheticVideo(unittest.TestCase):
    def test_size_and_determinism(self):
        with tempfile.TemporaryDirectory() as folder:
            for layout, bits, samples in (
                ("420", 8, 35 * 21 + 2 * 18 * 11),
                ("444", 10, 2 * 3 * 35 * 21),
            ):
                video = synthetic_video.Video(35, 21, 3, layout, bits)
                paths = [pathlib.Path(folder, name) for name in "ab"]
                for path in paths:
                    synthetic_video.write_y4m(video, path)
                data = paths[0].read_bytes()
                self.assertEqual(data, paths[1].read_bytes())
                header, _, frames = data.partition(b"\n")
                self.assertTrue(header.startswith(b"YUV4MPEG2 W35 H21 "), header)
                self.assertEqual(len(frames), 3 * (len(b"FRAME\n") + samples))


class Streams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.build = pathlib.Path(os.environ["IA2_BUILD"])
        cls.made = {stream.name: stream for stream in streams.prepare(cls.build)}

    def test_all_are_there_and_differ(self):
        self.assertEqual(list(self.made), [recipe.name for recipe in streams.RECIPES])
        self.assertGreaterEqual(len(self.made), 20)
        self.assertEqual(len({stream.md5 for stream in self.made.values()}), len(self.made))

    def test_second_run_makes_nothing(self):
        said = []
        streams.prepare(self.build, said.append)
        self.assertEqual(said, [])

    def test_grain_is_in_the_grain_streams_and_in_no_other(self):
        for name, stream in self.made.items():
            with self.subTest(name):
                done = subprocess.run(
                    ["aomdec", "--rawvideo", "--md5", "--skip-film-grain", stream.path],
                    capture_output=True,
                    text=True,
                    check=True,
                )
                self.assertEqual(done.stdout.split()[0] != stream.md5, "grain" in name)

    def test_a_broken_stream_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            broken = pathlib.Path(folder, "broken.ivf")
            broken.write_bytes(self.made["8bit-420"].path.read_bytes()[:32] + b"\xff" * 500)
            with self.assertRaises(streams.StreamError):
                streams.reference_md5(broken)

    def test_a_missing_encoder_is_named(self):
        recipe = streams.Recipe("x", streams.sized(64, 64, 1), ("no-such-encoder",))
        with (
            tempfile.TemporaryDirectory() as folder,
            self.assertRaisesRegex(
                streams.StreamError, "no-such-encoder not found\nremedy: run scripts/setup"
            ),
        ):
            streams.prepare(pathlib.Path(folder), recipes=(recipe,))

    def test_a_failing_encoder_leaves_nothing_behind(self):
        recipe = streams.Recipe("x", streams.sized(64, 64, 1), ("aomenc", "--no-such-option"))
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(streams.StreamError, "failed"):
                streams.prepare(pathlib.Path(folder), recipes=(recipe,))
            self.assertEqual(os.listdir(pathlib.Path(folder, "streams")), [])


if __name__ == "__main__":
    unittest.main()
