"""The audit: each thing it checks, in a file that has it wrong."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from ia2.elf import pad_tls
from ia2.formats import fields
from ia2.formats.plan import Compartment, Import
from ia2.stages import audit
from ia2.base.failure import Failure

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
    imports=[
        Import("f", "function", owner=2, callers=[1]),
        Import("v", "data", owner=2, callers=[1]),
    ],
)
TLS = (
    "__thread char zero[8] __attribute__((aligned(4096))); __thread char data[8]"
    " __attribute__((aligned(4096))) = {1};\n"
)
LIBRARY = (
    TLS
    + "int v = 7; int __wrap_f(void) { return v; } int ia2(void); int use(void) { return ia2(); }\n"
)
TOOL = (
    TLS
    + "int __wrap_f(void); extern int v; int ia2(void); int main(void) { return __wrap_f() + v +"
    " ia2(); }\n"
)
GOOD = [
    "-fPIC",
    "-Wl,-z,now,-z,relro,-z,noexecstack,-z,separate-code",
    "-Wl,-rpath,$ORIGIN",
    "-Wl,--no-as-needed",
]


class Audit(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(os.path.realpath(folder.name))

    def gcc(self, output, text, *flags):
        subprocess.run(
            ["gcc", "-w", "-x", "c", "-", "-x", "none", "-o", self.path / output, *flags],
            input=text,
            text=True,
            check=True,
            cwd=self.path,
        )

    def build(
        self, library=(), tool=(), library_text=LIBRARY, tool_text=TOOL, padded=True, good=GOOD
    ):
        """The failed checks of a program with these changes, as {(file, check): detail}."""
        self.gcc(
            "libia2.so", "int ia2(void) { return 1; }", "-shared", "-Wl,-soname,libia2.so", *GOOD
        )
        self.gcc(
            "lib.ia2.so",
            library_text,
            "-shared",
            "-Wl,-soname,lib.ia2.so",
            *good,
            "libia2.so",
            *library,
        )
        self.gcc(
            "tool",
            tool_text,
            *(["-pie"] if "-no-pie" not in tool else []),
            *good,
            "lib.ia2.so",
            "libia2.so",
            *tool,
        )
        if padded:
            pad_tls.pad_file(str(self.path / "lib.ia2.so"))
            pad_tls.pad_file(str(self.path / "tool"))
        result = fields.as_json(audit.Audit(str(self.path), PLAN).run())
        self.assertEqual(result["ok"], all(check["ok"] for check in result["checks"]))
        return {
            (check["file"], check["check"]): check["detail"]
            for check in result["checks"]
            if not check["ok"]
        }

    def test_good(self):
        self.assertEqual(self.build(), {})

    def test_lazy_binding_and_relro(self):
        found = self.build(library=["-Wl,-z,lazy"])
        self.assertIn(("lib.ia2.so", "bind-now"), found)
        self.assertIn(("lib.ia2.so", "relro .got.plt"), found)
        self.assertIn(("tool", "relro"), self.build(tool=["-Wl,-z,norelro"]))

    def test_executable_stack(self):
        self.assertEqual(list(self.build(library=["-Wl,-z,execstack"])), [("lib.ia2.so", "stack")])

    def test_writable_code(self):
        self.assertIn(
            ("lib.ia2.so", "write-xor-execute"),
            self.build(
                library_text=LIBRARY
                + '__asm__(".section .both, \\"awx\\", @progbits\\n.quad 0\\n.text\\n");\n'
            ),
        )

    def test_text_relocations(self):
        text = LIBRARY + '__asm__(".text\\n.quad v\\n");\n'
        self.assertIn(
            ("lib.ia2.so", "text-relocations"),
            self.build(library_text=text, library=["-Wl,-z,notext"]),
        )

    def test_copy_relocation(self):
        found = self.build(tool=["-no-pie", "-fno-pic"])
        self.assertIn("copies v", found["tool", "copy-relocations"])

    def test_thread_locals(self):
        found = self.build(padded=False)
        self.assertIn("not whole pages", found["tool", "tls"])
        self.assertIn("not whole pages", found["lib.ia2.so", "tls"])
        self.assertIn(
            "no thread-local",
            self.build(library_text=LIBRARY.replace(TLS, ""), padded=False)["lib.ia2.so", "tls"],
        )

    def test_run_path(self):
        found = self.build(
            good=[flag for flag in GOOD if "rpath" not in flag]
            + ["-Wl,-rpath,/usr/lib", "-Wl,-rpath-link,."]
        )
        self.assertIn("libia2.so beside it", found["tool", "runtime"])

    def test_calls_past_the_gate(self):
        found = self.build(
            library_text=LIBRARY + "int f(void) { return 1; }",
            tool_text=TOOL.replace("__wrap_f() +", "__wrap_f() + f() +").replace(
                "int main", "int f(void); int main"
            ),
        )
        self.assertIn("calls f itself", found["tool", "gate f"])
        self.assertIn("exports f itself", found["lib.ia2.so", "gate f"])

    def test_gate_in_the_wrong_place(self):
        found = self.build(
            tool_text=TOOL.replace("int __wrap_f(void);", "int __wrap_f(void) { return 1; }"),
            tool=["-Wl,--export-dynamic"],
        )
        self.assertIn("tool exports __wrap_f too", found["lib.ia2.so", "one gate f"])
        self.assertIn(
            "does not export the gate",
            self.build(
                library_text=LIBRARY.replace("int __wrap_f", "static int __wrap_f"),
                tool_text=TOOL.replace("__wrap_f() +", ""),
            )["lib.ia2.so", "gate f"],
        )

    def test_shared_variable_is_exported(self):
        found = self.build(
            library_text=LIBRARY.replace("int v", "static int v"),
            tool_text=TOOL.replace("extern int v", "static int v"),
        )
        self.assertIn("does not export the shared variable v", found["lib.ia2.so", "shared v"])

    def test_instructions_outside_of_the_listed_sites(self):
        for name, code in (
            ("WRPKRU", "0x0f,0x01,0xef"),
            ("XRSTOR", "0x0f,0xae,0x2f"),
            ("XRSTOR", "0x0f,0xae,0x6c,0x24,0x40"),
            ("WRFSBASE", "0xf3,0x48,0x0f,0xae,0xd0"),
        ):
            with self.subTest(name):
                text = (
                    LIBRARY + f'int bad(void) {{ __asm__ volatile(".byte {code}"); return 0; }}\n'
                )
                found = self.build(library_text=text)
                self.assertIn(name, found["lib.ia2.so", "instructions"])
                self.assertIn("bad+0x", found["lib.ia2.so", "instructions"])
        # As an operand: it can still be jumped to.
        text = (
            LIBRARY
            + 'int bad(void) { int x; __asm__ volatile("movl $0xef010f, %0" : "=r"(x)); return'
            " x; }\n"
        )
        self.assertIn("WRPKRU", self.build(library_text=text)["lib.ia2.so", "instructions"])

    def test_listed_site(self):
        text = (
            LIBRARY + 'int gate(void) { __asm__ volatile("1: .byte 0x0f,0x01,0xef\\n .pushsection'
            ' ia2_sites,\\"a\\"\\n .balign 8\\n .long 1b-.\\n .short 2,3\\n.popsection"); return'
            " 0; }\n"
        )
        self.assertEqual(self.build(library_text=text), {})

    def test_lfence_and_rdfsbase_are_no_findings(self):
        text = (
            LIBRARY
            + 'int fine(void) { __asm__ volatile("lfence; .byte 0xf3,0x48,0x0f,0xae,0xc0; .byte'
            ' 0x0f,0x01,0xee"); return 0; }\n'
        )
        self.assertEqual(self.build(library_text=text), {})

    def test_missing_or_damaged_file(self):
        self.build()
        (self.path / "lib.ia2.so").write_bytes((self.path / "lib.ia2.so").read_bytes()[:3000])
        with self.assertRaises(Failure) as caught:
            audit.Audit(str(self.path), PLAN).run()
        self.assertIn("lib.ia2.so: cannot be audited: truncated", str(caught.exception))
