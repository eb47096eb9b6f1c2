"""Says whether this host can build compartmentalized programs and enforce their compartments:
`scripts/doctor`."""

import argparse
import ctypes
import errno
import json
import os
import platform
import re
import shutil
import subprocess

from ..base.kit import Kit
from ..builds import recorded_build

RELEASE = re.compile(r"(\d+)\.(\d+)")
HIDES_FRAMES = (6, 12)  # runtime/start/start.c asks for the same
PKEY_ALLOC, PKEY_FREE = 330, 331  # x86-64 system calls
OK, WARNING, MISSING = "ok", "warning", "missing"
# What runs, the package that has it, and what it is for.
TOOLS = (
    ("ninja", "ninja-build", "reads Ninja builds"),
    ("ar", "binutils", "archives"),
    ("ld", "binutils", "links"),
    ("ldd", "libc-bin", "audits"),
)
OPTIONAL = (
    ("meson", "meson", "the Meson module"),
    ("cmake", "cmake", "the CMake package"),
    ("bear", "bear", "rewrite.py --capture"),
    ("ld.lld", "lld", "--ld lld"),
)
INSTALLED = not os.path.exists(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "meson.build")
)
RUN_IN_VM = "ia2-run-in-vm" if INSTALLED else "scripts/run-in-vm"
FLAGS = re.compile(r"^flags\s*:(.*)$", re.MULTILINE)


