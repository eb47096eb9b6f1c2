"""libc's WRPKRU and ld.so's XRSTOR open no key for a compartment that jumps to them."""

import pathlib
import unittest

from tests.support import compartments
from tests.support.compartments import Compartment

NEEDS_PKU = True
HERE = pathlib.Path(__file__).resolve().parent


def build(out: pathlib.Path):
    text = (HERE / "libc_code.c.in").read_text()
    attackers = [(f"libc_code_{key}.c", text.replace("@KEY@", str(key))) for key in (1, 2)]
    parts = [
        Compartment("app", [attackers[0], HERE / "libc_code_main.c"]),
        Compartment("library", [attackers[1], HERE / "libc_code_lib.c"]),
    ]
    compartments.build(out, "libc_code", parts, flags=[f"-I{HERE}"])
    plain = [Compartment(part.name, part.sources) for part in parts]
    compartments.build_plain(out, "libc_code", plain, flags=[f"-I{HERE}"])


class LibcCode(unittest.TestCase):
    def go(self, attacker, name):
        done = compartments.execute(compartments.program("libc_code"), attacker, name)
        self.assertNotIn("compromised", done.out)
        return done

    def test_a_plain_program_has_the_instructions(self):
        done = compartments.execute(compartments.program("libc_code", plain=True), 2, "find")
        self.assertRegex(done.out, r"\AWRPKRU 1 XRSTOR [24]\n\Z")

    def test_none_is_left(self):
        self.assertEqual(self.go(2, "find").out, "WRPKRU 0 XRSTOR 0\n")

    def test_pkey_set(self):
        for attacker in (1, 2):
            done = self.go(attacker, "pkey_set")
            self.assertEqual(done.status, -6, done)
            self.assertIn(
                "ia2: pkey_set is called: protection keys belong to the runtime", done.err
            )

    def test_xrstor_with_pkru_in_its_mask(self):
        for attacker in (1, 2):
            self.assertEqual(self.go(attacker, "xrstor").status, 134)


if __name__ == "__main__":
    unittest.main()
