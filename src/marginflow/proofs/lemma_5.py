"""Lemma 5, page 7, and its integrated form, which the paper uses inside Lemma 8.

The five displayed lines of the paper's proof stand below as `LINES`, and each is
shown to equal the one before it by the reason that the paper gives.
"""

from __future__ import annotations

import sympy as sp

from marginflow.proofs.measure import small_flow
from marginflow.proofs.notation import Statement, step
from marginflow.proofs.process import (
    DEFINITION_BETA,
    DEFINITION_CHI,
    EQUATION_1,
    EQUATION_2,
    EQUATION_3,
    EQUATION_5,
)
from marginflow.proofs.symbols import (
    beta,
    chi,
    dbeta,
    delta,
    dg,
    dh,
    dw,
    epsilon,
    g,
    grad,
    h,
    integral,
    rho,
    t,
)

__all__ = [
    "CONCLUSION",
    "INTEGRATED",
    "INTEGRATED_NOW",
    "LEMMA_5",
    "LEMMA_5_INTEGRATED",
    "LINES",
    "NOT_SQUARED",
    "SAME_SQUARES",
    "beta_0",
    "decay",
]

LINES = (
    sp.Derivative(1 - beta**2, t),
    -(
        dh / epsilon + dh * g / (epsilon * delta)
        - dg / delta - dg * h / (delta * epsilon)
    )
    / (1 + g / delta) ** 2,
    -(1 - rho)
    / (1 + g / delta) ** 2
    * (
        dw**2 / epsilon - h / epsilon - grad**2 / delta + g / delta
        + dw**2 * g / (epsilon * delta) - grad**2 * h / (delta * epsilon)
    ),
    -(1 - rho)
    / (1 + g / delta) ** 2
    * (
        g / delta - h / epsilon
        + (dw**2 / epsilon) * (1 + g / delta)
        - (grad**2 / delta) * (1 + h / epsilon)
    ),
    -(1 - rho) / (1 + g / delta) ** 2 * (g / delta - h / epsilon),
    -(1 - rho) / (1 + g / delta) * (1 - beta**2),
)  # fmt: skip
"""The left-hand side of Lemma 5 and the five lines of its proof, as displayed."""

CONCLUSION = sp.Eq(LINES[0], LINES[-1])
"""Lemma 5: what the later lemmas use."""

definitions = (DEFINITION_CHI, DEFINITION_BETA)
SAME_SQUARES = (EQUATION_3.rhs**2, EQUATION_5.rhs**2, *definitions)
"""Equation (5) is equation (3), up to its sign."""

NOT_SQUARED = ("chi", "χ in place of χ²")
"""The mutation that both proofs of it refute: its name, and what it changes."""

no_square = -(1 - rho) / (1 + g / delta) * (1 - beta)
plus_gradient = sp.Eq(dg, (1 - rho) * (grad**2 + g))
swapped = sp.Eq(dw, -sp.sqrt((delta + h) / (epsilon + g)) * grad)
one_factor = (
    -(1 - rho)
    / (1 + g / delta) ** 2
    * (g / delta - h / epsilon + (dw**2 / epsilon - grad**2 / delta) * (1 + g / delta))
)
signs = -(dh / epsilon + dg / delta) / (1 + g / delta) ** 2

