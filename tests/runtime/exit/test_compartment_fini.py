"""A compartment whose DSO comes with dlopen and goes with dlclose: its destructors run in it,
then."""

import pathlib
import shutil
import signal
import unittest

from tests.support import endings

NEEDS_PKU = True
ALSO_NATIVE = True
GONE = "plugin's destructor plugin's made 1\nplugin's atexit plugin's made 1\n"
END = "program's atexit program's\nprogram's destructor program's\n"


def build(out: pathlib.Path):
    for toolchain in endings.compartments.TOOLCHAINS:
        parts = endings.parts("compartment_fini.c", "plugin.c")
        parts[1].late = True
        endings.compartments.build(out, "fini", parts, toolchain, endings.FLAGS)


class CompartmentFini(unittest.TestCase):
    def go(self, *words, toolchain=endings.compartments.GCC, **environment):
        return endings.execute(
            endings.compartments.program("fini", toolchain), *words, **environment
        )

    def test_loaded_and_unloaded(self):
        for toolchain in endings.compartments.TOOLCHAINS:
            done = self.go("once", toolchain=toolchain, IA2_DIAG_EXIT="1")
            own = endings.COMPILERS // 2
            self.assertEqual(
                (done.status, done.out),
                (
                    3,
                    "plugin's constructor 1\nloaded: 0 0 0 0\n"
                    + GONE
                    + f"unloaded: {2 + own} 0 0 0\n"
                    + END,
                ),
                done,
            )
            self.assertIn(
                f"IA2_DIAG_EXIT: success={4 + 2 * own} fallback=0 unknown=0 faulted=0\n", done.err
            )

    def test_again_and_again(self):
        done = self.go("again")
        self.assertEqual((done.status, done.out.count(GONE)), (3, 5), done)

    def test_table_comes_with_it(self):
        done = self.go("once", IA2_TRACE_EXIT="1")
        before, after = done.err.split("IA2_TRACE: Compartment plugin came with ")
        self.assertIn(
            (
                "IA2_TRACE: Importing static table for compartment plugin (1 entry)\nIA2_TRACE:"
                " Registered destructor 'plugin_cleanup'\n"
            ),
            before,
        )
        self.assertIn(
            (
                "IA2_TRACE: running 'plugin_cleanup' (fini_array) target compartment plugin (key"
                " 2): PKRU 0x65555554 -> 0x65555544\n"
            ),
            after,
        )

    def test_left_to_the_end(self):
        done = self.go("left")
        self.assertEqual(
            (done.status, done.out),
            (
                3,
                (
                    "plugin's constructor 1\nplugin's atexit plugin's made 1\nprogram's atexit"
                    " program's\nprogram's destructor program's\nplugin's destructor plugin's"
                    " made 1\n"
                ),
            ),
            done,
        )

    def test_opened_twice(self):
        done = self.go("twice")
        self.assertEqual(
            (done.status, done.out), (3, "plugin's constructor 1\nstill there\n" + GONE + END), done
        )

    def test_ordinary_library(self):
        self.assertEqual(self.go("ordinary").out, END)

    @unittest.skipUnless(endings.compartments.enforced(), "needs protection keys")
    def test_its_memory_is_its_own(self):
        done = self.go("touch")
        self.assertEqual(
            (done.status, done.out), (-signal.SIGSEGV, "plugin's constructor 1\n"), done
        )
        self.assertIn("compartment plugin", done.err)

    def elsewhere(self, name: str) -> pathlib.Path:
        program = endings.compartments.program("fini")
        other = pathlib.Path(endings.out() if endings.out().exists() else ".") / "elsewhere"
        other.mkdir(exist_ok=True)
        shutil.copy2(program.parent / "plugin.ia2.so", other / name)
        return other / name

    def test_refused_by_another_name(self):
        done = self.go("elsewhere", self.elsewhere("copied.ia2.so"))
        self.assertEqual(done.status, -signal.SIGABRT, done)
        self.assertIn("is a compartment, but was not loaded as one", done.err)

    def test_its_name_means_the_file_beside_the_program(self):
        path = self.elsewhere("plugin.ia2.so")
        path.write_bytes(b"nothing that can be loaded")
        done = self.go("elsewhere", path)
        self.assertEqual((done.status, done.out.count("plugin's constructor")), (3, 1), done)


if __name__ == "__main__":
    unittest.main()
