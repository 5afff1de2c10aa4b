"""Lemma 9, page 8: d log β/dt is Lebesgue integrable, with integral |log β(0)|."""

from __future__ import annotations

import math

import sympy as sp

from marginflow.proofs.lemma_5 import INTEGRATED_NOW, beta_0, decay
from marginflow.proofs.measure import small_flow
from marginflow.proofs.notation import Statement, step
from marginflow.proofs.symbols import beta, dbeta, t

__all__ = ["LEMMA_9"]

same_side = (1 - beta) * (1 - beta_0)
x = sp.Symbol("x", positive=True)


def _variation_defect(squared: bool = False) -> float:
    """Largest |∫₀ᵗ|d log β| − |log β(t) − log β(0)|| along the small flow."""
    flow, worst = small_flow(), 0.0
    for j in (0, 1):
        for b, variation in zip(flow.beta, flow.variation, strict=True):
            change = abs(math.log(b[j] / flow.beta[0][j])) * (2 if squared else 1)
            worst = max(worst, abs(variation[j] - change))
    return worst


LEMMA_9 = Statement(
    "lemma-9",
    "d log β(t)/dt is Lebesgue integrable, and ∫|d log β/dt| dt = |log β(0)|",
    where="pages 8–9",
).proof(
    step("logarithmic-derivative", "lemma-7")
    .why("the chain rule")
    .algebra(sp.Derivative(sp.log(beta), t), dbeta / beta)
    .where("chain", "β′ in place of β′/β", right=dbeta),
    step("never-crosses", "lemma-5-integrated", "lemma-7")
    .why(
        "β stays on the side of 1 on which it starts: 1−β(t)² has the sign of 1−β(0)², "
        "because the exponential E between them is positive"
    )
    .solver(
        [INTEGRATED_NOW, beta > 0, beta_0 > 0, decay > 0],
        sp.And(same_side >= 0, sp.Or(sp.Ne(beta, 1), sp.Eq(beta_0, 1))),
    )
    .where("sign", "β ends on the other side", then=same_side <= 0)
    .where(
        "exponential",
        "E of either sign",
        given=(INTEGRATED_NOW, beta > 0, beta_0 > 0),
        then=same_side >= 0,
    ),
    step("one-sign-up", "lemma-7")
    .why("if β(0) ≤ 1, then by Lemma 7(i) d log β/dt = β′/β ≥ 0 for almost all t")
    .solver([beta > 0, dbeta >= 0], dbeta / beta >= 0)
    .instead("positive", "β of either sign", beta > 0, sp.Ne(beta, 0)),
    step("one-sign-down", "lemma-7")
    .why("if β(0) ≥ 1, then it is ≤ 0 for almost all t")
    .solver([beta > 0, dbeta <= 0], dbeta / beta <= 0)
    .instead("positive", "β of either sign", beta > 0, sp.Ne(beta, 0)),
    step("absolute-value-outside", "process-2", "lemma-7")
    .why("calculus")
    .argued(
        "∫₀ᵀ |d log β/dt| dt, the integrand of one sign",
        "= |∫₀ᵀ (d log β/dt) dt| = |log β(T) − log β(0)|",
        "log β is an arc on [0, T]: β is one and, by Lemma 7(ii), is bounded away from "
        "0; an arc is the integral of its derivative",
    ),
    step("to-infinity")
    .why("monotone convergence")
    .argued(
        "∫₀ᵀ |d log β/dt| dt = |log β(T) − log β(0)| for every T",
        "∫₀^∞ |d log β/dt| dt = lim |log β(T) − log β(0)|",
        "monotone convergence, T → ∞",
    ),
    step("log-one", "lemma-8")
    .why("by Lemma 8, β(T) → 1, and the logarithm there tends to 0")
    .limit(sp.log(x), x, sp.S.One, sp.S.Zero)
    .where("limit", "β(T) → 2 in place of 1", point=2),
    step("flow")
    .why("both sides along a flow; the integrand straight from β's definition")
    .measured("|∫₀ᵗ|d log β| − |log β(t) − log β(0)||", _variation_defect, 1e-10)
    .where(
        "square",
        "log β² in place of log β",
        quantity="|∫₀ᵗ|d log β| − |log β(t)² − log β(0)²||",
        measure=lambda: _variation_defect(squared=True),
    ),
)
