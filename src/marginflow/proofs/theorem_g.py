"""Theorem G, this companion's own: alignment, and the constants of Theorem 2.

In the clock ds = L dt, for the exponential loss: m = −log L, pᵢ = exp(−zᵢ)/L the
weight of a margin zᵢ, m̄ = Σ pᵢzᵢ, F = ⟨∇log L, β∇log L⟩, N = ⟨v, v/β⟩, and
Q = NF/(L²m²) ≥ 1, which tends to 1 exactly if v and the gradient align.
"""

from __future__ import annotations

import math

import sympy as sp

from marginflow.proofs.notation import Statement, step
from marginflow.proofs.symbols import of_time, t

__all__ = ["THEOREM_G"]

L, N, F, Q, m, mean, e = sp.symbols("𝐿 N F Q m m̄ e")  # 𝐿 is the degree
positive = (L, N, F, Q, m, mean)
z1, z2, a = sp.symbols("z₁ z₂ a", positive=True)
total = sp.exp(-z1) + sp.exp(-z2)
p1, p2 = sp.exp(-z1) / total, sp.exp(-z2) / total
entropy = -p1 * sp.log(p1) - p2 * sp.log(p2)
q_is = sp.Eq(F, Q * L**2 * m**2 / N)

# Along a curve: two margins, m, and y = exp(m).
z1_t, z2_t = of_time("z₁ z₂")
sum_t = sp.exp(-z1_t) + sp.exp(-z2_t)
w1, w2 = sp.exp(-z1_t) / sum_t, sp.exp(-z2_t) / sum_t
covariance = w1 * w2 * (z1_t.diff(t) - z2_t.diff(t)) ** 2
bend = w1 * z1_t.diff(t, 2) + w2 * z2_t.diff(t, 2)
m_t = sp.Function("m", positive=True)(t)
clock = sp.Eq(m_t.diff(t), F * sp.exp(-m_t))
no_clock = sp.Eq(m_t.diff(t), F)
y = sp.Function("y", positive=True)(t)
ratio = y / sp.log(y) ** a
big = sp.Symbol("x", positive=True)

known = (L > 0, m > 0, N > 0, F > 0, sp.Eq(Q * L**2 * m**2, N * F))
schwarz = (L * mean) ** 2 <= N * F


def _misaligned(curl: float = 0.0) -> float:
    """Q − 1 at the end of a flow in its own clock, to m of about 10⁴.

    Φ = w₁w₂x₁ + w₁w₃x₂, two examples of unequal margins, β ≡ 1; a `curl` adds to the
    velocity a part that turns v without changing its length.
    """
    examples = ((1.0, 0.2), (0.3, 1.0))
    v, ds, excess = [1.0, 0.5, 0.3], 0.002, 0.0
    for _ in range(2400):
        z = [v[0] * (v[1] * x + v[2] * y) for x, y in examples]
        least = min(z)
        weights = [math.exp(least - margin) for margin in z]
        p = [weight / sum(weights) for weight in weights]
        x, y = (
            sum(pi * e[j] for pi, e in zip(p, examples, strict=True)) for j in (0, 1)
        )
        force = [v[1] * x + v[2] * y, v[0] * x, v[0] * y]
        m = least - math.log(sum(weights))
        size, push = sum(c * c for c in v), sum(c * c for c in force)
        excess = size * push / (2 * m) ** 2 - 1
        turned = (0.0, -curl * v[2], curl * v[1])
        v = [c + ds * (f + r) for c, f, r in zip(v, force, turned, strict=True)]
    return excess


