"""The compartments of a split program as a graph, in SVG."""

import math

from ..formats.plan import Compartment
from .markup import Markup, element
from .picture import EVERYBODY, Edge, Picture

WIDTH, HEIGHT = 176, 64  # of a compartment's box
MARGIN = 14
BEND, GRANT_BEND = 34, 84  # how far the middle of an arrow is from the straight line, twice
LISTED = 12  # functions in the text of an arrow
LONGEST = 20  # characters of a name in a box

STYLE = """
svg { font: 13px system-ui, sans-serif; fill: var(--ink); }
.box { fill: var(--panel); stroke: var(--ink); stroke-width: 1.5; }
.shared { fill: none; stroke: var(--warn); stroke-dasharray: 6 4; }
.name { font-weight: 600; font-size: 15px; }
.call { fill: none; stroke: var(--call); }
.grant { fill: none; stroke: var(--warn); stroke-width: 2; stroke-dasharray: 6 4; }
.head { fill: var(--call); }
.grant-head { fill: var(--warn); }
.label { paint-order: stroke; stroke: var(--paper); stroke-width: 5px; stroke-linejoin: round; }
"""
COLOURS = """
:root { color-scheme: light dark; --paper: #ffffff; --panel: #f1f4f8; --ink: #1c2530;
  --faint: #5b6775; --rule: #ccd3dc; --call: #2a6db0; --warn: #a8480c; --good: #1b7138;
  --bad: #b3261e; --added: #dcf3e1; --removed: #fbe3e1; }
@media (prefers-color-scheme: dark) { :root { --paper: #12171d; --panel: #1d252e; --ink: #e4e9ef;
  --faint: #9aa7b5; --rule: #3a4653; --call: #7db7f2; --warn: #f2a263; --good: #7fd59a;
  --bad: #ff938a; --added: #173b22; --removed: #4a1f1c; } }
"""
# Paper is white, whatever the screen is.
PRINTED = """
@media print { :root { color-scheme: light; --paper: #ffffff; --panel: #f1f4f8; --ink: #000000;
  --faint: #444444; --rule: #999999; --call: #1d4f80; --warn: #8a3a08; --good: #115127;
  --bad: #8c1d18; --added: #dcf3e1; --removed: #fbe3e1; } }
"""
Point = tuple[float, float]


