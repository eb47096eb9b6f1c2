"""examples/plugin-host, by each front: the plugin that behaves works, the one that steals does
not."""

import os
import pathlib
import re
import shutil
import unittest

from tests.support import compartments
from tests.support import small_project as small

NEEDS_PKU = True
ALSO_NATIVE = True
TIMEOUT = 240
EXAMPLE = small.SOURCE / "examples/plugin-host"
PROGRAMS = {
    "meson-gcc": "build/host.ia2/host",
    "meson-clang": "build/host.ia2/host",
    "cmake": "build/host.ia2/bin/host",
    "make": "out/bin/host",
}
BLURRED = "blur\n  log: blurred\n0033300\n0033300\n0033300\n3 rows, secret: the host's own\n"


def build(out: pathlib.Path):
    environment = {**os.environ, "IA2_BUILD": str(small.KIT_BUILD)}
    for name in PROGRAMS:
        project = out / name
        shutil.rmtree(project, ignore_errors=True)
        shutil.copytree(EXAMPLE, project)
        compiler = name.rpartition("-")[2] if name.startswith("meson") else "gcc"
        if name.startswith("meson"):
            small.run(
                small.SOURCE / "scripts/ia2-meson",
                "setup",
                project / "build",
                project,
                env={**environment, "CC": compiler},
            )
            small.run("ninja", "-C", project / "build")
        elif name == "cmake":
            small.run(
                "cmake",
                "-S",
                project,
                "-B",
                project / "build",
                f"-DIA2_DIR={small.SOURCE}/cmake",
                env=environment,
            )
            small.run("cmake", "--build", project / "build")
        else:
            small.rewrite(
                project, project / "out", "--capture", "make", "--target", "host", project
            )
        small.run(small.SOURCE / "scripts/audit", project / PROGRAMS[name])


class PluginHost(unittest.TestCase):
    def program(self, name):
        return pathlib.Path(os.environ["IA2_TEST_OUT"]) / name / PROGRAMS[name]

    def test_plain(self):
        build = self.program("meson-gcc").parents[1]
        done = compartments.execute(build / "host", build / "blur.so", build / "thief.so")
        self.assertEqual(
            (done.status, done.out),
            (0, BLURRED.replace("0033300\n", "thief\n  log: got away with it\n14033300\n", 1)),
            done,
        )

    def test_blur(self):
        for name in PROGRAMS:
            for path in (
                "blur.so",
                "/no/such/folder/blur.so",
                str(self.program(name).parent / "blur.ia2.so"),
            ):
                with self.subTest(f"{name} {path}"):
                    done = compartments.execute(self.program(name), path)
                    self.assertEqual((done.status, done.out), (0, BLURRED), done)

    def test_thief(self):
        for name in PROGRAMS:
            with self.subTest(name):
                done = compartments.execute(self.program(name), "blur.so", "thief.so")
                if not compartments.enforced():
                    self.assertIn("got away with it", done.out)
                    continue
                self.assertEqual(
                    (done.status, done.out), (-11, "blur\n  log: blurred\nthief\n"), done
                )
                self.assertRegex(
                    done.err,
                    (
                        r"violation: compartment thief \(PKRU 0x65555514\) may not read .* of"
                        r" compartment host \(key 1\)"
                    ),
                )

    def test_readme(self):
        text = (EXAMPLE / "README.md").read_text()
        for name, program in PROGRAMS.items():
            self.assertIn(f"then `{program} blur.so`", text)
        self.assertTrue(re.search(r"--capture make --target host \.", text))


if __name__ == "__main__":
    unittest.main()
