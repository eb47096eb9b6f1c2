"""The audit of what the loader maps with a program, and its command line. The files are compiled
here, by hand."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from ia2.elf import mapped_code, pad_tls
from ia2.formats import fields
from ia2.formats.plan import Compartment, Import, Plan
from ia2.stages import audit

SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE") or pathlib.Path(__file__).resolve().parents[3])
PLAN = audit.Expected(
    compartments=[
        Compartment(
            "tool", pkey=1, pkru=0, reads=[], file="tool", plugin=None, guests=True, system_calls=0
        ),
        Compartment(
            "lib",
            pkey=2,
            pkru=0,
            reads=[],
            file="lib.ia2.so",
            plugin=None,
            guests=True,
            system_calls=0,
        ),
    ],
    entries=[],
    imports=[Import("f", "function", owner=2, callers=[1])],
)
TLS = (
    "__thread char zero[8] __attribute__((aligned(4096))); __thread char data[8]"
    " __attribute__((aligned(4096))) = {1};\n"
)
LIBRARY = TLS + "int __wrap_f(void) { return 7; } int ia2(void); int use(void) { return ia2(); }\n"
TOOL = (
    TLS
    + "int __wrap_f(void); int ia2(void); int outside(void); int main(void) { return __wrap_f() +"
    " outside() + ia2(); }\n"
)
OUTSIDE = "int outside(void) { return 1; }\n"
WRPKRU = (
    OUTSIDE
    + 'void opens(void) { __asm__("xor %eax, %eax; xor %ecx, %ecx; xor %edx, %edx; wrpkru"); }\n'
)
GOOD = ["-fPIC", "-Wl,-z,now,-z,relro,-z,noexecstack,-z,separate-code", "-Wl,--no-as-needed"]


class Program(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(os.path.realpath(folder.name))
        for name in ("bin", "outside"):
            (self.path / name).mkdir()

    def gcc(self, output, text, *flags):
        subprocess.run(
            ["gcc", "-w", "-x", "c", "-", "-x", "none", "-o", self.path / output, *GOOD, *flags],
            input=text,
            text=True,
            check=True,
            cwd=self.path,
        )

    def build(self, outside=OUTSIDE, run_path="$ORIGIN:$ORIGIN/../outside"):
        self.gcc("outside/liboutside.so", outside, "-shared", "-Wl,-soname,liboutside.so")
        self.gcc("bin/libia2.so", "int ia2(void) { return 1; }", "-shared", "-Wl,-soname,libia2.so")
        self.gcc(
            "bin/lib.ia2.so",
            LIBRARY,
            "-shared",
            "-Wl,-soname,lib.ia2.so",
            "-Wl,-rpath,$ORIGIN",
            "bin/libia2.so",
        )
        self.gcc(
            "bin/tool",
            TOOL,
            "-pie",
            f"-Wl,-rpath,{run_path}",
            "bin/lib.ia2.so",
            "bin/libia2.so",
            "outside/liboutside.so",
        )
        for name in ("lib.ia2.so", "tool"):
            pad_tls.pad_file(str(self.path / "bin" / name))

    def failed(self):
        result = fields.as_json(audit.Audit(str(self.path / "bin"), PLAN).run())
        return {
            (os.path.basename(check["file"]), check["check"]): check["detail"]
            for check in result["checks"]
            if not check["ok"]
        }

    def audit(self, *arguments):
        return subprocess.run(
            [SOURCE / "scripts/audit", *arguments], capture_output=True, text=True
        )


class Mapped(Program):
    def test_good(self):
        self.build()
        self.assertEqual(self.failed(), {})

    def test_wrpkru_in_an_outside_library(self):
        self.build(outside=WRPKRU)
        self.assertRegex(
            self.failed()["liboutside.so", "instructions"],
            (
                r"\AWRPKRU at 0x[0-9a-f]+ in opens: sets PKRU or the thread pointer outside of any"
                r" gate\Z"
            ),
        )

    def test_libc_and_loader_are_listed_with_the_reason(self):
        self.build()
        checks = {
            os.path.basename(check["file"]): check
            for check in fields.as_json(audit.Audit(str(self.path / "bin"), PLAN).run())["checks"]
            if check["group"] == "mapped"
        }
        self.assertEqual(set(checks), {"libc.so.6", "ld-linux-x86-64.so.2", "liboutside.so"})
        self.assertRegex(checks["libc.so.6"]["detail"], r"^WRPKRU at \S+ in pkey_set: ")
        # Two in glibc 2.36, four in 2.41: those of the lazy binding, and of thread-locals by
        # descriptor.
        loader = subprocess.run(
            ["objdump", "-d", "--no-show-raw-insn", "/lib64/ld-linux-x86-64.so.2"],
            capture_output=True,
            text=True,
            check=True,
        )
        found = re.findall(r"^ *([0-9a-f]+):\s+xrstor\b", loader.stdout, re.MULTILINE)
        self.assertGreaterEqual(len(found), 2)
        self.assertEqual(
            re.findall(r"XRSTOR at 0x([0-9a-f]+) ", checks["ld-linux-x86-64.so.2"]["detail"]), found
        )
        self.assertEqual(checks["liboutside.so"]["detail"], "")

    def test_the_same_bytes_elsewhere_are_no_excuse(self):
        """A function of libc's name in another library is judged like any other."""
        self.build(outside=WRPKRU.replace("opens", "pkey_set"))
        self.assertIn("in pkey_set", self.failed()["liboutside.so", "instructions"])

    def test_library_that_only_the_environment_finds(self):
        self.build(run_path="$ORIGIN")
        os.environ["LD_LIBRARY_PATH"] = str(self.path / "outside")
        self.addCleanup(os.environ.pop, "LD_LIBRARY_PATH")
        self.assertEqual(
            self.failed(),
            {
                (
                    "tool",
                    "finds liboutside.so",
                ): "the loader does not find it without LD_LIBRARY_PATH"
            },
        )

    def test_another_file_is_taken_first(self):
        self.build()
        (self.path / "outside/libia2.so").write_bytes((self.path / "bin/libia2.so").read_bytes())
        self.gcc(
            "bin/tool",
            TOOL,
            "-pie",
            "-Wl,-rpath,$ORIGIN/../outside:$ORIGIN",
            "bin/lib.ia2.so",
            "bin/libia2.so",
            "outside/liboutside.so",
        )
        pad_tls.pad_file(str(self.path / "bin/tool"))
        found = self.failed()
        self.assertEqual(set(found), {("tool", "runtime"), ("tool", "takes libia2.so")})
        self.assertIn("outside/libia2.so, not", found["tool", "takes libia2.so"])

    def test_run_path_is_not_inherited(self):
        """The library needs the runtime but has no run path of its own: that of the program finds
        it, by luck of the order."""
        self.build()
        self.gcc("bin/lib.ia2.so", LIBRARY, "-shared", "-Wl,-soname,lib.ia2.so", "bin/libia2.so")
        pad_tls.pad_file(str(self.path / "bin/lib.ia2.so"))
        self.assertIn(("lib.ia2.so", "runtime"), self.failed())

    def test_closure_names_what_is_lost(self):
        self.build()
        (self.path / "outside/liboutside.so").unlink()
        self.assertEqual(mapped_code.closure(str(self.path / "bin/tool"))["liboutside.so"], "")


