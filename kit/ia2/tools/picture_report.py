"""The command line of `report`: OUT in, one HTML page and a summary out."""

import argparse
import os

from ..base import atomic
from ..base.failure import exit_status
from . import learn, picture_page, picture_svg
from .markup import visible
from .picture import Picture
from .picture_svg import plural

PAGE = "report.html"
SHOWN = 8  # of each list in the summary


def summary(picture: Picture, learner: learn.Learner | None) -> list[str]:
    failed = [check for check in picture.audit.checks if not check.ok]
    passed = len(picture.audit.checks) - len(failed)
    lines = [
        f"{picture.plan.program}: {plural(len(picture.plan.compartments), 'compartment')},"
        f" {plural(len(picture.boundary.gates), 'gate')}; audit: {passed} checks passed,"
        f" {len(failed)} failed"
    ]
    if picture.audit.permissive:
        lines.append("PERMISSIVE: NOTHING IS ENFORCED in this program")
    lines += [f"  FAILED {each.file}: {each.check}: {each.detail}" for each in failed[:SHOWN]]
    lines += ["calls:"] if picture.edges() else []
    for edge in picture.edges():
        names = [gate.function for gate in (*edge.named, *edge.pointers)]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        lines.append(
            f"  {edge.caller.name} -> {edge.owner.name}: {plural(len(names), 'gate')}:"
            f" {', '.join(names[:SHOWN])}{more}"
        )
    exposures = picture.exposures()
    lines.append("shared, the largest first:" if exposures else "shared: nothing")
    for each in exposures[:SHOWN]:
        line = f"  [{each.line}]" if each.line else ""
        lines.append(f"  {each.what}, of {each.owner}, to {each.to}: {each.access}{line}")
    if len(exposures) > SHOWN:
        lines.append(f"  and {len(exposures) - SHOWN} more")
    if learner:
        total = sum(violation.get("count", 1) for violation in learner.violations)
        lines.append(f"{plural(total, 'violation')}, {len(learner.violations)} different")
    return [visible(line) for line in lines]


def report(options: argparse.Namespace) -> int:
    made = Picture(options.out)
    learner = learn.Learner(options.violations) if options.violations else None
    path = options.page or os.path.join(options.out, PAGE)
    atomic.write_text(path, picture_page.page(made, learner, options.violations))
    print(*summary(made, learner), sep="\n")
    if options.svg:
        atomic.write_text(options.svg, picture_svg.graph(made, alone=True) + "\n")
        print(f"wrote {visible(options.svg)}")
    print(f"wrote {visible(path)}")
    return 0


def main(description: str) -> int:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("out", metavar="OUT", help="the output directory of rewrite.py")
    parser.add_argument("--page", metavar="FILE", help=f"where the page goes (default: OUT/{PAGE})")
    parser.add_argument(
        "--svg", metavar="FILE", help="write the graph of the compartments as a file too"
    )
    parser.add_argument(
        "--violations",
        metavar="FILE",
        action="append",
        default=[],
        help="show the violations of this log of a permissive run too; may be repeated",
    )
    options = parser.parse_args()
    return exit_status(lambda: report(options))
