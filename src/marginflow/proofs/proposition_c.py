"""Remark D and Proposition C, this companion's own: what else Theorem 4 says of flows.

Remark D: any flow w′ = −P·∂L whose diagonal P converges, with log P of finite
variation. Proposition C: AdaDelta's P does so whatever ρ is. Theorem 2 without
Assumption 2 (i) follows, with the limits of g and h in its problem.
"""

from __future__ import annotations

import sympy as sp

from marginflow.proofs.lemma_5 import INTEGRATED_NOW, beta_0, decay
from marginflow.proofs.lemma_8 import PAID
from marginflow.proofs.measure import small_flow
from marginflow.proofs.notation import Statement, step
from marginflow.proofs.process import (
    DEFINITION_BETA,
    DEFINITION_CHI,
    EQUATION_2,
    EQUATION_5,
)
from marginflow.proofs.symbols import (
    beta,
    chi,
    delta,
    dh,
    dw,
    epsilon,
    g,
    grad,
    h,
    of_time,
    rho,
    t,
    w,
)

__all__ = ["PROPOSITION_C", "REMARK_D"]

# Remark D: P, its limit p, and v = w/√p; s is the sum of λᵢ yᵢ ∂Φ(w, xᵢ)ⱼ.
P = sp.Function("P", positive=True)(t)
p = sp.Symbol("P∞", positive=True)
(v,) = of_time("v")
_w, s = sp.symbols("w s", real=True)
_flow = sp.Eq(dw, -P * grad)
v_is, v_is_not = sp.Eq(v, w / sp.sqrt(p)), sp.Eq(v, w / p)
stationary_v, stationary_w = _w / sp.sqrt(p) - sp.sqrt(p) * s, _w / p - s

# Proposition C: r = 1−ρ, f = δ+g or ε+h with its slope df; G∞, H∞ the limits.
r, q, d, f, df = sp.symbols("r q δ f df")
g_end, h_end = sp.symbols("g∞ h∞", nonnegative=True)
p_is = sp.Eq(p, sp.sqrt((epsilon + h_end) / (delta + g_end)))
skew = sp.sqrt((delta + g_end) / (epsilon + h_end))


def _path_over_bound(share: float = 1.0) -> float:
    """Largest Σ|Δg| over g(0) + 2∫∂L² along the small flow; `share` of the bound."""
    flow, worst = small_flow(), 0.0
    for j in (0, 1):
        path = sum(abs(b[j] - a[j]) for a, b in zip(flow.g, flow.g[1:], strict=False))
        bound = share * (flow.g[0][j] + 2 * flow.squares[-1][j])
        worst = max(worst, path / bound)
    return worst


REMARK_D = Statement(
    "remark-D",
    "if w′ = −P·∂L(w) with diagonal P → P∞ > 0 and d log P/dt integrable, then both "
    "rates of Theorem 2 hold, and each limit direction of w is that of a KKT point of "
    "min ½‖P∞^(−1/2) w‖² s.t. yᵢΦ(w, xᵢ) ≥ 1; w converges in direction if P → P∞ like "
    "a power of t",
    page="beyond-relatives",
).proof(
    step("flow-of-v", "preconditioned-flow")
    .why("v = w/√P∞ follows the flow of Theorem 4 with χ = √P∞ and β = P/P∞")
    .algebra(v.diff(t), -(P / p) * (sp.sqrt(p) * grad), v_is, _flow)
    .where("root", "v = w/P∞", given=(v_is_not, _flow)),
    step("adapter", "preconditioned-flow")
    .why("β → 1, and d log β/dt = d log P/dt is integrable")
    .algebra(sp.log(P / p).diff(t), sp.log(P).diff(t))
    .where("slope", "P′ in place of (log P)′", right=P.diff(t)),
    step("theorem-4", "theorem-4", "assumption-1", "assumption-2(iii)")
    .why("by Theorem 4")
    .argued(
        "v, β and χ satisfy the hypotheses of Theorem 4",
        "both rates for v, and its limit directions are KKT directions",
        "L̂(v(t₀)) = L(w(t₀)) < ℓ(0); P and so β are arcs",
    ),
    step("objective")
    .why("½‖v‖² = ½‖P∞^(−1/2) w‖², with gradient w/P∞")
    .algebra(((_w / sp.sqrt(p)) ** 2 / 2).diff(_w), _w / p)
    .where("inverse", "P∞·w", right=_w * p),
    step("stationarity")
    .why(
        "with s = Σ λᵢyᵢ∂Φ(w, xᵢ): KKT points of v and w correspond; and so do norms "
        "and directions, since √P∞ is a constant without zeros"
    )
    .algebra(stationary_v, sp.sqrt(p) * stationary_w)
    .where("plain", "the plain problem (4)", right=sp.sqrt(p) * (_w - s)),
)

