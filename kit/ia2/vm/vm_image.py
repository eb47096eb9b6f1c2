"""Makes the PKU VM's kernel and initramfs from Debian's kernel package, which is unpacked, not
installed.

What is made is in BUILD/vm/image-STAMP, where STAMP stands for the source it was made by: `vmlinux`
(the ELF kernel out of the bzImage: it boots twice as fast), `initramfs.cpio` (our init and the
modules it loads), `modules` (their order).

The kernel is the newest of the system's own that are installed, or the one of the system's Debian
release; or one of a series that is asked for (KERNELS), from the release that has it.
"""

import collections.abc
import contextlib
import fcntl
import hashlib
import lzma
import os
import pathlib
import re
import shutil
import struct
import subprocess
import tempfile
import time
import typing
import zlib
from dataclasses import dataclass

from ..base import debian_source

HERE = pathlib.Path(__file__).resolve().parent
INIT_SOURCE = HERE / "init.c"
Progress = collections.abc.Callable[[str], None]
META_PACKAGE = "linux-image-amd64"
# The series of kernels that can be asked for, and the Debian release whose kernel each is.
KERNELS = {"6.1": "bookworm", "6.12": "trixie"}
# What init needs before it can mount the host's root; their dependencies are added.
MODULES = ("virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay")


class ImageError(Exception):
    """The VM's image cannot be made; the text says why and what to do."""


@dataclass(frozen=True)
class Image:
    """A kernel ready to boot. modules: paths inside the initramfs, in load order."""

    release: str
    kernel: pathlib.Path
    initramfs: pathlib.Path
    modules: tuple[str, ...]


def prepare(
    build: pathlib.Path, progress: Progress = lambda text: None, series: str | None = None
) -> Image:
    """Returns the image, making it first if need be; safe to call from several processes at once.

    series: one of KERNELS, or None for the system's own kernel. Raises ImageError when there is no
    kernel and none can be had."""
    if series is not None and series not in KERNELS:
        raise ImageError(
            f"no kernel {series!r} is known for the PKU VM\nremedy: one of {', '.join(KERNELS)}"
        )
    folder = build / "vm"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _ready(folder, series) or _make(folder, progress, series)


def _stamp() -> str:
    return hashlib.sha256(
        INIT_SOURCE.read_bytes() + pathlib.Path(__file__).read_bytes()
    ).hexdigest()[:12]


def _place(folder: pathlib.Path, series: str | None) -> pathlib.Path:
    return folder / "-".join(["image", *([series] if series else []), _stamp()])


def _ready(folder: pathlib.Path, series: str | None) -> Image | None:
    made = _place(folder, series)
    with contextlib.suppress(OSError):
        return Image(
            (made / "release").read_text().strip(),
            made / "vmlinux",
            made / "initramfs.cpio",
            tuple((made / "modules").read_text().split()),
        )
    return None


def _remove_old(folder: pathlib.Path) -> None:
    """Removes images made by sources of days ago; a younger one may be in use, by another checkout
    for example."""
    for made in folder.glob("image-*"):
        if made.stat().st_mtime < time.time() - 2 * 86400:
            shutil.rmtree(made, ignore_errors=True)


def _make(folder: pathlib.Path, progress: Progress, series: str | None) -> Image:
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as name:
        scratch = pathlib.Path(name)
        bzimage, modules_dir = _installed_kernel(series) or _package_kernel(
            folder, scratch, progress, series
        )
        release = modules_dir.name
        progress(f"making the PKU VM's image for Linux {release}")
        made = scratch / "made"
        made.mkdir()
        (made / "vmlinux").write_bytes(extract_elf(bzimage.read_bytes()))
        order = module_order(modules_dir)
        init = _compile_init(scratch)
        inside = [f"modules/{i:02}-{path.name.split('.ko')[0]}.ko" for i, path in enumerate(order)]
        with open(made / "initramfs.cpio", "wb") as out:
            archive = Cpio(out)
            archive.directory("modules")
            archive.file("init", init.read_bytes(), 0o755)
            for module, path in zip(inside, order):
                archive.file(module, decompress(path.read_bytes()), 0o644)
            archive.end()
        (made / "modules").write_text("".join(f"/{module}\n" for module in inside))
        (made / "release").write_text(release + "\n")
        made.rename(_place(folder, series))
    _remove_old(folder)
    image = _ready(folder, series)
    assert image, "an image just made is ready"
    return image


