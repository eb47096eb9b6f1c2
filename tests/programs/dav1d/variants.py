"""dav1d built in other ways than the demo's: another compiler, another linker, the other Debian's
version.

A variant has a folder of its own in the module's, with builds.json as decoding.py keeps it; where a
variant cannot be had, the file says why instead.
"""

import contextlib
import json
import os
import pathlib

from tests.programs.dav1d import decoding
from tests.support import kept_assembly
from ia2.base import debian_source
from ia2.samples import dav1d

DEFAULT, CLANG_LLD, GCC_LLD, OTHER = "default", "clang-lld", "gcc-lld", "other-version"
# The version that each of the two supported Debians has is tested on both.
SUITES = {(1, 0): "bookworm", (1, 5): "trixie"}


@contextlib.contextmanager
def environment(**values):
    kept = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def record(out: pathlib.Path, variant: str, **report):
    (out / variant).mkdir(exist_ok=True)
    (out / variant / decoding.REPORT).write_text(
        json.dumps({name: str(value) for name, value in report.items()})
    )


def build(out: pathlib.Path, wanted=(DEFAULT, CLANG_LLD, GCC_LLD, OTHER)):
    """Builds the wanted variants, natively; what is built already is kept."""
    build_dir = pathlib.Path(os.environ["IA2_BUILD"])
    made = decoding.build(out)
    record(
        out,
        DEFAULT,
        plain=made.plain,
        compartmentalized=made.compartmentalized,
        version=made.version,
    )
    if CLANG_LLD in wanted:
        source = debian_source.fetch(dav1d.PACKAGE, build_dir / "demo")
        kept_assembly.keep(made.plain.parents[1], build_dir)
        with environment(CC="clang", CC_LD="lld", **kept_assembly.environment(build_dir)):
            plain = dav1d.build_plain(source, out / "plain-clang-lld")
        ours = dav1d.compartmentalize(out / "plain-clang-lld", out / "compartments-clang-lld")
        record(out, CLANG_LLD, plain=plain, compartmentalized=ours, version=made.version)
    if GCC_LLD in wanted:
        ours = dav1d.compartmentalize(
            made.plain.parents[1], out / "compartments-gcc-lld", "--ld", "lld"
        )
        record(out, GCC_LLD, plain=made.plain, compartmentalized=ours, version=made.version)
    if OTHER in wanted:
        other = next(
            suite
            for version, suite in SUITES.items()
            if decoding.version(made.version)[:2] != version
        )
        try:
            source = debian_source.fetch(dav1d.PACKAGE, build_dir / "demo", suite=other)
        except debian_source.SourceError as error:
            record(
                out,
                OTHER,
                missing=(
                    f"the source of {dav1d.PACKAGE} in {other} cannot be had:"
                    f" {str(error).splitlines()[-2]}"
                ),
            )
            return
        made = dav1d.builds(source, build_dir)
        record(
            out,
            OTHER,
            plain=made.plain,
            compartmentalized=made.compartmentalized,
            version=made.version,
        )


def builds(variant: str) -> dict:
    """As decoding.builds(), or {"missing": reason}."""
    return json.loads(
        pathlib.Path(os.environ["IA2_TEST_OUT"], variant, decoding.REPORT).read_text()
    )
