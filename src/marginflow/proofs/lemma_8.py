"""Lemma 8, page 8: β(t) → 1, with the constants C_j, C†_j and C‡_j."""

from __future__ import annotations

import math

import sympy as sp

from marginflow.proofs.lemma_5 import CONCLUSION
from marginflow.proofs.measure import small_flow
from marginflow.proofs.notation import Statement, step
from marginflow.proofs.process import (
    DEFINITION_CHI,
    EQUATION_1,
    EQUATION_5,
    RHO_IN_UNIT_INTERVAL,
)
from marginflow.proofs.symbols import (
    beta,
    chi,
    delta,
    dg,
    dw,
    epsilon,
    g,
    grad,
    integral,
    of_time,
    rho,
    t,
)

__all__ = [
    "C_DAGGER",
    "C_DOUBLE_DAGGER",
    "C_J",
    "LEMMA_8",
    "LEMMA_8_GRADIENTS",
    "LEMMA_8_SHARP",
    "PAID",
]

# L(w(0)), min{β(0), 1}, g(0): numbers fixed at the start.
L0, m, g0 = sp.symbols("L₀ m g₀", positive=True)
C_J = sp.sqrt(delta / epsilon) * L0 / m
C_DAGGER = g0 + C_J
C_DOUBLE_DAGGER = 1 / (1 + C_DAGGER / delta)

# For the solver, bare: what the constants are is not needed there.
loss_0, _loss, _m, a, _c, c_dagger, c_ddagger, _squares, rest, _g0, _u, _delta = (
    sp.symbols("L₀ L m a C C† C‡ I rest g₀ u δ")
)
below = g < c_dagger
bounded = (
    sp.Eq(c_ddagger, 1 / (1 + c_dagger / _delta)),
    *RHO_IN_UNIT_INTERVAL,
    _delta > 0,
    g >= 0,
    below,
)

# The Grönwall step on u = 1 − β², squared so that its sign plays no part.
(u,) = of_time("u")
C3 = sp.Symbol("C‡", positive=True)
_lemma_5 = sp.Eq(u.diff(t), (CONCLUSION.rhs / (1 - beta**2)) * u)
envelope, too_fast = (u**2 * sp.exp(k * C3 * integral(1 - rho)) for k in (2, 4))
slope = 2 * (1 - rho) * (C3 - 1 / (1 + g / delta))
R = sp.Symbol("R", positive=True)


def _chain(component_loss: float = 1.0) -> list[tuple[float, float, float]]:
    """C_j, C†_j and C‡_j of the small flow, L(w(0)) scaled by `component_loss`."""
    flow, constants = small_flow(), []
    for j in (0, 1):
        d, e = flow.delta[j], flow.epsilon[j]
        c = math.sqrt(d / e) * component_loss * flow.loss[0] / min(flow.beta[0][j], 1)
        dagger = flow.g[0][j] + c
        constants.append((c, dagger, 1 / (1 + dagger / d)))
    return constants


def _squares_over_bound(scale: float = 1.0) -> float:
    flow = small_flow()
    return max(flow.squares[-1][j] / _chain(scale)[j][0] for j in (0, 1))


def _gap_over_bound(rate: float = 1.0) -> float:
    """Largest |1−β²| over its bound; `rate` multiplies C‡_j."""
    flow, worst = small_flow(), 0.0
    for j, (_, _, double_dagger) in enumerate(_chain()):
        start = abs(1 - flow.beta[0][j] ** 2)
        for b, forgetting in zip(flow.beta, flow.forgetting, strict=True):
            bound = start * math.exp(-rate * double_dagger * forgetting[j])
            worst = max(worst, abs(1 - b[j] ** 2) / bound)
    return worst


