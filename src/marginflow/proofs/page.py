"""A proof for the page: its lines typeset, what settled each, and each broken line.

What a notebook shows at the end of a cell that says `settled("lemma-5")`. Everything is
settled at that moment, mutations too; the book's page can settle it again in the
reader's browser, from the names in its `data-` attributes.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass

import sympy as sp

from marginflow.proofs.algebra import Identity, LimitOf
from marginflow.proofs.report import how, point, steps_text
from marginflow.proofs.solver import Implication
from marginflow.proofs.statement import Check, Engine, Outcome, Report, Statement
from marginflow.proofs.typeset import MARK, tex

__all__ = ["SettledProof", "cancelling", "settled"]

_LONGEST = 40
"""Operations in a remainder that is still shown; beyond it a counterexample says more."""


def settled(*names: str) -> SettledProof:
    """Settle the named statements' steps and their mutations now, for the page.

    Raises:
        ValueError: a name is unknown; the message lists those there are.
    """
    from marginflow.proofs import statement

    return SettledProof(tuple(statement(name) for name in names))


def cancelling(check: Check) -> tuple[sp.Expr, ...]:
    """Terms of an identity's left side that cancel one another: the right lacks them.

    Only where both sides are one sum, up to the same factor, and where the same
    equations prove that the missing terms add up to zero.
    """
    if not isinstance(check, Identity):
        return ()
    before, after = _terms(check.left), _terms(check.right)
    gone = before - after
    if not after or not gone or after - before:
        return ()
    zero = Identity(sp.Add(*gone), sp.S.Zero, check.given)
    return tuple(gone) if zero.settle().outcome is Outcome.PROVEN else ()


def _terms(side: sp.Expr) -> set[sp.Expr]:
    """The terms of the longest sum among the factors of a side; none if there is none."""
    sums = [factor.args for factor in sp.Mul.make_args(side) if factor.is_Add]
    return set(max(sums, key=len, default=()))


@dataclass(frozen=True)
class SettledProof:
    """Statements with their steps, each settled as the proof is made for the page."""

    statements: tuple[Statement, ...]

    def __post_init__(self) -> None:
        made = tuple(tuple(statement.prove()) for statement in self.statements)
        object.__setattr__(self, "reports", made)

    def __repr__(self) -> str:
        return "\n\n".join(steps_text(reports) for reports in self.reports)

    def _repr_html_(self) -> str:
        return "\n".join(_proof(reports) for reports in self.reports)


def _proof(reports: tuple[Report, ...]) -> str:
    statement = reports[0].statement
    checks = [report.step.check for report in reports]
    lines = []
    for report, before, after in zip(
        reports, [None, *checks[:-1]], [*checks[1:], None], strict=True
    ):
        lines.append(_line(report, _shown(report.step.check, before, after)))
    colour = (
        f'<p class="pf-note">Terms <span class="{MARK}">in this colour</span> cancel.</p>'
        if any(cancelling(check) for check in checks)
        else ""
    )
    title = html.escape(statement.title)
    return f"""<section class="pf" aria-label="{title}, line by line"
  data-statement="{statement.name}">
<p class="pf-head"><strong>{title}</strong>: {html.escape(statement.claim)}
<button type="button" class="pf-all" hidden>Check every line here</button>
<span class="pf-told" role="status"></span></p>{colour}
<ol>{"".join(lines)}</ol></section>"""


def _line(report: Report, shown: str) -> str:
    step, verdict = report.step, report.verdict
    stands = "stands" if verdict.outcome.stands else "fails"
    name = html.escape(step.name)
    detail = ""
    if step.check.engine in (Engine.PAPER, Engine.CITED):
        detail = f'<p class="pf-detail">{html.escape(verdict.detail)}</p>'
    elif step.check.engine is Engine.NUMBERS or not verdict.outcome.stands:
        said = html.escape(f"{verdict.detail} {point(verdict)}".strip())
        detail = f'<p class="pf-detail">{said}</p>'
    broken = "".join(_broken(each, step.check) for each in _mutated(report))
    return f"""<li data-step="{name}">{shown}
<p class="pf-why"><span class="pf-badge pf-{step.check.engine.value} pf-{stands}"
  >{html.escape(how(report))}</span> <em>{name}</em>: {html.escape(step.why)}</p>
{detail}{broken}</li>"""


def _mutated(report: Report) -> Iterator[Report]:
    for mutation in report.step.mutations:
        verdict = mutation.check.settle()
        yield Report(report.statement, report.step, verdict, mutation)


def _broken(report: Report, whole: Check) -> str:
    """One mutation, folded: what the line then says, and what refutes it."""
    mutation, verdict = report.mutation, report.verdict
    check = mutation.check
    says = _shown(check, None, None, whole)
    remains = ""
    if isinstance(check, Identity):
        left = check.remainder()
        if sp.count_ops(left) <= _LONGEST:
            remains = f"<p>What remains, left minus right:</p>{_display(tex(left))}"
    found = f"{how(report)}: {verdict.detail}"
    at = point(verdict)
    return f"""<details class="pf-break" data-mutation="{html.escape(mutation.name)}">
<summary>Break this line: {html.escape(mutation.change)}</summary>{says}{remains}
<p class="pf-found">{html.escape(found + (f", at {at}" if at else ""))}</p>
<p class="pf-live" role="status"></p></details>"""


# What a check says --------------------------------------------------------------------


def _shown(
    check: Check,
    before: Check | None,
    after: Check | None,
    whole: Check | None = None,
) -> str:
    """The check's own claim; of a chain of equalities, only what is new in this line.

    Of a broken check, what is given is shown too where it is not the `whole` one's.
    """
    if isinstance(check, Identity):
        follows = isinstance(before, Identity) and before.right == check.left
        marked = cancelling(check)
        goes_on = isinstance(after, Identity) and after.left == check.right
        next_marked = cancelling(after) if goes_on else ()
        left = "" if follows else _display(tex(check.left, marked))
        text = left + _display(f"= {tex(check.right, next_marked)}")
        return text + _new_given(check, whole)
    if isinstance(check, Implication):
        given = ", ".join(_inline(tex(each)) for each in check.given)
        return f"<p>{given} imply</p>{_display(tex(check.then))}"
    if isinstance(check, LimitOf):
        side = {"+": "^+", "-": "^-"}.get(check.side, "")
        under = rf"{tex(check.symbol)} \to {tex(check.point)}{side}"
        limit = rf"\lim_{{{under}}} {tex(check.expression)} = {tex(check.value)}"
        return _display(limit)
    source, target = html.escape(check.source), html.escape(check.target)
    return f"<p>{source} <br>→ {target}</p>"


def _new_given(check: Identity, whole: Check | None) -> str:
    if whole is None:
        return ""
    new = [each for each in check.given if each not in whole.given]
    given = ", ".join(_inline(tex(each)) for each in new)
    return f"<p>where now {given}</p>" if new else ""


def _display(text: str) -> str:
    return f'<div class="math notranslate nohighlight">\\[{html.escape(text)}\\]</div>'


def _inline(text: str) -> str:
    return (
        f'<span class="math notranslate nohighlight">\\({html.escape(text)}\\)</span>'
    )