class Report(Program):
    def test_program_without_a_plan(self):
        self.build()
        done = self.audit(self.path / "bin/tool")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("ok     lib.ia2.so: gate f\n", done.stdout)

    def test_failure_is_the_exit_status(self):
        self.build(outside=WRPKRU)
        done = self.audit("-q", self.path / "bin/tool")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(
            done.stdout,
            (
                r"\AFAILED \S+/liboutside.so: instructions: WRPKRU [^\n]*\n\d+ checks passed, 1"
                r" failed\n\Z"
            ),
        )

    def test_json(self):
        self.build()
        result = json.loads(self.audit("--json", "--only", "loader", self.path / "bin/tool").stdout)
        self.assertTrue(result["ok"])
        self.assertEqual({check["group"] for check in result["checks"]}, {"loader"})

    def save_plan(self):
        plan = Plan(
            program="tool",
            source_root="/",
            build_dir="/",
            compartments=PLAN.compartments,
            units=[],
            objects=[],
            imports=PLAN.imports,
            entries=PLAN.entries,
            destructors=[],
            allocations={},
            shared_variables=[],
            parameters={},
            policy_file="/compartments.toml",
            policy_lines={},
            other_programs={},
        )
        fields.save(plan, str(self.path / "plan.json"))

    def test_output_directory(self):
        self.build()
        self.save_plan()
        for target in (self.path, self.path / "bin/tool"):
            self.assertEqual(self.audit(target).returncode, 0)
        self.assertTrue(json.loads((self.path / "audit.json").read_text())["ok"])

    def copied(self):
        """Makes OUT/bin2, a copy of OUT/bin in which the library is another file."""
        self.build()
        self.save_plan()
        shutil.copytree(self.path / "bin", self.path / "bin2")
        shutil.copy(self.path / "outside/liboutside.so", self.path / "bin2/lib.ia2.so")

    def test_copy_beside_the_output(self):
        """The copy is audited, not the files in OUT/bin that have its names."""
        self.copied()
        done = self.audit(self.path / "bin2/tool")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("FAILED lib.ia2.so: tls: ", done.stdout)
        self.assertFalse((self.path / "audit.json").exists())
        self.assertEqual(self.audit(self.path / "bin/tool").returncode, 0)

    def test_link_means_the_program_that_it_leads_to(self):
        """The loader takes the libraries beside the program, not those beside the link."""
        self.copied()
        (self.path / "links").mkdir()
        for folder, status in (("bin", 0), ("bin2", 1)):
            link = self.path / "links" / folder
            link.symlink_to(self.path / folder / "tool")
            done = self.audit(link)
            self.assertEqual(done.returncode, status, done.stdout + done.stderr)

    def test_two_keys_scripts(self):
        self.build(run_path="$ORIGIN")
        ldd = subprocess.run(
            [SOURCE / "scripts/check_two_keys_ldd.sh", "--target", self.path / "bin/tool"],
            capture_output=True,
            text=True,
        )
        self.assertEqual(ldd.returncode, 1)
        self.assertIn("FAILED tool: finds liboutside.so", ldd.stdout)
        symbols = subprocess.run(
            [SOURCE / "scripts/check_two_keys_symbols.sh", "--target", self.path / "bin/tool"],
            capture_output=True,
            text=True,
        )
        self.assertEqual(symbols.returncode, 0, symbols.stdout)
        self.assertIn("gate f", symbols.stdout)
        self.assertEqual(
            subprocess.run(
                [SOURCE / "scripts/check_two_keys_ldd.sh", "tool"], capture_output=True
            ).returncode,
            2,
        )

    def test_other_files_are_refused(self):
        for path, message in (
            (sys.executable, "is not a compartmentalized program"),
            (SOURCE / "LICENSE", "not an ELF file"),
            (self.path, "has no plan.json"),
        ):
            done = self.audit(path)
            self.assertEqual(done.returncode, 1)
            self.assertIn(message, done.stderr)


if __name__ == "__main__":
    unittest.main()
