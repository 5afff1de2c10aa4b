"""Lemma 6, page 8: g and h are nonnegative at all times.

First the paper's proof, by contradiction; then a second, direct one by variation of
constants, which shows more: g is a weighted mean of g(0) and of past squared gradients.
"""

from __future__ import annotations

import sympy as sp

from marginflow.proofs.measure import small_flow
from marginflow.proofs.notation import Statement, step
from marginflow.proofs.process import EQUATION_1, EQUATION_2, RHO_IN_UNIT_INTERVAL
from marginflow.proofs.symbols import dg, dh, dw, g, grad, h, integral, rho, t

__all__ = ["LEMMA_6", "VARIATION_OF_CONSTANTS"]

# g(t0) and I = ∫ g′ from t0 to t, in the last line of the paper's proof.
g_t, g_t0, increase = sp.symbols("g(t) g(t₀) I")

forgetting = integral(1 - rho)
s = sp.Symbol("s", nonnegative=True)
gained = ((1 - rho) * grad**2).subs(t, s)
gathered = sp.Integral(sp.exp(integral(1 - rho, s)) * gained, (s, 0, t))
VARIATION_OF_CONSTANTS = sp.Eq(g, sp.exp(-forgetting) * (g.subs(t, 0) + gathered))
"""g(t) = e^(−R(t)) (g(0) + ∫₀ᵗ e^(R(s)) (1−ρ(s)) ∂L(s)² ds) with R(t) = ∫₀ᵗ (1−ρ)."""

solution = VARIATION_OF_CONSTANTS.rhs
no_weight = sp.exp(-forgetting) * (g.subs(t, 0) + sp.Integral(gained, (s, 0, t)))


def _lowest_average(h0: float = 0.1) -> float:
    """−min of g and h over the small flow."""
    flow = small_flow(h0=(h0, 2.5), t_end=2.0, steps=2000)
    return -min(min(pair) for pair in (*flow.g, *flow.h))


LEMMA_6 = Statement(
    "lemma-6", "g(t) ≥ 0 and h(t) ≥ 0 for all t ≥ 0", where="page 8"
).proof(
    step("last-zero", "process-2", "assumption-2(ii)")
    .why("suppose the contrary")
    .argued(
        "g(t) < 0 for some t ≥ 0",
        "there is t₀ < t with g(t₀) = 0 and g < 0 on (t₀, t]",
        "g is continuous and g(0) ≥ 0: take the last zero before t",
    ),
    step("pushed-up", "equation-1", "rho-in-unit-interval")
    .why("by eq. (1), where g is negative it does not decrease")
    .solver([EQUATION_1, *RHO_IN_UNIT_INTERVAL, g < 0], dg >= 0)
    .instead(
        "sign", "eq. (1) with the opposite sign", EQUATION_1, sp.Eq(dg, -EQUATION_1.rhs)
    )
    .without("rho", "ρ may exceed 1", rho <= 1),
    step("integrate", "process-2")
    .why("the fundamental theorem of calculus for arcs")
    .argued(
        "g is an arc and g′ ≥ 0 almost everywhere on (t₀, t]",
        "g(t) = g(t₀) + I with I = ∫ g′ ≥ 0",
        "an arc is the integral of its derivative, and the integral of a function that "
        "is nonnegative almost everywhere is nonnegative",
    ),
    step("contradiction")
    .why("contradicts g(t) < 0")
    .solver([sp.Eq(g_t, g_t0 + increase), sp.Eq(g_t0, 0), increase >= 0], g_t >= 0)
    .without(
        "start",
        "nothing known about g(t₀), as without Assumption 2(ii)",
        sp.Eq(g_t0, 0),
    ),
    step("same-for-h", "equation-2", "rho-in-unit-interval")
    .why("analogously, using eq. (2)")
    .solver([EQUATION_2, *RHO_IN_UNIT_INTERVAL, h < 0], dh >= 0)
    .without("rho", "ρ may exceed 1", rho <= 1)
    .instead(
        "square",
        "w′ in place of w′² in eq. (2)",
        EQUATION_2,
        EQUATION_2.subs(dw**2, dw),
    ),
    step("product-rule", "equation-1")
    .why("a second proof: with R = ∫(1−ρ), the product e^R·g only gathers squares")
    .algebra(
        sp.Derivative(sp.exp(forgetting) * g, t),
        sp.exp(forgetting) * (1 - rho) * grad**2,
        EQUATION_1,
    )
    .where(
        "sign",
        "e^(−R) in place of e^R",
        left=sp.Derivative(sp.exp(-forgetting) * g, t),
        right=sp.exp(-forgetting) * (1 - rho) * grad**2,
    ),
    step("gather", "process-2", "rho-in-unit-interval", "assumption-2(ii)")
    .why("the fundamental theorem of calculus for arcs")
    .argued(
        "e^R·g is an arc with derivative e^R (1−ρ) ∂L² ≥ 0",
        "e^(R(t))·g(t) = g(0) + ∫₀ᵗ e^R (1−ρ) ∂L² ≥ 0",
        "g(0) ≥ 0 and 1−ρ ≥ 0; h is treated in the same way",
    ),
    step("variation-of-constants", "equation-1")
    .why("the check the other way: what that says of g does solve eq. (1)")
    .algebra(sp.Derivative(solution, t), (1 - rho) * (grad**2 - solution))
    .where(
        "weight",
        "the weight e^R missing under the integral",
        left=sp.Derivative(no_weight, t),
        right=(1 - rho) * (grad**2 - no_weight),
    ),
    step("flow")
    .why("g and h along a flow")
    .measured("−min over time of g and h", _lowest_average, 0.0)
    .where(
        "start",
        "h(0) = −0.2, against Assumption 2(ii)",
        measure=lambda: _lowest_average(-0.2),
    ),
)
