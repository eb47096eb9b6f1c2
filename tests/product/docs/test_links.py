"""Every link in the pages leads somewhere, and the README leads to every page."""

import re
import unittest

from tests.product.docs import pages


class Links(unittest.TestCase):
    def test_every_link_leads_to_a_page_and_a_heading(self):
        found = []
        for path in pages.every():
            found += pages.broken_links(path, path.read_text())
        self.assertEqual(found, [])

    def test_must_fail(self):
        path = pages.SOURCE / "docs/usage.md"
        for text in ("[a](nothing.md)", "[a](policy.md#nothing)", "[a](#nothing)", "[a](../x)"):
            with self.subTest(text):
                self.assertEqual(len(pages.broken_links(path, text)), 1)

    def test_anchors(self):
        self.assertEqual(
            pages.anchors("# A `b` c\n## ia2.x(y: ..., z)\n## d\n## d\n"),
            {"a-b-c", "ia2xy--z", "d", "d-1"},
        )

    def test_no_page_is_left_out(self):
        """A reader gets to every page from the README."""
        seen: set[str] = set()
        todo = ["README.md"]
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                path = pages.SOURCE / name
                for target in re.findall(r"\]\(([^)#:\s]+\.md)", path.read_text()):
                    linked = (path.parent / target).resolve()
                    todo.append(str(linked.relative_to(pages.SOURCE.resolve())))
        names = {str(path.relative_to(pages.SOURCE)) for path in pages.every()}
        self.assertEqual(names - seen, set())

    def test_every_page_that_code_names_exists(self):
        named = 0
        for folder in ("kit", "runtime", "scripts", "tests", "meson-modules", "cmake", "packaging"):
            for path in sorted((pages.SOURCE / folder).rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    for name in re.findall(r"docs/[\w/-]+\.md", path.read_text(errors="replace")):
                        named += 1
                        self.assertTrue((pages.SOURCE / name).exists(), f"{path}: {name}")
        self.assertGreater(named, 20)


if __name__ == "__main__":
    unittest.main()