THEOREM_G = Statement(
    "theorem-G",
    "let v′ = −β·∂L̂(v) as in Theorem 4 converge in direction, to that of the KKT "
    "point v*, scaled to margin 1, and let the margins have Lipschitz gradients on a "
    "cone around it, between two spheres. Then v and −∂L̂(v) align, v/(log t)^(1/L) "
    "→ v*, and L̂·t·(log t)^(2−2/L) → ‖v*‖²/L²",
    page="theorem-2",
).proof(
    step("entropy")
    .why("m̄ − m is the entropy of p (here for two examples)")
    .algebra(entropy, p1 * z1 + p2 * z2 + sp.log(total))
    .where("sign", "m̄ + m", right=p1 * z1 + p2 * z2 - sp.log(total)),
    step("mean-margin")
    .why("so m̄ is close to m")
    .argued(
        "m̄ − m = −Σ pᵢ log pᵢ, p ≥ 0, Σpᵢ = 1",
        "m ≤ m̄ ≤ m + log n",
        "−x log x ≥ 0 on [0, 1], and log is concave",
    ),
    step("quotient", "theorem-4")
    .why(
        "⟨v, ∇log L⟩ = −L·m̄ by Euler, so (L·m̄)² ≤ NF by Cauchy–Schwarz: Q ≥ (m̄/m)² ≥ 1"
    )
    .solver([*known, schwarz, mean >= m], sp.And(Q * m**2 >= mean**2, Q >= 1))
    .without("mean", "m̄ not above m", mean >= m),
    step("growth-of-n", "adaptive-flow")
    .why(
        "dm = F ds and dN = 2L·m̄ ds + ⟨v, d(1/β)v⟩: per unit of log m, log N grows by "
        "(2/L)(m̄/m)/Q, up to |d log β|, which is integrable"
    )
    .algebra(
        (2 * L * mean / N) / (F / m), (2 / L) * (mean / m) / Q, q_is, positive=positive
    )
    .where("half", "1/L in place of 2/L", right=(1 / L) * (mean / m) / Q),
    step("growth-as-a-whole", "theorem-4", "assumption-1")
    .why("the first limit, and what the next steps weigh against step growth-of-n")
    .argued(
        "v/‖v‖ → u*, and margins are L-homogeneous: m ~ γ‖v‖^L, N ~ ‖v‖²",
        "log N − (2/L) log m converges, to −(2/L) log γ",
        "min zᵢ − log n ≤ m ≤ min zᵢ, and γ = min zᵢ(u*) > 0 is the limit margin; m ~ "
        "log t by Theorem 4, so v/(log t)^(1/L) → v* = γ^(−1/L) u*",
    ),
    step("excess")
    .why("the difference of the two growths, per unit of log m, in two parts")
    .algebra((mean / m) / Q - 1, (mean / m - 1) / Q - (1 - 1 / Q), positive=positive)
    .where("sign", "+ (1−1/Q)", right=(mean / m - 1) / Q + (1 - 1 / Q)),
    step("integrable")
    .why("on average over log m, Q is close to 1")
    .argued(
        "∫(m̄/m−1) d log m ≤ log n·∫dm/m² < ∞, and the two growths differ by something "
        "that converges",
        "∫(1−1/Q) d log m < ∞",
        "Q ≥ 1, so the first part is integrable and the second has one sign",
    ),
    step("hessian")
    .why("log L bends along a line by a variance, less Σ pᵢzᵢ″")
    .algebra(sp.log(sum_t).diff(t, 2), covariance - bend)
    .where("sign", "plus Σ pᵢzᵢ″", right=covariance + bend),
    step("clock")
    .why("ds = (m/F) d log m is at most N/(L²m) d log m")
    .solver([*known, Q >= 1], m / F <= N / (L**2 * m))
    .without("sign", "Q not above 1", Q >= 1),
    step("slow", "adaptive-flow")
    .why("Q cannot jump")
    .argued(
        "dF = −2⟨β∇f, Hess f β∇f⟩ ds + ⟨∇f, dβ ∇f⟩ for f = log L, Hess f ≥ −C‖v‖^(L−2)",
        "log Q rises at most at a rate K per unit of log m, up to |d log β|",
        "‖v‖^(L−2) ds ≤ C′(‖v‖^L/m) d log m, which is bounded; log N rises by at most "
        "(2/L), and −2 log m falls. Where a Hessian is missing, the gradients' "
        "Lipschitz constant does the same along the curve",
    ),
    step("high")
    .why("where Q ≥ 1+e/2, the integrand is at least e/3")
    .solver([e > 0, e <= 1, 1 + e / 2 <= Q], e / 3 <= 1 - 1 / Q)
    .where("half", "at least e/2", then=e / 2 <= 1 - 1 / Q),
    step("aligns")
    .why("Q → 1")
    .argued(
        "Q ≥ 1+e at arbitrarily large m",
        "a contradiction: Q → 1",
        "by step slow, Q ≥ 1+e/2 on an interval of log m of length e/(4K) before each "
        "such time, which costs e²/(12K) of a finite integral",
    ),
    step("cosine")
    .why("the squared cosine of v/√β and √β∇log L is (m̄/m)²/Q → 1: alignment")
    .algebra((L * mean) ** 2 / (N * F), (mean / m) ** 2 / Q, q_is, positive=positive)
    .where("root", "m̄/m in place of its square", right=(mean / m) / Q),
    step("inverse-loss")
    .why("in the time t, dm/dt = F·L and L = exp(−m): (exp m)′ = F = L²m²Q/N")
    .algebra(sp.exp(m_t).diff(t), F, clock, positive=(F,))
    .where("time", "dm/dt = F", given=(no_clock,)),
    step("quotient-rule")
    .why(
        "y = exp m, a = 2−2/L, has y′ ~ (L²/‖v*‖²)(log y)^a, so y/(log y)^a ~ "
        "(L²/‖v*‖²)·t"
    )
    .algebra(ratio.diff(t), y.diff(t) / sp.log(y) ** a * (1 - a / sp.log(y)))
    .where(
        "sign", "1 + a/log y", right=y.diff(t) / sp.log(y) ** a * (1 + a / sp.log(y))
    ),
    step("logarithms")
    .why("log t ~ log y, for any a (here 2), so y ~ (L²/‖v*‖²)·t·(log t)^a")
    .limit(sp.log(big / sp.log(big) ** 2) / sp.log(big), big, sp.oo, sp.S.One)
    .where(
        "power",
        "y² in place of y",
        expression=sp.log(big**2 / sp.log(big) ** 2) / sp.log(big),
    ),
    step("logistic")
    .why("for either loss")
    .argued(
        "the logistic loss: −ℓ′ = ℓ·(1+O(ℓ)), ℓ″ = −ℓ′·(1+O(ℓ))",
        "the same limits",
        "m̄ and the Hessian change by O(L·m) and O(L·‖v‖^(2L−2)), which exp(−m) makes "
        "integrable over log m",
    ),
    step("flow")
    .why("alignment at the end of a flow")
    .measured(
        "Q − 1",
        _misaligned,
        1e-3,
        on="a flow of three parameters and two examples, β ≡ 1",
    )
    .where("turned", "a flow that turns", measure=lambda: _misaligned(0.5)),
)