LEMMA_8_GRADIENTS = Statement(
    "lemma-8-gradients",
    "∫₀^∞ ∂L²ⱼ ≤ C_j := √(δⱼ/εⱼ)·L(w(0))/min{β(0)ⱼ, 1}",
    where="page 8",
    title="Lemma 8, first half",
    page="lemma-8",
).proof(
    step("loss-positive")
    .why("since L(w(t)) > 0, for either loss")
    .solver([_loss > 0], loss_0 > loss_0 - _loss)
    .instead("loss", "a loss that may vanish", _loss > 0, _loss >= 0),
    step("calculus", "assumption-1", "process-2")
    .why("calculus")
    .argued(
        "L(w(0)) − L(w(t))",
        "= −∫₀ᵗ (dL(w(τ))/dτ) dτ",
        "L is locally Lipschitz and w is an arc, so L∘w is an arc",
    ),
    step("chain-rule", "proposition-1", "assumption-1")
    .why("by Proposition 1")
    .cited(
        "−∫₀ᵗ (dL(w(τ))/dτ) dτ",
        "= −∫₀ᵗ ⟨∂L(w(τ)), w′(τ)⟩ dτ",
        work="Davis et al. 2020",
        place="Theorem 5.8 (Proposition 1)",
    ),
    step("equation-5", "equation-5")
    .why("by eq. (5), each component of −⟨∂L, w′⟩ is χ²β·∂L² = √(ε/δ)·β·∂L²")
    .algebra(-grad * dw, chi**2 * beta * grad**2, EQUATION_5)
    .where("chi", "χ in place of χ² = √(ε/δ)", right=chi * beta * grad**2),
    step("lower-bound", "lemma-7")
    .why("by Lemma 7(ii), β ≥ m := min{β(0), 1}; here a = √(ε/δ)")
    .solver([a > 0, beta >= _m], a * beta * grad**2 >= a * _m * grad**2)
    .instead("sign", "β ≤ m in place of β ≥ m", beta >= _m, beta <= _m),
    step("exchange")
    .why("rearranging")
    .argued(
        "∫₀ᵗ ⟨√(ε/δ) min{β(0), 1}, ∂L²⟩ dτ",
        "= Σⱼ √(εⱼ/δⱼ) min{β(0)ⱼ, 1} ∫₀ᵗ ∂L²ⱼ dτ",
        "the inner product is a finite sum, and integrals are linear",
    ),
    step("one-component", "assumption-2(ii)")
    .why(
        "every other component's share of the sum is ≥ 0 (rest), so ∫∂L²ⱼ alone is "
        "below L(w(0))/(a·m)"
    )
    .solver(
        [loss_0 > a * _m * _squares + rest, rest >= 0, a * _m > 0],
        _squares < loss_0 / (a * _m),
    )
    .without("rest", "the other components' share may be negative", rest >= 0)
    .instead(
        "start",
        "β(0) not positive, so m may be negative",
        a * _m > 0,
        sp.Ne(a * _m, 0),
    ),
    step("constant-C", "definition-chi")
    .why("which is C_j = √(δ/ε)·L(w(0))/min{β(0), 1}")
    .algebra(L0 / (chi**2 * m), C_J, DEFINITION_CHI)
    .where(
        "swap", "√(ε/δ) in place of √(δ/ε)", right=sp.sqrt(epsilon / delta) * L0 / m
    ),
    step("flow-squares")
    .why("the bound along a flow")
    .measured("∫∂L²ⱼ / C_j", _squares_over_bound, 1.0)
    .where(
        "loss",
        "C_j with L(w(0))/4 in place of L(w(0))",
        measure=lambda: _squares_over_bound(0.25),
    ),
)
"""Needs no Assumption 2(i), so that it serves without one, too."""

