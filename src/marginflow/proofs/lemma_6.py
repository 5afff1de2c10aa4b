"""Lemma 6, page 8: g and h are nonnegative at all times.

First the paper's proof, by contradiction; then a second, direct one by variation of
constants, which shows more: g is a weighted mean of g(0) and of past squared gradients.
"""

from __future__ import annotations

import sympy as sp

from marginflow.proofs.algebra import Identity
from marginflow.proofs.measure import Measurement, small_flow
from marginflow.proofs.paper import Argument
from marginflow.proofs.solver import Implication
from marginflow.proofs.statement import Statement, Step
from marginflow.proofs.symbols import (
    EQUATION_1,
    EQUATION_2,
    at_an_instant,
    g,
    grad,
    h,
    rho,
    t,
    tau,
    w,
)

__all__ = ["LEMMA_6", "RHO_IN_UNIT_INTERVAL", "VARIATION_OF_CONSTANTS"]

dg = g.diff(t)
_rho, _g, _h, _q = (at_an_instant(part) for part in (rho, g, h, grad))
RHO_IN_UNIT_INTERVAL = (_rho >= 0, _rho <= 1)
"""ρ(t) ∈ [0, 1], by the hyperparameters of Process 2."""

_eq_1, _eq_2 = at_an_instant(EQUATION_1), at_an_instant(EQUATION_2)
_dg, _dh = _eq_1.lhs, _eq_2.lhs
_eq_1_plus = sp.Eq(_dg, -_eq_1.rhs)

# g(t0) and I = ∫ g′ from t0 to t, in the last line of the paper's proof.
_g_t, _g_t0, _increase = sp.symbols("g(t) g(t₀) I")
_integral = sp.Eq(_g_t, _g_t0 + _increase)

_forgetting = sp.Integral((1 - rho).subs(t, tau), (tau, 0, t))
_s = sp.Symbol("s", nonnegative=True)
_weight = sp.exp(sp.Integral((1 - rho).subs(t, tau), (tau, 0, _s)))
VARIATION_OF_CONSTANTS = sp.Eq(
    g,
    sp.exp(-_forgetting)
    * (
        g.subs(t, 0)
        + sp.Integral(_weight * ((1 - rho) * grad**2).subs(t, _s), (_s, 0, t))
    ),
)
"""g(t) = e^(−R(t)) (g(0) + ∫₀ᵗ e^(R(s)) (1−ρ(s)) ∂L(s)² ds) with R(t) = ∫₀ᵗ (1−ρ)."""

_solution = VARIATION_OF_CONSTANTS.rhs
_no_weight = sp.exp(-_forgetting) * (
    g.subs(t, 0) + sp.Integral(((1 - rho) * grad**2).subs(t, _s), (_s, 0, t))
)


def _lowest_average(h0: float = 0.1) -> float:
    """−min of g and h over the small flow."""
    flow = small_flow(h0=(h0, 2.5), t_end=2.0, steps=2000)
    return -min(min(pair) for pair in (*flow.g, *flow.h))


LEMMA_6 = Statement(
    name="lemma-6",
    claim="g(t) ≥ 0 and h(t) ≥ 0 for all t ≥ 0",
    where="page 8",
    steps=(
        Step(
            "last-zero",
            Argument(
                "g(t) < 0 for some t ≥ 0",
                "there is t₀ < t with g(t₀) = 0 and g < 0 on (t₀, t]",
                "g is continuous and g(0) ≥ 0: take the last zero before t",
            ),
            "suppose the contrary",
            under=("process-2", "assumption-2(ii)"),
        ),
        Step(
            "pushed-up",
            Implication((_eq_1, *RHO_IN_UNIT_INTERVAL, _g < 0), _dg >= 0),
            "by eq. (1), where g is negative it does not decrease",
            under=("equation-1", "rho-in-unit-interval"),
        )
        .instead("sign", "eq. (1) with the opposite sign", _eq_1, _eq_1_plus)
        .where("rho", "ρ may exceed 1", given=(_eq_1, _rho >= 0, _g < 0)),
        Step(
            "integrate",
            Argument(
                "g is an arc and g′ ≥ 0 almost everywhere on (t₀, t]",
                "g(t) = g(t₀) + I with I = ∫ g′ ≥ 0",
                "an arc is the integral of its derivative, and the integral of a "
                "function that is nonnegative almost everywhere is nonnegative",
            ),
            "the fundamental theorem of calculus for arcs",
            under=("process-2",),
        ),
        Step(
            "contradiction",
            Implication((_integral, sp.Eq(_g_t0, 0), _increase >= 0), _g_t >= 0),
            "contradicts g(t) < 0",
        ).without(
            "start",
            "nothing known about g(t₀), as without Assumption 2(ii)",
            sp.Eq(_g_t0, 0),
        ),
        Step(
            "same-for-h",
            Implication((_eq_2, *RHO_IN_UNIT_INTERVAL, _h < 0), _dh >= 0),
            "analogously, using eq. (2)",
            under=("equation-2", "rho-in-unit-interval"),
        )
        .where("rho", "ρ may exceed 1", given=(_eq_2, _rho >= 0, _h < 0))
        .instead(
            "square",
            "w′ in place of w′² in eq. (2)",
            _eq_2,
            _eq_2.subs(at_an_instant(w.diff(t)) ** 2, at_an_instant(w.diff(t))),
        ),
        Step(
            "product-rule",
            Identity(
                sp.Derivative(sp.exp(_forgetting) * g, t),
                sp.exp(_forgetting) * (1 - rho) * grad**2,
                (EQUATION_1,),
            ),
            "a second proof: with R = ∫(1−ρ), the product e^R·g only gathers squares",
            under=("equation-1",),
        ).where(
            "sign",
            "e^(−R) in place of e^R",
            left=sp.Derivative(sp.exp(-_forgetting) * g, t),
            right=sp.exp(-_forgetting) * (1 - rho) * grad**2,
        ),
        Step(
            "gather",
            Argument(
                "e^R·g is an arc with derivative e^R (1−ρ) ∂L² ≥ 0",
                "e^(R(t))·g(t) = g(0) + ∫₀ᵗ e^R (1−ρ) ∂L² ≥ 0",
                "g(0) ≥ 0 and 1−ρ ≥ 0; h is treated in the same way",
            ),
            "the fundamental theorem of calculus for arcs",
            under=("process-2", "rho-in-unit-interval", "assumption-2(ii)"),
        ),
        Step(
            "variation-of-constants",
            Identity(sp.Derivative(_solution, t), (1 - rho) * (grad**2 - _solution)),
            "the check the other way: what that says of g does solve eq. (1)",
            under=("equation-1",),
        ).where(
            "weight",
            "the weight e^R missing under the integral",
            left=sp.Derivative(_no_weight, t),
            right=(1 - rho) * (grad**2 - _no_weight),
        ),
        Step(
            "flow",
            Measurement("−min over time of g and h", _lowest_average, 0.0),
            "g and h along a flow",
        ).where(
            "start",
            "h(0) = −0.2, against Assumption 2(ii)",
            measure=lambda: _lowest_average(-0.2),
        ),
    ),
)
