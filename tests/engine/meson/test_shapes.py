"""Whole projects through the module of Debian's Meson, by gcc and clang, ld and lld; run where keys
are enforced."""

import pathlib

from tests.engine.meson import meson_shapes
from tests.support import shaped_projects as shaped

NEEDS_PKU = True
ALSO_NATIVE = True


def build(out: pathlib.Path):
    shaped.built(meson_shapes.SHAPES, meson_shapes.build_one, out)


class Shapes(meson_shapes.Runs):
    pass


shaped.add_tests(Shapes, meson_shapes.SHAPES)
