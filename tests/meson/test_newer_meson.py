"""The Meson module with a newer Meson: what touches the inside of Meson."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import meson_projects  # noqa: E402
import newer_meson  # noqa: E402
import small_project as small  # noqa: E402

TIMEOUT = 240


FOLDER = small.KIT_BUILD / "tests/meson"


def build(_out: pathlib.Path):
    for suite in newer_meson.SUITES:
        newer_meson.fetch(FOLDER, suite)


class Debian13(meson_projects.Project):
    meson = str(FOLDER / "meson-trixie/usr/bin/meson")


class Newest(meson_projects.Project):
    """Debian unstable's, as it was when it was fetched."""

    meson = str(FOLDER / "meson-sid/usr/bin/meson")


if __name__ == "__main__":
    unittest.main()
