"""A proof for the page: its lines typeset, what settled each, and each broken line.

What a notebook shows at the end of a cell that says `settled("lemma-5")`. Everything is
settled at that moment, mutations too; the book's page can settle it again in the
reader's browser, from the names in its `data-` attributes.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from itertools import product

import sympy as sp

from marginflow.proofs.algebra import Identity, LimitOf
from marginflow.proofs.report import how, point, steps_text
from marginflow.proofs.solver import Implication
from marginflow.proofs.statement import (
    Check,
    Engine,
    Mutation,
    Outcome,
    Report,
    Statement,
    Verdict,
)
from marginflow.proofs.typeset import MARK, pieces, tex

__all__ = ["SettledProof", "cancelling", "settled"]

_LONGEST = 40
"""Operations in a remainder that is shown; beyond it a counterexample says more."""


Line = tuple[Report, list[tuple[Mutation, Verdict]]]
"""A step as it was settled, and its mutations, each with what came out."""


def settled(*names: str) -> SettledProof:
    """Settle the named statements' steps and their mutations now, for the page.

    Raises:
        ValueError: a name is unknown; the message lists those there are.
    """
    from marginflow.proofs import statement

    return SettledProof([statement(name) for name in names])


def cancelling(check: Check) -> tuple[sp.Expr, ...]:
    """Terms of an identity's left side that cancel one another: the right lacks them.

    Only where both sides are one sum, up to the same factor, and where the same
    equations prove that the missing terms add up to zero.
    """
    if not isinstance(check, Identity):
        return ()
    for before, after in product(_sums(check.left), _sums(check.right)):
        gone = before - after
        if gone and after < before and len(after) > 1:
            zero = Identity(sp.Add(*gone), sp.S.Zero, check.given)
            if zero.settle().outcome is Outcome.PROVEN:
                return tuple(gone)
    return ()


def _sums(side: sp.Expr) -> list[set[sp.Expr]]:
    """The terms of each sum among the factors of a side."""
    return [set(factor.args) for factor in sp.Mul.make_args(side) if factor.is_Add]


class SettledProof:
    """Statements with their steps and mutations, settled as it is made for the page."""

    def __init__(self, statements: Iterable[Statement]) -> None:
        self._proofs = [[*map(_with_mutations, each.prove())] for each in statements]

    @property
    def stands(self) -> bool:
        """Whether every line stands, and every broken one is refuted."""
        lines = [line for proof in self._proofs for line in proof]
        return all(report.verdict.outcome.stands for report, _ in lines) and all(
            verdict.outcome is Outcome.REFUTED
            for _, mutated in lines
            for _, verdict in mutated
        )

    def __repr__(self) -> str:
        return "\n\n".join(steps_text([r for r, _ in proof]) for proof in self._proofs)

    def _repr_html_(self) -> str:
        return "\n".join(map(_proof, self._proofs))


def _with_mutations(report: Report) -> Line:
    step = report.step
    return report, [(mutation, step.settle(mutation)) for mutation in step.mutations]


def _proof(settled: list[Line]) -> str:
    statement = settled[0][0].statement
    checks = [report.check for report, _ in settled]
    neighbours = zip([None, *checks[:-1]], [*checks[1:], None], strict=True)
    lines = [
        _line(line, _shown(line[0].check, before, after))
        for line, (before, after) in zip(settled, neighbours, strict=True)
    ]
    colour = ""
    if any(cancelling(check) for check in checks):
        colour = f'<p class="{MARK}">Terms in this colour cancel.</p>'
    title = html.escape(statement.title)
    return f"""<section class="pf" aria-label="{title}, line by line"
  data-statement="{statement.name}">
<p class="pf-head"><strong>{title}, line by line</strong>
<button type="button" class="pf-all" hidden>Check every line here</button>
<span class="pf-told" role="status"></span></p>{colour}
<ol>{"".join(lines)}</ol></section>"""


def _line(line: Line, shown: str) -> str:
    report, mutated = line
    step, verdict = report.step, report.verdict
    stands = "stands" if verdict.outcome.stands else "fails"
    kind = f"pf-{step.check.engine.value} pf-{stands}"
    name = html.escape(step.name)
    detail = ""
    if step.check.engine in (Engine.PAPER, Engine.CITED):
        detail = f'<p class="pf-detail">{html.escape(verdict.detail)}</p>'
    elif step.check.engine is Engine.NUMBERS or not verdict.outcome.stands:
        detail = f'<p class="pf-detail">{html.escape(_found(verdict))}</p>'
    broken = "".join(_broken(*each, step.check) for each in mutated)
    return f"""<li data-step="{name}">{shown}
<p class="pf-why"><span
class="pf-badge {kind}">{html.escape(how(verdict))}</span>
<em>{name}</em>: {html.escape(step.why)}</p>
{detail}{broken}</li>"""


def _broken(mutation: Mutation, verdict: Verdict, whole: Check) -> str:
    """One mutation, folded: what the line then says, and what refutes it."""
    check = mutation.check
    says = _shown(check, None, None, whole)
    remains = ""
    if isinstance(check, Identity):
        left = check.remainder()
        if sp.count_ops(left) <= _LONGEST:
            remains = f"<p>What remains, left minus right:</p>{_display(tex(left))}"
    found = html.escape(f"{how(verdict)}: {_found(verdict)}")
    return f"""<details class="pf-break" data-mutation="{html.escape(mutation.name)}">
<summary>Break this line: {html.escape(mutation.change)}</summary>{says}{remains}
<p class="pf-found">{found}</p>
<p class="pf-live" role="status"></p></details>"""


def _found(verdict: Verdict) -> str:
    """What came out in words, with the counterexample; a number says itself."""
    exact = verdict.engine is not Engine.NUMBERS and verdict.witness
    return f"{verdict.detail}, at {point(verdict)}" if exact else verdict.detail


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
        next_marked = cancelling(after) if after and goes_on else ()
        left = "" if follows else _display(tex(check.left, marked))
        text = left + _display(f"= {tex(check.right, next_marked)}")
        return text + _new_given(check, whole)
    if isinstance(check, Implication):
        given = _listed(tex(each) for each in check.given)
        return f"<p>{given} imply</p>{_display(tex(check.then))}"
    if isinstance(check, LimitOf):
        side = {"+": "^+", "-": "^-"}.get(check.side, "")
        under = rf"{tex(check.symbol)} \to {tex(check.point)}{side}"
        limit = rf"\lim_{{{under}}} {tex(check.expression)} = {tex(check.value)}"
        return _display(limit)
    source, target = html.escape(check.source), html.escape(check.target)
    return f"<p>{source} <br>→ {target}</p>"


def _new_given(check: Identity, whole: Check | None) -> str:
    if not isinstance(whole, Identity):
        return ""
    new = [each for each in check.given if each not in whole.given]
    given = _listed(tex(each) for each in new)
    return f"<p>where now {given}</p>" if new else ""


def _display(text: str) -> str:
    """A formula on a line of its own, or on several where the page is narrow."""
    parts = "".join(_inline(rf"\displaystyle {part}") for part in pieces(text))
    return f'<div class="pf-line">{parts}</div>'


def _listed(formulas: Iterable[str]) -> str:
    """Formulas with commas between them, from which no line's end parts them."""
    *before, last = [*map(_inline, formulas)] or [""]
    return " ".join([*(f'<span class="unbroken">{f},</span>' for f in before), last])


def _inline(text: str) -> str:
    return (
        f'<span class="math notranslate nohighlight">\\({html.escape(text)}\\)</span>'
    )