PROPOSITION_C = Statement(
    "proposition-C",
    "without Assumption 2(i), for any ρ(t) ∈ [0, 1]: g, h and β converge, to g∞, h∞ "
    "and β∞ > 0; both rates hold; and each limit direction of w is that of a KKT point "
    "of Theorem 2's problem with δ+g∞ and ε+h∞ in place of δ and ε. Where ∫(1−ρⱼ) = ∞, "
    "g∞ and h∞ are 0; where it is finite, β∞ = 1 only if β(0) = 1",
    page="beyond-assumptions",
).proof(
    PAID,
    step("moves", "lemma-6", "rho-in-unit-interval")
    .why("|g′| ≤ ∂L² + (1−ρ)g; here q = ∂L², r = 1−ρ and df = g′")
    .solver(
        [sp.Eq(df, r * (q - g)), r >= 0, r <= 1, g >= 0, q >= 0],
        sp.Abs(df) <= q + r * g,
    )
    .without("rho", "1−ρ may exceed 1", r <= 1),
    step("variation-of-g", "lemma-8-gradients", "lemma-6", "process-2")
    .why("g converges, whatever ρ is")
    .argued(
        "∫∂L² < ∞, and ∫(1−ρ)g = g(0) − g(t) + ∫(1−ρ)∂L² is bounded",
        "∫|g′| ≤ g(0) + 2∫∂L² < ∞, so g converges",
        "g ≥ 0 is an arc; a function of finite variation converges",
    ),
    step("speed", "equation-5", "lemma-5-integrated")
    .why("w′² = χ⁴β²∂L², and β ≤ max{β(0), 1}: so ∫w′² < ∞ too")
    .algebra(dw**2, chi**4 * beta**2 * grad**2, EQUATION_5)
    .where("square", "χ² in place of χ⁴", right=chi**2 * beta**2 * grad**2),
    step("paid-h", "equation-2", "lemma-6")
    .why("by eq. (2) the same for h, with w′² in place of ∂L²: h converges")
    .algebra((1 - rho) * h, (1 - rho) * dw**2 - dh, EQUATION_2)
    .where("sign", "what h gains", right=(1 - rho) * dw**2 + dh),
    step("logarithm", "equation-3", "lemma-6")
    .why(
        "P = √((ε+h)/(δ+g)) has a positive limit, and ∫|d log P| ≤ ½∫(|h′|/ε + |g′|/δ) "
        "< ∞; here f = δ+g ≥ δ"
    )
    .solver([d > 0, f >= d], sp.Abs(df) / f <= sp.Abs(df) / d)
    .without("sign", "g may be negative", f >= d),
    step("remark-d", "remark-D")
    .why("by Remark D")
    .argued(
        "w′ = −P·∂L(w), P → P∞ = √((ε+h∞)/(δ+g∞)) > 0",
        "both rates, and KKT directions of min ½‖P∞^(−1/2) w‖²",
        "the hypotheses of Remark D hold",
    ),
    step("problem")
    .why("its weights are those of Theorem 2 for δ+g∞ and ε+h∞")
    .algebra(1 / p, skew, p_is)
    .where(
        "swap",
        "g∞ and h∞ exchanged",
        right=sp.sqrt((delta + h_end) / (epsilon + g_end)),
    ),
    step("limit-of-beta", "definition-beta", "definition-chi")
    .why("and P∞ = χ²β∞, so β∞ > 0")
    .algebra(
        chi**2 * beta,
        sp.sqrt((epsilon + h) / (delta + g)),
        DEFINITION_CHI,
        DEFINITION_BETA,
    )
    .where("chi", "χ in place of χ²", left=chi * beta),
    step("forgets")
    .why("with Assumption 2(i) it is Theorem 2")
    .argued(
        "∫(1−ρ) = ∞, while ∫(1−ρ)g < ∞ and ∫(1−ρ)h < ∞",
        "g∞ = h∞ = 0",
        "a positive limit would make these integrals infinite",
    ),
    step("remembers", "lemma-5-integrated")
    .why("where ∫(1−ρ) < ∞, the factor E = exp(−∫(1−ρ)/(1+g/δ)) stays positive")
    .solver(
        [INTEGRATED_NOW, beta > 0, beta_0 > 0, decay > 0, sp.Ne(beta_0, 1)],
        sp.Ne(beta, 1),
    )
    .instead("forgets", "E may be 0", decay > 0, decay >= 0),
    step("flow")
    .why("the variation of g along a flow")
    .measured("Σ|Δg| / (g(0) + 2∫∂L²)", _path_over_bound, 1.0)
    .where("tenth", "a tenth of the bound", measure=lambda: _path_over_bound(0.1)),
)
