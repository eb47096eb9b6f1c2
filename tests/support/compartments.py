"""Builds small compartmentalized programs from C files by hand: the runtime and the gates, without
rewriter and engine.

A compartment is a list of sources. A comment in one of them declares each gate:

    /* gate lib_add args_int=2 ret_int=1 callers=0x2 type=0x11 */

(all fields of docs/design.md's `ia2_gate` lines; those left out are 0, `callers` every compartment,
`export` 1.) `/* share NAME */` exports a variable, `/* destructor NAME */` puts a function that is
not static into the table of destructors. Undefined symbols that are another compartment's gate are
imported by --wrap, as the engine does it. The same sources with tests/support/plain/ia2.h in place
of the runtime's make the plain program, in which an exploit must succeed.
"""

import os
import pathlib
import re
import shutil
import subprocess
from dataclasses import dataclass, field

from ia2.stages.link import HARDENING, SHIFT_SIZE, SHIFTS

SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE") or pathlib.Path(__file__).resolve().parents[2])
BUILD = pathlib.Path(os.environ.get("IA2_BUILD") or SOURCE / "build")
RUNTIME = SOURCE / "runtime"
TESTS = SOURCE / "tests"
GATE = re.compile(r"/\* gate (\w+)((?: \w+=\w+)*) \*/")
SHARE = re.compile(r"/\* share (\w+) \*/")
DESTRUCTOR = re.compile(r"/\* destructor (\w+) \*/")
FIELDS = ("args_int", "args_sse", "ret_int", "ret_sse", "stack_words", "sret_bytes")


@dataclass(frozen=True)
class Toolchain:
    compiler: str
    linker: str | None = None

    @property
    def name(self) -> str:
        return f"{self.compiler}-{self.linker or 'ld'}"


@dataclass(frozen=True)
class Runtime:
    library: str
    archive: str
    options: tuple = ()
    defines: tuple = ()


ENFORCING = Runtime("libia2.so", "libia2_compartment.a")
PERMISSIVE = Runtime(
    "libia2_permissive.so",
    "libia2_compartment_permissive.a",
    (f"@{RUNTIME / 'ia2_permissive.ldflags'}",),
    ("-DIA2_PERMISSIVE=1",),
)
GCC, CLANG_LLD = Toolchain("gcc"), Toolchain("clang", "lld")
TOOLCHAINS = (GCC, CLANG_LLD)
# For all compilations and links, by scripts/run_with_asan.sh. (GNU ld's --wrap renames what
# libasan.so itself refers to.)
EXTRA_FLAGS = os.environ.get("IA2_TEST_FLAGS", "").split()
if EXTRA_FLAGS:
    GCC, TOOLCHAINS = CLANG_LLD, (CLANG_LLD,)


@dataclass
class Compartment:
    """Key: its position in the list, from 1. `reads`: keys it has a read grant for. `clients`: keys
    that may allocate in its heap. `late`: nothing is linked with it, it comes with dlopen.
    `options`: for its link. `calls`: the mask of its system calls, None if its policy says
    nothing."""

    name: str
    sources: list
    reads: tuple = ()
    clients: tuple = ()
    late: bool = False
    options: tuple = ()
    calls: int | None = None
    objects: list = field(default_factory=list)
    gates: list = field(default_factory=list)
    shared: list = field(default_factory=list)
    destructors: list = field(default_factory=list)


def run(*command, **options):
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(str(word) for word in command)}\n{done.stdout}")
    return done.stdout


def pkru(key: int, reads) -> int:
    """All keys denied but 0 and `key`; those in `reads` may be read."""
    value = 0x65555555
    for open_key in (0, key):
        value &= ~(3 << 2 * open_key)
    for other in reads:
        value = value & ~(3 << 2 * other) | 2 << 2 * other
    return value


def gates_of(text: str) -> list[dict]:
    found = []
    for name, words in GATE.findall(text):
        gate = dict(word.split("=") for word in words.split())
        found.append(
            {
                "function": name,
                "callers": "0xfffe",
                "type": "0",
                "export": "1",
                "symbol": f"__wrap_{name}",
                **gate,
            }
        )
    return sorted(found, key=lambda gate: gate["symbol"])


