"""The PKU VM: runs a command of this machine on a CPU with protection keys, emulated by QEMU.

The command sees this machine's whole file system, read-only below a tmpfs: it may write anywhere,
and what it writes is gone afterwards, except in the directories given as writable. /tmp and
/dev/shm are empty tmpfs, apart from what the command line, the working directory and the kit itself
need of /tmp. It runs as root, with the caller's environment and working directory, without a
network.
"""

import collections.abc
import ctypes
import os
import pathlib
import re
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import typing
from dataclasses import dataclass, field

from . import vm_image

SOURCE = pathlib.Path(__file__).resolve().parents[3]
EXIT_TIMEOUT, EXIT_BROKEN = 124, 125
QEMU = "qemu-system-x86_64"
KERNEL_ARGUMENTS = (
    "console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off nokaslr random.trust_cpu=on "
    "nowatchdog rcupdate.rcu_cpu_stall_suppress=1 tsc=reliable no_timer_check "
    "cryptomgr.notests"
)


class VmError(Exception):
    """The VM could not run the command, or not to its end; the text says why and what to do."""


@dataclass
class Result:
    """status: as a shell has it, 128+N for signal N, 124 when the time was up, 125 when the kernel
    complained. out, err: what the command wrote if they were captured, else empty."""

    status: int
    out: bytes = b""
    err: bytes = b""
    complaints: list[str] = field(default_factory=list)


def pku_host() -> bool:
    """Whether this CPU has protection keys and the kernel has turned them on: then no VM is
    needed."""
    try:
        match = re.search(
            r"^flags\s*:(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE
        )
    except OSError:
        return False
    return match is not None and "ospke" in match[1].split()


def build_dir() -> pathlib.Path:
    """Where the kit's own products are: $IA2_BUILD, or build/ in the kit's source. What an
    installed kit makes, the VM's image, is the user's, in $XDG_CACHE_HOME/ia2 or ~/.cache/ia2."""
    if os.environ.get("IA2_BUILD"):
        return pathlib.Path(os.environ["IA2_BUILD"]).absolute()
    if (SOURCE / "meson.build").exists():
        return SOURCE / "build"
    return pathlib.Path(
        os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache", "ia2"
    ).absolute()


