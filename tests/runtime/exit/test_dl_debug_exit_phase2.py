"""The PKRU transitions at exit, as the log has them: from key 0 to the owner and back, once per
destructor."""

import pathlib
import re
import unittest

from tests.support import endings

NEEDS_PKU = True
ALSO_NATIVE = True
KEY_0 = 0x65555554
RUNNING = re.compile(
    r"IA2_TRACE: running '(?P<name>[^']*)' \((?P<kind>\w+)\) target compartment (?P<owner>[\w ]+)"
    r" \(key (?P<key>\d+)\): "
    r"PKRU (?P<before>0x[0-9a-f]+) -> (?P<target>0x[0-9a-f]+)\n"
    r"(?:IA2_EXIT: event=unknown_owner.*\n)?"
    r"IA2_TRACE:   in compartment (?P<where>[\w ]+): PKRU (?P<inside>0x[0-9a-f]+)\n"
    r"(?:IA2_EXIT: event=fault.*\n|ia2: .*\n)*"
    r"IA2_TRACE:   back from '(?P<again>[^']*)': PKRU (?P<after>0x[0-9a-f]+)\n"
)
PRINTED = (
    "main_cxa main's\nmain_on_exit 4 main's\nlibrary_at_exit library's 1\nmain_at_exit"
    " main's\nmain_cleanup main's 108\nlibrary_cleanup library's 1\n"
)
ORDER = [
    ("main_cxa", "cxa_atexit", 1),
    ("main_on_exit", "on_exit", 1),
    ("library_at_exit", "atexit", 2),
    ("main_at_exit", "atexit", 1),
    ("main_cleanup", "fini_array", 1),
    ("library_cleanup", "fini_array", 2),
]


def build(out: pathlib.Path):
    parts = endings.parts("dl_debug_exit_phase2.c", "dl_debug_library.c")
    parts[0].reads = (2,)
    endings.compartments.build(out, "phase2", parts, flags=endings.FLAGS)


class Phase2(unittest.TestCase):
    def go(self, *words, **environment):
        return endings.execute(
            endings.compartments.program("phase2"), *words, IA2_DIAG_EXIT="1", **environment
        )

    def transitions(self, err):
        found = list(RUNNING.finditer(err))
        self.assertEqual(len(found), err.count("IA2_TRACE: running"), err)
        return found

    def test_every_transition(self):
        done = self.go(IA2_TRACE_EXIT="1")
        self.assertEqual((done.status, done.out), (4, PRINTED), done)
        found = self.transitions(done.err)
        for it in found:
            target = endings.compartments.pkru(int(it["key"]), (2,) if it["key"] == "1" else ())
            self.assertEqual(
                (
                    int(it["before"], 16),
                    int(it["target"], 16),
                    int(it["inside"], 16),
                    int(it["after"], 16),
                ),
                (KEY_0, target, target, KEY_0),
                it.group(),
            )
            self.assertEqual((it["owner"], it["name"]), (it["where"], it["again"]))
        self.assertEqual(
            [
                (it["name"], it["kind"], int(it["key"]))
                for it in found
                if not re.search(r"\+0x", it["name"])
            ],
            ORDER,
        )
        self.assertIn(
            f"IA2_DIAG_EXIT: success={6 + endings.COMPILERS} fallback=0 unknown=0 faulted=0\n",
            done.err,
        )

    def test_function_of_unknown_owner_runs_with_key_0(self):
        done = self.go("libc", IA2_TRACE_EXIT="1")
        self.assertEqual((done.status, done.out), (4, PRINTED), done)
        unknown = [it for it in self.transitions(done.err) if it["key"] == "0"]
        self.assertEqual(
            [(it["where"], int(it["inside"], 16)) for it in unknown], [("key 0", KEY_0)]
        )
        self.assertRegex(
            done.err,
            r"(?m)^IA2_EXIT: event=unknown_owner function='0x[0-9a-f]+' kind=atexit "
            r"registered_by=dl_debug_exit_phase2 action=run_with_key_0$",
        )
        self.assertIn(
            f"IA2_DIAG_EXIT: success={6 + endings.COMPILERS} fallback=1 unknown=1 faulted=0\n",
            done.err,
        )

    @unittest.skipUnless(endings.compartments.enforced(), "needs protection keys")
    def test_key_0_may_not_touch_what_the_function_wants(self):
        done = self.go("unknown", IA2_TRACE_EXIT="1")
        self.assertEqual((done.status, done.out), (4, PRINTED), done)
        self.transitions(done.err)
        self.assertIn("ia2: violation: compartment key 0 (", done.err)
        self.assertIn("fallback=1 unknown=1 faulted=1\n", done.err)


if __name__ == "__main__":
    unittest.main()
