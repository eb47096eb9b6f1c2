"""Fetches the source of a Debian package as the system's own suite has it, without changing apt's
configuration.

The system's source entries are copied into a private list in the build directory, as `deb-src`,
with their own mirrors and keys.
"""

import collections.abc
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile

# Suites of the distribution itself; other repositories rarely have sources, and never this
# package's.
SUITE = re.compile(r"(old)*stable|testing|unstable|sid")


class SourceError(Exception):
    """The source cannot be had; the text says why and what to do."""


def codename() -> str:
    """The name of the Debian release this system is, as mirrors have it."""
    for line in pathlib.Path("/etc/os-release").read_text().splitlines():
        name, _, value = line.partition("=")
        if name == "VERSION_CODENAME":
            return value.strip('"')
    return "unstable"


def _wanted(suite: str, components: list[str], codename: str) -> bool:
    base = re.sub(r"(-security|-updates|/updates)$", "", suite)
    return "main" in components and (base == codename or SUITE.fullmatch(base) is not None)


def from_list(text: str, codename: str) -> list[str]:
    """deb822 stanzas for the sources of a classic sources.list."""
    stanzas = []
    for line in text.splitlines():
        match = re.match(r"\s*deb(?:-src)?\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)", line)
        if not match or not _wanted(match[3], match[4].split(), codename):
            continue
        fields = [f"URIs: {match[2]}", f"Suites: {match[3]}", "Components: main"]
        for option in (match[1] or "").split():
            name, _, value = option.partition("=")
            if name.lower() in ("signed-by", "trusted", "check-valid-until"):
                fields.append(f"{name.title()}: {value.replace(',', ' ')}")
        stanzas.append("\n".join(["Types: deb-src", *fields]))
    return stanzas


def from_deb822(text: str, codename: str) -> list[str]:
    """deb822 stanzas for the sources of a .sources file."""
    stanzas = []
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^([A-Za-z-]+):((?:.*)(?:\n[ \t].*)*)", stanza, re.MULTILINE))
        fields = {name.title(): value.strip() for name, value in fields.items()}
        suites = [
            suite
            for suite in fields.get("Suites", "").split()
            if _wanted(suite, fields.get("Components", "").split(), codename)
        ]
        if not suites or fields.get("Enabled", "yes").lower() in ("no", "false"):
            continue
        kept = {
            name: value
            for name, value in fields.items()
            if name not in ("Types", "Suites", "Components", "Architectures", "Enabled", "Targets")
        }
        # An embedded key spans lines, each of which must go on being indented.
        lines = [f"{name.replace('Uris', 'URIs')}: {value}" for name, value in kept.items()]
        stanzas.append(
            "\n".join(["Types: deb-src", f"Suites: {' '.join(suites)}", "Components: main", *lines])
        )
    return stanzas


def system_stanzas() -> list[str]:
    """The system's source entries, as deb-src."""
    done = subprocess.run(
        [
            "apt-config",
            "shell",
            "LIST",
            "Dir::Etc::sourcelist/f",
            "PARTS",
            "Dir::Etc::sourceparts/d",
        ],
        text=True,
        capture_output=True,
    )
    places = dict(word.split("=", 1) for word in shlex.split(done.stdout))
    files = [pathlib.Path(places.get("LIST", "/etc/apt/sources.list"))]
    files += sorted(pathlib.Path(places.get("PARTS", "/etc/apt/sources.list.d")).glob("*"))
    stanzas: list[str] = []
    for path in files:
        if path.is_file() and path.suffix in (".list", ".sources"):
            convert = from_list if path.suffix == ".list" else from_deb822
            stanzas += [s for s in convert(path.read_text(), codename()) if s not in stanzas]
    return stanzas


def of_suite(stanzas: list[str], suite: str, codename: str) -> list[str]:
    """The stanzas of the distribution's own suite (not of its updates), for another suite on the
    same mirrors."""
    moved = []
    for stanza in stanzas:
        suites = re.search(r"^Suites: (.*)$", stanza, re.MULTILINE)
        names = suites[1].split() if suites else []
        if any(name == codename or SUITE.fullmatch(name) for name in names):
            moved.append(re.sub(r"^Suites: .*$", f"Suites: {suite}", stanza, flags=re.MULTILINE))
    return moved


def fetch(
    package: str,
    folder: pathlib.Path,
    progress: collections.abc.Callable[[str], None] = lambda text: None,
    suite: str | None = None,
) -> pathlib.Path:
    """Returns the unpacked source tree of package in folder, downloading it the first time.

    The version is that of suite, a codename, or of the system's own. Raises SourceError."""
    folder = folder.absolute()
    kept = folder / (f"{package}-{suite}.fetched" if suite else f"{package}.fetched")
    try:
        tree = folder / kept.read_text().strip()
        if tree.is_dir():
            return tree
    except OSError:
        pass
    for tool in ("apt-get", "dpkg-source"):
        if not shutil.which(tool):
            raise SourceError(f"{tool} not found\nremedy: run scripts/setup")
    stanzas = system_stanzas()
    if suite:
        stanzas = of_suite(stanzas, suite, codename())
    if not stanzas:
        raise SourceError(
            "apt's configuration names no Debian mirror to get the source from\n"
            "remedy: give the source with --source DIR"
        )
    progress(f"fetching the source of {package}" + (f" in {suite}" if suite else ""))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as scratch:
        made = _download(package, pathlib.Path(scratch), "\n\n".join(stanzas) + "\n")
        target = folder / made.name
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)
        note = pathlib.Path(scratch, "note")
        note.write_text(target.name + "\n")
        note.rename(kept)
    return target


def private_apt(scratch: pathlib.Path, stanzas: str) -> list[str]:
    """apt's options with which it knows the entries `stanzas` alone, and keeps what it knows in
    `scratch`: the system's configuration and lists stay as they are."""
    for name in ("parts", "lists/partial", "cache/archives/partial"):
        (scratch / name).mkdir(parents=True)
    (scratch / "parts" / "source.sources").write_text(stanzas)
    (scratch / "none.list").touch()
    private = [
        f"Dir::Etc::SourceList={scratch}/none.list",
        f"Dir::Etc::SourceParts={scratch}/parts",
        f"Dir::State::Lists={scratch}/lists",
        f"Dir::Cache={scratch}/cache",
        # The sandbox user could not write into a private directory; signatures are checked all the
        # same.
        f"APT::Sandbox::User={'root' if os.geteuid() == 0 else ''}",
    ]
    return [word for setting in private for word in ("-o", setting)]


def _download(package: str, scratch: pathlib.Path, stanzas: str) -> pathlib.Path:
    options = private_apt(scratch, stanzas)
    (scratch / "source").mkdir()
    env = {**os.environ, "LC_ALL": "C"}
    texts = []
    for step in (["update"], ["source", package]):
        done = subprocess.run(
            ["apt-get", "-q", *options, *step],
            cwd=scratch / "source",
            text=True,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        texts.append(done.stdout[-3000:])
    # A failed update does no harm when the source is found all the same: a third repository may be
    # down.
    trees = [path for path in (scratch / "source").iterdir() if path.is_dir()]
    if done.returncode != 0 or len(trees) != 1:
        raise SourceError(
            f"cannot get the source of {package} (apt-get's exit status {done.returncode}):\n"
            + "\n".join(texts).strip()
            + "\nremedy: connect to the network, or give the source with --source DIR"
        )
    return trees[0]
