"""Lemma 7, page 8: each component of β moves monotonically towards 1, never past."""

from __future__ import annotations

from itertools import pairwise

import sympy as sp

from marginflow.proofs import lemma_5
from marginflow.proofs.algebra import Identity
from marginflow.proofs.lemma_6 import RHO_IN_UNIT_INTERVAL
from marginflow.proofs.measure import Measurement, small_flow
from marginflow.proofs.paper import Argument
from marginflow.proofs.solver import Implication
from marginflow.proofs.statement import Statement, Step
from marginflow.proofs.symbols import (
    DEFINITION_BETA,
    at_an_instant,
    beta,
    delta,
    g,
    h,
    t,
)

__all__ = ["LEMMA_7"]

_b, _db, _g, _h, _delta = (
    at_an_instant(part) for part in (beta, beta.diff(t), g, h, delta)
)
_epsilon = sp.Symbol("ε")
_lemma_5 = at_an_instant(lemma_5.CONCLUSION.doit())
_lemma_6 = _g >= 0
_known = (_lemma_5, _lemma_6, _delta > 0, *RHO_IN_UNIT_INTERVAL)

_beta_squared = sp.Eq(_b**2, at_an_instant(DEFINITION_BETA.rhs**2))
_stability = (_delta > 0, _epsilon > 0)
_integrated, _b0, _decay = lemma_5.INTEGRATED_NOW


def _sign_case(name: str, why: str, case: sp.Basic, then: sp.Basic) -> Step:
    """One case of part (i), with what breaks it."""
    wrong_sign = sp.Eq(-_lemma_5.lhs, _lemma_5.rhs)
    return (
        Step(
            name,
            Implication((*_known, _b > 0, case), then),
            why,
            under=("lemma-5", "lemma-6", "rho-in-unit-interval"),
        )
        .instead("sign", "Lemma 5 with the opposite sign", _lemma_5, wrong_sign)
        .without("no-lemma-6", "g may be negative", _lemma_6)
        .without("rho", "ρ may exceed 1", RHO_IN_UNIT_INTERVAL[1])
    )


def _largest_step_away(backwards: bool = False) -> float:
    """How far |1−β| ever grows from one sample of the small flow to the next."""
    samples = small_flow().beta[:: -1 if backwards else 1]
    gaps = [[abs(1 - beta[j]) for beta in samples] for j in (0, 1)]
    return max(b - a for gap in gaps for a, b in pairwise(gap))


def _lowest_beta(beyond: float = 0.0) -> float:
    """How far β falls below min{β(0), 1} + beyond on the small flow."""
    flow = small_flow()
    return max(
        min(flow.beta[0][j], 1.0) + beyond - b[j] for b in flow.beta for j in (0, 1)
    )


LEMMA_7 = Statement(
    name="lemma-7",
    claim="(i) β′ ≥ 0 where β < 1, β′ = 0 where β = 1, β′ ≤ 0 where β > 1, for almost "
    "all t; (ii) β(t) ≥ min{β(0), 1} for all t",
    where="page 8",
    steps=(
        Step(
            "positive",
            Implication((_beta_squared, *_stability, _g >= 0, _h >= 0), _b**2 > 0),
            "β is the root of a positive quotient, so β > 0 at all times",
            under=("definition-beta", "lemma-6"),
        ).without("no-lemma-6", "h may be negative", _h >= 0),
        Step(
            "chain-rule",
            Identity(sp.Derivative(1 - beta**2, t), -2 * beta * sp.Derivative(beta, t)),
            "d(1−β²)/dt = −2ββ′: the sign of β′ can be read off Lemma 5",
        ).where("chain", "the factor β forgotten", right=-2 * sp.Derivative(beta, t)),
        _sign_case(
            "below",
            "(i), case 0 < β < 1: 1−β² > 0, and its factor in Lemma 5 is ≤ 0",
            _b < 1,
            _db >= 0,
        ),
        Step(
            "at-one",
            Implication((*_known, _b > 0, sp.Eq(_b, 1)), sp.Eq(_db, 0)),
            "(i), case β = 1: the right-hand side of Lemma 5 is 0",
            under=("lemma-5", "lemma-6"),
        ).without("no-case", "β = 1 not assumed", sp.Eq(_b, 1)),
        _sign_case("above", "(i), case β > 1: 1−β² < 0", _b > 1, _db <= 0),
        Step(
            "stays",
            Argument(
                "β(t) < m := min{β(0), 1} for some t ≥ 0",
                "a contradiction: β(t) ≥ m",
                "β is continuous and β(0) ≥ m, so there is a last s < t with β(s) = m; "
                "on (s, t] we have 0 < β < 1, hence β′ ≥ 0 almost everywhere by (i); β "
                "is an arc, so β(t) = β(s) + ∫β′ ≥ m",
            ),
            "(ii), by (i) and because β is an arc",
            under=("process-2", "assumption-2(ii)", "lemma-6"),
        ),
        Step(
            "stays-in-closed-form",
            Implication(
                (_integrated, _b > 0, _b0 > 0, _decay > 0, _decay <= 1),
                sp.And(_b >= sp.Min(_b0, 1), _b <= sp.Max(_b0, 1)),
            ),
            "(ii) again, from the integrated form of Lemma 5 with its exponential E in "
            "(0, 1]: β stays between β(0) and 1",
            under=("lemma-5-integrated", "lemma-6", "rho-in-unit-interval"),
        )
        .without("rho", "E may exceed 1, as it could if ρ > 1", _decay <= 1)
        .where(
            "sign",
            "the bound at the other end: β(t) ≥ max{β(0), 1}",
            then=_b >= sp.Max(_b0, 1),
        ),
        Step(
            "flow-monotone",
            Measurement("growth of |1−β| between samples", _largest_step_away, 1e-12),
            "(i) along a flow, β₁(0) < 1 < β₂(0)",
        ).where(
            "time",
            "the flow read backwards",
            measure=lambda: _largest_step_away(backwards=True),
        ),
        Step(
            "flow-bound",
            Measurement("min{β(0), 1} − β(t)", _lowest_beta, 1e-12),
            "(ii) along a flow",
        ).where(
            "bound",
            "min{β(0), 1} + 0.01 in place of min{β(0), 1}",
            quantity="min{β(0), 1} + 0.01 − β(t)",
            measure=lambda: _lowest_beta(0.01),
        ),
    ),
)