def _usable(bzimage: pathlib.Path, modules_dir: pathlib.Path) -> bool:
    try:
        module_order(modules_dir)
        return os.access(bzimage, os.R_OK)
    except ImageError:
        return False


def _installed_kernel(series: str | None = None) -> tuple[pathlib.Path, pathlib.Path] | None:
    """The newest of the system's own Debian kernels, of the series, that has what we need, or
    None."""

    def version(path: pathlib.Path) -> list[int]:
        return [int(n) for n in re.findall(r"\d+", path.name)]

    for bzimage in sorted(
        pathlib.Path("/boot").glob(f"vmlinuz-{_of(series)}-amd64"), key=version, reverse=True
    ):
        modules_dir = pathlib.Path("/lib/modules") / bzimage.name.removeprefix("vmlinuz-")
        if _usable(bzimage, modules_dir):
            return bzimage, modules_dir
    return None


def _apt(args: list[str], cwd: pathlib.Path) -> str:
    if not shutil.which(args[0]):
        raise ImageError(f"{args[0]} not found: the PKU VM takes its kernel from a Debian package")
    done = subprocess.run(
        args,
        cwd=cwd,
        text=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    if done.returncode != 0:
        errors = "\n".join(
            line for line in done.stderr.splitlines() if not line.startswith("W: Download is")
        )
        raise ImageError(
            f"cannot get the VM's kernel: `{' '.join(args)}` failed (exit status "
            f"{done.returncode}):\n{errors}\nremedy: connect to the network and run "
            "`apt-get update` (scripts/setup does), or install linux-image-amd64"
        )
    return done.stdout


def _of(series: str | None) -> str:
    """The glob of such a kernel's version."""
    return f"{series}.*" if series else "*"


def _suite(folder: pathlib.Path, suite: str) -> list[str]:
    """apt's options for another release of Debian, from the system's own mirrors."""
    stanzas = debian_source.of_suite(
        debian_source.system_stanzas(), suite, debian_source.codename()
    )
    if not stanzas:
        raise ImageError(
            f"apt's configuration names no Debian mirror to get the kernel of {suite} from\n"
            "remedy: run without --kernel"
        )
    text = "\n\n".join(stanzas).replace("Types: deb-src", "Types: deb")
    options = debian_source.private_apt(folder, text + "\n")
    _apt(["apt-get", "-q", *options, "update"], folder)
    return options


def _fetch(
    packages: pathlib.Path, scratch: pathlib.Path, progress: Progress, series: str | None
) -> pathlib.Path:
    """Downloads the package of the release's current kernel."""
    fetch = scratch / "fetch"
    fetch.mkdir()
    suite = KERNELS[series] if series else debian_source.codename()
    options = _suite(scratch, suite) if suite != debian_source.codename() else []
    known = _apt(["apt-cache", *options, "show", "--no-all-versions", META_PACKAGE], scratch)
    match = re.search(r"^Depends: .*?(linux-image-[\w.+-]+-amd64)\b", known, re.MULTILINE)
    if not match:
        raise ImageError(f"apt's {META_PACKAGE} names no kernel\nremedy: run `apt-get update`")
    progress(f"fetching {match[1]} (about 100 MB, once)")
    _apt(["apt-get", *options, "download", match[1]], fetch)
    deb = next(fetch.glob("*.deb"))
    return deb.rename(packages / deb.name)


def _package_kernel(
    folder: pathlib.Path, scratch: pathlib.Path, progress: Progress, series: str | None
) -> tuple[pathlib.Path, pathlib.Path]:
    """Unpacks the kernel's package, which is fetched into folder/packages unless there is one
    already."""
    packages = folder / "packages"
    packages.mkdir(exist_ok=True)
    own = {release: known for known, release in KERNELS.items()}.get(debian_source.codename())
    found = sorted(packages.glob(f"linux-image-{_of(series or own)}.deb")) or [
        _fetch(packages, scratch, progress, series)
    ]
    root = scratch / "root"
    done = subprocess.run(
        ["dpkg-deb", "-x", str(found[-1]), str(root)], text=True, capture_output=True
    )
    if done.returncode != 0:
        found[-1].unlink()
        raise ImageError(
            f"cannot unpack {found[-1].name}: {done.stderr.strip()}\nremedy: try again"
        )
    bzimage = next(root.glob("boot/vmlinuz-*"), None)
    modules_dir = next(
        (d for d in [*root.glob("lib/modules/*"), *root.glob("usr/lib/modules/*")]), None
    )
    if not bzimage or not modules_dir:
        raise ImageError(f"{found[-1].name} holds no kernel with its modules")
    return bzimage, modules_dir


def decompress(data: bytes) -> bytes:
    """data out of whichever compression it begins with, or data itself; bytes after its end are
    ignored."""
    if data.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(data)
    if data.startswith(b"\x1f\x8b"):
        return zlib.decompressobj(wbits=31).decompress(data)
    for magic, tool in ((b"\x28\xb5\x2f\xfd", "zstd"), (b"\x02\x21\x4c\x18", "lz4")):
        if data.startswith(magic):
            if not shutil.which(tool):
                raise ImageError(
                    f"the kernel is packed with {tool}, which is not installed\n"
                    f"remedy: apt-get install {tool}"
                )
            done = subprocess.run([tool, "-dcq"], input=data, capture_output=True)
            if not done.stdout:
                raise ImageError(f"{tool} cannot unpack the kernel: {done.stderr.decode().strip()}")
            return done.stdout
    return data


def extract_elf(bzimage: bytes) -> bytes:
    """The ELF kernel inside a bzImage (Linux boot protocol 2.08 or newer)."""
    if bzimage[0x202:0x206] != b"HdrS":
        raise ImageError("not a Linux bzImage")
    setup_sectors = bzimage[0x1F1] or 4
    offset, length = struct.unpack_from("<II", bzimage, 0x248)
    begin = (setup_sectors + 1) * 512 + offset
    payload = bzimage[begin : begin + length]
    # The last four bytes are the unpacked size, which zstd would take for the start of another
    # frame.
    elf = decompress(payload[:-4] if payload.startswith(b"\x28\xb5\x2f\xfd") else payload)
    if not elf.startswith(b"\x7fELF"):
        raise ImageError(
            f"the kernel is packed in an unknown way (it begins with {payload[:6].hex()})"
        )
    return elf


def module_order(modules_dir: pathlib.Path) -> list[pathlib.Path]:
    """The files of MODULES with their dependencies, each after what it needs; without those built
    in.

    A package that was only unpacked has no modules.dep, so the modules' own `depends=` are read."""
    files = {}
    for path in modules_dir.glob("kernel/**/*.ko*"):
        files[path.name.split(".ko")[0].replace("-", "_")] = path
    try:
        builtin = {
            pathlib.Path(line).stem.replace("-", "_")
            for line in (modules_dir / "modules.builtin").read_text().split()
        }
    except OSError as error:
        raise ImageError(f"{modules_dir} holds no kernel modules ({error.strerror})") from None
    order: list[pathlib.Path] = []

    def add(name: str) -> None:
        if name in builtin:
            return
        if name not in files:
            raise ImageError(
                f"the kernel {modules_dir.name} has no module {name}\n"
                "remedy: remove it, so that Debian's linux-image-amd64 is used"
            )
        path = files[name]
        if path in order:
            return
        match = re.search(rb"\0depends=([^\0]*)\0", decompress(path.read_bytes()))
        for dependency in match[1].decode().split(",") if match else []:
            if dependency:
                add(dependency.replace("-", "_"))
        order.append(path)

    for name in MODULES:
        add(name)
    return order


def _compile_init(scratch: pathlib.Path) -> pathlib.Path:
    init = scratch / "init"
    command = ["cc", "-std=gnu11", "-O2", "-static", "-o", str(init), str(INIT_SOURCE)]
    try:
        done = subprocess.run(command, text=True, capture_output=True)
    except FileNotFoundError:
        raise ImageError("no C compiler: cc not found\nremedy: run scripts/setup") from None
    if done.returncode != 0:
        raise ImageError(f"cannot compile the VM's init: {' '.join(command)}\n{done.stderr}")
    return init


class Cpio:
    """Writes a cpio archive in the format the kernel unpacks ("newc")."""

    def __init__(self, out: typing.BinaryIO):
        self.out, self.inode = out, 0

    def _entry(self, name: str, mode: int, data: bytes) -> None:
        self.inode += 1
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        header = b"070701" + "".join(f"{field:08x}" for field in fields).encode()
        for part in (header + name.encode() + b"\0", data):
            self.out.write(part + b"\0" * (-len(part) % 4))

    def directory(self, name: str) -> None:
        self._entry(name, 0o040755, b"")

    def file(self, name: str, data: bytes, mode: int) -> None:
        self._entry(name, 0o100000 | mode, data)

    def end(self) -> None:
        self._entry("TRAILER!!!", 0, b"")
        self.out.write(b"\0" * (-self.out.tell() % 512))
