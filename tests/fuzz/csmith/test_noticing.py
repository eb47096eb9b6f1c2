"""The fuzzer notices a rewriter that makes a mistake, keeps the program, and says how to make it
again."""

import os
import pathlib
import re
import tempfile
import unittest

from tests.fuzz.csmith import csmith_program, fuzzing, known_seeds, planted_rewriter
from tests.fuzz.csmith.compared_program import BUILD, Program, run

# Its program has gates of each kind and locals that move.
SEED = 1013
TIMEOUT = 400


class Noticing(unittest.TestCase):
    def setUp(self):
        self.out = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory(dir=os.environ["IA2_TEST_OUT"]))
        )

    def test_mistakes_that_show_without_keys(self):
        for mistake in ("result_lost", "argument_lost", "initializer_lost"):
            with self.subTest(mistake):
                kit = planted_rewriter.kit(self.out / "kits", BUILD, mistake)
                [result] = fuzzing.campaign(self.out / mistake, SEED, 1, 1, kit_build=kit)
                self.assertEqual(result.verdict, "different")
                self.assertTrue((self.out / mistake / str(SEED) / "source/program.h").exists())

    def test_what_the_engine_refuses_is_a_difference(self):
        kit = planted_rewriter.kit(self.out / "kits", BUILD, "result_lost")
        (kit / "kit/rewriter/ia2-rewriter").write_text(
            "#!/bin/sh\necho 'app.c:1:1: error: refused' >&2\nexit 1\n"
        )
        [result] = fuzzing.campaign(self.out, SEED, 1, 1, kit_build=kit)
        self.assertEqual(result.verdict, "different")
        self.assertIn("app.c:1:1: error: refused", result.text)

    def program(self, seed: int) -> csmith_program.Split:
        return Program(self.out / "made").generate(seed)

    def command(self, *arguments):
        return run("/usr/bin/python3", "-m", "tests.fuzz.csmith.fuzzing", *arguments)

    def test_command(self):
        """One program by the command, and the same sources again: as they are, differing, and no
        longer a program."""
        done = self.command("--programs", "1", "--seed", SEED, "--out", self.out)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(
            done.stdout,
            (
                rf"^seeds {SEED} to {SEED}: 1 same, 0 different, 0 dropped; \d+ different calls"
                r" across, \d+ gates, [1-9]\d* moved locals, "
            ),
        )
        made = self.program(SEED)
        folder = self.out / "again"
        fuzzing.write(folder, {**made.files, "compartments.toml": made.policy()})
        self.assertEqual(self.command("--again", folder).returncode, 0)
        differing = {
            **made.files,
            "lib.c": (
                made.files["lib.c"]
                + "#include <unistd.h>\n__attribute__((constructor)) static void first(void) { if"
                ' (access("/proc/self/exe", 0) == 0 && __builtin_return_address(0)) { char'
                ' name[99]; if (readlink("/proc/self/exe", name, 99) > 0 && strstr(name,'
                ' "/bin/")) puts("in compartments"); } }\n'
            ),
        }
        fuzzing.write(folder, differing)
        done = self.command("--again", folder)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("in compartments", done.stdout)
        fuzzing.write(folder, {"lib.c": made.files["lib.c"].replace("return", "retrun", 1)})
        self.assertEqual(self.command("--again", folder).returncode, 2)


class KnownSeeds(unittest.TestCase):
    """The list of seeds that spares the suite the search."""

    def setUp(self):
        self.out = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory(dir=os.environ["IA2_TEST_OUT"]))
        )
        self.seeds = known_seeds.known(known_seeds.SUITE[0])

    def test_search_finds_the_same(self):
        """What --write-known-seeds would write begins as the list does. With the csmith of Debian
        12 and 13 there is a list."""
        if self.seeds is None:
            self.assertNotIn("csmith 2.3.0 Git version: 30dccd7", csmith_program.version())
            self.skipTest(
                f"no seeds are known for {csmith_program.version()}: the campaigns search"
            )
        (first, _), (other, _) = known_seeds.SUITE, known_seeds.ENFORCED
        fuzzing.write_known_seeds(self.out / "made", 2, self.out / "list", ((first, 2), (other, 1)))
        text = (self.out / "list").read_text()
        self.assertEqual(text.splitlines()[:3], known_seeds.FILE.read_text().splitlines()[:3])
        self.assertEqual(
            known_seeds.read(text, csmith_program.version()),
            {first: self.seeds[:2], other: known_seeds.known(other)[:1]},
        )

    def test_seed_that_does_not_qualify_fails(self):
        seed = next(
            seed
            for seed in range(1, 99)
            if Program(self.out / str(seed)).check(seed, whole=False).verdict == "dropped"
        )
        [result] = fuzzing.campaign(self.out, 1, 1, 1, known=[seed])
        self.assertEqual(result.verdict, "different")
        self.assertIn("known_seeds.txt is stale", result.text)
        self.assertIn("--write-known-seeds", result.text)

    def test_too_few_seeds_fail(self):
        with self.assertRaises(ValueError):
            fuzzing.campaign(self.out, 1, 2, known=[1])

    def test_list_of_another_csmith_is_not_believed(self):
        text = known_seeds.FILE.read_text()
        self.assertEqual(known_seeds.read(text, "csmith 2.4.0 Git version: 1234567"), {})
        self.assertEqual(
            {
                first: len(seeds)
                for first, seeds in known_seeds.read(text, text.splitlines()[2]).items()
            },
            dict((known_seeds.SUITE, known_seeds.ENFORCED)),
        )


class Splitting(unittest.TestCase):
    def test_other_output_is_not_taken_for_csmiths(self):
        with self.assertRaises(csmith_program.Unexpected):
            csmith_program.split("int main(void) { return 0; }\n", 1, [])

    def test_every_line_is_dealt_out_once(self):
        text = csmith_program.generate(SEED)
        made = csmith_program.split(text, SEED, [])
        self.assertEqual(
            set(made.files), {"program.h", *(f"{name}.c" for name in made.compartments)}
        )
        sources = "".join(body for name, body in made.files.items() if name.endswith(".c"))
        for name in re.findall(r"^static .*?\b(\w+)\(.*\)\n\{", text, re.M):
            self.assertEqual(len(re.findall(rf"^\w.*\b{name}\(.*\)\n\{{", sources, re.M)), 1, name)
        for name in re.findall(r"^static .*?\b(g_\d+)(?:\[\d+\])* =", text, re.M):
            self.assertEqual(
                len(re.findall(rf"^\w.*\b{name}(?:\[\d+\])* =", sources, re.M)), 1, name
            )
        self.assertGreater(
            min(made.files[f"{name}.c"].count("\n") for name in made.compartments), 5
        )


if __name__ == "__main__":
    unittest.main()
