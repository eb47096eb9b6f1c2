"""Whole projects through the module of Debian's Meson, by gcc and clang, ld and lld; run where keys
are enforced."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import meson_shapes  # noqa: E402
import shaped_projects as shaped  # noqa: E402

NEEDS_PKU = True
ALSO_NATIVE = True


def build(out: pathlib.Path):
    shaped.built(meson_shapes.SHAPES, meson_shapes.build_one, out)


class Shapes(meson_shapes.Runs):
    pass


shaped.add_tests(Shapes, meson_shapes.SHAPES)
