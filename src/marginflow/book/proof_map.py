"""The proof map: which statement rests on which, as an SVG made from the proofs' data.

Statements are boxes in layers, each below what it rests on; a line that follows from
two others is left out, and assumptions are named inside the boxes that use them. How a
statement was settled, *with all that it rests on*, is told by words and by a symbol,
and repeated by colour and by the border's dashes. Two arrows in each box fade what it
does not rest on, or what does not rest on it; the address keeps the choice, and no
script is needed. All ink is `currentColor`, fills are translucent: it reads on light
and on dark pages.
"""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from marginflow.proofs.report import settled_by
from marginflow.proofs.statement import Engine, Statement

__all__ = ["LEVELS", "Level", "formal_proofs", "proof_map", "statuses"]

_WIDTH, _LAYER, _TOP = 390.0, 132.0, 4.0
_BOX_W, _BOX_H, _LANE, _ARROW_SIDE = 146.0, 92.0, 9.0, 28.0
_BOXES = 2  # in a row
_LETTERS = 21  # of a title that fits its box


@dataclass(frozen=True)
class Level:
    """How the box of a statement looks, by what settles its steps."""

    symbol: str
    colour: str
    dashes: str
    meaning: str


LEVELS: dict[str, Level] = {
    "Coq": Level("■", "#009E73", "", "a theorem in Coq, and nothing cited"),
    "Coq, cited": Level(
        "◧", "#0085CA", "", "a theorem in Coq, with cited theorems as premises"
    ),
    "machine, paper": Level(
        "◨", "#7570B3", "", "algebra and solver; analysis on paper; nothing cited"
    ),
    "machine, paper, cited": Level(
        "◩", "#B8860B", "7 3", "the same, and cited theorems"
    ),
    "cited": Level("□", "#C77CA8", "3 3", "a theorem of others, used as stated"),
}
"""What settles a statement and all that it rests on, most checked first."""


_OTHER_NAMES = {
    "counterexample": ("theorem_4_refuted",),
    "theorem_2_classes": ("theorem_2_many_classes",),
    "theorem_H": ("theorem_H1",),  # and theorem_H2
}


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


def above(statements: Sequence[Statement]) -> dict[str, set[str]]:
    """By name: the statement itself and all that it rests on, directly or not."""
    found: dict[str, set[str]] = {}
    for each in statements:
        known = [found[name] for name in each.rests_on if name in found]
        found[each.name] = {each.name}.union(*known)
    return found


def statuses(
    statements: Sequence[Statement], formal: Mapping[str, str]
) -> dict[str, str]:
    """The key in `LEVELS` of each statement, with all that it rests on.

    A theorem in Coq contains the proofs of what it rests on, but for cited premises;
    anything else is as good as its own steps, for none of these is Coq's.
    """
    by_name = {each.name: each for each in statements}
    found = {}
    for name, rests in above(statements).items():
        cites = any(Engine.CITED in by_name[one].engines for one in rests)
        how = "Coq" if name in formal else "machine, paper"
        status = how + (", cited" if cites else "")
        found[name] = "cited" if settled_by(by_name[name]) == "cited" else status
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
    rests, status = above(statements), statuses(statements, formal)
    edges = _edges(statements, rests)
    layers = _layers(statements, edges)
    rows, chains = _with_lanes(layers, edges)
    _untangle(rows, chains)
    x = _columns(rows, chains)
    y = {name: _TOP + i * _LAYER for i, row in enumerate(rows) for name in row}
    height = _TOP + (len(rows) - 1) * _LAYER + _BOX_H + 8
    parts = [_style(rests), _ARROW, *(_line(chain, x, y) for chain in chains)]
    for each in statements:
        name = each.name
        box = _box(each, x[name], y[name], status[name], formal.get(name))
        parts.append(_part(each, box, links.get(name), x[name], y[name]))
    title = "Map of the proofs: each statement below those that it rests on"
    return (
        f'<svg class="proof-map" viewBox="0 0 {_WIDTH:g} {height:g}" role="group" '
        f'aria-label="{title}" xmlns="http://www.w3.org/2000/svg" '
        f'style="width:100%;max-width:{1.35 * _WIDTH:g}px;height:auto">\n'
        + "\n".join(parts)
        + "\n</svg>"
    )


Edge = tuple[str, str]


def _edges(
    statements: Sequence[Statement], rests: Mapping[str, set[str]]
) -> list[Edge]:
    """Who rests on whom, without what follows from a way over a third statement."""
    edges = []
    for each in statements:
        direct = [ref for ref in each.rests_on if ref in rests]
        over = set().union(*(rests[ref] - {ref} for ref in direct))
        edges += [(ref, each.name) for ref in direct if ref not in over]
    return edges


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
    ends = f'data-from="{chain[0]}" data-to="{chain[-1]}"'
    return f'<path d="{path}" class="edge" {ends} marker-end="url(#proof-map-arrow)"/>'


