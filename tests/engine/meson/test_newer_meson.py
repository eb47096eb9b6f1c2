"""The Meson module with a newer Meson: what touches the inside of Meson; and how that Meson is
got."""

import pathlib
import tempfile
import unittest

from tests.engine.meson import meson_projects
from tests.support import newer_meson

TIMEOUT = 240


def build(_out: pathlib.Path):
    for suite in newer_meson.SUITES:
        newer_meson.fetch(suite)


class Debian13(meson_projects.Project):
    suite = newer_meson.DEBIAN_13


class Newest(meson_projects.Project):
    """Debian unstable's, as it was when it was fetched."""

    suite = newer_meson.NEWEST

    def test_is_newer(self):
        self.assertGreater(
            newer_meson.version(newer_meson.NEWEST), newer_meson.version(newer_meson.DEBIAN_13)
        )


class Fetching(unittest.TestCase):
    """The newest Meson's index may be old. It must be signed all the same."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        dates = "Date: Thu, 01 Jan 2026 00:00:00 UTC\nValid-Until: Fri, 02 Jan 2026 00:00:00 UTC\n"
        (self.root / "mirror/dists/sid").mkdir(parents=True)
        self.release = self.root / "mirror/dists/sid/InRelease"
        self.text = (
            f"Suite: unstable\nCodename: sid\n{dates}Architectures: amd64\nComponents:"
            " main\nSHA256:\n"
        )

    def entries(self, where):
        lines = newer_meson.stanzas(newer_meson.NEWEST)[0].splitlines()
        self.assertIn("Check-Valid-Until: no", lines)
        return [
            "\n".join(line for line in lines if not line.startswith("URIs:"))
            + f"\nURIs: file:{where}"
        ]

    def fetch(self):
        return newer_meson.fetch(
            newer_meson.NEWEST, self.root / "got", self.entries(self.root / "mirror")
        )

    def test_not_signed(self):
        self.release.with_name("Release").write_text(self.text)
        with self.assertRaisesRegex(RuntimeError, "is not signed"):
            self.fetch()

    def test_wrong_signature(self):
        self.release.write_text(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n"
            + self.text
            + "-----BEGIN PGP SIGNATURE-----\n\niHUEARYIAB0WIQQ=\n=AAAA\n-----END PGP"
            " SIGNATURE-----\n"
        )
        with self.assertRaisesRegex(RuntimeError, "is not signed|signature|NOSPLIT|GPG error"):
            self.fetch()

    def test_not_carried(self):
        self.assertFalse(self.fetch())
        self.assertRegex(
            (self.root / "got/meson-sid.missing").read_text(),
            "^no Meson of sid: The repository '.*' does not have a Release file",
        )

    def test_only_the_newest_may_be_old(self):
        self.assertNotIn(
            "Check-Valid-Until: no", "\n".join(newer_meson.stanzas(newer_meson.DEBIAN_13))
        )


if __name__ == "__main__":
    unittest.main()