LEMMA_5 = Statement(
    "lemma-5",
    "d(1−β²)/dt = −(1−ρ)/(1+g/δ) · (1−β²) for almost all t ≥ 0",
    where="page 7",
).proof(
    step("equation-5", "equation-3", "definition-beta", "definition-chi")
    .why(
        "eq. (5) is eq. (3) in terms of χ and β; both right-hand sides have the sign "
        "of −∂L, so equal squares are enough"
    )
    .algebra(*SAME_SQUARES)
    .where(*NOT_SQUARED, right=(chi * beta * grad) ** 2),
    step("line-1", "definition-beta", "lemma-6")
    .why(
        "by the definition of β and the quotient rule; β is defined by Lemma 6, while "
        "the algebra needs no sign"
    )
    .algebra(LINES[0], LINES[1], DEFINITION_BETA)
    .where("sign", "+g′/δ in place of −g′/δ, cross terms dropped", right=signs),
    step("line-2", "equation-1", "equation-2")
    .why("by eqs. (1) and (2); the two terms in g·h cancel")
    .algebra(LINES[1], LINES[2], EQUATION_1, EQUATION_2)
    .where(
        "sign", "eq. (1) reads g′ = (1−ρ)(∂L² + g)", given=(plus_gradient, EQUATION_2)
    )
    .where(
        "two-decays",
        "h forgets at half the rate at which g does",
        given=(EQUATION_1, sp.Eq(dh, EQUATION_2.rhs / 2)),
    ),
    step("line-3")
    .why("rearranging")
    .algebra(LINES[2], LINES[3])
    .where("factor", "(∂L²/δ)(1+g/δ) in place of (∂L²/δ)(1+h/ε)", right=one_factor),
    step("line-4", "equation-5")
    .why("by eq. (5): (w′²/ε)(1+g/δ) = (∂L²/δ)(1+h/ε)")
    .algebra(LINES[3], LINES[4], EQUATION_5, *definitions)
    .where("swap", "eq. (3) with δ and ε exchanged", given=(swapped,)),
    step("line-5", "definition-beta")
    .why("calculation: g/δ − h/ε = (1+g/δ)(1−β²)")
    .algebra(LINES[4], LINES[5], DEFINITION_BETA)
    .where("sign", "the conclusion without its minus sign", right=-LINES[5])
    .where("square", "1−β in place of 1−β²", right=no_square),
)

_damping = integral((1 - rho) / (1 + g / delta))
product = (1 - beta**2) * sp.exp(_damping)
lemma_5_solved = sp.Eq(dbeta, sp.solve(CONCLUSION.doit(), dbeta)[0])
wrong = sp.Eq(dbeta, -lemma_5_solved.rhs)

INTEGRATED = sp.Eq(1 - beta**2, (1 - beta.subs(t, 0) ** 2) * sp.exp(-_damping))
"""1 − β(t)² = (1 − β(0)²) exp(−∫₀ᵗ (1−ρ)/(1+g/δ)): Lemma 5, integrated."""

beta_0, decay = sp.symbols("β₀ E")
INTEGRATED_NOW = sp.Eq(1 - beta**2, (1 - beta_0**2) * decay)
"""The same with bare symbols, β₀ = β(0), and E in (0, 1] for the exponential."""


def _integrated_defect(power: int = 2) -> float:
    """Largest relative defect of the integrated form on the small flow."""
    flow, worst = small_flow(), 0.0
    for j in (0, 1):
        start = 1 - flow.beta[0][j] ** power
        for beta_t, damping in zip(flow.beta, flow.damping, strict=True):
            predicted = start * sp.exp(-sp.Float(damping[j]))
            defect = abs((1 - beta_t[j] ** power - predicted) / predicted)
            worst = max(worst, float(defect))
    return worst


LEMMA_5_INTEGRATED = Statement(
    "lemma-5-integrated",
    "1 − β(t)² = (1 − β(0)²) · exp(−∫₀ᵗ (1−ρ)/(1+g/δ)) for all t ≥ 0",
    title="Lemma 5, integrated",
    page="lemma-5",
).proof(
    step("constant", "lemma-5")
    .why("(1−β²)·exp(∫(1−ρ)/(1+g/δ)) has derivative 0, by Lemma 5")
    .algebra(sp.Derivative(product, t), sp.S.Zero, lemma_5_solved)
    .where("sign", "Lemma 5 with the opposite sign", given=(wrong,)),
    step("arc", "process-2", "lemma-6")
    .why("the fundamental theorem of calculus for arcs")
    .argued(
        "the product is an arc, and its derivative is 0 for almost all t",
        "the product is constant: it keeps its value 1−β(0)² at t = 0",
        "an arc is the integral of its derivative. The product is one because g and h "
        "are, because 1+g/δ ≥ 1 (Lemma 6), and because sums, products and smooth "
        "functions of arcs on a compact interval are arcs",
    ),
    step("flow")
    .why("both sides computed on a flow, β from its definition")
    .measured("relative defect of the integrated form", _integrated_defect, 1e-10)
    .where(
        "square",
        "1−β in place of 1−β²",
        quantity="relative defect with 1−β",
        measure=lambda: _integrated_defect(power=1),
    ),
)
