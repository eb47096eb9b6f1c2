"""Whole projects through the module of newer Mesons, by gcc and ld, clang and lld; run where keys
are enforced."""

import pathlib

from tests.engine.meson import meson_shapes
from tests.support import newer_meson
from tests.support import shaped_projects as shaped

NEEDS_PKU = True
ALSO_NATIVE = True


def of(suite: str, **variants: tuple[str, ...]) -> dict:
    """Some of the shapes, in the variants that are given, with the Meson of `suite`."""
    return {
        f"{shape}_{suite}": {**meson_shapes.SHAPES[shape], "suite": suite, "variants": chosen}
        for shape, chosen in variants.items()
    }


DEBIAN_13 = of(newer_meson.DEBIAN_13, shared=("gcc",), many=("clang_lld",))
NEWEST = of(newer_meson.NEWEST, many=shaped.TWO, precompiled=("clang_lld",), unity=("gcc",))


def build(out: pathlib.Path):
    for suite, shapes in ((newer_meson.DEBIAN_13, DEBIAN_13), (newer_meson.NEWEST, NEWEST)):
        if newer_meson.fetch(suite):
            shaped.built(shapes, meson_shapes.build_one, out)


class Debian13(meson_shapes.Runs):
    def setUp(self):
        newer_meson.script(newer_meson.DEBIAN_13)


class Newest(meson_shapes.Runs):
    """Debian unstable's, as it was when it was fetched."""

    def setUp(self):
        newer_meson.script(newer_meson.NEWEST)


shaped.add_tests(Debian13, DEBIAN_13)
shaped.add_tests(Newest, NEWEST)
