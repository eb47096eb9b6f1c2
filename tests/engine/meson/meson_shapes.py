"""Whole projects that use the Meson module, in the shapes of real builds, for the tests of each
Meson."""

import os
import pathlib

from tests.support import newer_meson
from tests.support import shaped_projects as shaped
from tests.support import small_project as small

TOP = "project('small', 'c', default_options: ['c_std=gnu11'])\nia2 = import('ia2')\n"
SPLIT = "ia2.compartmentalize(exe, policy: 'compartments.toml')\n"
LIBRARY = """\
counter = library('counter', 'lib/counter.c')
exe = executable('counter', 'tool/main.c', include_directories: 'lib', link_with: counter)
"""
MANY = (
    """\
counter = static_library('counter', 'lib/counter.c')
make = find_program('tool/make.sh')
made_h = custom_target('made.h', output: 'made.h', command: [make, 'h', '@OUTPUT@'])
made_c = custom_target('made.c', output: 'made.c', command: [make, 'c', '@OUTPUT@'])
parts = []
foreach name, factor : {'once': '1', 'tenfold': '10'}
  parts += static_library('sum_' + name, 'tool/sum_tmpl.c', include_directories: 'lib', c_args: ['-DNAME=sum_' + name, '-DFACTOR=' + factor])
endforeach
exe = executable('counter', 'tool/main.c', made_h, made_c, include_directories: ['lib', 'tool'], link_with: [parts, counter],
  c_args: ['-include', 'forced.h', '@' + meson.current_source_dir() / 'tool/flags.rsp', '-Wp,-DPAST_DRIVER'] +
    (meson.get_compiler('c').get_id() == 'gcc' ? '%s'.split() : []))
"""  # noqa: E501
    % shaped.GCC_ONLY
)
PRECOMPILED = """\
counter = static_library('counter', 'lib/counter.c')
exe = executable('counter', 'tool/main.c', 'tool/two.c', c_pch: 'pch/all.h', link_with: counter)
"""
UNITY = """\
counter = static_library('counter', 'lib/counter.c', 'lib/more.c')
exe = executable('counter', 'tool/main.c', 'tool/more.c', include_directories: 'lib', link_with: counter)
"""  # noqa: E501
SHAPES = {
    "shared": {"text": LIBRARY, "variants": shaped.ALL, "options": ["-Ddefault_library=shared"]},
    "static": {"text": LIBRARY, "variants": shaped.TWO, "options": ["-Ddefault_library=static"]},
    "both": {"text": LIBRARY, "variants": shaped.TWO, "options": ["-Ddefault_library=both"]},
    "many": {
        "text": MANY,
        "files": shaped.MANY,
        "total": shaped.MANY_TOTAL,
        "variants": shaped.TWO,
    },
    "precompiled": {
        "text": PRECOMPILED,
        "files": shaped.PRECOMPILED,
        "total": shaped.PRECOMPILED_TOTAL,
        "variants": shaped.TWO,
    },
    "unity": {
        "text": UNITY,
        "files": shaped.UNITY,
        "total": shaped.UNITY_TOTAL,
        "variants": shaped.TWO,
        "options": ["--unity=on"],
    },
}


def build_one(folder: pathlib.Path, shape: dict, compiler: str, linker: str) -> None:
    """Builds a shape in `folder` with the system's Meson, or with that of the shape's "suite"."""
    project = shaped.make(
        folder, meson___build=TOP + shape["text"] + SPLIT, **shaped.named(shape.get("files", {}))
    )
    if (project / "tool/all.h").exists():
        # Meson wants it in a folder without sources.
        (project / "pch").mkdir()
        (project / "tool/all.h").rename(project / "pch/all.h")
        (project / "compartments.toml").write_text(
            (project / "compartments.toml").read_text().replace('"tool/**"', '"tool/**", "pch/**"')
        )
    environment = {
        **os.environ,
        "IA2_BUILD": str(small.KIT_BUILD),
        "CC": compiler,
        "CC_LD": linker,
        "IA2_MESON": str(newer_meson.script(shape["suite"])) if "suite" in shape else "",
    }
    small.run(
        small.SOURCE / "scripts/ia2-meson",
        "setup",
        *shape.get("options", ()),
        project / "build",
        project,
        env=environment,
    )
    small.run("ninja", "-C", project / "build")


class Runs(shaped.Runs):
    program = "build/counter.ia2/counter"
