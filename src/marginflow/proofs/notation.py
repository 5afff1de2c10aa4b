"""How a proof is written down: a statement, and its steps, each as one sentence.

    Statement("lemma-8", "β(t) → 1 as t → ∞", where="page 8").proof(
        step("slope-of-g", "equation-1", "lemma-6", "rho-in-unit-interval")
        .why("by eq. (1) and Lemma 6")
        .solver([EQUATION_1, rho >= 0, rho <= 1, g >= 0], g.diff(t) <= grad**2)
        .without("no-lemma-6", "g may be negative", g >= 0),
        …
    )

A step says its name and what it rests on, why, and then, by the engine that settles it,
what is to be shown. Its mutations follow (see `marginflow.proofs.statement`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import sympy as sp

from marginflow.proofs.algebra import Identity, LimitOf
from marginflow.proofs.measure import SMALL_FLOW, Measurement
from marginflow.proofs.paper import Argument, Citation
from marginflow.proofs.solver import Implication
from marginflow.proofs.statement import Check, Statement, Step

__all__ = ["Begun", "Statement", "Step", "step"]


@dataclass(frozen=True)
class Begun:
    """A step with its name and its reason; the engine that is called completes it."""

    name: str
    under: tuple[str, ...]
    reason: str = ""

    def why(self, reason: str) -> Begun:
        return replace(self, reason=reason)

    def by(self, check: Check) -> Step:
        """The step, with a check that is there already."""
        return Step(self.name, check, self.reason, self.under)

    def algebra(
        self,
        left: sp.Expr,
        right: sp.Expr,
        *given: sp.Eq,
        positive: tuple[sp.Symbol, ...] = (),
    ) -> Step:
        """left = right, once the equations `given` are put in: `Identity`."""
        return self.by(Identity(left, right, given, positive))

    def limit(
        self, of: sp.Expr, x: sp.Symbol, at: sp.Expr, value: sp.Expr, side: str = "+-"
    ) -> Step:
        """`of` tends to `value` as x tends to `at`: `LimitOf`."""
        return self.by(LimitOf(of, x, at, value, side))

    def solver(self, given: Sequence[sp.Basic], then: sp.Basic) -> Step:
        """given ⟹ then, for real numbers: `Implication`."""
        return self.by(Implication(tuple(given), then))

    def argued(self, source: str, target: str, because: str, coq: str = "") -> Step:
        """Analysis that the reader checks: `Argument`."""
        return self.by(Argument(source, target, because, coq))

    def cited(self, source: str, target: str, work: str, place: str) -> Step:
        """Someone else's theorem: `Citation`."""
        return self.by(Citation(source, target, work, place))

    def measured(
        self,
        quantity: str,
        measure: Callable[[], float],
        at_most: float,
        on: str = SMALL_FLOW,
    ) -> Step:
        """A number and its bound: `Measurement`."""
        return self.by(Measurement(quantity, measure, at_most, on))


def step(name: str, *under: str) -> Begun:
    """The beginning of a step that rests on what is named, as in `REFERENCES`."""
    return Begun(name, under)
