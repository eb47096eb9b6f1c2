"""docs/security.md and docs/threat-model.md: the tests that they name exist, and so do the numbers;
the code of security.md compiles."""

import fnmatch
import re
import subprocess
import unittest

from tests.attacks import attack_project
from tests.product.docs import pages


def without_claim(attacks: list[attack_project.Attack], text: str) -> list[str]:
    """Attacks that the text names neither by themselves, nor by a pattern, nor by their class."""
    named = re.findall(r"`(?:(?:tests/)?attacks/\w+/)?([\w*]+)`", text)
    classes = re.findall(r"the class `(\w+)`", text)
    return [
        attack.name
        for attack in attacks
        if attack.kind not in classes and not any(fnmatch.fnmatch(attack.name, n) for n in named)
    ]


class SecurityPage(unittest.TestCase):
    def setUp(self):
        self.text = pages.page("security.md")
        self.model = pages.page("threat-model.md")

    def test_each_test_that_is_named_exists(self):
        for text in (self.text, self.model):
            named = re.findall(r"`(tests/[^`]+)`", text)
            self.assertGreater(len(named), 5)
            for name in named:
                self.assertTrue(list(pages.SOURCE.glob(name)), name)

    def test_each_attack_is_beside_a_claim(self):
        attacks = attack_project.all_attacks()
        self.assertGreater(len(attacks), 100)
        self.assertEqual(without_claim(attacks, self.model), [])
        text = self.model.replace("`mmx_state`", "").replace("`jump_buffer_*`", "")
        self.assertEqual(
            without_claim(attacks, text),
            ["jump_buffer_address", "jump_buffer_garbage", "mmx_state"],
        )

    def test_each_hole_of_the_threat_model_is_on_the_page(self):
        holes = self.model.partition("## What the attacker can do today")[2].partition("\n## ")[0]
        numbers = [int(number) for number in re.findall(r"^(\d+)\. ", holes, re.MULTILINE)]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
        rows = self.text.partition("## Not protected")[2].partition("\n## ")[0]
        listed = [
            int(number)
            for cell in re.findall(r"\| ([\d, ]+) \|$", rows, re.MULTILINE)
            for number in cell.split(",")
            if number.strip()
        ]
        self.assertEqual(sorted(listed), numbers)

    def test_the_code_compiles(self):
        blocks = [text for language, text in pages.blocks(self.text) if language == "c"]
        self.assertEqual(len(blocks), 2)
        for text in blocks:
            done = subprocess.run(
                ["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-xc", "-"],
                input=text,
                capture_output=True,
                text=True,
            )
            self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
