"""The scoreboard as the book shows it: tiles, dots, one table."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from marginflow.book.style import ACCENTS, INK
from marginflow.claims import VERDICTS, Claim, Finding, Result, claims, judging, share
from marginflow.claims.claim import legible
from marginflow.experiments.spec import READINGS, REGIMES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["Table", "Tiles", "dots", "perceptron_table"]

_BLUE, _ORANGE, _GREEN, _PINK, _GOLD, _ = ACCENTS
COLOURS = dict(
    zip(
        VERDICTS,
        (_BLUE, _BLUE, _GREEN, _GOLD, _GOLD, _ORANGE, INK, INK, INK, _PINK),
        strict=True,
    )
)
"""Of each verdict."""

READING = {"paper": "text", "released": "code", "": ""}
WIDEST = 100.0
"""How far from the tolerance a dot is drawn; what is farther lies on the edge."""


def _key(verdict: str) -> str:
    """A verdict as one word of an attribute."""
    return re.sub(r"[^a-z]+", "-", verdict.lower()).strip("-")


def _there(findings: Iterable[Finding]) -> list[str]:
    """The verdicts that occur, in their order."""
    seen = {r.verdict for f in findings for r in f.results}
    return [verdict for verdict in VERDICTS if verdict in seen]


# ---- tiles ---------------------------------------------------------------------------

_TILES = """
.tiles {display: grid; grid-template-columns: max-content 1fr; gap: .5rem 1rem}
.tiles dt {font-weight: 600} .tiles dd {margin: 0; display: flex; flex-wrap: wrap;
gap: .3rem} .tiles a {min-width: 1.7rem; line-height: 1.7rem; text-align: center;
border: 1px solid var(--c); background: color-mix(in srgb, var(--c) 22%, transparent);
color: inherit; text-decoration: none; border-radius: 3px; font-size: .8rem}
@media (max-width: 600px) {.tiles {grid-template-columns: 1fr; gap: .2rem}}"""


@dataclass(frozen=True)
class Tiles:
    """A tile for each claim, by its verdict; it leads to the claim's cell below."""

    findings: tuple[Finding, ...]

    def _repr_html_(self) -> str:
        rows = []
        for verdict in VERDICTS:
            mine = [f for f in self.findings if f.verdict == verdict]
            tiles = "".join(map(self._tile, mine))
            if mine:
                rows.append(
                    f'<dt>{len(mine)} {html.escape(verdict)}</dt><dd style="--c: '
                    f'{COLOURS[verdict]}">{tiles}</dd>'
                )
        return f'<style>{_TILES}</style><dl class="tiles">{"".join(rows)}</dl>'

    @staticmethod
    def _tile(f: Finding) -> str:
        where = f.claim.page.removeprefix("experiment-")
        where = where if where.isdigit() else "T"
        told = f"{f.claim.says} ({f.claim.where}): {f.verdict}, {f.found}"
        told = html.escape(told)
        return (
            f'<a href="#claim-{f.name}" title="{told}" aria-label="{told}">{where}</a>'
        )


# ---- dots ----------------------------------------------------------------------------


def dots(findings: Sequence[Finding]) -> Figure:
    """How many times within its tolerance each number is: 1 on it, less outside.

    Bars are 95 % intervals over rounds, or the range over data sets and flows.  What is
    more than a hundred times within or outside lies on the edge.
    """
    import matplotlib.pyplot as plt

    shown = [f for f in findings if any(r.number is not None for r in f.results)]
    figure, ax = plt.subplots(figsize=(7, 0.9 + 0.32 * len(shown)))
    ax.axvline(1, color=INK, lw=1, ls="--", zorder=0)
    for y, f in enumerate(shown):
        _dot_row(ax, y, f)
    ax.set_xscale("log")
    ax.set(xlim=(1 / WIDEST / 1.3, WIDEST * 1.3), ylim=(len(shown) - 0.5, -0.5))
    ax.set_yticks(range(len(shown)), [_label(f.claim) for f in shown])
    ax.set_xlabel("← outside     times within the tolerance     inside →")
    handles, labels = ax.get_legend_handles_labels()
    own = dict(zip(labels, handles, strict=True))
    ax.figure.legend(
        own.values(), own.keys(), loc="outside upper center", ncols=3, markerscale=1
    )
    return figure


def _dot_row(ax, y: int, f: Finding) -> None:
    results = [r for r in f.results if r.number is not None]
    for i, r in enumerate(results):
        at = y + 0.22 * (i - (len(results) - 1) / 2)
        ends = (r.number, r.low, r.high)
        middle, low, high = np.clip(
            [f.claim.room(x) if x is not None else np.nan for x in ends],
            1 / WIDEST,
            WIDEST,
        )
        colour = COLOURS[r.verdict]
        few = r.verdict == "too few rounds"
        ax.plot([low, high], [at, at], color=colour, lw=1.2)
        ax.plot(
            middle,
            at,
            "^" if r.reading == "released" else "o",
            color=colour,
            mfc="none" if few else colour,
            ms=5,
            ls="",
            label=", ".join(filter(None, (r.verdict, READING[r.reading]))),
        )


def _label(claim: Claim) -> str:
    name = re.sub("^(perceptron|mnist|cifar)-", "", claim.group).replace("-", " ")
    return f"{name}, {claim.regime}" if claim.regime else name


