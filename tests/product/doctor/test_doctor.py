"""scripts/doctor: what it says of this host, and of hosts that lack something."""

import ctypes
import errno
import json
import os
import pathlib
import struct
import subprocess
import tempfile
import unittest
from unittest import mock

from ia2.tools import doctor

SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE") or pathlib.Path(__file__).resolve().parents[3])


def forbid_pkey_alloc():
    """For preexec_fn: what a container's seccomp filter does, EPERM for one system call."""

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    # Load the number of the call; if it is not pkey_alloc's, skip the next; return the error;
    # allow.
    code = b"".join(
        struct.pack("<HBBI", *line)
        for line in (
            (0x20, 0, 0, 0),
            (0x15, 0, 1, doctor.PKEY_ALLOC),
            (0x06, 0, 0, 0x50000 | errno.EPERM),
            (0x06, 0, 0, 0x7FFF0000),
        )
    )
    text = ctypes.create_string_buffer(code, len(code))
    program = Program(4, ctypes.cast(text, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(
        22, 2, ctypes.byref(program), 0, 0
    ):  # PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP
        raise OSError(ctypes.get_errno(), "seccomp")


class Doctor(unittest.TestCase):
    def run_doctor(self, *arguments, **environment):
        return subprocess.run(
            [SOURCE / "scripts/doctor", *arguments],
            capture_output=True,
            text=True,
            env={**os.environ, **environment},
        )

    def test_this_host(self):
        done = self.run_doctor()
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(
            done.stdout.splitlines()[-1],
            r"\AThis host can build compartmentalized programs, and can enforce compartments",
        )
        self.assertLess(len(done.stdout.splitlines()), 25)

    def test_json(self):
        found = json.loads(self.run_doctor("--json").stdout)
        self.assertTrue(found["can_build"])
        self.assertIn(found["can_enforce"], ("hardware", "vm"))

    def test_kit_that_is_not_built(self):
        done = self.run_doctor("--kit-build", "/nonexistent")
        self.assertEqual(done.returncode, 1)
        self.assertIn(
            "missing libia2.so: /nonexistent/runtime/libia2.so  -> build the kit: scripts/setup",
            done.stdout,
        )
        self.assertIn("This host can not build", done.stdout)

    def test_host_without_tools(self):
        with tempfile.TemporaryDirectory() as folder:
            done = self.run_doctor(PATH=folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn("missing C compiler: none  -> apt-get install gcc libc6-dev", done.stdout)
        self.assertIn("-> apt-get install ninja-build", done.stdout)

    def test_host_without_localhost(self):
        made = doctor.Doctor(None)
        with mock.patch("socket.getaddrinfo", side_effect=OSError):
            made.can_build()
        self.assertEqual(
            [
                (found["state"], found["remedy"])
                for found in made.found
                if found["what"] == "localhost"
            ],
            [("warning", "add the line `127.0.0.1 localhost` to /etc/hosts")],
        )

    def system_call(self, error, expected):
        """What is noted when pkey_alloc fails with `error`."""
        made = doctor.Doctor(None)
        libc = mock.Mock()
        libc.syscall.return_value = -1
        with (
            mock.patch.object(doctor.ctypes, "CDLL", return_value=libc),
            mock.patch.object(doctor.ctypes, "get_errno", return_value=error),
        ):
            self.assertFalse(made.system_call(expected))
        return made.found[-1]

    def test_container_that_forbids_the_system_calls(self):
        found = self.system_call(errno.EPERM, True)
        self.assertIn("seccomp filter", found["detail"])
        self.assertIn("pkey_alloc, pkey_free and pkey_mprotect", found["remedy"])
        self.assertIn("seccomp filter", self.system_call(errno.ENOSYS, True)["detail"])

    def test_in_a_container_that_forbids_them(self):
        done = subprocess.run(
            [SOURCE / "scripts/doctor"],
            capture_output=True,
            text=True,
            preexec_fn=forbid_pkey_alloc,
        )
        line = next(line for line in done.stdout.splitlines() if "pkey_alloc:" in line)
        self.assertEqual(
            line,
            (
                "warning pkey_alloc: Operation not permitted: a seccomp filter, as containers have,"
                " refuses it  -> allow pkey_alloc, pkey_free and pkey_mprotect in the container's"
                " seccomp profile"
            ),
        )
        self.assertIn("and can enforce compartments in the PKU VM only", done.stdout)

    def test_kernel_without_the_system_calls(self):
        self.assertIn(
            "this kernel does not have it", self.system_call(errno.ENOSYS, False)["detail"]
        )

    def test_kernels_that_hide_signal_frames_and_others(self):
        for release, state in (
            ("6.12.41+deb13-amd64", "ok"),
            ("7.0", "ok"),
            ("6.1.0-40-amd64", "warning"),
            ("5.10", "warning"),
            ("strange", "warning"),
        ):
            with self.subTest(release):
                made = doctor.Doctor(None)
                made.signal_frames(release)
                self.assertEqual(made.found[-1]["state"], state)


if __name__ == "__main__":
    unittest.main()