def short(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def plural(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def places(count: int) -> tuple[list[Point], float, float]:
    """The middle of each box, and the width and height of the drawing."""
    if count <= 2:
        across = WIDTH * 2.6 if count == 2 else 0.0
        width, height = across + WIDTH + 2 * MARGIN, HEIGHT + 2.0 * MARGIN + GRANT_BEND
        left = MARGIN + WIDTH / 2
        return [(left + index * across, height / 2) for index in range(count)], width, height
    radius = max(170.0, count * 44.0)
    width, height = 2 * radius * 1.35 + WIDTH + 2 * MARGIN, 2 * radius + HEIGHT + 2 * MARGIN
    angles = [2 * math.pi * index / count - math.pi / 2 for index in range(count)]
    return (
        [
            (width / 2 + 1.35 * radius * math.cos(angle), height / 2 + radius * math.sin(angle))
            for angle in angles
        ],
        width,
        height,
    )


def border(middle: Point, towards: Point) -> Point:
    """Where the line from the middle of a box meets its edge."""
    dx, dy = towards[0] - middle[0], towards[1] - middle[1]
    scale = min(
        (WIDTH / 2 + 3) / abs(dx) if dx else math.inf,
        (HEIGHT / 2 + 3) / abs(dy) if dy else math.inf,
    )
    return middle[0] + dx * scale, middle[1] + dy * scale


def arrow(
    start: Point, end: Point, bend: float, kind: str, width: float, text: str, more: str
) -> tuple[Markup, Markup]:
    """The line from one box to another, bent to its left, and its label."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy) or 1.0
    middle = (start[0] + end[0]) / 2 + bend * dy / length, (start[1] + end[1]) / 2 - (
        bend * dx / length
    )
    a, b = border(start, middle), border(end, middle)
    line = element(
        "path",
        d=f"M{a[0]:.1f} {a[1]:.1f} Q{middle[0]:.1f} {middle[1]:.1f} {b[0]:.1f} {b[1]:.1f}",
        class_=kind,
        stroke_width=f"{width:.1f}",
        marker_end=f"url(#{kind}-head)",
    )
    x, y = (a[0] + 2 * middle[0] + b[0]) / 4, (a[1] + 2 * middle[1] + b[1]) / 4
    label = element(
        "text",
        text,
        class_="label",
        x=f"{x:.1f}",
        y=f"{y + 4:.1f}",
        text_anchor="middle",
    )
    return element("g", element("title", more), line), label


def edge_text(edge: Edge) -> tuple[str, str]:
    """The label of an arrow, and what it stands for."""
    gates = len(edge.named) + len(edge.pointers)
    names = [gate.function for gate in (*edge.named, *edge.pointers)]
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return (
        plural(gates, "gate"),
        f"{edge.caller.name} calls {edge.owner.name}: {', '.join(names[:LISTED])}{more}",
    )


def box(compartment: Compartment, middle: Point, picture: Picture) -> Markup:
    x, y = middle[0] - WIDTH / 2, middle[1] - HEIGHT / 2
    sources = sum(unit.compartment == compartment.pkey for unit in picture.plan.units)
    return element(
        "g",
        element("title", f"compartment {compartment.name}, {compartment.file}"),
        element("rect", class_="box", x=f"{x:.1f}", y=f"{y:.1f}", width=WIDTH, height=HEIGHT, rx=8),
        element(
            "text",
            short(compartment.name),
            class_="name",
            x=f"{middle[0]:.1f}",
            y=f"{middle[1] - 5:.1f}",
            text_anchor="middle",
        ),
        element(
            "text",
            f"key {compartment.pkey}, {plural(sources, 'C unit')}",
            x=f"{middle[0]:.1f}",
            y=f"{middle[1] + 17:.1f}",
            text_anchor="middle",
        ),
    )


def head(kind: str) -> Markup:
    return element(
        "marker",
        element("path", d="M0 0 L8 4 L0 8 z", class_="grant-head" if kind == "grant" else "head"),
        id=f"{kind}-head",
        viewBox="0 0 8 8",
        refX=7,
        refY=4,
        markerWidth=9,
        markerHeight=9,
        markerUnits="userSpaceOnUse",
        orient="auto",
    )


def graph(picture: Picture, alone: bool = False) -> Markup:
    """The drawing. `alone`: with its own colours, for a file; else those of the page."""
    compartments = picture.plan.compartments
    middles, width, height = places(len(compartments))
    lines, labels = [], []
    for edge in picture.edges():
        text, more = edge_text(edge)
        if not edge.named and not edge.pointers:
            continue
        made = arrow(
            middles[edge.caller.pkey - 1],
            middles[edge.owner.pkey - 1],
            BEND,
            "call",
            min(5.0, 1.2 + math.log2(1 + len(edge.named) + len(edge.pointers)) / 2),
            text,
            more,
        )
        lines.append(made[0])
        labels.append(made[1])
    for compartment in compartments:
        for other in compartment.reads:
            made = arrow(
                middles[compartment.pkey - 1],
                middles[other - 1],
                GRANT_BEND,
                "grant",
                2.0,
                "reads all",
                f"{compartment.name} may read all memory of {picture.name(other)}",
            )
            lines.append(made[0])
            labels.append(made[1])
    shared = [each for each in picture.exposures() if each.to == EVERYBODY]
    strip = 46
    boxes = [box(each, middles[each.pkey - 1], picture) for each in compartments]
    words = f"shared with every compartment: {plural(len(shared), 'entry')}".replace(
        "entrys", "entries"
    )
    boxes.append(
        element(
            "g",
            element("title", "; ".join(each.what for each in shared) or "nothing"),
            element(
                "rect",
                class_="shared",
                x=MARGIN,
                y=f"{height:.1f}",
                width=f"{width - 2 * MARGIN:.1f}",
                height=strip,
                rx=8,
            ),
            element(
                "text",
                words if shared else "shared with every compartment: nothing by name",
                x=f"{width / 2:.1f}",
                y=f"{height + strip / 2 + 5:.1f}",
                text_anchor="middle",
            ),
        )
    )
    style = [element("style", Markup(COLOURS + STYLE))] if alone else []
    back = [element("rect", width="100%", height="100%", fill="var(--paper)")] if alone else []
    title = f"The compartments of {picture.plan.program}"
    return element(
        "svg",
        element("title", title),
        *style,
        element("defs", head("call"), head("grant")),
        *back,
        *lines,
        *boxes,
        *labels,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:.0f} {height + strip + MARGIN:.0f}",
        width=f"{width:.0f}",
        role="img",
        aria_label=title,
    )