# ---- the table -----------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """Findings as a table: regimes, or else readings, as columns.

    Each claim's cell has its anchor.  Buttons leave only the rows of one verdict, by
    style alone, without a script.
    """

    findings: tuple[Finding, ...]

    def _repr_html_(self) -> str:
        if any(f.claim.regime for f in self.findings):
            columns: Sequence[str] = [f"{regime} regime" for regime in REGIMES]
        elif any(r.reading for f in self.findings for r in f.results):
            columns = ["paper's text: summed loss", "released code: mean loss"]
        else:
            columns = ["here"]
        head = "".join(f"<th>{c}</th>" for c in ("the paper", *columns))
        # On a phone the columns stand below each other, each under its own name.
        told = columns if len(columns) > 1 else [""]
        names = "; ".join(f"--column-{i}: &quot;{c}&quot;" for i, c in enumerate(told))
        rows: dict[tuple[str, str], list[Finding]] = {}
        for f in self.findings:
            rows.setdefault((f.claim.group, f.claim.says), []).append(f)
        body = "\n".join(map(self._row, rows.values()))
        return (
            f'<div class="scoreboard-box">{self._filter()}'
            f'<table class="dataframe scoreboard" style="{names}">\n'
            f"<thead><tr>{head}</tr></thead>\n"
            f"<tbody>\n{body}\n</tbody></table></div>"
        )

    def _filter(self) -> str:
        group = f"show-{self.findings[0].name}" if self.findings else "show"
        buttons, rules = [], []
        for verdict in ("all", *_there(self.findings)):
            key, checked = _key(verdict), " checked" if verdict == "all" else ""
            buttons.append(
                f'<label><input type="radio" name="{group}" value="{key}"{checked}> '
                f"{html.escape(verdict)}</label>"
            )
            if verdict != "all":
                rules.append(
                    f'.scoreboard-box:has(input[value="{key}"]:checked) '
                    f'tbody tr:not([data-verdicts~="{key}"]) {{display: none}}'
                )
        return (
            f"<style>{' '.join(rules)}</style><fieldset><legend>Show</legend>"
            f"{' '.join(buttons)}</fieldset>"
        )

    def _row(self, mine: list[Finding]) -> str:
        claim = mine[0].claim
        verdicts = " ".join(sorted({_key(r.verdict) for f in mine for r in f.results}))
        where = html.escape(claim.where.removesuffix(f", {claim.regime}"))
        told = f'{html.escape(claim.says)} (<a href="{claim.page}.html">{where}</a>)'
        if claim.tolerance:
            measure = f"{claim.measured}: {claim.tolerance}"
            told += f"<br>{html.escape(measure)}"
        return f'<tr data-verdicts="{verdicts}"><td>{told}</td>{self._cells(mine)}</tr>'

    def _cells(self, mine: list[Finding]) -> str:
        f = mine[0]
        if f.claim.regime:
            by = {f.claim.regime: self._cell(f, f.results) for f in mine}
            return "".join(by.get(regime, "<td>–</td>") for regime in REGIMES)
        if f.results[0].reading:
            first, second = ([r for r in f.results if r.reading == x] for x in READINGS)
            return self._cell(f, first) + self._cell(f, second, anchor=False)
        return self._cell(f, f.results)

    @classmethod
    def _cell(cls, f: Finding, results: Sequence[Result], anchor: bool = True) -> str:
        name = f' id="claim-{f.name}"' if anchor else ""
        claim = f.claim
        command = f"claims {f.name}" if claim.tolerance else f"prove {claim.page}"
        by = html.escape(claim.by.removeprefix("marginflow."))
        origin = "; ".join(map(cls._origin, (r for r in results if r.rounds)))
        how = f"<code>marginflow {command}</code> by {by}"
        how += f"<br>{html.escape(origin)}" if origin else ""
        why = {r.verdict for r in results} & {"not testable at this scale"}
        how = f"{html.escape(claim.needs)}<br>{how}" if why else how
        lines = "<br>".join(map(cls._line, results))
        return f"<td{name}>{lines}<details><summary>how</summary>{how}</details></td>"

    @staticmethod
    def _line(r: Result) -> str:
        perceptron = r.records.startswith("perceptron")
        of = "" if perceptron else ", ".join(filter(None, (READING[r.reading], _of(r))))
        told = f"<strong>{html.escape(r.verdict)}</strong> {html.escape(r.found)}"
        return told + (f" ({html.escape(of)})" if of else "")

    @staticmethod
    def _origin(r: Result) -> str:
        told = f"{r.records}, {r.recorded}"
        return f"{told}, commit {', '.join(r.commits)}" if r.commits else told


def _of(r: Result) -> str:
    """How many rounds of which scale stand behind a result."""
    if not r.rounds:
        return ""
    return f"{r.scale}, {r.rounds} round{'s' if r.rounds > 1 else ''}"


# ---- Experiment 1 --------------------------------------------------------------------


def perceptron_table(results: str | os.PathLike, reduction: str) -> pd.DataFrame:
    """Claims on Experiment 1 for the loss as "sum" or "mean": a row each."""
    import pandas as pd

    rows = {}
    for claim in claims():
        if claim.experiment != "perceptron":
            continue
        values = judging.observed(claim, Path(results).absolute(), reduction)
        holding = sum(map(claim.kept_by, values))
        rows[claim.name] = {
            "the paper": claim.says,
            "measure": f"{claim.measured}: {claim.holds} {claim.limit:g}",
            "shown set": _span(values[0], values[0]),
            "range": _span(min(values), max(values)),
            "holds on": f"{holding} of {len(values)}",
            "verdict": share(holding, len(values)),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _span(low: float, high: float) -> str:
    """Two numbers for people; one, where they read alike."""
    low_text, high_text = legible(low), legible(high)
    return low_text if low_text == high_text else f"{low_text} to {high_text}"
