"""Lemma 9, page 8: d log β/dt is Lebesgue integrable, with integral |log β(0)|."""

from __future__ import annotations

import math

import sympy as sp

from marginflow.proofs.algebra import Identity, LimitOf
from marginflow.proofs.lemma_5 import INTEGRATED_NOW
from marginflow.proofs.measure import Measurement, small_flow
from marginflow.proofs.paper import Argument
from marginflow.proofs.solver import Implication
from marginflow.proofs.statement import Statement, Step
from marginflow.proofs.symbols import at_an_instant, beta, t

__all__ = ["LEMMA_9"]

_b, _db = at_an_instant(beta), at_an_instant(beta.diff(t))
_integrated, _b0, _decay = INTEGRATED_NOW
_positive = (_b > 0, _b0 > 0)
_same_side = (1 - _b) * (1 - _b0)
_x = sp.Symbol("x", positive=True)


def _variation_defect(squared: bool = False) -> float:
    """Largest |∫₀ᵗ|d log β| − |log β(t) − log β(0)|| along the small flow."""
    flow, worst = small_flow(), 0.0
    for j in (0, 1):
        for b, variation in zip(flow.beta, flow.variation, strict=True):
            change = abs(math.log(b[j] / flow.beta[0][j])) * (2 if squared else 1)
            worst = max(worst, abs(variation[j] - change))
    return worst


LEMMA_9 = Statement(
    name="lemma-9",
    claim="d log β(t)/dt is Lebesgue integrable, and ∫|d log β/dt| dt = |log β(0)|",
    where="pages 8–9",
    steps=(
        Step(
            "logarithmic-derivative",
            Identity(sp.Derivative(sp.log(beta), t), beta.diff(t) / beta),
            "the chain rule",
            under=("lemma-7",),
        ).where("chain", "β′ in place of β′/β", right=beta.diff(t)),
        Step(
            "never-crosses",
            Implication(
                (_integrated, *_positive, _decay > 0),
                sp.And(_same_side >= 0, sp.Or(sp.Ne(_b, 1), sp.Eq(_b0, 1))),
            ),
            "β stays on the side of 1 on which it starts: 1−β(t)² has the sign of "
            "1−β(0)², because the exponential E between them is positive",
            under=("lemma-5-integrated", "lemma-7"),
        )
        .where("sign", "β ends on the other side", then=_same_side <= 0)
        .where(
            "exponential",
            "E of either sign",
            given=(_integrated, *_positive),
            then=_same_side >= 0,
        ),
        Step(
            "one-sign-up",
            Implication((_b > 0, _db >= 0), _db / _b >= 0),
            "if β(0) ≤ 1, then by Lemma 7(i) d log β/dt = β′/β ≥ 0 for almost all t",
            under=("lemma-7",),
        ).instead("positive", "β of either sign", _b > 0, sp.Ne(_b, 0)),
        Step(
            "one-sign-down",
            Implication((_b > 0, _db <= 0), _db / _b <= 0),
            "if β(0) ≥ 1, then it is ≤ 0 for almost all t",
            under=("lemma-7",),
        ).instead("positive", "β of either sign", _b > 0, sp.Ne(_b, 0)),
        Step(
            "absolute-value-outside",
            Argument(
                "∫₀ᵀ |d log β/dt| dt, the integrand of one sign",
                "= |∫₀ᵀ (d log β/dt) dt| = |log β(T) − log β(0)|",
                "log β is an arc on [0, T]: β is one and, by Lemma 7(ii), is bounded "
                "away from 0; an arc is the integral of its derivative",
            ),
            "calculus",
            under=("process-2", "lemma-7"),
        ),
        Step(
            "to-infinity",
            Argument(
                "∫₀ᵀ |d log β/dt| dt = |log β(T) − log β(0)| for every T",
                "∫₀^∞ |d log β/dt| dt = lim |log β(T) − log β(0)|",
                "monotone convergence, T → ∞",
            ),
            "monotone convergence",
        ),
        Step(
            "log-one",
            LimitOf(sp.log(_x), _x, sp.S.One, sp.S.Zero),
            "by Lemma 8, β(T) → 1, and the logarithm there tends to 0",
            under=("lemma-8",),
        ).where("limit", "β(T) → 2 in place of 1", point=sp.Integer(2)),
        Step(
            "flow",
            Measurement(
                "|∫₀ᵗ|d log β| − |log β(t) − log β(0)||", _variation_defect, 1e-10
            ),
            "both sides along a flow; the integrand straight from β's definition",
        ).where(
            "square",
            "log β² in place of log β",
            quantity="|∫₀ᵗ|d log β| − |log β(t)² − log β(0)²||",
            measure=lambda: _variation_defect(squared=True),
        ),
    ),
)