def callgates(compartments, key: int) -> str:
    own = compartments[key - 1]
    lines = [
        f"#define IA2_ID {key}",
        f'#define IA2_NAME "{own.name}"',
        f"#define IA2_COMPARTMENTS {len(compartments)}",
    ]
    lines += [
        f"    .set ia2_pkru_{n}, {pkru(n, other.reads):#x}"
        for n, other in enumerate(compartments, 1)
    ]
    late = sum(1 << n for n, other in enumerate(compartments, 1) if other.late)
    if late:
        lines.append(f"#define IA2_PLUGIN_KEYS {late:#x}")
    if own.clients:
        lines.append(f"#define IA2_HEAP_CLIENTS {sum(1 << client for client in own.clients):#x}")
    if own.calls is not None:
        lines.append(f"#define IA2_SYSTEM_CALLS {own.calls:#x}")
    lines.append("#include <ia2_gate.S>")
    for gate in own.gates:
        fields = ", ".join(f"{name}={gate.get(name, 0)}" for name in FIELDS)
        lines.append(
            f"ia2_gate symbol={gate['symbol']}, target={gate['function']},"
            f" callers={gate['callers']}, {fields}, type={gate['type']}, export={gate['export']}"
        )
    lines += [f"ia2_destructor {name}, {name}" for name in own.destructors]
    if key == 1:
        files = [
            (n, f"{other.name}.ia2.so") for n, other in enumerate(compartments, 1) if other.late
        ]
        lines += [f'ia2_plugin key={n}, file="{file}", name="{file}"' for n, file in files]
    return "\n".join([*lines, "ia2_gates_end", ""])


def undefined(objects) -> set[str]:
    return set(run("nm", "-u", "--format=just-symbols", *objects).split())


def link_compartment(folder, compartments, key, toolchain, linked, runtime):
    own = compartments[key - 1]
    foreign = {
        gate["function"]: n
        for n, other in enumerate(compartments, 1)
        if n != key
        for gate in other.gates
    }
    imports = sorted(undefined(own.objects) & set(foreign))
    exports = [gate["symbol"] for gate in own.gates if gate["export"] != "0"] + own.shared
    target = folder / ("prog" if key == 1 else f"{own.name}.ia2.so")
    line = [toolchain.compiler, "-o", target, *EXTRA_FLAGS, *own.options]
    if toolchain.linker:
        line.append(f"-fuse-ld={toolchain.linker}")
    if key == 1:
        line += [
            "-pie",
            "-Wl,--wrap=main",
            *(f"-Wl,--export-dynamic-symbol={symbol}" for symbol in exports),
        ]
    else:
        script = folder / f"{own.name}.map"
        script.write_text(
            "{ "
            + (f"global: {' '.join(name + ';' for name in exports)} " if exports else "")
            + "local: *; };\n"
        )
        line += ["-shared", f"-Wl,-soname,{target.name}", f"-Wl,--version-script={script}"]
    line += [
        *HARDENING,
        "-Wl,-z,nocopyreloc",
        "-Wl,-rpath,$ORIGIN",
        f"-Wl,-rpath-link,{folder}",
        *own.objects,
    ]
    line += [
        f"@{RUNTIME / 'ia2_compartment.ldflags'}",
        *runtime.options,
        BUILD / "runtime" / runtime.archive,
        "-Wl,--exclude-libs,ALL",
    ]
    line += [f"-Wl,--wrap={name}" for name in imports]
    line += ["-Wl,--no-as-needed", *linked, folder / runtime.library, "-lm", "-lpthread", "-ldl"]
    from ia2.elf import elf, gates, pad_tls

    # Distances that the linker writes into code may have the bytes of a WRPKRU. Then the code
    # moves, as in the engine's link stage.
    for shift in range(SHIFTS):
        run(line[0], *([padding(folder, shift, toolchain)] if shift else []), *line[1:])
        if not gates.unlisted(elf.Elf.read(str(target))):
            break
    pad_tls.pad_file(str(target))
    return fit_plugin(folder, own.name, key, toolchain) if own.late else target


def padding(folder, shift, toolchain):
    """An object with code that nothing runs, which moves what is linked before or after it."""
    source, target = folder / f"padding-{shift}.S", folder / f"padding-{shift}.o"
    source.write_text(
        f'.text\n.skip {shift * SHIFT_SIZE}, 0xcc\n.section .note.GNU-stack,"",@progbits\n'
    )
    run(toolchain.compiler, "-c", source, "-o", target)
    return target


