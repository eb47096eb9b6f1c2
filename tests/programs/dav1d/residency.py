"""Whose the memory of a running compartmentalized program is, page by page, and under which key it
lies.

Two sources that must agree: the kernel's mappings and keys (/proc/PID/smaps, pagemap), and the
runtime's own record of which heap, globals, thread-local storage and stack is whose (its state, at
offsets that state_layout.c prints).
"""

import bisect
import os
import pathlib
import re
import struct
import subprocess
from collections import defaultdict
from dataclasses import dataclass

PAGE = 4096
HEADER = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) [0-9a-f]+ \S+ \d+\s*(.*)")
# elf.h, link.h
AT_PHDR, AT_PHNUM, PT_DYNAMIC, PT_PHDR, DT_DEBUG = 3, 5, 2, 6, 21
LINK_MAP_WORDS, TCB_DTV = 128, 8
PRESENT, SWAPPED = 1 << 63, 1 << 62
# Parts of a thread's memory on which no compartment's code runs.
THREAD_STACKS = ("thread's first stack", "signal stack")
# Owners of what lies under key 0.
SHARED, LIBC = "shared", "libc and kernel"


@dataclass(frozen=True)
class Mapping:
    """One line of smaps. key: 0 where there are no protection keys."""

    start: int
    end: int
    rights: str
    name: str
    key: int


@dataclass(frozen=True)
class Part:
    """A stretch of memory the runtime knows of. owner: a key; SHARED or LIBC with key 0. kind: what
    it is."""

    start: int
    end: int
    owner: object
    kind: str


def mappings(pid: int) -> list[Mapping]:
    found: list[Mapping] = []
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        header = HEADER.fullmatch(line)
        if header:
            found.append(Mapping(int(header[1], 16), int(header[2], 16), header[3], header[4], 0))
        elif line.startswith("ProtectionKey:"):
            last = found.pop()
            found.append(
                Mapping(last.start, last.end, last.rights, last.name, int(line.split()[1]))
            )
    return found


