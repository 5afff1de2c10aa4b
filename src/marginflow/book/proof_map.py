"""The proof map: which statement rests on which, as an SVG made from the proofs' data.

Statements are boxes in layers, each below what it rests on; assumptions and equations
are named inside the boxes that use them. How a statement was settled is told by words
and by a symbol, and repeated by colour and by the border's dashes. All ink is
`currentColor`, fills are translucent: it reads on light and on dark pages.
"""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from marginflow.proofs.report import settled_by
from marginflow.proofs.statement import Statement

__all__ = ["LEVELS", "Level", "formal_proofs", "proof_map"]

_WIDTH, _LAYER, _TOP = 390.0, 118.0, 4.0
_BOX_W, _BOX_H, _LANE = 141.0, 76.0, 9.0
_BOXES = 2  # in a row


@dataclass(frozen=True)
class Level:
    """How the box of a statement looks, by what settles its steps."""

    symbol: str
    colour: str
    dashes: str
    meaning: str


LEVELS: dict[str, Level] = {
    "machine, every step": Level("■", "#009E73", "", "each step by algebra or solver"),
    "machine + paper": Level(
        "◧", "#0085CA", "", "inequalities and algebra by machine, analysis on paper"
    ),
    "machine + paper + cited": Level(
        "◩", "#B8860B", "7 3", "the same, and a cited theorem"
    ),
    "cited": Level("□", "#C77CA8", "3 3", "a theorem of others, used as stated"),
}
"""The levels of `report.settled_by`, most checked first."""


_OTHER_NAMES = {"counterexample": ("theorem_4_refuted",)}


def formal_proofs(statements: Sequence[Statement], folder: Path) -> dict[str, str]:
    """Which statements a Coq file in `folder` proves as a theorem, and where.

    The theorem is named as the statement is, `lemma_5`, or by its parts, `lemma_7_i`.
    """
    found = {}
    for path in sorted(folder.glob("*.v")):
        for theorem in re.findall(r"^Theorem (\w+)", path.read_text("utf-8"), re.M):
            for statement in statements:
                name = statement.name.replace("-", "_")
                if theorem in (name, f"{name}_i", *_OTHER_NAMES.get(name, ())):
                    found[statement.name] = f"{theorem} in {path.name}"
    return found


def proof_map(
    statements: Sequence[Statement],
    links: Mapping[str, str],
    formal: Mapping[str, str] | None = None,
) -> str:
    """An `<svg>` element to be put into a page.

    Args:
        statements: each after those that it rests on.
        links: where the box of a statement leads, by its name; none, no link.
        formal: what `formal_proofs` found; such boxes carry a check mark.
    """
    formal = formal or {}
    edges = _edges(statements)
    layers = _layers(statements, edges)
    rows, chains = _with_lanes(layers, edges)
    _untangle(rows, chains)
    x = _columns(rows, chains)
    y = {name: _TOP + i * _LAYER for i, row in enumerate(rows) for name in row}
    height = _TOP + (len(rows) - 1) * _LAYER + _BOX_H + 8
    parts = [_STYLE, _ARROW, *(_line(chain, x, y) for chain in chains)]
    parts += [
        _box(s, x[s.name], y[s.name], links.get(s.name), formal.get(s.name))
        for s in statements
    ]
    title = "Map of the proofs: each statement below those that it rests on"
    return (
        f'<svg class="proof-map" viewBox="0 0 {_WIDTH:g} {height:g}" role="group" '
        f'aria-label="{title}" xmlns="http://www.w3.org/2000/svg" '
        f'style="width:100%;max-width:{1.35 * _WIDTH:g}px;height:auto">\n'
        + "\n".join(parts)
        + "\n</svg>"
    )


Edge = tuple[str, str]


def _edges(statements: Sequence[Statement]) -> list[Edge]:
    names = {statement.name for statement in statements}
    return [(ref, s.name) for s in statements for ref in s.rests_on if ref in names]


def _layers(statements: Sequence[Statement], edges: list[Edge]) -> dict[str, int]:
    """Each statement below what it rests on, in the first row that has room for it."""
    layer: dict[str, int] = {}
    for name in (statement.name for statement in statements):
        row = max((layer[a] for a, b in edges if b == name), default=-1) + 1
        while list(layer.values()).count(row) == _BOXES:
            row += 1
        layer[name] = row
    return layer


def _with_lanes(
    layer: dict[str, int], edges: list[Edge]
) -> tuple[list[list[str]], list[list[str]]]:
    """Rows of names, and each edge as a chain with a lane in every layer it passes."""
    rows: list[list[str]] = [[] for _ in range(max(layer.values()) + 1)]
    for name, i in layer.items():
        rows[i].append(name)
    chains = []
    for a, b in edges:
        lanes = [f"{a}→{b}:{i}" for i in range(layer[a] + 1, layer[b])]
        for i, lane in enumerate(lanes, start=layer[a] + 1):
            rows[i].append(lane)
        chains.append([a, *lanes, b])
    return rows, chains


def _untangle(rows: list[list[str]], chains: list[list[str]], sweeps: int = 24) -> None:
    """Order each row by the mean place of its neighbours, above and below by turns."""
    for sweep in range(sweeps):
        down = sweep % 2 == 0
        order = range(1, len(rows)) if down else range(len(rows) - 2, -1, -1)
        for i in order:
            other = rows[i - 1 if down else i + 1]
            place = {name: k / max(len(other) - 1, 1) for k, name in enumerate(other)}
            mean = {name: _mean_place(name, chains, place) for name in rows[i]}
            rows[i].sort(key=mean.__getitem__)


