"""The private source list the demo's source comes through: derived from the system's, whatever its
form."""

import os
import pathlib
import tempfile
import unittest

from ia2.base import debian_source


class FromList(unittest.TestCase):
    def test_options_and_components(self):
        text = (
            "deb [arch=amd64 signed-by=/keys/a.gpg] https://mirror.example/debian bookworm main"
            " contrib # note\ndeb-src http://other.example/debian bookworm-updates main\n"
        )
        self.assertEqual(
            debian_source.from_list(text, "bookworm"),
            [
                (
                    "Types: deb-src\nURIs: https://mirror.example/debian\nSuites:"
                    " bookworm\nComponents: main\nSigned-By: /keys/a.gpg"
                ),
                (
                    "Types: deb-src\nURIs: http://other.example/debian\nSuites:"
                    " bookworm-updates\nComponents: main"
                ),
            ],
        )

    def test_other_repositories_are_left_out(self):
        text = (
            "deb http://x.example nodistro main\ndeb http://x.example bookworm-pgdg main\n"
            "#deb http://x.example bookworm main\ndeb http://x.example bookworm stable\n"
            "deb http://x.example bookworm-backports main\n"
        )
        self.assertEqual(debian_source.from_list(text, "bookworm"), [])


class FromDeb822(unittest.TestCase):
    def test_stanza(self):
        text = (
            "# comment\nTypes: deb\n# another\nURIs: http://mirror.example/debian\nSuites: trixie"
            " trixie-backports trixie-security\nComponents: main non-free-firmware\nSigned-By:"
            " /keys/a.gpg\n\nTypes: deb\nURIs: http://x.example\nSuites: nodistro\nComponents:"
            " main\n"
        )
        self.assertEqual(
            debian_source.from_deb822(text, "trixie"),
            [
                "Types: deb-src\nSuites: trixie trixie-security\nComponents: main\nURIs:"
                " http://mirror.example/debian\nSigned-By: /keys/a.gpg"
            ],
        )

    def test_embedded_key_stays_whole(self):
        key = (
            "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n -----END PGP PUBLIC KEY"
            " BLOCK-----"
        )
        text = (
            "Types: deb\nURIs: http://mirror.example/debian\nSuites: trixie\nComponents:"
            f" main\n{key}\n"
        )
        [stanza] = debian_source.from_deb822(text, "trixie")
        self.assertTrue(
            stanza.endswith("BLOCK-----\n .\n abc\n -----END PGP PUBLIC KEY BLOCK-----"), stanza
        )

    def test_disabled(self):
        text = (
            "Enabled: no\nTypes: deb\nURIs: http://mirror.example\nSuites: trixie\nComponents:"
            " main\n"
        )
        self.assertEqual(debian_source.from_deb822(text, "trixie"), [])


class OtherSuite(unittest.TestCase):
    def test_only_the_distribution_itself_is_moved(self):
        stanzas = [
            "Types: deb-src\nSuites: bookworm bookworm-updates\nURIs: http://a.example",
            "Types: deb-src\nURIs: http://s.example\nSuites: bookworm-security",
        ]
        self.assertEqual(
            debian_source.of_suite(stanzas, "trixie", "bookworm"),
            ["Types: deb-src\nSuites: trixie\nURIs: http://a.example"],
        )


class Fetch(unittest.TestCase):
    def test_no_mirror(self):
        original = debian_source.system_stanzas
        self.addCleanup(setattr, debian_source, "system_stanzas", original)
        debian_source.system_stanzas = lambda: []
        with (
            tempfile.TemporaryDirectory() as folder,
            self.assertRaisesRegex(
                debian_source.SourceError, "(?s)names no Debian mirror.*--source DIR"
            ),
        ):
            debian_source.fetch("x", pathlib.Path(folder))

    def test_no_network(self):
        original = debian_source.system_stanzas
        self.addCleanup(setattr, debian_source, "system_stanzas", original)
        debian_source.system_stanzas = lambda: [
            "Types: deb-src\nURIs: http://no-such-host.invalid/debian\nSuites: stable\nComponents:"
            " main"
        ]
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(
                debian_source.SourceError, "(?s)no-such-host.invalid.*remedy: connect"
            ):
                debian_source.fetch("x", pathlib.Path(folder))
            self.assertEqual(os.listdir(folder), [])

    def test_fetched_once(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "x-1.0").mkdir()
            (folder / "x.fetched").write_text("x-1.0\n")
            self.assertEqual(debian_source.fetch("x", folder), folder / "x-1.0")


if __name__ == "__main__":
    unittest.main()
