"""One HTML page about a split program: no script, nothing from elsewhere, light and dark, made for
paper too."""

from ..formats.audit import Check
from ..policy import system_calls
from . import learn, learn_report
from .markup import Markup, element, escaped, joined
from .picture import Change, Edge, Exposure, Picture, Row
from .picture_svg import COLOURS, PRINTED, STYLE, graph, plural

# Even if a name got past the escaping, a browser runs and fetches nothing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
TAB = 8
PAGE_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 76rem; margin: 0 auto; padding: 1rem 1.5rem 4rem; }
h1 { font-size: 1.7rem; margin: .5rem 0; } h2 { margin-top: 2.2rem; } h3 { margin-bottom: .3rem; }
a { color: var(--call); } nav a { margin-right: 1rem; }
code, td.code, .diff { font: 13px/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem;
  border-bottom: 1px solid var(--rule); }
th { color: var(--faint); font-weight: 600; }
td.number { text-align: right; white-space: nowrap; }
.verdict { padding: .6rem 1rem; border-left: 6px solid var(--good); background: var(--panel); }
.verdict.bad { border-color: var(--bad); }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; }
.faint { color: var(--faint); }
svg { display: block; max-width: 100%; height: auto; margin: 1rem auto; }
.diff td { border: 0; padding: 0 .4rem; width: 46%; white-space: pre-wrap; }
.diff td.number { width: 4%; color: var(--faint); }
.diff .old { background: var(--removed); } .diff .new { background: var(--added); }
.diff tbody + tbody::before { content: "⋯"; color: var(--faint); }
"""
PAPER = """
@media print { body { max-width: none; font-size: 10pt; padding: 0; } nav { display: none; }
  h2, h3 { break-after: avoid; } tr, svg, figure { break-inside: avoid; } a { color: inherit; }
  .diff { font-size: 7.5pt; } * { print-color-adjust: exact; } }