def qemu_version() -> tuple[int, ...]:
    """QEMU's version; VmError if it is not installed."""
    if not shutil.which(QEMU):
        raise VmError(
            f"{QEMU} not found: this CPU has no protection keys, so QEMU has to emulate them\n"
            "remedy: run scripts/setup, or apt-get install qemu-system-x86"
        )
    text = subprocess.run([QEMU, "--version"], text=True, capture_output=True).stdout
    match = re.search(r"version (\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def default_cpu() -> str:
    """The CPU to emulate: everything QEMU can, less what it gets wrong."""
    # QEMU 7.2 rewrote its AVX and computes AVX2 wrong: a plain dav1d gives wrong pictures there.
    return "max,-avx2" if qemu_version() < (8, 1) else "max"


def run(
    argv: collections.abc.Sequence[str | pathlib.Path],
    *,
    timeout: float | None = None,
    cpus: int | None = None,
    memory: int = 2048,
    cpu: str | None = None,
    kernel: str | None = None,
    writable: collections.abc.Sequence[str | pathlib.Path] = (),
    env: dict[str, str] | None = None,
    cwd: str | pathlib.Path | None = None,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
    progress: vm_image.Progress = lambda text: None,
) -> Result:
    """Boots the VM, runs argv in it, and returns how it ended.

    timeout: seconds the whole run may take, boot included. cpus, memory (MB), cpu: the machine.
    kernel: a series of vm_image.KERNELS, or None for $IA2_VM_KERNEL, or else the system's own.
    writable: directories of this machine the command may write to for good. env: variables to set
    beside the caller's. stdin: a descriptor to read, default nothing. stdout, stderr: descriptors
    to write as the output comes, or None to return it; if both are of one file, the command gets
    one stream for both, so that its lines come in the order it wrote them. progress: told about
    slow first-time steps.
    SIGINT, SIGTERM and SIGHUP to this process are passed on to the command when called from the
    main thread. Raises VmError."""
    deadline = time.monotonic() + timeout if timeout else None
    try:
        image = vm_image.prepare(
            build_dir(), progress, kernel or os.environ.get("IA2_VM_KERNEL") or None
        )
    except vm_image.ImageError as error:
        raise VmError(str(error)) from None
    cwd = os.path.abspath(cwd or os.getcwd())
    shares = [os.path.realpath(path) for path in writable]
    for path in shares:
        if not os.path.isdir(path):
            raise VmError(f"cannot make {path} writable: not a directory")
    words = [os.fspath(arg) for arg in argv]
    if not words:
        raise VmError("no command to run in the VM")
    one_output = stdout is not None and stderr is not None and os.path.sameopenfile(stdout, stderr)
    job = _job(words, {**os.environ, **(env or {})}, cwd, shares, image.modules, one_output)
    with tempfile.TemporaryDirectory(prefix="ia2-vm-") as scratch:
        initrd = pathlib.Path(scratch, "initrd")
        with open(initrd, "wb") as out:
            out.write(image.initramfs.read_bytes())
            archive = vm_image.Cpio(out)
            archive.file("job", job, 0o600)
            archive.end()
        machine = _Machine(
            image,
            initrd,
            pathlib.Path(scratch, "console"),
            shares,
            cpus or min(os.cpu_count() or 1, 4),
            memory,
            cpu or default_cpu(),
        )
        with machine:
            return machine.carry(words[0], timeout, deadline, stdin, stdout, stderr)


def _job(
    argv: list[str],
    env: dict[str, str],
    cwd: str,
    shares: list[str],
    modules: tuple[str, ...],
    one_output: bool,
) -> bytes:
    """The records init.c reads."""
    keep = set()
    for path in [cwd, str(SOURCE), str(build_dir()), *shares, *_paths_in(argv)]:
        path = os.path.abspath(path)
        if path.startswith("/tmp/"):
            keep.add("/tmp/" + path.split("/")[2])
    records: list[tuple[str, collections.abc.Sequence[str]]] = [
        ("d", [cwd]),
        ("a", argv),
        ("e", [f"{k}={v}" for k, v in env.items()]),
        ("m", modules),
        ("s", shares),
        ("k", sorted(keep)),
        ("o", [""] if one_output else []),
    ]
    return b"".join(
        os.fsencode(kind + value) + b"\0" for kind, values in records for value in values
    )


def _paths_in(argv: list[str]) -> collections.abc.Iterator[str]:
    for arg in argv:
        yield from (
            path for path in re.findall(r"/tmp/[^\s:;,'\"=]+", arg) if os.path.lexists(path)
        )


def die_with_parent() -> None:
    """For preexec_fn: the child is killed when the thread that started it ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class _Machine:
    """A running QEMU with the four streams of init.c: 0 stdin, 1 stdout, 2 stderr, 3 control."""

    def __init__(
        self,
        image: vm_image.Image,
        initrd: pathlib.Path,
        console: pathlib.Path,
        shares: list[str],
        cpus: int,
        memory: int,
        cpu: str,
    ):
        self.console = console
        self.status: int | None = None
        self.started = False
        self.complaints: list[str] = []
        self.errors: list[str] = []
        self.line = b""
        pairs = [socket.socketpair() for _ in range(4)]
        self.ours = [ours for ours, _ in pairs]
        theirs = [theirs for _, theirs in pairs]
        command = [
            QEMU,
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-no-reboot",
            "-machine",
            "q35,usb=off,vmport=off",
            "-accel",
            "tcg,thread=multi",
            "-cpu",
            cpu,
            "-smp",
            str(cpus),
            "-m",
            str(memory),
            "-kernel",
            str(image.kernel),
            "-initrd",
            str(initrd),
            "-append",
            KERNEL_ARGUMENTS,
            "-chardev",
            f"file,id=console,path={console}",
            "-serial",
            "chardev:console",
            "-device",
            "virtio-serial-pci",
        ]
        for i, end in enumerate(theirs):
            command += [
                "-chardev",
                f"socket,id=stream{i},fd={end.fileno()}",
                "-device",
                f"virtserialport,chardev=stream{i},nr={i + 1}",
            ]
        command += self._file_system("/", "root", True)
        for i, path in enumerate(shares):
            command += self._file_system(path, f"share{i}", False)
        self.log = tempfile.TemporaryFile()
        self.qemu = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            pass_fds=[end.fileno() for end in theirs],
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
        for end in theirs:
            end.close()

    @staticmethod
    def _file_system(path: str, tag: str, readonly: bool) -> list[str]:
        path = path.replace(",", ",,")
        return [
            "-fsdev",
            f"local,id={tag},path={path},security_model=none,multidevs=remap"
            + (",readonly=on" if readonly else ""),
            "-device",
            f"virtio-9p-pci,fsdev={tag},mount_tag={tag}",
        ]

    def __enter__(self) -> "_Machine":
        return self

    def __exit__(self, *_: object) -> None:
        self.qemu.kill()
        self.qemu.wait()
        for end in self.ours:
            end.close()
        self.log.close()

    def carry(
        self,
        name: str,
        timeout: float | None,
        deadline: float | None,
        stdin: int | None,
        stdout: int | None,
        stderr: int | None,
    ) -> Result:
        """Moves the streams until the command has ended."""
        captured = {1: bytearray(), 2: bytearray()}
        targets = {1: stdout, 2: stderr}
        self._feed(stdin)
        handlers = self._forward_signals()
        try:
            with selectors.DefaultSelector() as selector:
                for i in (1, 2, 3):
                    selector.register(self.ours[i], selectors.EVENT_READ, i)
                while selector.get_map():
                    left = deadline - time.monotonic() if deadline else None
                    if left is not None and left <= 0:
                        return self._timed_out(name, timeout, captured)
                    for key, _ in selector.select(left):
                        end, target = self.ours[key.data], targets.get(key.data)
                        data = self._receive(end)
                        if not data:
                            selector.unregister(end)
                        elif key.data == 3:
                            self._control(data)
                        elif target is None:
                            captured[key.data] += data
                        else:
                            _write_all(target, data)
                    if self.status is not None:
                        self._drain(captured, targets)
                        break
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return self._result(captured)

    @staticmethod
    def _receive(end: socket.socket) -> bytes:
        try:
            return end.recv(1 << 16)
        except ConnectionError:
            return b""

    def _drain(self, captured: dict[int, bytearray], targets: dict[int, int | None]) -> None:
        """What the command wrote came before its status, but through other sockets."""
        for i in (1, 2):
            self.ours[i].setblocking(False)
            try:
                while data := self.ours[i].recv(1 << 16):
                    target = targets[i]
                    if target is None:
                        captured[i] += data
                    else:
                        _write_all(target, data)
            except (BlockingIOError, ConnectionError):
                pass

    def _feed(self, stdin: int | None) -> None:
        """Sends the byte init waits for, then stdin, then its length, from a thread since either
        side may block."""

        def feed() -> None:
            try:
                self.ours[0].sendall(b"\0")
                length = 0
                while stdin is not None and (data := os.read(stdin, 1 << 16)):
                    self.ours[0].sendall(data)
                    length += len(data)
                self.ours[3].sendall(b"\0" + length.to_bytes(8, "little"))
            except OSError:
                pass  # the VM has ended

        threading.Thread(target=feed, daemon=True).start()

    def _forward_signals(self) -> dict[signal.Signals, typing.Any]:
        if threading.current_thread() is not threading.main_thread():
            return {}

        def forward(number: int, _: object) -> None:
            if self.started:
                self.ours[3].send(bytes([number]))
            else:
                raise VmError(f"stopped by {signal.Signals(number).name} before the command began")

        return {
            number: signal.signal(number, forward)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }

    def _control(self, data: bytes) -> None:
        *lines, self.line = (self.line + data).split(b"\n")
        for line in lines:
            word, _, rest = line.decode(errors="replace").partition(" ")
            if word == "start":
                self.started = True
            elif word == "kernel":
                self.complaints.append(rest)
            elif word == "error":
                self.errors.append(rest)
            elif word == "exit":
                self.status = int(rest)

    def _timed_out(
        self, name: str, timeout: float | None, captured: dict[int, bytearray]
    ) -> Result:
        where = "" if self.started else " (the VM was still booting)"
        self.complaints.append(f"{name}: time limit of {timeout:g} s reached, stopped{where}")
        return Result(EXIT_TIMEOUT, bytes(captured[1]), bytes(captured[2]), self.complaints)

    def _result(self, captured: dict[int, bytearray]) -> Result:
        if self.status is None:
            raise VmError(self._post_mortem())
        complaints = [f"the kernel complained: {text}" for text in self.complaints]
        return Result(
            EXIT_BROKEN if complaints else self.status,
            bytes(captured[1]),
            bytes(captured[2]),
            complaints,
        )

    def _post_mortem(self) -> str:
        try:
            self.qemu.wait(5)
        except subprocess.TimeoutExpired:
            pass
        self.log.seek(0)
        parts = list(self.errors)
        parts += [
            line
            for line in self.log.read().decode(errors="replace").splitlines()
            if "TCG doesn't support requested feature" not in line
        ]
        if self.console.exists():
            console = self.console.read_text(errors="replace").splitlines()
            panic = next(
                (i for i, line in enumerate(console) if re.search("panic|Oops|BUG:", line)), -20
            )
            parts += console[panic:][:20]
        state = "while the command ran" if self.started else "before the command began"
        return f"the VM stopped {state}\n" + "\n".join(parts)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
