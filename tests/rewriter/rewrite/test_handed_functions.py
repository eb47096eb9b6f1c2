"""Every function of libc's headers that is given a function pointer, directly or in a record, gets
a checked one, or the call is refused. clang lists the functions, so a new one is noticed."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from tests.support import rewriter_case

SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE", pathlib.Path(__file__).resolve().parents[3]))
TIMEOUT = 300
# Headers that others include, and those of the kernel.
INNER = ("bits/", "asm", "gnu/", "linux/", "finclude/", "c++/")
POINTER = re.compile(r"\(\*.*\)\(|\(\*\)")
FUNCTION = re.compile(r"[^(]*\((?!\*)")
# What libc writes to, or only frees.
NOT_CALLED = {("sigaction", 2), ("globfree", 0), ("globfree64", 0)}
# A `struct sigevent` has a function for SIGEV_THREAD, which the runtime refuses when the program
# runs (runtime/compartment/libc/notifications.c).
NOTIFIED = {"struct sigevent", "struct aiocb", "struct aiocb64"}
ASKING = {
    f"aio_{name}{bits}" for name in ("cancel", "error", "return", "suspend") for bits in ("", "64")
}


def headers():
    """Those of libc6-dev that compile alone."""
    listed = subprocess.run(
        ["dpkg", "-L", "libc6-dev"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.split()
    names = []
    for path in listed:
        match = re.fullmatch(r"/usr/include/(?:x86_64-linux-gnu/)?(.+\.h)", path)
        if match and not match[1].startswith(INNER) and compiles(match[1]):
            names.append(match[1])
    return names


def included(names):
    return "".join(f"#include <{name}>\n" for name in ["stdio.h", "sys/types.h", *names])


def compiles(name):
    command = ["clang", "-fsyntax-only", "-w", "-std=gnu11", "-D_GNU_SOURCE", "-xc", "-"]
    return not subprocess.run(
        command, input=included([name]), stderr=subprocess.DEVNULL, text=True, check=False
    ).returncode


def tree(text):
    command = ["clang", "-fsyntax-only", "-w", "-std=gnu11", "-D_GNU_SOURCE", "-xc"]
    done = subprocess.run(
        [*command, "-Xclang", "-ast-dump=json", "-"],
        input=text,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def bare(text):
    """A type without qualifiers, pointers and array bounds."""
    text = re.sub(r"\b(const|volatile|restrict|__restrict)\b|\[.*?\]", "", text)
    return " ".join(text.replace("*", " ").split())


class Types:
    """What the types of a tree lead to."""

    def __init__(self, root):
        self.records, self.typedefs = {}, {}
        for node in root["inner"]:
            self.add(node)

    def add(self, node):
        for inner in node.get("inner", []):
            if inner.get("kind") == "RecordDecl":
                self.add(inner)
        if node["kind"] == "RecordDecl" and node.get("completeDefinition"):
            self.records[node["id"]] = node
            if "name" in node:
                self.records[f"{node['tagUsed']} {node['name']}"] = node
        elif node["kind"] == "TypedefDecl":
            owned = re.search(
                r'"ownedTagDecl": \{"id": "(\w+)"|"decl": \{"id": "(\w+)", "kind": "RecordDecl"',
                json.dumps(node),
            )
            self.typedefs[node["name"]] = (
                node["type"]["qualType"],
                owned and (owned[1] or owned[2]),
            )

    def is_pointer(self, text):
        """Whether it is a pointer to a function, also by a name for it or for the function."""
        for _ in range(8):
            if POINTER.search(text):
                return True
            name = bare(text)
            if name not in self.typedefs or text.count("*") > 1:
                return False
            target = self.typedefs[name][0]
            if "*" in text:
                return bool(FUNCTION.match(target))
            text = target
        return False

    def record(self, text):
        """The record that a type is or leads to, by pointers; None if it is none."""
        name = bare(text)
        for _ in range(8):
            if name in self.records:
                return self.records[name]
            if name not in self.typedefs:
                return None
            target, owned = self.typedefs[name]
            if POINTER.search(target):
                return None
            if owned in self.records and bare(target) not in self.records:
                return self.records[owned]
            name = bare(target)
        return None

    def holding(self, text, seen=frozenset()):
        """The names of the records with function pointers that a type leads to."""
        record = self.record(text)
        if record is None or record["id"] in seen:
            return set()
        found = set()
        inside = {record["id"], *seen}
        for node in record.get("inner", []):
            if node["kind"] == "RecordDecl":  # without a name, or declared inside
                found |= {bare(text)} if self.has_pointers(node) else set()
            if node["kind"] == "FieldDecl":
                if self.is_pointer(node["type"]["qualType"]):
                    found.add(bare(text))
                elif "(unnamed" not in node["type"]["qualType"]:
                    found |= self.holding(node["type"]["qualType"], inside)
        return found

    def has_pointers(self, record):
        return any(
            self.has_pointers(node)
            if node["kind"] == "RecordDecl"
            else node["kind"] == "FieldDecl" and self.is_pointer(node["type"]["qualType"])
            for node in record.get("inner", [])
        )


def functions(root):
    """{name: [type of each parameter]}; those that are declared twice are one."""
    return {
        node["name"]: [
            inner["type"]["qualType"]
            for inner in node.get("inner", [])
            if inner["kind"] == "ParmVarDecl"
        ]
        for node in root["inner"]
        if node["kind"] == "FunctionDecl"
        and "inner" in node
        and not node["name"].startswith(("__builtin_", "__atomic_", "__sync_"))
    }


class HandedFunctions(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.names = headers()
        root = tree(included(cls.names))
        cls.types, cls.functions = Types(root), functions(root)

    def rewritten(self, calls):
        """The texts of the functions of app.c that make the calls, and the diagnostics."""
        lines = [
            f"void use{n}(struct everything *c) {{ ({name})({', '.join(arguments)}); }}"
            for n, (name, arguments) in enumerate(calls)
        ]
        members = "".join(f"    {text};\n" for text in self.members)
        text = (
            'made of the headers\n>>> policy\n{"imports": {"lib_get": [2, 1]}}\n\n'
            f">>> - lib.h\n{included(self.names)}struct everything {{\n{members}}};\n"
            "void lib_get(struct everything *c);\n\n"
            '>>> 1 app.c -D_GNU_SOURCE -w\n#include "lib.h"\n'
            + "\n".join(lines)
            + "\nint main(void) { lib_get(0); return 0; }\n\n"
            '>>> 2 lib.c -D_GNU_SOURCE -w\n#include "lib.h"\n'
            "void lib_get(struct everything *c) { (void)c; }\n"
        )
        with tempfile.NamedTemporaryFile("w", suffix=".case") as case:
            case.write(text)
            case.flush()
            run = rewriter_case.opened(self, case.name)
        done = run.rewrite()
        if done.returncode:
            return None, done.stderr
        texts = run.mirrored("app.c").read_text()
        return [
            re.search(rf"^void use{n}\(.*$", texts, re.MULTILINE)[0] for n in range(len(calls))
        ], ""

    def calls(self, wanted):
        """A call of each function with a wanted parameter, by (function, parameters wanted)."""
        made = []
        self.members = []
        for name, parameters in sorted(self.functions.items()):
            places = [i for i, text in enumerate(parameters) if wanted(name, i, text)]
            if not places:
                continue
            arguments = []
            for i, text in enumerate(parameters):
                if i in places:
                    self.members.append(f"__typeof__({text}) m{len(self.members)}")
                    arguments.append(f"c->m{len(self.members) - 1}")
                else:
                    arguments.append(f"*(__typeof__({text}) *)c")
            made.append((name, arguments, len(places)))
        return made

    def test_arguments(self):
        """A function pointer as an argument is checked."""
        calls = self.calls(lambda name, i, text: self.types.is_pointer(text))
        known = {name for name, _, _ in calls}
        for name in ("qsort", "scandir", "atexit", "makecontext", "fts_open", "thrd_create"):
            self.assertIn(name, known)
        self.assertGreater(len(calls), 45)
        texts, refused = self.rewritten([call[:2] for call in calls])
        self.assertEqual(refused, "")
        unchecked = [
            text
            for text, (_, _, count) in zip(texts, calls)
            if text.count("IA2_CALLBACK(") != count
        ]
        self.assertEqual(unchecked, [])
        print(f"note: {len(calls)} functions of libc's headers get a function pointer")

    def is_record(self, name, i, text):
        """A parameter with function pointers in what it leads to, which libc calls."""
        return (
            not self.types.is_pointer(text)
            and self.types.holding(text) - NOTIFIED
            and (name, i) not in NOT_CALLED
        )

    def test_records(self):
        """A record with function pointers is checked, or the call is refused."""
        calls = self.calls(self.is_record)
        known = {name for name, _, _ in calls}
        for name in (
            "sigaction",
            "fopencookie",
            "glob",
            "argp_parse",
            "obstack_printf",
            "fts_read",
        ):
            self.assertIn(name, known)
        texts, refused = self.rewritten([call[:2] for call in calls])
        self.assertIsNone(texts)
        stopped = set(re.findall(r" for (\w+), which no compartment defines: objects of", refused))
        left = [call[:2] for call in calls if call[0] not in stopped]
        self.assertEqual({name for name, _ in left}, {"sigaction", "fopencookie"})
        texts, refused = self.rewritten(left)
        self.assertEqual(refused, "")
        for text in texts:
            self.assertRegex(text, r"IA2_CALLBACKS(_OF)?\(")

    def test_notifications(self):
        """What SIGEV_THREAD makes a thread for is refused when the program runs."""
        wrapped = set(
            re.findall(r"--wrap=(\w+)", (SOURCE / "runtime/ia2_compartment.ldflags").read_text())
        )
        notified = {
            name
            for name, parameters in self.functions.items()
            if any(self.types.holding(text) & NOTIFIED for text in parameters)
        }
        self.assertIn("timer_create", notified)
        self.assertEqual(notified - ASKING - wrapped, set())


if __name__ == "__main__":
    unittest.main()