def _mean_place(
    name: str, chains: list[list[str]], place: dict[str, float], default: float = 0.5
) -> float:
    near = [
        place[other]
        for chain in chains
        if name in chain
        for other in chain
        if other in place and abs(chain.index(other) - chain.index(name)) == 1
    ]
    return sum(near) / len(near) if near else default


def _columns(rows: list[list[str]], chains: list[list[str]]) -> dict[str, float]:
    """Centres: spread over the width, then drawn towards the neighbours."""
    width = {n: _LANE if "→" in n else _BOX_W + 8 for row in rows for n in row}
    x: dict[str, float] = {}
    for row in rows:
        spare = (_WIDTH - sum(width[n] for n in row)) / (len(row) + 1)
        left = spare
        for name in row:
            x[name] = left + width[name] / 2
            left += width[name] + spare
    for _ in range(30):
        for row in rows:
            wish = {n: _mean_place(n, chains, x, x[n]) for n in row}
            _settle(row, wish, width, x)
    return x


def _settle(
    row: list[str], wish: dict[str, float], width: dict[str, float], x: dict[str, float]
) -> None:
    """Place a row near its wishes, in order, without overlap, within the page."""
    left = 0.0
    for name in row:
        x[name] = max(wish[name], left + width[name] / 2)
        left = x[name] + width[name] / 2
    right = _WIDTH
    for name in reversed(row):
        x[name] = min(x[name], right - width[name] / 2)
        right = x[name] - width[name] / 2


def _line(chain: list[str], x: dict[str, float], y: dict[str, float]) -> str:
    """A smooth line from the lower edge of a box to the upper edge of another."""
    start = (x[chain[0]], y[chain[0]] + _BOX_H)
    path = f"M{start[0]:.0f} {start[1]:.0f}"
    here = start
    for name in chain[1:]:
        last = name == chain[-1]
        there = (x[name], y[name] - (5 if last else 0))
        middle = (here[1] + there[1]) / 2
        path += f" C{here[0]:.0f} {middle:.0f} {there[0]:.0f} {middle:.0f}"
        path += f" {there[0]:.0f} {there[1]:.0f}"
        if not last:
            there = (there[0], y[name] + _BOX_H)
            path += f" L{there[0]:.0f} {there[1]:.0f}"
        here = there
    return f'<path d="{path}" class="edge" marker-end="url(#proof-map-arrow)"/>'


def _box(
    statement: Statement, x: float, y: float, link: str | None, formal: str | None
) -> str:
    level = LEVELS[settled_by(statement)]
    uses = _uses(statement)
    rests_on = ", ".join(statement.rests_on) or "nothing"
    told = html.escape(
        f"{statement.title} ({statement.where}): {statement.claim}. "
        f"Settled by: {settled_by(statement)}. Rests on {rests_on}."
        + (f" Also proven in Coq: {formal}." if formal else ""),
        quote=True,
    )
    title = html.escape(statement.title) + (" ✓" if formal else "")
    how = settled_by(statement).removesuffix(", every step").replace(" +", ",")
    lines = [f"{level.symbol} {how}", *textwrap.wrap(uses, 20)]
    left, middle = x - _BOX_W / 2, x
    text = "".join(
        f'<text x="{middle:.0f}" y="{y + 37 + 15 * i:.0f}">{html.escape(line)}</text>'
        for i, line in enumerate(lines)
    )
    box = (
        f'<rect x="{left:.0f}" y="{y:.0f}" width="{_BOX_W:g}" height="{_BOX_H:g}" '
        f'rx="9" fill="{level.colour}" fill-opacity="0.2" stroke="{level.colour}" '
        f'stroke-width="1.6" stroke-dasharray="{level.dashes}"/>'
        f'<text x="{middle:.0f}" y="{y + 20:.0f}" class="name">'
        f"{title}</text>{text}"
    )
    if link is None:
        return f'<g role="img" aria-label="{told}"><title>{told}</title>{box}</g>'
    href = html.escape(link, quote=True)
    return f'<a href="{href}" aria-label="{told}"><title>{told}</title>{box}</a>'


def _uses(statement: Statement) -> str:
    """Assumptions and equations that a statement's own steps use, in short."""
    short = {"process-2": "arcs", "rho-in-unit-interval": "ρ"}
    found = []
    for ref in statement.rests_on:
        if ref.startswith("assumption-"):
            found.append("A" + ref.removeprefix("assumption-"))
        elif ref.startswith("equation-"):
            found.append(f"({ref.removeprefix('equation-')})")
        elif ref.startswith("definition-"):
            found.append({"beta": "β", "chi": "χ"}[ref.removeprefix("definition-")])
        elif ref in short:
            found.append(short[ref])
    return " ".join(sorted(set(found)))


_STYLE = """<style>
.proof-map text { fill: currentColor; font: 12px sans-serif; text-anchor: middle; }
.proof-map .name { font-size: 13.5px; font-weight: 600; }
.proof-map a, .proof-map a:hover { color: inherit !important; text-decoration: none; }
.proof-map a .name { text-decoration: underline; }
.proof-map .edge { fill: none; stroke: currentColor; stroke-opacity: 0.55; }
.proof-map marker path { fill: currentColor; fill-opacity: 0.7; }
.proof-map a:hover rect, .proof-map a:focus rect { stroke-width: 3; }
.proof-map a:focus { outline: none; }
.proof-map a:focus-visible rect { stroke: currentColor; stroke-width: 3.5; }
/* The book's theme puts a light card under HTML output in dark mode; not under this. */
html[data-theme="dark"] .bd-content div.cell_output .text_html:has(.proof-map) {
  background: none !important; color: inherit !important;
}
</style>"""
_ARROW = (
    '<defs><marker id="proof-map-arrow" viewBox="0 0 8 8" refX="6" refY="4" '
    'markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker>'
    "</defs>"
)
