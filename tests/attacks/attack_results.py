"""What the output of an attack means."""

import re
from dataclasses import dataclass

from tests.attacks.attack_project import SIDES, VICTIMS

UNTOUCHED, PAYLOAD_RAN, CANNOT = "1111", 77, 90


@dataclass(frozen=True)
class Result:
    word: str  # "stopped", "succeeds", or "broken": it was no attack at all
    why: str


def judge(done: dict) -> Result:
    """done: a line of run_attacks.py."""
    victim = SIDES[VICTIMS[done["attacker"]]]
    out, status = done["out"], done["status"]
    if status == CANNOT or "CANNOT: " in out:
        return Result("broken", out.strip().split("CANNOT: ")[-1])
    if f"LEAK:SEKRIT-{victim}"[: 5 + 8] in out or "read 524b4553" in out:
        return Result("succeeds", "the secret is printed")
    if status == PAYLOAD_RAN:
        return Result("succeeds", "the payload ran with the victim's rights")
    end = re.search(r"^END status=\S+ app=(\S+) lib=(\S+)$", out, re.MULTILINE)
    if end and end[1 if victim == "app" else 2] != UNTOUCHED:
        return Result("succeeds", "the object is changed")
    if effect := re.search(r"^EFFECT: (.*)$", out, re.MULTILINE):
        return Result("succeeds", effect[1])
    if status is None:
        return Result("stopped", "it hangs")
    if "ia2: violation" in done["err"]:
        return Result("stopped", "violation")
    if said := re.search(r"^ia2: (?!warning)(.*)", done["err"], re.MULTILINE):
        return Result("stopped", said[1])
    if status < 0:
        return Result("stopped", f"signal {-status}")
    return Result("stopped", "no effect" if end else f"status {status}")
