"""What `marginflow prove` prints: tables for people, JSON for programs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from marginflow.proofs.statement import Engine, Outcome, Report, Statement, Verdict

__all__ = [
    "as_json",
    "broken_text",
    "how",
    "point",
    "settled_by",
    "steps_text",
    "summary_text",
]

_WIDTH = 88


def settled_by(statement: Statement) -> str:
    """In words, how a statement is settled when all its steps stand.

    Numbers are left out: they are evidence beside a proof, no part of it.
    """
    used = set(statement.engines) - {Engine.NUMBERS}
    if used == {Engine.CITED}:
        return "cited"
    parts = ["machine"]
    parts += ["paper"] if Engine.PAPER in used else []
    parts += ["cited"] if Engine.CITED in used else []
    return " + ".join(parts) if len(parts) > 1 else "machine, every step"


def _verdict(reports: Sequence[Report]) -> str:
    failed = [r for r in reports if not r.verdict.outcome.stands]
    if not failed:
        return settled_by(reports[0].statement)
    first = failed[0]
    return f"{first.verdict.outcome.value.upper()} at {first.step.name}"


def summary_text(proved: Iterable[Sequence[Report]]) -> str:
    """One line for each statement: its steps by engine, and its verdict."""
    engines = list(Engine)
    header = ["statement", *(engine.value for engine in engines), "settled by"]
    rows, steps, seconds = [], 0, 0.0
    for reports in proved:
        used = [report.step.check.engine for report in reports]
        counts = [str(used.count(engine) or "·") for engine in engines]
        title = reports[0].statement.title
        title += "*" if reports[0].statement.companion else ""
        steps += len(reports)
        seconds += sum(report.verdict.seconds for report in reports)
        rows.append([title, *counts, _verdict(reports)])
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [
        _aligned(row, widths) for row in [header, ["─" * w for w in widths], *rows]
    ]
    notes = (
        f"{steps} steps in {seconds:.1f} s.",
        "Each row counts a statement's own steps; what it rests on has its own row.",
        "* this companion's own, not in the paper",
    )
    return "\n".join([*lines, "", *notes])


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    texts = (0, len(row) - 1)  # numbers to the right, words to the left
    cells = [
        cell.ljust(width) if i in texts else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return " ".join(cells).rstrip()


def steps_text(reports: Sequence[Report]) -> str:
    """A statement, and each of its steps: from, to, why, on what, by which engine."""
    lines = _heading(reports[0].statement)
    for number, report in enumerate(reports, start=1):
        step, verdict = report.step, report.verdict
        mark = "✓" if verdict.outcome.stands else "✗"
        lines.append(f"{mark} {number:2}  {step.name:<24} {how(verdict)}")
        lines += _indented(step.check.source)
        lines += _indented(step.check.target)
        lines += _indented(f"— {step.why}")
        if verdict.engine in (Engine.PAPER, Engine.CITED, Engine.NUMBERS) or (
            not verdict.outcome.stands
        ):
            lines += _indented(f"— {verdict.detail}")
        if not verdict.outcome.stands and verdict.witness:
            lines += _indented("at " + point(report.verdict))
        if step.under:
            lines += _indented(f"— rests on {', '.join(step.under)}")
        lines.append("")
    lines.append(f"{reports[0].statement.title}: {_verdict(reports)}")
    return "\n".join(lines)


def broken_text(reports: Sequence[Report]) -> str:
    """Each broken step of a statement, and the counterexample that refutes it."""
    lines = _heading(reports[0].statement)
    for report in reports:
        mutation, outcome = report.mutation, report.verdict.outcome
        if mutation is None:
            raise ValueError(f"step {report.step.name!r} is whole; nothing is broken")
        mark = "✗" if outcome is Outcome.REFUTED else "!"
        name = f"{report.step.name}, broken by “{mutation.name}”"
        lines.append(f"{mark} {name}: {outcome.value} by {report.check.engine.value}")
        lines += _indented(f"— {mutation.change}")
        lines += _indented(report.check.source)
        lines += _indented(report.check.target)
        if report.verdict.witness:
            lines += _indented("at " + point(report.verdict))
        lines += _indented(f"— {report.verdict.detail}")
        lines.append("")
    refuted = sum(report.verdict.outcome is Outcome.REFUTED for report in reports)
    lines.append(f"{refuted} of {len(reports)} broken steps refuted, as they should be")
    return "\n".join(lines)


def how(verdict: Verdict) -> str:
    """What came out and by which engine: `proven by solver`, `argued on paper`."""
    fixed = {Outcome.ARGUED: "argued on paper", Outcome.CITED: "cited"}
    told = f"{verdict.outcome.value} by {verdict.engine.value}"
    return fixed.get(verdict.outcome, told)


def _heading(statement: Statement) -> list[str]:
    heading = f"{statement.title} ({statement.where}): {statement.claim}"
    return [*textwrap.wrap(heading, _WIDTH), ""]


def _indented(text: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 8
    )


def point(verdict: Verdict) -> str:
    """Where a counterexample lies: `g = 1, ρ = 1/2`."""
    return ", ".join(f"{k} = {v}" for k, v in verdict.witness.items())


def as_json(proved: Iterable[Sequence[Report]]) -> list[dict[str, Any]]:
    """Plain data: statements with their steps, or with their broken steps."""
    return [
        {
            "name": reports[0].statement.name,
            "title": reports[0].statement.title,
            "claim": reports[0].statement.claim,
            "where": reports[0].statement.where,
            "companion": reports[0].statement.companion,
            "verdict": _verdict(reports),
            "steps": [_step_json(report) for report in reports],
        }
        for reports in proved
    ]


def _step_json(report: Report) -> dict[str, Any]:
    data = {
        "name": report.step.name,
        "from": report.check.source,
        "to": report.check.target,
        "why": report.step.why,
        "under": list(report.step.under),
        "engine": report.verdict.engine.value,
        "outcome": report.verdict.outcome.value,
        "detail": report.verdict.detail,
        "witness": dict(report.verdict.witness),
        "seconds": round(report.verdict.seconds, 4),
    }
    if report.mutation:
        data |= {"mutation": report.mutation.name, "change": report.mutation.change}
    return data