LEMMA_8 = Statement("lemma-8", "β(t) → 1 as t → ∞", where="page 8").proof(
    step("slope-of-g", "equation-1", "lemma-6", "rho-in-unit-interval")
    .why("by eq. (1) and Lemma 6")
    .solver([EQUATION_1, *RHO_IN_UNIT_INTERVAL, g >= 0], dg <= grad**2)
    .without("no-lemma-6", "g may be negative", g >= 0)
    .without("rho", "ρ may be negative", rho >= 0),
    step("integrate-g", "process-2")
    .why("the fundamental theorem of calculus for arcs")
    .argued(
        "g is an arc and g′ ≤ ∂L² almost everywhere",
        "g(t) ≤ g(0) + ∫₀ᵗ ∂L² dτ",
        "an arc is the integral of its derivative, and integrals are monotone",
    ),
    step("constant-C†", "lemma-8-gradients")
    .why("g(t) < C†_j := g(0) + C_j for all t")
    .solver(
        [g <= _g0 + _squares, _squares < _c, sp.Eq(c_dagger, _g0 + _c)],
        g < c_dagger,
    )
    .instead(
        "start", "C†_j without g(0)", sp.Eq(c_dagger, _g0 + _c), sp.Eq(c_dagger, _c)
    ),
    step("constant-C‡", "lemma-5", "lemma-6", "rho-in-unit-interval")
    .why("so the rate in Lemma 5 is at most −C‡_j·(1−ρ), with C‡_j := 1/(1+C†_j/δ)")
    .solver(bounded, -(1 - rho) / (1 + g / _delta) <= -c_ddagger * (1 - rho))
    .instead(
        "sign",
        "g > C†_j > 0 in place of g < C†_j",
        below,
        sp.And(c_dagger > 0, g > c_dagger),
    ),
    step("logarithm", "lemma-5")
    .why("where u := 1−β² ≠ 0, that rate is d log|u|/dt, and log|u| = ½ log u²")
    .algebra(sp.Derivative(sp.log(u**2) / 2, t), -(1 - rho) / (1 + g / delta), _lemma_5)
    .where("square", "log u² without the half", left=sp.Derivative(sp.log(u**2), t)),
    step("gronwall", "lemma-5")
    .why("Grönwall: the derivative of u²·exp(2C‡∫(1−ρ)), at u = 0 as well")
    .algebra(sp.Derivative(envelope, t), slope * envelope, _lemma_5)
    .where(
        "rate",
        "exp(4C‡∫(1−ρ)) in place of exp(2C‡∫(1−ρ))",
        left=sp.Derivative(too_fast, t),
        right=slope * too_fast,
    ),
    step("gronwall-sign", "lemma-6", "rho-in-unit-interval")
    .why("is at most 0 (here u stands for u²·exp(2C‡∫(1−ρ)) ≥ 0)")
    .solver([*bounded, _u >= 0], slope.subs({C3: c_ddagger, delta: _delta}) * _u <= 0)
    .instead("no-bound", "g may exceed C†_j", below, c_dagger > 0),
    step("decay", "process-2", "lemma-6")
    .why("hence")
    .argued(
        "u²·exp(2C‡∫(1−ρ)) is an arc whose derivative is ≤ 0 almost everywhere",
        "|1−β(t)²| ≤ |1−β(0)²|·exp(−C‡∫₀ᵗ(1−ρ)) for all t",
        "it is nonincreasing, so it stays below its value (1−β(0)²)² at t = 0; take "
        "square roots",
    ),
    step("limit", "assumption-2(i)")
    .why("the exponential tends to 0, because C‡ > 0 and R = ∫(1−ρ) → ∞")
    .limit(sp.exp(-C3 * R), R, sp.oo, sp.S.Zero)
    .where(
        "bounded",
        "∫(1−ρ) tends to 7 in place of ∞, against Assumption 2(i)",
        point=7,
    ),
    step("squeeze", "lemma-7")
    .why("so 1−β² → 0, and |β−1| is no larger")
    .solver([beta > 0], sp.Abs(beta - 1) <= sp.Abs(1 - beta**2))
    .instead(
        "sign", "β of either sign: then β = −1 fits too", beta > 0, sp.Ne(beta, 0)
    ),
    step("flow-decay")
    .why("the bound along a flow")
    .measured("|1−β²| over its bound", _gap_over_bound, 1 + 1e-12)
    .where(
        "rate",
        "1 in place of C‡_j",
        measure=lambda: _gap_over_bound(1 / min(c[2] for c in _chain())),
    ),
)

r, gap = sp.symbols("r G")  # 1−ρ and g/δ at an instant

PAID = (
    step("paid", "equation-1")
    .why("by eq. (1), (1−ρ)g is what g loses, plus (1−ρ)∂L²")
    .algebra((1 - rho) * g, (1 - rho) * grad**2 - dg, EQUATION_1)
    .where("sign", "what g gains", right=(1 - rho) * grad**2 + dg)
)
"""What eq. (1) says of ∫(1−ρ)g, whatever ρ is."""

LEMMA_8_SHARP = Statement(
    "lemma-8-sharp",
    "|1−β(0)²|·e^(−R) ≤ |1−β(t)²| ≤ e^(C†/δ)·|1−β(0)²|·e^(−R), R = ∫₀ᵗ(1−ρ)",
    title="Lemma 8, sharp",
    page="lemma-8",
).proof(
    step("rate", "lemma-5", "lemma-6", "rho-in-unit-interval")
    .why("the rate of Lemma 5 lies between (1−ρ)(1−g/δ) and 1−ρ; here r = 1−ρ, G = g/δ")
    .solver(
        [r >= 0, gap >= 0],
        sp.And(r * (1 - gap) <= r / (1 + gap), r / (1 + gap) <= r),
    )
    .where("half", "at least (1−ρ)(1−g/2δ)", then=r * (1 - gap / 2) <= r / (1 + gap)),
    PAID,
    step("integrate", "lemma-5-integrated", "lemma-8-gradients", "process-2")
    .why("the exponent is R up to a constant, where the paper's is C‡R")
    .argued(
        "∫₀ᵗ(1−ρ)g = g(0) − g(t) + ∫₀ᵗ(1−ρ)∂L² ≤ g(0) + C = C†",
        "R − C†/δ ≤ ∫₀ᵗ(1−ρ)/(1+g/δ) ≤ R; insert it into Lemma 5, integrated",
        "g ≥ 0 and 1−ρ ≤ 1, and g is an arc",
    ),
)
"""The companion's own: the paper's bound with the right rate."""
