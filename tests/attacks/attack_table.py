"""Writes the table of docs/attacks.md: each attack, and what it does today, by its own marks."""

import re

from tests.attacks import attack_project

BEGIN, END = "<!-- the table begins -->\n", "<!-- the table ends -->\n"


def word(mark) -> str:
    if mark.until is None:
        return "stopped"
    return f"{'at times ' if mark.race else ''}until {mark.until}"


def cell(attack, kernel: str) -> str:
    """What it does on a kernel, by compartment if they differ."""
    outcomes = {by: attack.expected(kernel, by) for by in attack.attackers}
    words = {by: word(mark) for by, mark in outcomes.items()}
    if len(set(words.values())) == 1:
        return next(iter(words.values()))
    return "; ".join(f"{by}: {text}" for by, text in words.items())


def table(attacks) -> str:
    kernels = attack_project.KERNELS
    lines = [
        f"| class | attack | from | {' | '.join(kernels)} |",
        "|---|---|---|" + "---|" * len(kernels),
    ]
    for attack in sorted(attacks, key=lambda attack: (attack.kind, attack.name)):
        sides = ", ".join(map(str, attack.attackers))
        cells = " | ".join(cell(attack, kernel) for kernel in kernels)
        lines.append(f"| {attack.kind} | `{attack.name}` | {sides} | {cells} |")
    lines += [
        "",
        "| class | attacks and sides | " + " | ".join(f"succeed on {k}" for k in kernels) + " |",
    ]
    lines.append("|---|---|" + "---|" * len(kernels))
    for kind in sorted({attack.kind for attack in attacks}):
        runs = [(a, by) for a in attacks if a.kind == kind for by in a.attackers]
        numbers = [sum(a.expected(k, by).until is not None for a, by in runs) for k in kernels]
        lines.append(f"| {kind} | {len(runs)} | {' | '.join(map(str, numbers))} |")
    return "\n".join(lines) + "\n"


def in_page(page: str) -> str:
    return page.partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    path = attack_project.SOURCE / "docs/attacks.md"
    page = path.read_text()
    made = BEGIN + table(attack_project.all_attacks()) + END
    path.write_text(
        re.sub(re.escape(BEGIN) + ".*" + re.escape(END), lambda _: made, page, flags=re.DOTALL)
    )


if __name__ == "__main__":
    main()
