"""Which entries of a policy name something that other programs of the build have.

A package has one policy for all its programs. Each program is split by itself, and an entry that
names nothing in it is refused, unless another program of the build has what the entry names. The
other programs are not parsed: whether they have it is read off the text of their sources, and for
variables off their objects.
"""

import os
import re

from ..elf import elf
from ..formats.build_graph import BuildGraph, OtherUnit
from ..policy.policy import Policy

NO_CODE = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
# What may stand between a function's parameters and its body: attributes, or the declarations of
# an old-style definition.
BEFORE_BODY = re.compile(r"(?:[\s\w]|\((?:[^()]|\([^()]*\))*\))*+\{|(?:\s*\w[\w\s*,\[\]]*;)++\s*\{")


class OtherPrograms:
    """What only other programs are made of."""

    def __init__(self, graph: BuildGraph):
        own = {os.path.realpath(record.source) for record in graph.objects}
        self.units = [
            unit for unit in graph.other_units if os.path.realpath(unit.source) not in own
        ]
        self.texts: dict[str, str] = {}
        self.variables: dict[str, set[str]] = {}

    def entries(self, policy: Policy) -> dict[str, str]:
        """Each entry of the policy, by its dotted name, that names something in a source which the
        program does not have -> that source."""
        found: dict[str, str] = {}
        for unit in self.units:
            for name in policy.allocations:
                function, _, variable = name.partition(".")
                if self.defines(unit, function) and (not variable or self.assigns(unit, variable)):
                    found.setdefault(f"allocations.{name}", unit.source)
            for name in policy.parameters:
                if self.calls_member(unit, name.rpartition(".")[2]):
                    found.setdefault(f"parameters.{name}", unit.source)
            for name in policy.shared_variables:
                if name in self.text(unit) and name in self.global_variables(unit):
                    found.setdefault(f"shared.variables.{name}", unit.source)
        return found

    def text(self, unit: OtherUnit) -> str:
        if unit.source not in self.texts:
            try:
                with open(unit.source, encoding="utf-8", errors="replace") as stream:
                    self.texts[unit.source] = NO_CODE.sub(" ", stream.read())
            except OSError:
                self.texts[unit.source] = ""
        return self.texts[unit.source]

    def defines(self, unit: OtherUnit, function: str) -> bool:
        text = self.text(unit)
        if function not in text:
            return False
        for match in re.finditer(rf"^[^\n]*?(?<![\w.>]){function}\s*(?=\()", text, re.M):
            end = _after_brackets(text, match.end())
            if not re.match(r"\s*#", match.group()) and end and BEFORE_BODY.match(text, end):
                return True
        return False

    def assigns(self, unit: OtherUnit, variable: str) -> bool:
        pattern = rf"(?<!\w){variable}\s*(?:\[[^\]]*\]\s*)*=(?!=)"
        return re.search(pattern, self.text(unit)) is not None

    def calls_member(self, unit: OtherUnit, member: str) -> bool:
        pattern = rf"(?:->|\.)\s*{member}\s*(?:\)\s*)?\("
        return re.search(pattern, self.text(unit)) is not None

    def global_variables(self, unit: OtherUnit) -> set[str]:
        if unit.object not in self.variables:
            try:
                symbols = elf.Elf.read(unit.object).symbols()
            except (OSError, elf.ElfError):
                symbols = []
            self.variables[unit.object] = {
                symbol.name
                for symbol in symbols
                if symbol.defined and symbol.type == elf.STT_OBJECT
            }
        return self.variables[unit.object]


def _after_brackets(text: str, start: int) -> int:
    """The offset after the bracket that closes the one at `start`; 0 if none does."""
    depth = 0
    for match in re.compile(r"[()]").finditer(text, start):
        depth += 1 if match.group() == "(" else -1
        if not depth:
            return match.end()
    return 0
