"""Lemma 7, page 8: each component of β moves monotonically towards 1, never past."""

from __future__ import annotations

from itertools import pairwise

import sympy as sp

from marginflow.proofs.lemma_5 import CONCLUSION, INTEGRATED_NOW, beta_0, decay
from marginflow.proofs.measure import small_flow
from marginflow.proofs.notation import Statement, Step, step
from marginflow.proofs.process import DEFINITION_BETA, RHO_IN_UNIT_INTERVAL
from marginflow.proofs.symbols import beta, dbeta, delta, epsilon, g, h, rho, t

__all__ = ["LEMMA_7"]

_delta, _epsilon = sp.symbols("δ ε")  # bare, for the solver
bare = {delta: _delta, epsilon: _epsilon}
_lemma_5 = CONCLUSION.doit().subs(bare)
known = (_lemma_5, g >= 0, _delta > 0, *RHO_IN_UNIT_INTERVAL)
beta_squared = sp.Eq(beta**2, (DEFINITION_BETA.rhs**2).subs(bare))


def _sign_case(name: str, why: str, case: sp.Basic, then: sp.Basic) -> Step:
    """One case of part (i), with what breaks it."""
    wrong_sign = sp.Eq(-_lemma_5.lhs, _lemma_5.rhs)
    return (
        step(name, "lemma-5", "lemma-6", "rho-in-unit-interval")
        .why(why)
        .solver([*known, beta > 0, case], then)
        .instead("sign", "Lemma 5 with the opposite sign", _lemma_5, wrong_sign)
        .without("no-lemma-6", "g may be negative", g >= 0)
        .without("rho", "ρ may exceed 1", rho <= 1)
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
    "lemma-7",
    "(i) β′ ≥ 0 where β < 1, β′ = 0 where β = 1, β′ ≤ 0 where β > 1, for almost all t; "
    "(ii) β(t) ≥ min{β(0), 1} for all t",
    where="page 8",
).proof(
    step("positive", "definition-beta", "lemma-6")
    .why("β is the root of a positive quotient, so β > 0 at all times")
    .solver(
        [beta_squared, _delta > 0, _epsilon > 0, g >= 0, h >= 0],
        beta**2 > 0,
    )
    .without("no-lemma-6", "h may be negative", h >= 0),
    step("chain-rule")
    .why("d(1−β²)/dt = −2ββ′: the sign of β′ can be read off Lemma 5")
    .algebra(sp.Derivative(1 - beta**2, t), -2 * beta * dbeta)
    .where("chain", "the factor β forgotten", right=-2 * dbeta),
    _sign_case(
        "below",
        "(i), case 0 < β < 1: 1−β² > 0, and its factor in Lemma 5 is ≤ 0",
        beta < 1,
        dbeta >= 0,
    ),
    step("at-one", "lemma-5", "lemma-6")
    .why("(i), case β = 1: the right-hand side of Lemma 5 is 0")
    .solver([*known, beta > 0, sp.Eq(beta, 1)], sp.Eq(dbeta, 0))
    .without("no-case", "β = 1 not assumed", sp.Eq(beta, 1)),
    _sign_case("above", "(i), case β > 1: 1−β² < 0", beta > 1, dbeta <= 0),
    step("stays", "process-2", "assumption-2(ii)", "lemma-6")
    .why("(ii), by (i) and because β is an arc")
    .argued(
        "β(t) < m := min{β(0), 1} for some t ≥ 0",
        "a contradiction: β(t) ≥ m",
        "β is continuous and β(0) ≥ m, so there is a last s < t with β(s) = m; on (s, "
        "t] we have 0 < β < 1, hence β′ ≥ 0 almost everywhere by (i); β is an arc, so "
        "β(t) = β(s) + ∫β′ ≥ m",
    ),
    step(
        "stays-in-closed-form", "lemma-5-integrated", "lemma-6", "rho-in-unit-interval"
    )
    .why(
        "(ii) again, from the integrated form of Lemma 5 with its exponential E in (0, "
        "1]: β stays between β(0) and 1"
    )
    .solver(
        [INTEGRATED_NOW, beta > 0, beta_0 > 0, decay > 0, decay <= 1],
        sp.And(beta >= sp.Min(beta_0, 1), beta <= sp.Max(beta_0, 1)),
    )
    .without("rho", "E may exceed 1, as it could if ρ > 1", decay <= 1)
    .where(
        "sign",
        "the bound at the other end: β(t) ≥ max{β(0), 1}",
        then=beta >= sp.Max(beta_0, 1),
    ),
    step("flow-monotone")
    .why("(i) along a flow, β₁(0) < 1 < β₂(0)")
    .measured("growth of |1−β| between samples", _largest_step_away, 1e-12)
    .where(
        "time",
        "the flow read backwards",
        measure=lambda: _largest_step_away(backwards=True),
    ),
    step("flow-bound")
    .why("(ii) along a flow")
    .measured("min{β(0), 1} − β(t)", _lowest_beta, 1e-12)
    .where(
        "bound",
        "min{β(0), 1} + 0.01 in place of min{β(0), 1}",
        quantity="min{β(0), 1} + 0.01 − β(t)",
        measure=lambda: _lowest_beta(0.01),
    ),
)
