"""A host and a plugin that distrust each other: what each may do with the other's memory and
functions, and what not."""

import os
import pathlib
import shutil
import signal
import unittest

from tests.support import compartments, ninja_project
from tests.support import small_project as small
from ia2.base import layout
from ia2.elf import elf, plugin_file

HERE = pathlib.Path(__file__).resolve().parent

NEEDS_PKU = True
ALSO_NATIVE = True
TIMEOUT = 240
SOURCES = ("host.c", "plugin.c", "rival.c", "guest.c", "host.h")
BUILD = """\
build host.o: cc ../host.c
  flags = -fPIC -O1 -g
build plugin.o: cc ../plugin.c
  flags = -fPIC -O1 -g
build rival.o: cc ../rival.c
  flags = -fPIC -O1 -g
build guest.o: cc ../guest.c
  flags = -fPIC -O1 -g
build host: link host.o
  flags = -rdynamic -ldl -lpthread
build plugin.so: link plugin.o
  flags = -shared
build rival.so: link rival.o
  flags = -shared
build guest.so: link guest.o
  flags = -shared
"""
POLICY = """\
[compartment.host]
pkey = 1
sources = ["host.c"]

[compartment.plugin]
pkey = 2
sources = ["plugin.c"]
plugin = "plugin.so"
entries = ["plugin_start", "plugin_counter", "plugin_counter_where", "plugin_other", "plugin_free"]

[compartment.rival]
pkey = 3
sources = ["rival.c"]
plugin = "rival.so"
entries = ["rival_run"]

[allocations]
"plugin_start.offer" = "shared"
"""
START = "constructed 23\nconstructed 12\n"
REST = "value 23, notes 2, variable 11\n"
END = "destroyed 24\n"


def build(out: pathlib.Path):
    for name in ("gcc", "clang", "strict"):
        project, compiler = out / name, "clang" if name == "clang" else "gcc"
        shutil.rmtree(project, ignore_errors=True)
        project.mkdir(parents=True)
        for source in SOURCES:
            shutil.copy(HERE / source, project)
        policy = (
            POLICY if name != "strict" else POLICY.replace("pkey = 1", "pkey = 1\nguests = false")
        )
        (project / "compartments.toml").write_text(policy)
        ninja_project.Project(project, {}, BUILD, compiler)
        small.rewrite(
            project,
            project / "out",
            "--target",
            "host",
            "--source-root",
            project,
            project / "build",
        )
        (project / "build/early").mkdir()
        shutil.copy(project / "build/guest.so", project / "build/early/plugin.so")
        small.run(
            compiler,
            "-shared",
            "-o",
            project / "build/needs.so",
            "-Wl,--no-as-needed",
            project / "build/early/plugin.so",
        )
    for name, change in BROKEN.items():
        shutil.rmtree(out / name, ignore_errors=True)
        shutil.copytree(out / "gcc/out/bin", out / name / "out/bin")
        shutil.copytree(out / "gcc/build", out / name / "build")
        change(out / name / "out/bin", out / name / "out/bin/plugin.ia2.so")
    for name, message in AUDITED.items():
        done = small.run(small.SOURCE / "scripts/audit", out / name / "out/bin/host", check=False)
        if done.returncode != 1 or message not in done.stdout:
            raise RuntimeError(f"audit of {name}, which has the wrong plugin: {done.stdout}")


def ordinary(folder: pathlib.Path, path: pathlib.Path):
    shutil.copy(folder.parents[1] / "build/plugin.so", path)


def other_policy(folder: pathlib.Path, path: pathlib.Path):
    """As if the policy had given a grant when this file was made: the PKRU of compartment 2 is in
    its descriptor."""
    data = path.read_bytes()
    own = (0x65555555 & ~0x33).to_bytes(4, "little")
    if data.count(own) < 1:
        raise RuntimeError("the PKRU of compartment 2 is not in the file")
    path.write_bytes(data.replace(own, (0x65555555 & ~0x33 & ~4 | 8).to_bytes(4, "little")))


def own_storage(folder: pathlib.Path, path: pathlib.Path):
    image = elf.Elf.read(str(path))
    data = bytearray(image.data)
    at = image.phoff + image.segment(layout.IA2_PT_TLS).index * elf.PHDR.size
    data[at : at + 4] = elf.PT_TLS.to_bytes(4, "little")
    path.write_bytes(data)


def own_constructors(folder: pathlib.Path, path: pathlib.Path):
    data = path.read_bytes()
    path.write_bytes(
        data.replace(
            layout.IA2_DT_INIT_ARRAY.to_bytes(8, "little"),
            plugin_file.DT_INIT_ARRAY.to_bytes(8, "little"),
        )
    )


def wrpkru(folder: pathlib.Path, path: pathlib.Path):
    image = elf.Elf.read(str(path))
    function = next(symbol for symbol in image.symbols() if symbol.name == "plugin_secret")
    data = bytearray(image.data)
    at = image.file_offset(function.value)
    data[at : at + 3] = b"\x0f\x01\xef"
    path.write_bytes(data)


