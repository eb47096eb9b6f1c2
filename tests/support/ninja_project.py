"""A small project with a Ninja build, made on the spot: what Meson and CMake would write, in a few
lines."""

import os
import pathlib
import subprocess

RULES = """\
rule cc
  command = $cc $flags -MD -MF $out.d -o $out -c $in
  deps = gcc
  depfile = $out.d
rule ar
  command = rm -f $out && ar $how $out $in
rule link
  command = $cc -o $out $in $flags
"""


class Project:
    """`files`: path -> text. `build`: build.ninja after RULES; the source tree is "..". Built on
    creation."""

    def __init__(
        self,
        root: pathlib.Path,
        files: dict[str, str],
        build: str,
        cc: str = "gcc",
        make: bool = True,
    ):
        self.root = pathlib.Path(os.path.realpath(root))
        self.build = self.root / "build"
        self.build.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            self.write(name, text)
        (self.build / "build.ninja").write_text(f"cc = {cc}\nhow = csr\nflags =\n{RULES}{build}")
        if make:
            self.make()

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def make(self) -> None:
        done = subprocess.run(["ninja", "-C", self.build], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)


LIBRARY_AND_TOOL = {
    "include/lib.h": (
        "int lib_add(int, int);\nint lib_fails(int);\nconst char *lib_where(void);\nint"
        " lib_count(void);\n"
    ),
    "src/lib.c": (
        '#include "lib.h"\n#include "private.h"\nstatic int count;\n'
        "int lib_add(int a, int b) { count++; return hidden_add(a, b); }\n"
        "int lib_count(void) { return count; }\n"
        "const char *lib_where(void) { return __FILE__; }\n"
        "int lib_fails(int x) { if (x) return header_line(); return 0; }\n"
    ),
    "src/private.h": (
        "int hidden_add(int, int);\n#include <string.h>\n"
        "static inline int header_line(void) { return (int)strlen(__FILE__); }\n"
    ),
    "src/add.c": '#include "private.h"\nint hidden_add(int a, int b) { return a + b; }\n',
    "tool/main.c": (
        '#include <stdio.h>\n#include "lib.h"\n#include "tool.h"\nint main(void) { int sum ='
        ' lib_add(2, 3); printf("%d %s %s %d\\n", sum, lib_where(), tool_where(), lib_count());'
        " return 0; }\n"
    ),
    "tool/tool.h": "const char *tool_where(void);\n",
    "tool/where.c": '#include "tool.h"\nconst char *tool_where(void) { return __FILE__; }\n',
}

SHARED_BUILD = """\
build lib.p/lib.o: cc ../src/lib.c
  flags = -I../include -fPIC -O2 -g
build lib.p/add.o: cc ../src/add.c
  flags = -fPIC -O2 -fvisibility=hidden
build liblib.so.1: link lib.p/lib.o lib.p/add.o
  flags = -shared -fPIC -Wl,-soname,liblib.so.1 -Wl,--no-undefined
build tool.p/main.o: cc ../tool/main.c
  flags = -I../include -O2 -g
build tool.p/where.o: cc ../tool/where.c
  flags = -O2
build libwhere.a: ar tool.p/where.o
build tool: link tool.p/main.o liblib.so.1 libwhere.a
  flags = '-Wl,-rpath,$$ORIGIN' -lm
"""

STATIC_BUILD = """\
build lib.p/lib.o: cc ../src/lib.c
  flags = -I../include -O2
build lib.p/add.o: cc ../src/add.c
  flags = -O2
build lib.p/unused.o: cc ../src/unused.c
build liblib.a: ar lib.p/lib.o lib.p/add.o lib.p/unused.o
  how = csrDT
build tool.p/main.o: cc ../tool/main.c
  flags = -I../include -O2
build tool.p/where.o: cc ../tool/where.c
build tool: link tool.p/main.o tool.p/where.o liblib.a
"""

POLICY = """\
[compartment.tool]
pkey = 1
sources = ["tool/**"]

[compartment.lib]
pkey = 2
sources = ["src/**"]
"""
