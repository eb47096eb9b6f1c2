"""The Meson module with a newer Meson: what touches the inside of Meson."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import meson_projects  # noqa: E402
import newer_meson  # noqa: E402
import small_project as small  # noqa: E402

TIMEOUT = 240


def build(_out: pathlib.Path):
    newer_meson.fetch(small.KIT_BUILD / "tests/meson")


class NewerMeson(meson_projects.Project):
    meson = str(small.KIT_BUILD / f"tests/meson/meson-{newer_meson.SUITE}/usr/bin/meson")


if __name__ == "__main__":
    unittest.main()