# What is in a plugin's place -> how it came there.
BROKEN = {
    "missing": lambda folder, path: path.unlink(),
    "empty": lambda folder, path: path.write_bytes(b""),
    "cut": lambda folder, path: path.write_bytes(path.read_bytes()[:5000]),
    "ordinary": ordinary,
    "rival": lambda folder, path: shutil.copy(folder / "rival.ia2.so", path),
    "other-policy": other_policy,
    "own-storage": own_storage,
    "own-constructors": own_constructors,
    "wrpkru": wrpkru,
}
AUDITED = {
    "own-storage": "FAILED plugin.ia2.so: tls: its thread-local storage is not that of its carrier",
    "own-constructors": "FAILED plugin.ia2.so: constructors: ld.so would run its constructors",
    "wrpkru": "FAILED plugin.ia2.so: instructions: WRPKRU at",
}
REFUSED = {
    "empty": "it cannot be read",
    "cut": "it is no compartment",
    "ordinary": "it is no compartment",
    "rival": "it has the key of another compartment",
    "other-policy": "it was built from another policy than the program",
    "own-storage": "its thread-local storage is not in a carrier",
    "own-constructors": (
        "ld.so would run its constructors, or change its code, before it has its key"
    ),
    "wrpkru": "it has an instruction that sets PKRU or the thread pointer outside of its gates",
}


