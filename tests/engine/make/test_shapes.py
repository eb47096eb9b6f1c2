"""Whole projects through rewrite.py --capture, in the shapes of real builds, by gcc and clang, ld
and lld; run where keys are enforced."""

import pathlib

from tests.support import shaped_projects as shaped
from tests.support import small_project as small

NEEDS_PKU = True
ALSO_NATIVE = True

LIBRARY = small.MAKEFILE.replace("-o $@ tool", "$(LDFLAGS) -o $@ tool")
THIN = LIBRARY.replace("rcs", "rcsT")
SHARED = """\
tool/counter: tool/main.c lib/counter.c
\t$(CC) $(LDFLAGS) -O2 -fPIC -shared -o lib/libcounter.so lib/counter.c
\t$(CC) $(LDFLAGS) -O2 -Ilib -o $@ tool/main.c -Llib -lcounter
"""
MANY = (
    """\
CFLAGS = -O2 -Ilib
OPTIONS = $(if $(filter gcc, $(CC)), %s)
tool/counter: tool/main.o build/made.o tool/once.o tool/tenfold.o lib/libcounter.a
\techo "tool/main.o build/made.o tool/once.o tool/tenfold.o -Llib -lcounter" > build/link.rsp
\t$(CC) $(LDFLAGS) -o $@ @build/link.rsp
lib/libcounter.a: lib/counter.o
\techo $^ > build/archive.rsp
\t$(AR) rcsT $@ @build/archive.rsp
build/made.h build/made.c:
\tmkdir -p build && tool/make.sh $(patsubst build/made.%%,%%,$@) $@
build/made.o: build/made.c
tool/main.o: tool/main.c build/made.h
\t$(CC) $(CFLAGS) $(OPTIONS) -Ibuild -Itool -include forced.h @tool/flags.rsp -Wp,-DPAST_DRIVER -c -o $@ $<
tool/once.o: tool/sum_tmpl.c
\t$(CC) $(CFLAGS) -DNAME=sum_once -DFACTOR=1 -c -o $@ $<
tool/tenfold.o: tool/sum_tmpl.c
\t$(CC) $(CFLAGS) -DNAME=sum_tenfold -DFACTOR=10 -c -o $@ $<
"""  # noqa: E501
    % shaped.GCC_ONLY
)
PRECOMPILED = """\
CFLAGS = -O2
tool/counter: tool/main.o tool/two.o lib/counter.o
\t$(CC) $(LDFLAGS) -o $@ $^
tool/main.o tool/two.o: CFLAGS += -Itool -include all.h
tool/main.o tool/two.o: tool/all.h.gch
tool/all.h.gch: tool/all.h lib/counter.h
\t$(CC) -O2 -Itool -x c-header -o $@ $<
"""
SHAPES = {
    "static": {"text": LIBRARY, "variants": shaped.ALL},
    "thin": {"text": THIN, "variants": shaped.TWO},
    "shared": {"text": SHARED, "variants": shaped.TWO},
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
}


def build_one(folder: pathlib.Path, shape: dict, compiler: str, linker: str) -> None:
    project = shaped.make(folder, Makefile=shape["text"], **shaped.named(shape.get("files", {})))
    small.rewrite(
        project,
        project / "out",
        "--capture",
        f"make -j2 CC={compiler} LDFLAGS=-fuse-ld={linker}",
        "--target",
        "counter",
        project,
    )


def build(out: pathlib.Path):
    shaped.built(SHAPES, build_one, out)


class Shapes(shaped.Runs):
    program = "out/bin/counter"


shaped.add_tests(Shapes, SHAPES)
