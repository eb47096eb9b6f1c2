"""OUT/audit.json: every check of the audit, and whether the files passed it."""

import dataclasses
import typing

from . import fields

# enforcement: the program was not built permissive. loader: the loader finds the padded files, and
# finds them first. symbols: calls between compartments go through gates. mapped: the code of
# libraries that are not the program's own.
Group = typing.Literal[
    "enforcement", "hardening", "instructions", "tls", "loader", "symbols", "mapped"
]
GROUPS: tuple[Group, ...] = typing.get_args(Group)


@dataclasses.dataclass
class Check:
    """`detail` of a check that passed is empty, or says why what was found is accepted."""

    file: str
    group: Group
    check: str
    ok: bool
    detail: str


@dataclasses.dataclass
class AuditResult(fields.Format):
    """`permissive`: the program enforces nothing. `files`: what was audited."""

    FILE = "audit.json"
    REMEDY = "run the audit again"

    ok: bool
    permissive: bool
    files: list[str]
    checks: list[Check]

    def check(self) -> None:
        if self.ok != all(check.ok for check in self.checks):
            expected = "false, as a check failed" if self.ok else "true, as every check passed"
            raise fields.Fault("ok", expected, self.ok)
