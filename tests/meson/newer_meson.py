"""Meson as another Debian suite has it, unpacked from its package into the kit's build directory; apt's configuration stays as it is."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from ia2 import debian_source

# Debian 13, and the newest there is.
SUITES = ("trixie", "sid")


def fetch(folder: pathlib.Path, suite: str) -> pathlib.Path:
    """`folder`/meson-`suite`/, which has usr/bin/meson; downloaded the first time. RuntimeError without a network."""
    folder = folder.absolute()
    target = folder / f"meson-{suite}"
    if (target / "usr/bin/meson").exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    stanzas = [re.sub("^Types:.*$", "Types: deb", stanza, flags=re.MULTILINE)
               for stanza in debian_source.of_suite(debian_source.system_stanzas(), suite, debian_source.codename())]
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as scratch:
        root = pathlib.Path(scratch)
        for name in ("parts", "lists/partial", "cache/archives/partial", "got"):
            (root / name).mkdir(parents=True)
        (root / "parts/suite.sources").write_text("\n\n".join(stanzas) + "\n")
        # What is installed counts for nothing: of two versions apt would take that one.
        (root / "status").touch()
        settings = [f"Dir::State::status={root}/status", f"Dir::Etc::SourceList={root}/none.list", f"Dir::Etc::SourceParts={root}/parts",
                    f"Dir::State::Lists={root}/lists", f"Dir::Cache={root}/cache", "Acquire::Languages=none",
                    f"APT::Sandbox::User={'root' if os.geteuid() == 0 else ''}"]
        options = [word for setting in settings for word in ("-o", setting)]
        for step in (["update"], ["download", "meson"]):
            done = subprocess.run(["apt-get", "-q", *options, *step], cwd=root / "got", text=True, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "LC_ALL": "C"})
        packages = list((root / "got").glob("meson_*.deb"))
        if len(packages) != 1:
            raise RuntimeError(f"cannot get Meson of {suite}: {done.stdout[-2000:]}")
        subprocess.run(["dpkg-deb", "-x", packages[0], root / "tree"], check=True)
        shutil.rmtree(target, ignore_errors=True)
        (root / "tree").rename(target)
    return target
