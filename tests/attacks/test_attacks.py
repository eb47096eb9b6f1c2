"""Every attack of this folder, from each compartment it can come from, does what its head comment
says today: it is stopped, or it still succeeds.

An attack that succeeds although it must be stopped is a hole. One that is stopped although it is
marked "succeeds until ..." has been mended, and loses its mark. All run on the first kernel, and a
spread on the other; with --all-vectors all on both. Each kernel is booted once.
"""

import functools
import json
import os
import pathlib
import subprocess
import unittest

from ia2.vm import vm
from tests.attacks import attack_project, attack_results, attack_table

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT = 1500
VM_LIMIT = 1400
EVERY = 8  # of the attacks that are not chosen otherwise, on the second kernel
ALWAYS = ("signals",)  # classes that depend on the kernel most


def build(out: pathlib.Path):
    attack_project.build(out)


def on_second(attacks):
    """What of the suite runs on the second kernel."""
    if os.environ.get("IA2_ALL_VECTORS"):
        return attacks
    return [
        attack
        for i, attack in enumerate(attacks)
        if attack.kind in ALWAYS or any(mark.kernel for mark in attack.marks) or i % EVERY == 0
    ]


def plan():
    """(kernel, attack, attacker) of each test."""
    attacks = attack_project.all_attacks()
    first, second = attack_project.KERNELS
    return [
        (kernel, attack, attacker)
        for kernel, chosen in ((first, attacks), (second, on_second(attacks)))
        for attack in chosen
        for attacker in attack.attackers
    ]


def own_kernel() -> str | None:
    """Which of the two kernels this machine's is like, if its CPU has keys."""
    if os.environ.get("IA2_PKU") != "hardware":
        return None
    release = tuple(int(part) for part in os.uname().release.split(".")[:2])
    return attack_project.KERNELS[release >= (6, 12)]


def run_on(kernel: str, words: list[str]) -> str:
    program = attack_project.program(pathlib.Path(os.environ["IA2_TEST_OUT"]))
    command = ["/usr/bin/python3", str(HERE / "run_attacks.py"), str(program), "2", *words]
    if kernel == own_kernel():
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    done = vm.run(command, timeout=VM_LIMIT, cpus=2, kernel=kernel)
    if done.status:
        raise RuntimeError(
            f"the VM with {kernel} ended with {done.status}: {done.complaints}\n"
            + done.err.decode(errors="replace")[-3000:]
        )
    return done.out.decode()


@functools.cache
def results(kernel: str) -> dict:
    """What the attacks did on a kernel, all of them in one boot."""
    words = [f"{by}:{attack.name}" for on, attack, by in plan() if on == kernel]
    lines = [json.loads(line) for line in run_on(kernel, words).splitlines()]
    return {(done["attack"], done["attacker"]): done for done in lines}


class Attack(unittest.TestCase):
    maxDiff = None

    def outcome(self, kernel, attack, attacker):
        done = results(kernel).get((attack.name, attacker))
        self.assertIsNotNone(done, "it was not run")
        result = attack_results.judge(done)
        mark = attack.expected(kernel, attacker)
        place = attack.path.relative_to(attack_project.SOURCE)
        text = f"{place}: {result.word} ({result.why})"
        if mark.until is None:
            self.assertEqual(result.word, "stopped", f"{text}\n{done}")
        elif mark.race:
            self.assertNotEqual(result.word, "broken", f"{text}\n{done}")
        else:
            mended = f"; if it is mended, take away its mark `succeeds until {mark.until}`"
            self.assertEqual(result.word, "succeeds", f"{text}{mended}\n{done}")


class Marks(unittest.TestCase):
    def test_table_has_the_marks(self):
        """docs/attacks.md lists every attack, as the attacks themselves say it."""
        page = (attack_project.SOURCE / "docs/attacks.md").read_text()
        self.assertEqual(
            attack_table.in_page(page),
            attack_table.table(attack_project.all_attacks()),
            "write it anew: /usr/bin/python3 -m tests.attacks.attack_table",
        )


def add_tests():
    for kernel, attack, attacker in plan():
        name = f"test_{attack.name}_by_{attacker}_on_{kernel.replace('.', '_')}"

        def test(self, place=(kernel, attack, attacker)):
            self.outcome(*place)

        test.__doc__ = attack.fields["tries"]
        setattr(Attack, name, test)


add_tests()

if __name__ == "__main__":
    unittest.main()
