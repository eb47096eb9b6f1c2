"""The rewriter as it is built, under valgrind: no error, and nothing lost, on a few cases of this room."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))
import rewriter_case  # noqa: E402

CASES = ("callback", "locals_by_flow", "macros", "variadic_pointers", "pasted_names")
# A rewriter that forgets a block, and one that decides by what nobody set.
PLANTED = {
    "leaks": "#include <stdlib.h>\n__attribute__((constructor)) static void leak(void) { void *volatile p = malloc(7); p = NULL; }\n",
    "unset": "#include <stdlib.h>\n__attribute__((constructor)) static void unset(void) { int *volatile p = malloc(4); "
             "if (*p == 5) abort(); free(p); }\n",
}
# What libclang and LLVM allocate is their own, and so is what they compare.
SUPPRESSED = """{
   libclang
   Memcheck:Leak
   match-leak-kinds: definite
   ...
   obj:*/libclang-*.so*
}
{
   llvm
   Memcheck:Leak
   match-leak-kinds: definite
   ...
   obj:*/libLLVM*.so*
}
"""
TIMEOUT = 400


def build(out: pathlib.Path):
    commands = json.loads((rewriter_case.BUILD / "compile_commands.json").read_text())
    objects = [rewriter_case.BUILD / entry["output"] for entry in commands if entry["output"].startswith("kit/rewriter/ia2-rewriter.p/")]
    link = subprocess.run(["ldd", rewriter_case.REWRITER], capture_output=True, text=True, check=True).stdout
    clang = next(line.split()[2] for line in link.splitlines() if "libclang" in line and "cpp" not in line)
    for name, text in PLANTED.items():
        (out / f"{name}.c").write_text(text)
        subprocess.run(["gcc", "-g", *objects, out / f"{name}.c", "-o", out / name, clang, "-ljansson", "-lpthread", "-ldl"], check=True)


class Valgrind(unittest.TestCase):
    def run_case(self, name, rewriter):
        with tempfile.TemporaryDirectory() as folder:
            run = rewriter_case.Run(rewriter_case.Case(FOLDER / f"{name}.case"), os.path.realpath(folder))
            suppressions = pathlib.Path(folder) / "suppressions"
            suppressions.write_text(SUPPRESSED)
            return subprocess.run(["valgrind", "-q", "--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite",
                                   "--error-exitcode=99", f"--suppressions={suppressions}", rewriter, "--policy", run.out / "plan.json",
                                   "--root-directory", run.root, "--output-directory", run.out / "rewritten", "--output-prefix", f"{run.out}/",
                                   "-p", run.out], capture_output=True, text=True, timeout=TIMEOUT - 10, check=False)

    def test_cases(self):
        for name in CASES:
            with self.subTest(name):
                done = self.run_case(name, rewriter_case.REWRITER)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_what_is_wrong_is_seen(self):
        for name, words in (("leaks", "definitely lost"), ("unset", "depends on uninitialised value")):
            done = self.run_case(CASES[0], pathlib.Path(os.environ["IA2_TEST_OUT"]) / name)
            self.assertEqual(done.returncode, 99)
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