def resident(pid: int, mapping: Mapping) -> list[int]:
    """Addresses of the mapping's pages that take memory."""
    count = (mapping.end - mapping.start) // PAGE
    with open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap:
        data = os.pread(pagemap.fileno(), 8 * count, mapping.start // PAGE * 8)
    return [
        mapping.start + i * PAGE
        for i, (entry,) in enumerate(struct.iter_unpack("<Q", data))
        if entry & (PRESENT | SWAPPED)
    ]


def loader_records(pid: int, maps: list[Mapping], fsbases: list[int]) -> list[Part]:
    """The mappings in which ld.so keeps its records, as its variables, its list of loaded objects
    and the threads' tables of thread-local storage point to them: allocated before there was a
    malloc, in pages that it maps one by one.
    """
    auxv = dict(struct.iter_unpack("<QQ", pathlib.Path(f"/proc/{pid}/auxv").read_bytes()))
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:

        def words(count, at):
            return struct.unpack(f"<{count}Q", os.pread(memory.fileno(), 8 * count, at))

        headers = [words(7, auxv[AT_PHDR] + i * 56) for i in range(auxv[AT_PHNUM])]
        base = auxv[AT_PHDR] - next(h[2] for h in headers if h[0] & 0xFFFFFFFF == PT_PHDR)
        at = base + next(h[2] for h in headers if h[0] & 0xFFFFFFFF == PT_DYNAMIC)
        while (entry := words(2, at))[0] != DT_DEBUG:
            at += 16
        records = [words(1, fsbase + TCB_DTV)[0] for fsbase in fsbases]
        for m in maps:
            # Of ld.so's own variables, those that are not constant.
            if os.path.basename(m.name).startswith("ld-linux") and "w" in m.rights:
                records += words((m.end - m.start) // 8, m.start)
        at = words(2, entry[1])[1]
        while at:
            # libc's own fields follow the four public ones: names, search paths, scopes.
            fields = words(LINK_MAP_WORDS, at)
            records += [at, *fields]
            at = fields[3]
    return [
        Part(m.start, m.end, LIBC, "ld.so's records")
        for m in maps
        if not m.name and any(m.start <= at < m.end for at in records)
    ]


def state_address(maps: list[Mapping]) -> int:
    """Where libia2.so has the state: at a symbol that the gates know."""
    library = min((m for m in maps if m.name.endswith("/libia2.so")), key=lambda m: m.start)
    symbols = subprocess.run(
        ["nm", "-D", "--defined-only", library.name], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"^([0-9a-f]+) \w ia2_state$", symbols, re.MULTILINE)
    assert found, symbols
    return library.start + int(found[1], 16)


class State:
    """The runtime's state in a process that stands still. layout: what state_layout.c prints, as a
    dict of ints."""

    def __init__(self, pid: int, maps: list[Mapping], layout: dict):
        base = state_address(maps)
        self.layout = layout
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            self.head = os.pread(memory.fileno(), layout["owners"], base)
            self.owners = os.pread(memory.fileno(), layout["granules"], base + layout["owners"])
        self.count = self.number("count", 4)

    def number(self, name, size=8, base=0, index=0) -> int:
        at = base + self.layout[name] + index * size
        return int.from_bytes(self.head[at : at + size], "little")

    def signed(self, name, base) -> int:
        value = self.number(name, base=base)
        return value - (1 << 64) if value >> 63 else value

    def module(self, key: int) -> int:
        return self.layout["modules"] + key * self.layout["module_size"]

    def threads(self) -> list[int]:
        """Offsets of the records of running threads."""
        offsets = [
            self.layout["threads"] + i * self.layout["thread_size"]
            for i in range(self.layout["thread_count"])
        ]
        return [
            at for at in offsets if self.number("thread_state", 4, at) == self.layout["thread_live"]
        ]

    def heaps(self) -> list[Part]:
        shift, parts = self.layout["granule_shift"], []
        for run in re.finditer(rb"([^\0])\1*", self.owners, re.DOTALL):
            at, end, owner = run.start() << shift, run.end() << shift, run[1][0]
            shared = owner & self.layout["owner_shared"]
            parts.append(
                Part(at, end, SHARED if shared else owner, "shared heap" if shared else "heap")
            )
        return parts

    def globals(self) -> list[Part]:
        parts = []
        for key in range(1, self.count + 1):
            base = self.module(key)
            for i in range(0, 2 * self.layout["module_data_count"], 2):
                start, end = (self.number("module_data", base=base, index=i + j) for j in (0, 1))
                if start < end:
                    parts.append(Part(start, end, key, "globals"))
            start, end = (self.number("module_shared", base=base, index=j) for j in (0, 1))
            if start < end:
                parts.append(Part(start, end, SHARED, "IA2_SHARED_DATA"))
        return parts

    def thread_parts(self) -> list[Part]:
        parts = []
        for at in self.threads():
            fsbase, zone = self.number("thread_fsbase", base=at), self.number(
                "thread_zone_size", base=at
            )
            lowest = bottom = fsbase
            for key in range(1, self.count + 1):
                top = self.number("thread_top", base=at, index=key)
                bottom = min(bottom, top - zone - self.layout["below_stack"])
                parts.append(Part(bottom, top, key, "stacks"))
                offset, size = (
                    self.signed(name, self.module(key))
                    for name in ("module_tls_offset", "module_tls_size")
                )
                if size:
                    parts.append(
                        Part(fsbase + offset, fsbase + offset + size, key, "thread-local storage")
                    )
                    lowest = min(lowest, fsbase + offset)
            low, high = (
                self.number(name, base=at) for name in ("thread_shared_low", "thread_shared_high")
            )
            parts.append(Part(low, high, SHARED, "shared stack"))
            signal_stack = high
            parts.append(
                Part(
                    signal_stack, signal_stack + self.layout["signal_stack"], LIBC, THREAD_STACKS[1]
                )
            )
            # The rest of the stack pthread_create made: libc's first frames, its thread-locals, its
            # thread block.
            tcb = (fsbase + PAGE) & -PAGE
            first = signal_stack + self.layout["signal_stack"]
            if first < lowest < first + (1 << 20):
                parts.append(Part(first, tcb + PAGE, LIBC, THREAD_STACKS[0]))
                # What pthread_create was asked for beyond the stacks, in case libc took more for
                # itself.
                parts.append(Part(bottom - 32 * PAGE, bottom, LIBC, THREAD_STACKS[0]))
            else:
                # Allocated by ld.so, which has other things of its own around it.
                parts.append(
                    Part((lowest & -PAGE) - 8 * PAGE, tcb + 8 * PAGE, LIBC, "first thread's block")
                )
        return parts

    def runtime_parts(self) -> list[Part]:
        """The monitor's memory, and what it keeps of compartments' streams."""
        streams = [
            Part(
                self.number("streams", index=2 * key),
                self.number("streams", index=2 * key + 1),
                key,
                "globals",
            )
            for key in range(1, self.count + 1)
        ]
        return streams + [
            Part(at, at + self.layout[f"{name}_size"], LIBC, f"the runtime's {name}")
            for name in ("monitor_stacks", "frames", "cookie")
            for at in (self.number(name),)
        ]

    def parts(self) -> list[Part]:
        """Everything the runtime knows of, the most particular first."""
        found = self.heaps() + self.globals() + self.thread_parts() + self.runtime_parts()
        return sorted(found, key=lambda part: part.owner == LIBC)


class Owners:
    """Looks up whose a page is."""

    def __init__(self, parts: list[Part]):
        self.exact = sorted((p for p in parts if p.owner != LIBC), key=lambda p: p.start)
        self.starts = [p.start for p in self.exact]
        self.rest = [p for p in parts if p.owner == LIBC]

    def of(self, address: int) -> Part | None:
        i = bisect.bisect_right(self.starts, address) - 1
        if i >= 0 and address < self.exact[i].end:
            return self.exact[i]
        return next((p for p in self.rest if p.start <= address < p.end), None)


def named(mapping: Mapping, file: str, compartments: set[str]) -> Part | None:
    """What a mapping of key 0 is by its own name: a library that is no compartment, or the
    kernel's. file: what it belongs to."""
    if file and os.path.basename(file) not in compartments:
        return Part(mapping.start, mapping.end, LIBC, f"globals of {os.path.basename(file)}")
    if mapping.name in ("[stack]", "[heap]"):
        return Part(
            mapping.start,
            mapping.end,
            LIBC,
            {"[stack]": "initial stack", "[heap]": "libc's heap"}[mapping.name],
        )
    return None


@dataclass
class Survey:
    """bytes: (owner, kind, key) -> resident writable bytes. unnamed: mappings of which nobody is
    the owner, in words."""

    bytes: dict
    unnamed: list

    def wrong(self) -> list[str]:
        """What lies under a key that is not its owner's."""
        return [
            f"{n} bytes: {kind} of {owner} under key {key}"
            for (owner, kind, key), n in self.bytes.items()
            if key != (owner if isinstance(owner, int) else 0)
        ]

    def of(self, owner) -> int:
        return sum(n for (whose, _, _), n in self.bytes.items() if whose == owner)

    def keyed(self, owner: int) -> int:
        return sum(n for (whose, _, key), n in self.bytes.items() if whose == key == owner)

    def share(self, owner: int) -> float:
        """The part of a compartment's memory that is under its key."""
        return self.keyed(owner) / self.of(owner) if self.of(owner) else 0.0

    def strict_share(self, owner: int) -> float:
        """The same, with what libc, ld.so and libia2 have under key 0 counted against it, lest
        something of the owner's hide there.

        Not the stacks libc gives the threads: the kernel fills them with huge pages, of which most
        are never used.
        """
        against = sum(
            n
            for (whose, kind, key), n in self.bytes.items()
            if whose == LIBC and kind not in THREAD_STACKS
        )
        return self.keyed(owner) / (self.of(owner) + against) if self.of(owner) else 0.0

    def table(self) -> str:
        lines = [
            f"key {key}  {n / 1024:9.0f} KiB  {kind} of {owner}"
            for (owner, kind, key), n in sorted(
                self.bytes.items(), key=lambda item: (item[0][2], -item[1])
            )
        ]
        return "\n".join(lines)


RUNTIME_KEYS = (14, 15)


def survey(pid: int, layout: dict, compartments: set[str]) -> Survey:
    """Looks at a process that stands still. compartments: file names of the program and its
    compartments."""
    maps = mappings(pid)
    state = State(pid, maps, layout)
    fsbases = [state.number("thread_fsbase", base=at) for at in state.threads()]
    owners = Owners(state.parts() + loader_records(pid, maps, fsbases))
    counted: dict = defaultdict(int)
    unnamed: list[str] = []
    file, file_end = "", 0
    for mapping in maps:
        # A library's .bss has no name; it follows the library's file. In libia2's lies the state.
        if mapping.start != file_end or mapping.name:
            file = mapping.name if mapping.name.startswith("/") else ""
        file_end = mapping.end
        if "w" not in mapping.rights or mapping.key in RUNTIME_KEYS:
            continue
        by_name = named(mapping, file, compartments)
        pages = resident(pid, mapping)
        unknown = 0
        # Of a mapping without pages the first address counts: it may get some.
        for page in pages or [mapping.start]:
            part = owners.of(page) or by_name
            unknown += part is None
            if part and pages:
                counted[part.owner, part.kind, mapping.key] += PAGE
        if unknown:
            unnamed.append(
                f"{mapping.start:x}-{mapping.end:x} {mapping.rights} key {mapping.key} "
                f"{mapping.name or 'anonymous'}: {unknown} pages are nobody's"
            )
    return Survey(dict(counted), unnamed)
