"""The tutorial: every command in it, in order, in one folder; what it shows must be among what is
printed."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from tests.product.docs import pages

TIMEOUT = 300


class Usage(unittest.TestCase):
    def test_every_command(self):
        blocks = pages.blocks(pages.page("usage.md"))
        self.assertGreater(sum(language == "sh" for language, _ in blocks), 8)
        printed = ""
        with tempfile.TemporaryDirectory() as folder:
            state, here = {**os.environ, "IA2": str(pages.SOURCE)}, folder
            # The kit in use may be built elsewhere than in the tree.
            state["IA2_BUILD"] = os.environ.get("IA2_BUILD") or str(pages.SOURCE / "build")
            for language, text in blocks:
                if language == "sh":
                    text = text.replace(
                        "/scripts/rewrite.py ", '/scripts/rewrite.py --kit-build "$IA2_BUILD" '
                    )
                    done = subprocess.run(
                        ["bash", "-euc", f"trap 'pwd > {folder}/.where' EXIT\n{text}"],
                        cwd=here,
                        env=state,
                        text=True,
                        errors="replace",
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT,
                        check=False,
                    )
                    printed = done.stdout
                    self.assertEqual(done.returncode, 0, f"{text}\n{printed}")
                    here = pathlib.Path(folder, ".where").read_text().strip()
                elif language == "text":
                    for line in text.splitlines():
                        self.assertIn(line, printed)


class Pages(unittest.TestCase):
    def test_every_block_has_a_language_that_is_tested(self):
        self.assertEqual(
            {language for language, _ in pages.blocks(pages.page("usage.md"))}, {"sh", "text"}
        )

    def test_links(self):
        import re

        for name in (
            "usage.md",
            "policy.md",
            "macros.md",
            "debugging.md",
            "meson.md",
            "cmake.md",
            "any-build.md",
        ):
            for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", pages.page(name)):
                self.assertTrue((pages.SOURCE / "docs" / target).exists(), f"{name}: {target}")


if __name__ == "__main__":
    unittest.main()