"""


def cell(text: str, kind: str | None = None) -> Markup:
    return element("td", text, class_=kind)


def table(heads: list[str], rows: list[list[Markup]]) -> Markup:
    return element(
        "table",
        element("thead", element("tr", joined(element("th", head) for head in heads))),
        element("tbody", joined(element("tr", joined(row)) for row in rows)),
    )


def codes(names: list[str]) -> Markup:
    return joined((element("code", name) for name in names), ", ")


def size_text(size: int | None) -> str:
    if size is None:
        return "not known"
    return f"{size} bytes" if size < 10240 else f"{size // 1024} KiB"


# The sections. -----------------------------------------------------------------------------------


def verdict(picture: Picture) -> Markup:
    audit = picture.audit
    failed = sum(not check.ok for check in audit.checks)
    passed = plural(len(audit.checks) - failed, "check")
    if audit.permissive:
        text = "This program is permissive: NOTHING IS ENFORCED in it."
    elif failed:
        text = f"The audit found {plural(failed, 'fault')}. {passed} passed."
    else:
        text = f"The audit passed: {passed} of the finished files."
    good = not failed and not audit.permissive
    return element("p", text, class_="verdict" if good else "verdict bad")


def compartments(picture: Picture) -> Markup:
    rows = []
    for each in picture.plan.compartments:
        memory = picture.memory[each.pkey]
        sources = sum(unit.compartment == each.pkey for unit in picture.plan.units)
        variables = f"{plural(memory.variables, 'variable')}, {size_text(memory.size)}"
        rows.append(
            [
                cell(element("code", each.name)),
                cell(str(each.pkey), "number"),
                cell(element("code", each.file)),
                cell(str(sources), "number"),
                cell(variables if memory.known else f"at least {variables}"),
                cell(codes([picture.name(key) for key in each.reads]) or "nothing"),
                cell(
                    "all of the plugin's file" if each.plugin else "from the start",
                ),
                cell("with its rights" if each.guests else "refused"),
                cell(system_calls.words(each.system_calls)),
            ]
        )
    heads = ["compartment", "key", "file", "C units", "own globals", "reads all of", "is there"]
    return joined(
        [
            element("figure", graph(picture)),
            element(
                "p",
                "An arrow is a way to call: from the caller to the compartment whose code runs. A"
                " dashed arrow is a grant to read all memory.",
                class_="faint",
            ),
            table([*heads, "libraries it loads", "system calls"], rows),
        ]
    )


def crossing(picture: Picture) -> Markup:
    edges = picture.edges()
    if not edges:
        return element("p", "No call and no variable crosses between compartments.")
    return joined(edge_section(edge) for edge in edges)


def edge_section(edge: Edge) -> Markup:
    rows = [
        [
            cell(element("code", gate.function)),
            cell(element("code", gate.signature)),
            cell(element("code", f"{gate.file}:{gate.line}")),
            cell(way + (", with the caller's rights" if gate.ungated else "")),
        ]
        for gates, way in ((edge.named, "by name"), (edge.pointers, "through a pointer"))
        for gate in gates
    ]
    parts = [
        element(
            "h3",
            f"{edge.caller.name} → {edge.owner.name}: {plural(len(rows), 'gate')}",
        )
    ]
    if rows:
        parts.append(table(["function", "type", "defined at", "how it is called"], rows))
    if edge.variables:
        parts.append(element("p", "Variables that it uses: ", codes(edge.variables), "."))
    return joined(parts)


def exposure_row(number: int, each: Exposure) -> list[Markup]:
    asked = [element("code", each.line), element("br")] if each.line else []
    entry = element("code", each.entry) if each.line else escaped(each.entry)
    return [
        cell(str(number), "number"),
        cell(each.what),
        cell(each.owner),
        cell(each.to),
        cell(each.access),
        cell(size_text(each.size) if each.size is not None else "not known", "number"),
        cell(joined([*asked, entry])),
    ]


def shared(picture: Picture) -> Markup:
    exposures = picture.exposures()
    if not exposures:
        return element("p", "Nothing: no line of the policy shares memory, and no local moved.")
    parts = [
        element(
            "p",
            "The largest first: all memory of a compartment, then blocks whose size depends on the"
            " run, then variables by size, then locals. Sizes are of global variables only.",
        ),
        table(
            ["", "what", "memory of", "open to", "for", "size", "by which line"],
            [exposure_row(number, each) for number, each in enumerate(exposures, 1)],
        ),
    ]
    crossings = picture.boundary.may_cross
    if crossings:
        rows = [
            [
                cell(element("code", each.name)),
                cell(element("code", f"{each.file}:{each.line}")),
                cell(element("code", f"{each.taken_file}:{each.taken_line}")),
            ]
            for each in crossings
        ]
        parts += [
            element("h3", "Look at these by hand"),
            element(
                "p",
                "The address of each of these variables may reach another compartment. The"
                " variable itself is not shared: an access from there is a violation.",
            ),
            table(["variable", "defined at", "address taken at"], rows),
        ]
    return joined(parts)


def violations(learner: learn.Learner, logs: list[str]) -> Markup:
    suggestions = learner.suggestions()
    total = sum(violation.get("count", 1) for violation in learner.violations)
    parts = [
        element(
            "p",
            f"{plural(total, 'violation')}, {len(learner.violations)} of them different, in ",
            codes(logs),
            ". Nothing was enforced in these runs.",
        )
    ]
    parts += [element("p", reason, class_="bad") for reason in learner.cut_short]
    rows = []
    for each in suggestions:
        text = learn_report.fragment([without_reasons(each)]) if each.table else ""
        lines = [line for line in text.splitlines() if line]
        line = joined((element("code", line) for line in lines), " ")
        rows.append(
            [
                cell(joined((escaped(reason) for reason in each.reasons), "; ")),
                cell(line if lines else "none: change it by hand"),
            ]
        )
    if rows:
        parts.append(table(["what happened", "the line that would allow it"], rows))
    return joined(parts)


def without_reasons(each: learn.Suggestion) -> learn.Suggestion:
    return learn.Suggestion(each.table, each.key, each.value)


def diff_row(row: Row) -> Markup:
    before, after = row.before.expandtabs(TAB), row.after.expandtabs(TAB)
    changed = row.changed
    return element(
        "tr",
        cell(str(row.number) if row.number else "", "number"),
        cell(before.rstrip("\r"), "old" if changed and row.number else None),
        cell(str(row.number) if row.number else "+", "number"),
        cell(after.rstrip("\r"), "new" if changed else None),
    )


def change_section(change: Change) -> Markup:
    parts = [element("h3", change.path, f": {plural(change.changed, 'line')} changed or added")]
    if change.groups:
        bodies = [element("tbody", joined(map(diff_row, group))) for group in change.groups]
        parts.append(element("table", joined(bodies), class_="diff"))
    if change.note:
        parts.append(element("p", change.note, class_="faint"))
    return joined(parts)


def rewritten(picture: Picture) -> Markup:
    changes = picture.changes()
    if not changes:
        return element("p", "No source had to change.")
    intro = element("p", "The project's text on the left, what is compiled instead on the right.")
    return joined([intro, *map(change_section, changes)])


def audited(picture: Picture) -> Markup:
    groups: dict[str, list[Check]] = {}
    for check in picture.audit.checks:
        groups.setdefault(check.group, []).append(check)
    rows = [
        [
            cell(group),
            cell(str(sum(check.ok for check in checks)), "number"),
            cell(
                str(sum(not check.ok for check in checks)),
                "number" if all(check.ok for check in checks) else "number bad",
            ),
        ]
        for group, checks in groups.items()
    ]
    notable = [check for check in picture.audit.checks if not check.ok or check.detail]
    details = [
        [
            cell("accepted" if check.ok else "FAILED", "good" if check.ok else "bad"),
            cell(element("code", check.file)),
            cell(check.check),
            cell(check.detail),
        ]
        for check in sorted(notable, key=lambda check: check.ok)
    ]
    parts = [table(["group", "passed", "failed"], rows)]
    if details:
        parts.append(table(["", "file", "check", "detail"], details))
    return joined(parts)


def absent() -> Markup:
    return element(
        "ul",
        element(
            "li",
            "Open files: every compartment can read and write them, whatever its system calls.",
        ),
        element(
            "li",
            "Memory that code of a compartment shares by itself, for example by mmap of one file"
            " in two compartments.",
        ),
        element("li", "Whether data that crosses is checked by the code that receives it."),
    )


def page(picture: Picture, learner: learn.Learner | None, logs: list[str]) -> str:
    program = picture.plan.program
    sections = [
        ("compartments", "Compartments", compartments(picture)),
        ("crossing", "What crosses", crossing(picture)),
        ("shared", "What is shared", shared(picture)),
        *([("violations", "Violations", violations(learner, logs))] if learner else []),
        ("rewritten", "Rewritten text", rewritten(picture)),
        ("audit", "Audit", audited(picture)),
        ("absent", "What this page does not show", absent()),
    ]
    style = COLOURS + STYLE + PAGE_STYLE + PRINTED + PAPER
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=Markup(POLICY)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{program}: its compartments"),
        element("style", Markup(style)),
    )
    gates = len(picture.boundary.gates)
    counts = f"{plural(len(picture.plan.compartments), 'compartment')}, {plural(gates, 'gate')}."
    body = element(
        "body",
        element("h1", f"{program}: its compartments"),
        verdict(picture),
        element("p", counts, " Policy: ", element("code", picture.plan.policy_file), "."),
        element("nav", joined(element("a", title, href=f"#{name}") for name, title, _ in sections)),
        joined(
            element("section", element("h2", title, id=name), text)
            for name, title, text in sections
        ),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"
