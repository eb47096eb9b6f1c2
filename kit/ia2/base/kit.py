"""The kit itself: the files of its build directory and source tree that the engine uses."""

import os

from . import layout
from .failure import Failure
from .source_root import source_root

# The runtime of a program that enforces, and of one that was built permissive.
RUNTIMES = {False: "libia2.so", True: "libia2_permissive.so"}


class Kit:
    """What the engine takes from the kit's Meson build directory and source tree. Failure if it is
    not built."""

    def __init__(self, build_dir: str | None, permissive: bool = False):
        self.permissive = permissive
        here = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
        self.build_dir = os.path.abspath(build_dir or os.path.join(here, "build"))
        # Headers and options are those the libraries were built with.
        self.root = source_root(self.build_dir) or here
        self.rewriter = os.path.join(self.build_dir, "kit", "rewriter", "ia2-rewriter")
        self.libia2 = os.path.join(self.build_dir, "runtime", RUNTIMES[permissive])
        self.compartment = os.path.join(
            self.build_dir,
            "runtime",
            "libia2_compartment_permissive.a" if permissive else "libia2_compartment.a",
        )
        self.include = os.path.join(self.root, "runtime", "include")
        self.gates = os.path.join(self.root, "runtime", "gates")
        self.layout = layout.header_of(self.build_dir)
        names = ["ia2_compartment.ldflags", *(["ia2_permissive.ldflags"] if permissive else [])]
        self.options = [os.path.join(self.root, "runtime", name) for name in names]

    def need(self, *paths: str) -> None:
        for path in paths:
            if not os.path.exists(path):
                raise Failure(
                    "is missing: the kit is not built",
                    path,
                    (
                        f"meson setup {self.build_dir} {self.root} && ninja -C {self.build_dir}, or"
                        " name its build directory with --kit-build"
                    ),
                )

    def gate_flags(self) -> list[str]:
        """What finds the gates' macros and the numbers that they use."""
        return ["-I", self.gates, "-I", os.path.dirname(self.layout)]

    def files(self) -> list[str]:
        headers = [
            os.path.join(folder, name)
            for folder in (self.include, self.gates)
            for name in sorted(os.listdir(folder))
        ]
        return [self.libia2, self.compartment, *self.options, *headers, self.layout]