class Distrust(unittest.TestCase):
    def go(self, *words, compiler="gcc", plain=False, **environment):
        folder = pathlib.Path(os.environ["IA2_TEST_OUT"]) / compiler
        return compartments.execute(
            folder / ("build/host" if plain else "out/bin/host"),
            *words,
            cwd=folder / "build",
            **environment,
        )

    def same(self, *words):
        plain = self.go(*words, plain=True)
        self.assertEqual(plain.status, 0, plain)
        for compiler in ("gcc", "clang"):
            done = self.go(*words, compiler=compiler)
            self.assertEqual((done.status, done.out), (0, plain.out), done)
        return plain.out

    def dies(self, mode, message, number=signal.SIGABRT, out=START):
        for compiler in ("gcc", "clang"):
            done = self.go(mode, compiler=compiler)
            self.assertEqual((done.status, done.out), (-number, out), done)
            self.assertRegex(done.err, message)

    def violation(self, mode, message):
        if not compartments.enforced():
            self.skipTest("needs protection keys")
        self.dies(mode, "ia2: violation: " + message, signal.SIGSEGV)

    def test_as_the_plain_program(self):
        self.assertEqual(self.same("nothing"), START + REST + END)

    def test_threads_before_and_after(self):
        once = (
            "constructed 23\nconstructed 12\nin a thread 23\n41 42\n41 42\n41 42\ndestroyed"
            " 24\nclosed 0\n"
        )
        self.assertEqual(self.same("threads"), 3 * once)

    def test_guest(self):
        self.assertEqual(self.same("guest", "./guest.so"), "guest 2\n")

    def test_guest_is_told_of_once(self):
        folder = pathlib.Path(os.environ["IA2_TEST_OUT"]) / "gcc/build"
        lines = [
            f"warning: {folder}/guest.so is no compartment of the policy: it runs with the rights"
            " of compartment host",
            "  to give it a compartment of its own, add to the policy:",
            "    [compartment.guest]",
            "    pkey = 4",
            '    sources = ["..."]          # its sources',
            '    plugin = "guest.so"',
            '    entries = ["..."]          # what dlsym looks up in it',
            "  to refuse it, add guests = false to [compartment.host]",
        ]
        for path in ("./guest.so", str(folder / "guest.so")):
            done = self.go("guests", path)
            self.assertEqual((done.status, done.out), (0, "guests 2 2\n"), done)
            told = [line for line in done.err.splitlines() if "no protection keys" not in line]
            self.assertEqual(told, ["ia2: " + line for line in lines])

    def test_system_library_is_no_guest(self):
        done = self.go("library", "libm.so.6")
        self.assertEqual((done.status, done.out), (0, "library there\n"), done)
        self.assertNotIn("libm", done.err)

    def test_guests_are_refused(self):
        """With guests = false: by path and through a run path, not system libraries."""
        done = self.go("guest", "./guest.so", compiler="strict")
        self.assertEqual((done.status, done.out), (-signal.SIGABRT, ""), done)
        self.assertRegex(
            done.err,
            r"ia2: dlopen: /\S*/build/guest\.so is no compartment of the policy, which has guests"
            r" = false in \[compartment\.host\]: give it a compartment with plugin ="
            r' "guest\.so", or remove that line',
        )
        build = pathlib.Path(os.environ["IA2_TEST_OUT"]) / "strict/build"
        done = self.go("guest", "guest.so", compiler="strict", LD_LIBRARY_PATH=str(build))
        self.assertEqual((done.status, done.out), (0, "guest -1\n"), done)
        self.assertIn("guest.so is looked for in the system's folders only", done.err)
        for name in ("libm.so.6", "/lib/x86_64-linux-gnu/libm.so.6"):
            done = self.go("library", name, compiler="strict")
            self.assertEqual((done.status, done.out), (0, "library there\n"), done)
        done = self.go("library", "./no-such-file.so", compiler="strict")
        self.assertEqual((done.status, done.out), (0, "library not there\n"), done)
        self.assertEqual(self.go("nothing", compiler="strict").out, START + REST + END)

    def test_right_type(self):
        self.assertEqual(self.same("right-type"), START + "right 3\n" + REST + END)

    def test_what_an_unloaded_plugin_allocated(self):
        self.assertEqual(
            self.same("gone"), START + END + START + REST.replace("notes 2", "notes 5") + END
        )
        self.dies(
            "gone-resized",
            r"compartment host: 0x\w+ was allocated by a plugin that is gone",
            out=START + END,
        )

    # What a wrong plugin, or a wrong host, cannot do.
    # --------------------------------------------------

    def test_plugin_reads(self):
        self.violation(
            "plugin-reads",
            r"compartment plugin \(.*\) may not read address .* of compartment host \(key 1\)",
        )

    def test_plugin_writes(self):
        self.violation(
            "plugin-writes",
            r"compartment plugin \(.*\) may not write address .* of compartment host \(key 1\)",
        )

    def test_host_writes(self):
        self.violation(
            "write-variable",
            (
                r"compartment host \(.*\) may not write address .*: global .* of compartment plugin"
                r" \(key 2\)"
            ),
        )
        self.violation(
            "write-heap",
            (
                r"compartment host \(.*\) may not write address .*: heap of compartment plugin"
                r" \(key 2\)"
            ),
        )

    def test_host_reads_thread_local(self):
        self.violation(
            "read-local",
            (
                r"compartment host \(.*\) may not read address .*: thread-local storage of thread"
                r" \d+ of compartment plugin"
            ),
        )

    def test_wrong_type(self):
        self.dies(
            "wrong-type",
            "compartment 1 calls a function pointer of another type than the function at",
        )

    def test_pointer_that_is_no_gate(self):
        self.dies(
            "plugin-lies", "compartment 1 calls a function pointer whose value, .*, is no call gate"
        )

    def test_gate_of_another(self):
        self.dies(
            "plugin-calls",
            "compartment host: call gate: the calling compartment may not call this function",
        )

    def test_stale(self):
        self.dies(
            "stale",
            "compartment 1 calls a function pointer whose value, .*, is no call gate",
            out=START + "destroyed 24\nclosed 0\n",
        )

    def test_wrong_file(self):
        for name, message in REFUSED.items():
            with self.subTest(name):
                done = self.go("nothing", compiler=name)
                self.assertEqual((done.status, done.out), (-signal.SIGABRT, ""), done)
                self.assertRegex(
                    done.err,
                    (
                        "ia2: dlopen: .*/plugin.ia2.so is not the plugin that it should be:"
                        f" {message}\n"
                    ),
                )

    def test_missing_file(self):
        """The one that the project built is there, and must not come with the host's rights."""
        done = self.go("nothing", compiler="missing")
        self.assertEqual(done.status, 1, done)
        self.assertRegex(done.out, r"/out/bin/plugin\.ia2\.so: cannot open shared object file")

    def test_loaded_with_the_rights_of_another(self):
        """By a constructor before main; by what needs it."""
        message = (
            r"ia2: \S*early/plugin.so is a plugin of the policy, but was loaded with the rights of"
            r" who needed it"
        )
        for words, environment in (
            (("nothing",), {"EARLY": "early/plugin.so"}),
            (("guest", "./needs.so"), {}),
        ):
            self.assertEqual(self.go(*words, plain=True, **environment).status, 0)
            done = self.go(*words, **environment)
            self.assertEqual((done.status, done.out), (-signal.SIGABRT, ""), done)
            self.assertRegex(done.err, message)

    def test_storage_that_the_host_wrote_before(self):
        self.assertEqual(self.same("storage"), START + "41 42\n" + REST + END)

    def test_storage_where_the_host_says(self):
        self.assertEqual(self.same("misled"), START + REST + END)

    def test_heap_that_the_host_made_longer(self):
        image = elf.Elf.read(str(small.KIT_BUILD / "runtime/libia2.so"))
        places = {
            symbol.name: hex(symbol.value)
            for symbol in image.symbols()
            if symbol.name in ("early", "early_count")
        }
        self.assertEqual(
            self.same("ranges", "./plugin.so", places["early"], places["early_count"]),
            START + REST + END,
        )

    def test_second_copy(self):
        self.dies(
            "dlmopen", "dlmopen: ./plugin.so is a compartment; it comes with dlopen only", out=""
        )

    def test_not_an_entry(self):
        for compiler in ("gcc", "clang"):
            done = self.go("no-entry", compiler=compiler)
            self.assertEqual(
                (done.status, done.out), (2, START + "no plugin_secret: 1\n" + END), done
            )


if __name__ == "__main__":
    unittest.main()