def _box(
    statement: Statement, x: float, y: float, status: str, formal: str | None
) -> str:
    """Frame and words; a second frame marks what is the companion's own."""
    level = LEVELS[status]
    title = html.escape(statement.title) + (" ✓" if formal else "")
    # A long title is set narrower, so that it stays inside its box.
    narrow = f' textLength="{_BOX_W - 8:g}" lengthAdjust="spacingAndGlyphs"'
    narrow = narrow if len(title) > _LETTERS else ""
    lines = [f"{level.symbol} {status}", *textwrap.wrap(_uses(statement), 14)]
    text = "".join(
        f'<text x="{x:.0f}" y="{y + 37 + 15 * i:.0f}">{html.escape(line)}</text>'
        for i, line in enumerate(lines)
    )
    frames = [(0.0, f'fill="{level.colour}" fill-opacity="0.2"', 1.6)]
    if statement.companion:
        frames.append((3.5, 'class="own" fill="none"', 0.8))
    drawn = "".join(
        f'<rect x="{x - _BOX_W / 2 + inset:g}" y="{y + inset:g}" '
        f'width="{_BOX_W - 2 * inset:g}" height="{_BOX_H - 2 * inset:g}" '
        f'rx="{9 - inset:g}" {look} stroke="{level.colour}" stroke-width="{line}" '
        f'stroke-dasharray="{level.dashes}"/>'
        for inset, look, line in frames
    )
    place = f'x="{x:.0f}" y="{y + 20:.0f}"'
    return f'{drawn}<text {place} class="name"{narrow}>{title}</text>{text}'


def _part(statement: Statement, box: str, link: str | None, x: float, y: float) -> str:
    """A box with its link to a chapter, and its two arrows beside it."""
    name, title = statement.name, html.escape(statement.title)
    rests_on = ", ".join(statement.rests_on) or "nothing"
    told = html.escape(
        f"{statement.title} ({statement.where}): {statement.claim}. "
        f"Its own steps: {settled_by(statement)}. Rests on {rests_on}.",
        quote=True,
    )
    linked = f'role="img" aria-label="{told}"><title>{told}</title>{box}'
    if link is None:
        whole = f"<g {linked}</g>"
    else:
        whole = f'<a href="{html.escape(link, quote=True)}" {linked}</a>'
        whole = whole.replace('role="img" ', "", 1)
    arrows = ""
    for way, sign, says, left in (
        ("above", "↑", f"What {title} rests on", x - _BOX_W / 2),
        ("below", "↓", f"What rests on {title}", x + _BOX_W / 2 - _ARROW_SIDE),
    ):
        top, side = y + _BOX_H - _ARROW_SIDE, _ARROW_SIDE
        arrows += (
            f'<a id="{way}-{name}" class="way" href="#{way}-{name}" '
            f'aria-label="{says}"><title>{says}</title>'
            f'<rect x="{left:g}" y="{top:g}" width="{side:g}" height="{side:g}" '
            f'class="touch"/><text x="{left + side / 2:g}" y="{top + 19:g}">'
            f"{sign}</text></a>"
        )
    return f'<g class="part" data-name="{name}">{whole}{arrows}</g>'


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


def _style(rests: Mapping[str, set[str]]) -> str:
    """The drawing's rules, and for each arrow one that fades what it leaves out."""
    rules = []
    for name in rests:
        below = {other for other, under in rests.items() if name in under}
        for way, kept in (("above", rests[name]), ("below", below)):
            parts = "".join(f':not([data-name="{one}"])' for one in sorted(kept))
            outside = sorted(set(rests) - kept)
            ends = [f'[data-{end}="{o}"]' for o in outside for end in ("from", "to")]
            here = f".proof-map:has(#{way}-{name}:target)"
            faded = [f".part{parts}", *(f".edge{end}" for end in ends)]
            rules.append(f"{here} :is({', '.join(faded)}) {{ opacity: 0.15; }}")
    return _STYLE.replace("</style>", "\n".join(rules) + "\n</style>")


_STYLE = """<style>
.proof-map text { fill: currentColor; font: 12px sans-serif; text-anchor: middle; }
.proof-map .name { font-size: 13px; font-weight: 600; }
.proof-map a, .proof-map a:hover { color: inherit !important; text-decoration: none; }
.proof-map a .name { text-decoration: underline; }
.proof-map .edge { fill: none; stroke: currentColor; stroke-opacity: 0.55; }
.proof-map marker path { fill: currentColor; fill-opacity: 0.7; }
.proof-map a.way .touch { fill: transparent; stroke: none; }
.proof-map a.way text { font-size: 15px; fill-opacity: 0.75; }
.proof-map a.way:target text { font-weight: 700; font-size: 19px; fill-opacity: 1; }
.proof-map a.way { scroll-margin-top: 40vh; }
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
