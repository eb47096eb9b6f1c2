"""Every mapping of a running process is somebody's: private ones under their owner's key, writable
shared ones by name."""

import pathlib
import re
import subprocess
import unittest

from tests.support import compartments
from tests.support.compartments import Compartment

NEEDS_PKU = True
HERE = pathlib.Path(__file__).resolve().parent
# Writable, under key 0: whose files and kernel areas these are.
SHARED_FILES = re.compile(
    r"/(libc|ld-linux-x86-64|libm|libgcc_s|libia2)\.so[.\d]*$" r"|^\[stack\]$|^\[heap\]$"
)
ARENA = 64 << 20  # alignment of libc's arenas for threads


def build(out: pathlib.Path):
    parts = [
        Compartment("program", [HERE / "process.c"]),
        Compartment("library", [HERE / "process_lib.c"]),
    ]
    compartments.build(out, "process", parts, flags=[f"-I{HERE}"])


class Mapping:
    def __init__(self, line):
        span, self.rights, _, _, _, *name = line.split()
        self.start, self.end = (int(word, 16) for word in span.split("-"))
        self.name = name[0] if name else ""
        self.key = self.resident = 0

    def __repr__(self):
        return f"{self.start:x}-{self.end:x} {self.rights} key {self.key} {self.name}"


def read_smaps(pid):
    found = []
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            found.append(Mapping(line))
        elif line.startswith("ProtectionKey:"):
            found[-1].key = int(line.split()[1])
        elif line.startswith("Rss:"):
            found[-1].resident = int(line.split()[1])
    return found


def left_over(mapping, ranges):
    """The parts of a mapping that are in none of the ranges."""
    parts = [(mapping.start, mapping.end)]
    for low, high in ranges:
        parts = [
            piece
            for start, end in parts
            for piece in ((start, min(end, low)), (max(start, high), end))
            if piece[0] < piece[1]
        ]
    return parts


class MemoryMap(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.process = subprocess.Popen(
            [compartments.program("process"), "map"], stdout=subprocess.PIPE, text=True
        )
        cls.regions = []
        for line in cls.process.stdout:
            if line == "ready\n":
                break
            key, kind, low, high = line.split()
            cls.regions.append((int(key), kind, int(low, 16), int(high, 16)))
        cls.map = read_smaps(cls.process.pid)

    @classmethod
    def tearDownClass(cls):
        cls.process.kill()
        cls.process.wait()
        cls.process.stdout.close()

    def test_there_is_something_of_every_kind(self):
        for key in (1, 2):
            kinds = [kind for owner, kind, *_ in self.regions if owner == key]
            self.assertEqual(
                {kind: kinds.count(kind) for kind in ("stack", "thread-locals")},
                {"stack": 3, "thread-locals": 3},
            )
            self.assertTrue({"globals", "heap", "signal-zone"} <= set(kinds))
        self.assertIn((0, "heap"), {(key, kind) for key, kind, *_ in self.regions})

    def test_private_memory_is_under_its_owners_key(self):
        for key, kind, low, high in self.regions:
            if key:
                for mapping in self.map:
                    if mapping.start < high and low < mapping.end and "w" in mapping.rights:
                        self.assertEqual(mapping.key, key, f"{kind} {low:x}-{high:x}: {mapping}")

    def test_every_writable_mapping_under_key_0_is_named(self):
        named = [(low, high) for key, _, low, high in self.regions if key == 0]
        # ld.so takes its first memory right below itself; what a compartment has there is another
        # test's.
        loader = min(mapping.start for mapping in self.map if "/ld-linux" in mapping.name)
        for mapping in reversed(self.map):  # the kernel's own pages may lie between the two
            if mapping.end == loader and mapping.name.startswith(("[vdso", "[vvar")):
                loader = mapping.start
        named.append((loader - 4 * 4096, loader))
        file, end = "", 0
        for mapping in self.map:
            # Without a name, right after a file's: what its segment has beyond the file (.bss).
            file = mapping.name or (file if mapping.start == end else "")
            end = mapping.end
            if (
                "w" not in mapping.rights
                or mapping.key
                or SHARED_FILES.search(file)
                or mapping.start % ARENA == 0
            ):
                continue
            self.assertEqual(left_over(mapping, named), [], f"{mapping} is shared, and nobody's")

    def test_no_key_that_is_nobodys(self):
        """Compartments have keys 1 and 2, the runtime 14 and 15."""
        self.assertEqual({mapping.key for mapping in self.map}, {0, 1, 2, 14, 15})

    def test_nothing_is_writable_and_executable(self):
        self.assertEqual(
            [mapping for mapping in self.map if "w" in mapping.rights and "x" in mapping.rights], []
        )

    def test_the_runtimes_memory_has_its_keys(self):
        for key, kind in ((14, "state"), (15, "stacks")):
            found = [(low, high) for owner, what, low, high in self.regions if owner == key]
            self.assertEqual(len(found), 1, kind)
            keys = {
                mapping.key
                for mapping in self.map
                if mapping.start < found[0][1] and found[0][0] < mapping.end
            }
            self.assertEqual(keys, {key}, kind)

    def test_most_of_a_compartments_memory_is_keyed(self):
        for key in (1, 2):
            self.assertGreater(
                sum(mapping.resident for mapping in self.map if mapping.key == key), 2000
            )


if __name__ == "__main__":
    unittest.main()