class Doctor:
    def __init__(self, kit_build: str | None):
        self.kit = Kit(kit_build)
        self.found: list[dict] = []

    def note(self, what: str, state: str, detail: str, remedy: str = "") -> bool:
        self.found.append(
            {
                "what": what,
                "state": state,
                "detail": detail,
                "remedy": remedy if state != OK else "",
            }
        )
        return state == OK

    # To build. -----------------------------------------------------------------------------------

    def can_build(self) -> bool:
        system = f"{platform.system()} {platform.machine()}"
        good = self.note(
            "system",
            OK if system == "Linux x86_64" else MISSING,
            system,
            "compartments need x86_64 Linux",
        )
        compilers = [name for name in ("gcc", "clang") if shutil.which(name)]
        good &= self.note(
            "C compiler",
            OK if compilers else MISSING,
            ", ".join(compilers) or "none",
            "apt-get install gcc libc6-dev",
        )
        for tool, package, purpose in TOOLS:
            path = shutil.which(tool)
            good &= self.note(
                tool, OK if path else MISSING, path or purpose, f"apt-get install {package}"
            )
        for path in (self.kit.rewriter, self.kit.libia2, self.kit.compartment):
            made = os.path.exists(path)
            good &= self.note(
                os.path.basename(path),
                OK if made else MISSING,
                path,
                "build the kit: scripts/setup",
            )
        if os.path.exists(self.kit.rewriter):
            lost = [
                line.split()[0]
                for line in _output("ldd", self.kit.rewriter).splitlines()
                if "not found" in line
            ]
            good &= self.note(
                "rewriter's libraries",
                MISSING if lost else OK,
                ", ".join(lost) or "all found",
                "apt-get install libclang1-19 libjansson4",
            )
        for tool, package, purpose in OPTIONAL:
            path = shutil.which(tool)
            self.note(
                tool,
                OK if path else WARNING,
                path or f"not here; only for {purpose}",
                f"apt-get install {package}",
            )
        found = recorded_build.localhost_is_found()
        self.note(
            "localhost",
            OK if found else WARNING,
            (
                "is found"
                if found
                else "is not found; only for rewrite.py --capture, where Bear needs it"
            ),
            "add the line `127.0.0.1 localhost` to /etc/hosts",
        )
        return good

    # To enforce.
    # -----------------------------------------------------------------------------------

    def can_enforce(self) -> str:
        """ "hardware", "vm" or "none"."""
        try:
            with open("/proc/cpuinfo", encoding="ascii", errors="replace") as stream:
                flags = set((FLAGS.search(stream.read()) or ["", ""])[1].split())
        except OSError:
            flags = set()
        cpu, kernel = "pku" in flags, "ospke" in flags
        self.note(
            "CPU",
            OK if cpu else WARNING,
            (
                "has protection keys (pku)"
                if cpu
                else "has no protection keys (no pku in /proc/cpuinfo)"
            ),
            "Intel since Skylake-SP, AMD since Zen 3; or run in the PKU VM",
        )
        if cpu:
            self.note(
                "kernel",
                OK if kernel else WARNING,
                platform.release()
                + (" uses them (ospke)" if kernel else " does not use them (no ospke)"),
                (
                    "boot without nopku, on Linux 4.9 or later with"
                    " CONFIG_X86_INTEL_MEMORY_PROTECTION_KEYS"
                ),
            )
        usable = self.system_call(cpu and kernel)
        if cpu and kernel and usable:
            self.signal_frames(platform.release())
            return "hardware"
        qemu = shutil.which("qemu-system-x86_64")
        self.note(
            "QEMU",
            OK if qemu else MISSING,
            (
                f"{qemu}, for {RUN_IN_VM}"
                if qemu
                else "no qemu-system-x86_64, and this CPU enforces nothing"
            ),
            "apt-get install qemu-system-x86",
        )
        return "vm" if qemu else "none"

    def signal_frames(self, release: str) -> bool:
        """Linux 6.12 writes signal frames where the interrupted code has no right; earlier ones
        need memory that it may write, which other threads may write as well."""
        found = RELEASE.match(release)
        hides = found is not None and (int(found[1]), int(found[2])) >= HIDES_FRAMES
        return self.note(
            "signal frames",
            OK if hides else WARNING,
            (
                "this kernel writes them under the runtime's key"
                if hides
                else "this kernel writes them on shared memory: for a moment, registers of an"
                " interrupted compartment can be read and changed there"
            ),
            "use Linux 6.12 or later, if programs handle signals",
        )

    def system_call(self, expected: bool) -> bool:
        libc = ctypes.CDLL(None, use_errno=True)
        key = libc.syscall(PKEY_ALLOC, 0, 0)
        if key >= 0:
            libc.syscall(PKEY_FREE, key)
            return self.note("pkey_alloc", OK, "works")
        code = ctypes.get_errno()
        if code == errno.EPERM or code == errno.ENOSYS and expected:
            return self.note(
                "pkey_alloc",
                WARNING,
                f"{os.strerror(code)}: a seccomp filter, as containers have, refuses it",
                "allow pkey_alloc, pkey_free and pkey_mprotect in the container's seccomp profile",
            )
        if code == errno.ENOSYS:
            return self.note(
                "pkey_alloc", WARNING, "this kernel does not have it", "use Linux 4.9 or later"
            )
        return self.note(
            "pkey_alloc",
            WARNING,
            f"{os.strerror(code)}: no key to be had"
            + ("" if expected else ", as expected without pku"),
            (
                "a CPU and kernel with protection keys"
                if not expected
                else "a process has 15 keys at most; something in this one holds them"
            ),
        )


def _output(*command: str) -> str:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False
        ).stdout
    except OSError:
        return ""


def main(description: str) -> int:
    """Exit status: 0 if this host can build, and enforce by its CPU or in the PKU VM."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument(
        "--kit-build",
        metavar="DIR",
        default=os.environ.get("IA2_BUILD"),
        help="the kit's own build directory",
    )
    options = parser.parse_args()
    doctor = Doctor(options.kit_build)
    builds, enforces = doctor.can_build(), doctor.can_enforce()
    if options.json:
        print(
            json.dumps(
                {"can_build": builds, "can_enforce": enforces, "findings": doctor.found}, indent=1
            )
        )
        return 0 if builds and enforces != "none" else 1
    for item in doctor.found:
        print(
            f"{item['state']:8}{item['what']}: {item['detail']}"
            + (f"  -> {item['remedy']}" if item["remedy"] else "")
        )
    answer = {
        "hardware": "enforce compartments",
        "vm": (
            f"enforce compartments in the PKU VM only ({RUN_IN_VM}); elsewhere programs run"
            " unprotected"
        ),
        "none": "not enforce compartments at all; programs run unprotected",
    }
    print(
        f"This host can {'' if builds else 'not '}build compartmentalized programs, and"
        f" {'can ' + answer[enforces]}."
    )
    return 0 if builds and enforces != "none" else 1
