"""Meson as another Debian suite has it, unpacked from its package into the kit's build directory;
apt's configuration stays as it is.

What build() of a test module has fetched its tests take with script(): a suite that the system's
mirror does not carry is a skip with that reason, anything else that goes wrong (no network, a
signature that does not fit) is a failure."""

import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from tests.support import small_project as small
from ia2.base import debian_source

# Debian 13, and the newest there is.
SUITES = DEBIAN_13, NEWEST = "trixie", "sid"
FOLDER = small.KIT_BUILD / "tests/meson"
NOT_CARRIED = re.compile(r"The repository '.*' does(?: not|n't) have a Release file")


def stanzas(suite: str) -> list[str]:
    """apt's entries for the packages of `suite` on the system's own mirrors, with the system's
    keys.

    The newest suite's index may be past its Valid-Until: mirrors that are caches, or stand still,
    have it like that, and a machine that follows a stable release has no say in it. The date is
    there against somebody who holds back security updates of an installed system. Here nothing is
    installed: an older Meson than the newest is unpacked for tests that build projects of ours, and
    they see whether it is newer than Debian 13's. So the date is not asked for, in this private
    entry alone; the signature is, as everywhere.
    """
    entries = []
    for stanza in debian_source.of_suite(
        debian_source.system_stanzas(), suite, debian_source.codename()
    ):
        lines = [
            line
            for line in stanza.splitlines()
            if not line.startswith(("Types:", "Check-Valid-Until:"))
        ]
        entries.append(
            "\n".join(
                ["Types: deb", *lines] + (["Check-Valid-Until: no"] if suite == NEWEST else [])
            )
        )
    return entries


def fetch(suite: str, folder: pathlib.Path = FOLDER, entries: list[str] | None = None) -> bool:
    """Makes `folder`/meson-`suite`/, which has usr/bin/meson; downloaded the first time.
    RuntimeError if it cannot be had; False for a suite that is not on the mirror, which is noted
    for script()."""
    folder = folder.absolute()
    target = folder / f"meson-{suite}"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f".lock-{suite}", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # modules are built side by side
        if (target / "usr/bin/meson").exists():
            return True
        with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as scratch:
            root = pathlib.Path(scratch)
            said = _download(root, stanzas(suite) if entries is None else entries)
            missing = folder / f"meson-{suite}.missing"
            missing.unlink(missing_ok=True)
            packages = list((root / "got").glob("meson_*.deb"))
            if not packages and (reason := NOT_CARRIED.search(said)):
                missing.write_text(f"no Meson of {suite}: {reason[0]}\n")
                return False
            if len(packages) != 1:
                raise RuntimeError(f"cannot get Meson of {suite}: {said[-2000:]}")
            subprocess.run(["dpkg-deb", "-x", packages[0], root / "tree"], check=True)
            shutil.rmtree(target, ignore_errors=True)
            (root / "tree").rename(target)
    return True


def _download(root: pathlib.Path, entries: list[str]) -> str:
    """Has apt put the package into `root`/got, with lists, cache and state of its own; returns what
    it said."""
    for name in ("parts", "lists/partial", "cache/archives/partial", "got"):
        (root / name).mkdir(parents=True)
    (root / "parts/suite.sources").write_text("\n\n".join(entries) + "\n")
    # What is installed counts for nothing: of two versions apt would take that one.
    (root / "status").touch()
    settings = [
        f"Dir::State::status={root}/status",
        f"Dir::Etc::SourceList={root}/none.list",
        f"Dir::Etc::SourceParts={root}/parts",
        f"Dir::State::Lists={root}/lists",
        f"Dir::Cache={root}/cache",
        "Acquire::Languages=none",
        # The sandbox user could not write into a private directory; signatures are checked all the
        # same.
        f"APT::Sandbox::User={'root' if os.geteuid() == 0 else ''}",
    ]
    options = [word for setting in settings for word in ("-o", setting)]
    said = ""
    for step in (["update"], ["download", "meson"]):
        said += subprocess.run(
            ["apt-get", "-q", *options, *step],
            cwd=root / "got",
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "LC_ALL": "C"},
        ).stdout
    return said


def carried(suite: str) -> bool:
    """Whether fetch() got the Meson of `suite`."""
    return not (FOLDER / f"meson-{suite}.missing").exists()


def script(suite: str) -> pathlib.Path:
    """Meson's script, as IA2_MESON takes it; SkipTest if the mirror does not carry `suite`."""
    if not carried(suite):
        raise unittest.SkipTest((FOLDER / f"meson-{suite}.missing").read_text().strip())
    return FOLDER / f"meson-{suite}/usr/bin/meson"


def version(suite: str) -> tuple[int, ...]:
    chosen = script(suite)
    done = small.run(
        chosen,
        "--version",
        env={**os.environ, "PYTHONPATH": str(chosen.parents[1] / "lib/python3/dist-packages")},
    )
    return tuple(int(number) for number in re.findall(r"\d+", done.stdout)[:3])
