"""The rewriter under AddressSanitizer, UndefinedBehaviorSanitizer and LeakSanitizer, on every case of this room."""

import json
import os
import pathlib
import random
import shlex
import subprocess
import sys
import tempfile
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))
import rewriter_case  # noqa: E402

SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer"]
# A rewriter that forgets a block, and one that reads past it.
LEAKS = "#include <stdlib.h>\n__attribute__((constructor)) static void leak(void) { void *volatile p = malloc(7); p = NULL; }\n"
OVERRUNS = ("#include <stdlib.h>\n__attribute__((constructor)) static void overrun(void) { char *volatile p = malloc(7); "
            "volatile char c = p[7]; (void)c; free(p); }\n")
TIMEOUT = 300


def build(out: pathlib.Path):
    commands = json.loads((rewriter_case.BUILD / "compile_commands.json").read_text())
    mine = [entry for entry in commands if entry["output"].startswith("kit/rewriter/ia2-rewriter.p/")]
    # As the kit is built, sanitizers apart.
    words = [word for word in shlex.split(mine[0]["command"]) if word.startswith(("-isystem", "-D", "-std"))]
    words += [f"-I{os.path.normpath(os.path.join(mine[0]['directory'], word[2:]))}" for word in shlex.split(mine[0]["command"])
              if word.startswith("-I")]
    sources = [os.path.normpath(os.path.join(entry["directory"], entry["file"])) for entry in mine]
    link = subprocess.run(["ldd", rewriter_case.REWRITER], capture_output=True, text=True, check=True).stdout
    clang = next(line.split()[2] for line in link.splitlines() if "libclang" in line and "cpp" not in line)
    subprocess.run(["gcc", "-c", "-g", "-O1", *SANITIZERS, *words, *sources], cwd=out, check=True)
    objects = [out / f"{pathlib.Path(source).stem}.o" for source in sources]
    for name, more in (("ia2-rewriter", ""), ("leaks", LEAKS), ("overruns", OVERRUNS)):
        extra = out / f"more-{name}.c"
        extra.write_text(more)
        subprocess.run(["gcc", *SANITIZERS, *objects, extra, "-o", out / name, clang, "-ljansson", "-lpthread", "-ldl"], check=True)


class Sanitized(unittest.TestCase):
    def run_case(self, name, rewriter, damage=None):
        """Twice, the second time with the trees of the first, after `damage` to each."""
        with tempfile.TemporaryDirectory() as folder:
            run = rewriter_case.Run(rewriter_case.Case(FOLDER / f"{name}.case"), os.path.realpath(folder))
            arguments = [rewriter, "--policy", run.out / "plan.json", "--root-directory", run.root, "--output-directory",
                         run.out / "rewritten", "--output-prefix", f"{run.out}/", "-p", run.out]
            return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)

    def test_cases(self):
        rewriter = pathlib.Path(os.environ["IA2_TEST_OUT"]) / "ia2-rewriter"
        for case in sorted(FOLDER.glob("*.case")):
            with self.subTest(case.stem):
                done = self.run_case(case.stem, rewriter)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_damaged_trees(self):
        rewriter = pathlib.Path(os.environ["IA2_TEST_OUT"]) / "ia2-rewriter"
        chance = random.Random(1)

        def damage(data):
            at = chance.randrange(len(data))
            return chance.choice((data[:at], data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1:]))

        for case in ("callback", "macros", "locals_by_flow", "variadic_calls", "guide_macros"):
            with self.subTest(case):
                done = self.run_case(case, rewriter, damage)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_what_is_wrong_is_seen(self):
        for name, words in (("leaks", "LeakSanitizer"), ("overruns", "heap-buffer-overflow")):
            done = self.run_case("callback", pathlib.Path(os.environ["IA2_TEST_OUT"]) / name)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