def fit_plugin(folder, name, key, toolchain):
    """Makes folder/NAME.ia2.so a plugin. Returns what the program links in its place."""
    from ia2.elf import plugin_file

    source, carrier, path = (
        folder / f"{name}.tls.S",
        folder / plugin_file.carrier_name(name),
        str(folder / f"{name}.ia2.so"),
    )
    source.write_text(plugin_file.carrier_source(path, key))
    linker = [f"-fuse-ld={toolchain.linker}"] if toolchain.linker else []
    run(
        toolchain.compiler,
        *linker,
        *HARDENING,
        *plugin_file.carrier_options(name),
        source,
        "-o",
        carrier,
    )
    plugin_file.fit(path, key)
    return carrier


def sources_of(folder: pathlib.Path, compartment: Compartment) -> list[pathlib.Path]:
    """A source is a path, or a (name, text) that is written to `folder`."""
    paths = []
    for source in compartment.sources:
        if isinstance(source, tuple):
            path = folder / source[0]
            path.write_text(source[1])
            source = path
        paths.append(pathlib.Path(source))
    return paths


def compiled(folder, compartment, key, toolchain, include, flags):
    objects = []
    for source in sources_of(folder, compartment):
        target = folder / f"{key}-{source.name}.o"
        run(
            toolchain.compiler,
            "-c",
            "-O1",
            "-g",
            "-fPIC",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-D_GNU_SOURCE",
            f"-DPKEY={key}",
            f"-I{include}",
            f"-I{RUNTIME / 'include'}",
            f"-I{BUILD / 'runtime' / 'layout'}",
            "-iquote",
            RUNTIME,
            *EXTRA_FLAGS,
            *flags,
            source,
            "-o",
            target,
        )
        objects.append(target)
    return objects


def build(
    out: pathlib.Path,
    name: str,
    compartments: list[Compartment],
    toolchain: Toolchain = GCC,
    flags=(),
    runtime: Runtime = ENFORCING,
) -> pathlib.Path:
    """The compartmentalized program, in a folder of its own under `out`."""
    folder = out / f"{name}-{toolchain.name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy2(BUILD / "runtime" / runtime.library, folder)
    for key, own in enumerate(compartments, 1):
        text = "".join(path.read_text() for path in sources_of(folder, own))
        own.gates, own.shared, own.destructors = (
            gates_of(text),
            SHARE.findall(text),
            DESTRUCTOR.findall(text),
        )
    for key, own in enumerate(compartments, 1):
        (folder / f"{own.name}.S").write_text(callgates(compartments, key))
        own.objects = compiled(folder, own, key, toolchain, RUNTIME / "include", flags)
        gates = folder / f"callgates-{own.name}.o"
        run(
            toolchain.compiler,
            "-c",
            f"-I{RUNTIME / 'gates'}",
            f"-I{BUILD / 'runtime' / 'layout'}",
            *runtime.defines,
            folder / f"{own.name}.S",
            "-o",
            gates,
        )
        own.objects.append(gates)
    linked: list[pathlib.Path] = []
    for key in [*range(len(compartments), 1, -1), 1]:
        linked.append(link_compartment(folder, compartments, key, toolchain, linked, runtime))
    return folder / "prog"


def build_plain(
    out: pathlib.Path,
    name: str,
    compartments: list[Compartment],
    toolchain: Toolchain = GCC,
    flags=(),
) -> pathlib.Path:
    """The same sources in one ordinary program."""
    folder = out / f"{name}-plain-{toolchain.name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    objects = []
    for key, own in enumerate(compartments, 1):
        objects += compiled(
            folder, own, key, toolchain, TESTS / "support" / "plain", ["-DPLAIN", *flags]
        )
    options = [option for own in compartments for option in own.options]
    run(toolchain.compiler, "-o", folder / "prog", *objects, *options, "-lm", "-lpthread", "-ldl")
    return folder / "prog"


@dataclass
class Result:
    status: int  # negative: the signal it died by
    out: str
    err: str


def execute(program, *arguments, timeout=60, cwd=None, **environment) -> Result:
    """Runs a built program. A time-out is an exception."""
    done = subprocess.run(
        [str(program), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        cwd=cwd,
        env={**os.environ, **environment},
    )
    return Result(done.returncode, done.stdout, done.stderr)


def program(name: str, toolchain: Toolchain | None = GCC, plain=False) -> pathlib.Path:
    """Where `build` put it, in this module's own directory."""
    return (
        pathlib.Path(os.environ["IA2_TEST_OUT"])
        / f"{name}{'-plain' if plain else ''}-{toolchain.name}"
        / "prog"
    )


def enforced() -> bool:
    """Whether something enforces protection keys where the test runs."""
    return os.environ.get("IA2_PKU") in ("vm", "hardware")
