"""Theorem H, this companion's own: Experiment 1's network in discrete time.

The network is Φ(w, x) = vσ(⟨u, x⟩), w = (v, u), with a Leaky ReLU σ.  Once it separates
the data, the sign of v says on which side of the kink each example lies, and margins
are mᵢ = v⟨u, zᵢ⟩ with fixed vectors zᵢ (written for v > 0).  In the steps pᵢ are the
weights of the examples in the gradient, π = Σpᵢ, p = Σpᵢzᵢ, a = ‖u‖, b = √B the norm of
u in the metric of 1/P∞, s = ⟨u, p⟩, and A = vs = Σpᵢmᵢ, which drives both layers alike.
"""

from __future__ import annotations

import math

import sympy as sp

from marginflow.proofs.notation import Statement, step

__all__ = ["THEOREM_H"]

v, s, P, R, a, m, Z, c, T, A = sp.symbols("v s P R a m Z c T A")
pi, gamma, n, b, t, x, y, S, e, E = sp.symbols("π γ n b t x y S e E")
u, p, q, D, G, K, L, fall, loss0 = sp.symbols("u p q D G K L f L₀")
weight = c * T / (1 + T)  # of an example in the logistic loss, T = exp(−m)
in_layer = (v, P, s)
slow = s <= Z * a * pi
small = (v > 0, m >= 0, a >= 0, Z >= 0, pi >= 0, s >= 0, m <= v * a * Z)
for_condition = 4 * K + y <= 1


def _distance(skewed: bool = True, ends: bool = True) -> float:
    """‖w_k/‖w_k‖ − limit‖·log k after 20,000 steps, two examples in the plane.

    They are x = (1, 1) and (3, 1), label 1; √(ε/δ) = (4, 3, 1). Without `skewed` the
    limit is that of problem (4); without `ends`, 1 − ρ_k is summable, and P ends
    elsewhere.
    """
    w, g, h, steps = [1.0, 1.0, 0.5], [1.0, 0.0, 0.0], [0.0, 3.0, 0.0], 20_000
    delta, epsilon, eta = (0.5, 1.0, 1.0), (8.0, 9.0, 1.0), 0.1
    for k in range(steps):
        forget = 0.1 if ends else 0.1 / (1 + k) ** 2
        near = math.exp(-w[0] * (w[1] + w[2]))
        far = math.exp(-w[0] * (3 * w[1] + w[2]))
        pull = near + 3 * far, near + far
        slope = -w[1] * pull[0] - w[2] * pull[1], -w[0] * pull[0], -w[0] * pull[1]
        for j in range(3):
            g[j] += forget * (slope[j] ** 2 - g[j])
            move = math.sqrt((epsilon[j] + h[j]) / (delta[j] + g[j])) * slope[j]
            h[j] += forget * (move**2 - h[j])
            w[j] -= eta * move
    # The support vector is (1, 1): ū is along P_u(1, 1), and v is balanced with it.
    scales = (4.0, 3.0, 1.0) if skewed else (1.0, 1.0, 1.0)
    across = math.sqrt(scales[1] + scales[2])
    limit = (math.sqrt(scales[0]), scales[1] / across, scales[2] / across)
    size, length = math.hypot(*w), math.hypot(*limit)
    ends_at = (
        here / size - there / length for here, there in zip(w, limit, strict=True)
    )
    return math.hypot(*ends_at) * math.log(steps)


THEOREM_H = Statement(
    "theorem-H",
    "Φ(w, x) = vσ(⟨u, x⟩), σ a Leaky ReLU, exponential or logistic loss, w_{k+1} = "
    "w_k − P_k∂L(w_k) with diagonal P_k → P > 0. (H1) if L(w_k) → 0 and ‖w_k‖²L(w_k) → "
    "0, then v_k keeps its sign from some k on, and w_k converges in direction to the "
    "one KKT point with that sign of min ½‖P^(−1/2)w‖² s.t. yᵢΦ(w, xᵢ) ≥ 1; for "
    "Procedure 1 with Σ(1−ρ_k) = ∞ that is the skewed problem, whatever η is. (H2) for "
    "P_k = P = 1 and the exponential loss cΣe^(−mᵢ): if L₀ < c and "
    "L₀(4Z²(‖w₀‖²+2L₀+4/γ)+Z) ≤ 1, then L(w_k) → 0 and ‖w_k‖²L(w_k) → 0",
    page="one-unit",
).proof(
    step("outer-layer", "preconditioned-steps", "one-unit")
    .why(
        "H1: v⁺ = v+Ps, so in the metric of P its square grows by 2A = 2vs, and a rest"
    )
    .algebra((v + P * s) ** 2 / P, v**2 / P + 2 * v * s + P * s**2)
    .where("cross", "A in place of 2A", right=v**2 / P + v * s + P * s**2),
    step("inner-layer", "preconditioned-steps", "one-unit")
    .why("a component of u: u⁺ = u+vPp; summed over components, 2A again, and rests")
    .algebra(
        (u + v * P * p) ** 2 / R,
        u**2 / R + 2 * v * u * p + 2 * v * u * p * (P / R - 1) + v**2 * P**2 * p**2 / R,
    )
    .where(
        "metric",
        "P already at its limit R",
        right=u**2 / R + 2 * v * u * p + v**2 * P**2 * p**2 / R,
    ),
    step("sign", "one-unit")
    .why(
        "A = vs is a sum of weights times margins: v moves away from 0, and keeps sign"
    )
    .solver([P > 0, v > 0, v * s >= 0], v + P * s >= v)
    .without("separated", "A of any sign", v * s >= 0),
    step("never-ends", "one-unit", "loss-to-zero")
    .why("the pull on u never ends")
    .argued(
        "L(w_k) → 0",
        "Σ_k v_kπ_k = ∞, and ‖u_k‖ → ∞",
        "else Σ‖u⁺−u‖ ≤ CΣvπ < ∞, so u is bounded, and v⁺−v ≤ Cπ ≤ Cvπ/v₀, so v is "
        "bounded too, and no margin could tend to ∞; ‖u‖ by the pull along ū, next",
    ),
    step("pull", "one-unit")
    .why(
        "ū maximizes min⟨·, zᵢ⟩ = γ on the unit ball of the metric of 1/P∞, so each "
        "example adds c = pᵢ times ⟨ū, zᵢ⟩ = m ≥ γ; hence ⟨u_K, ū⟩ ≥ (γ−o(1))S there, "
        "S = Σ_{k<K} v_kπ_k"
    )
    .solver([c >= 0, m >= gamma], c * m >= c * gamma)
    .without("sign", "a loss that need not fall", c >= 0),
    step("weight-above")
    .why("logistic, T = exp(−m): an example's weight cT/(1+T) is at most cT")
    .solver([c > 0, T > 0], weight <= c * T)
    .without("positive", "T of any sign", T > 0),
    step("weight-below")
    .why("and at least cT/2 where m ≥ 0; the exponential loss has cT itself")
    .solver([c > 0, T > 0, T <= 1], weight >= c * T / 2)
    .without("separated", "m of any sign", T <= 1),
    step("excess")
    .why(
        "a margin t above the least has a weight p of at most cT/E, E = exp(t) ≥ 1+t, "
        "the least one q ≥ cT/2; so pt ≤ 2q, and A = Σpᵢmᵢ ≤ π(m+2n) for n examples"
    )
    .solver(
        [c > 0, T > 0, t >= 0, 1 + t <= E, p * E <= c * T, q >= c * T / 2],
        p * t <= 2 * q,
    )
    .without("heavy", "weights of any size", p * E <= c * T),
    step("root")
    .why("a square that grows by x: its root b grows by at most x/2b")
    .solver([b > 0, t >= 0, sp.Eq(t**2, b**2 + x)], 2 * b * (t - b) <= x)
    .where("half", "by at most x/4b", then=4 * b * (t - b) <= x),
    step("from-above")
    .why("m ≤ vγb by the choice of γ, so that A/b ≤ vπγ+2πn/b")
    .solver(
        [pi >= 0, pi * (m + 2 * n) >= A, m <= v * gamma * b],
        v * pi * gamma * b + 2 * pi * n >= A,
    )
    .without("best", "γ not the best margin", m <= v * gamma * b),
    step("rests", "one-unit", "loss-to-zero", "norm-times-loss")
    .why("what is left of a step of b is small beside vπ; so b_K ≤ (γ+o(1))S_K")
    .argued(
        "vb → ∞, v²π → 0 and P_k/P∞ → 1",
        "b⁺−b ≤ vπ(γ+o(1))",
        "π/b = vπ/(vb) with vb ≥ min m/γ; (vπ)²/b = vπ·v²π/(vb); and the step of the "
        "metric is at most Cvπ·|P_k/P∞−1|",
    ),
    step("direction")
    .why("⟨u, ū⟩ = y ≥ (γ−e)S and b ≤ (γ+e)S for any e > 0: u/b → ū, of norm 1")
    .solver(
        [S >= 0, e > 0, e < gamma, y >= (gamma - e) * S, b <= (gamma + e) * S],
        y * (gamma + e) >= (gamma - e) * b,
    )
    .without("above", "b not bounded above", b <= (gamma + e) * S),
    step("balance-rest", "one-unit")
    .why(
        "Ps² beside 2A = 2vs: m ≤ vaZ, Z = max‖zᵢ‖, and s ≤ Zaπ, so s/v is at most "
        "Z²‖w‖²π/m, which tends to 0"
    )
    .solver([*small, slow], s * m <= Z**2 * a**2 * pi * v)
    .without("slope", "gradients of any size", slow),
    step("balance", "one-unit", "norm-times-loss")
    .why("both layers are driven by the same A")
    .argued(
        "v²/P and B = b² grow by 2A(1+o(1)), and ΣA = ∞",
        "(v²/P)/B → 1",
        "A ≥ π·min m = πvb(γ+o(1)), by the direction of u, so the rests of B, o(vbπ), "
        "are o(A); that of v²/P is Ps², o(vs); Stolz–Cesàro",
    ),
    step("kkt-balance")
    .why("at a KKT point v/P = ⟨u, q⟩ = s and u = vPq, q = Σλᵢzᵢ; so v²/P = ‖u‖² too")
    .algebra(v * s, v**2 / P, sp.Eq(s, v / P), positive=in_layer)
    .where("metric", "P² in place of P", right=v**2 / P**2),
    step("kkt-unique", "one-unit")
    .why("and u/b is ū")
    .argued(
        "λ ≥ 0, λᵢ(mᵢ−1) = 0, mᵢ ≥ 1",
        "one KKT direction with v > 0: that of (√P, ū)",
        "u/P is in the cone of the zᵢ with least margin: the KKT conditions of the "
        "convex problem that ū alone solves; so it is the limit found",
    ),
    step("averages", "theorem-F", "procedure-1", "norm-times-loss")
    .why("Procedure 1 has such a P")
    .argued(
        "‖∂L‖ ≤ Z‖w‖π → 0",
        "P_k → η√(ε/δ) where Σ(1−ρ_k) = ∞",
        "Theorem F's steps average-g, average-h and forgets, which ask of the loss "
        "only that its gradient tends to 0",
    ),
    step("both-grow")
    .why("H2: ‖w⁺‖² = ‖w‖²+4A+‖∂L‖² (only u's component along p changes; u is it here)")
    .algebra(
        (v + u * p) ** 2 + (u + v * p) ** 2,
        v**2 + u**2 + 4 * v * u * p + (u * p) ** 2 + (v * p) ** 2,
    )
    .where(
        "layers",
        "one layer's 2A",
        right=v**2 + u**2 + 2 * v * u * p + (u * p) ** 2 + (v * p) ** 2,
    ),
    step("steep")
    .why("‖∂L‖² = D = s²+v²q² with q = ‖p‖ ≥ γπ; so D ≥ 2γπA")
    .solver(
        [v > 0, s >= 0, q >= gamma * pi, gamma * pi >= 0],
        s**2 + v**2 * q**2 >= 2 * gamma * pi * v * s,
    )
    .where(
        "mean",
        "4γπA",
        then=s**2 + v**2 * q**2 >= 4 * gamma * pi * v * s,
    ),
    step("bilinear", "one-unit")
    .why("with x = ⟨u, z⟩, y = ⟨p, z⟩, a margin vx changes by two terms and no third")
    .algebra((v + s) * (x + v * y), v * x + (s * x + v**2 * y) + v * s * y)
    .where("order", "one term", right=v * x + (s * x + v**2 * y)),
    step("margin-step")
    .why("|x| ≤ aZ, |y| ≤ qZ, and D = G²: by Cauchy–Schwarz the first is at most ZG‖w‖")
    .solver(
        [G >= 0, b >= 0, sp.Eq(G**2, s**2 + e**2), sp.Eq(b**2, a**2 + v**2)],
        s * a + e * v <= G * b,
    )
    .where("half", "half of that", then=2 * (s * a + e * v) <= G * b),
    step("condition")
    .why(
        "with K = LZ²‖w‖² and y = LZ the condition is 4K+y ≤ 1: so no margin changes "
        "by more than 1, and L times its square is at most K(1+y/2)²·D ≤ D/4"
    )
    .solver([K >= 0, y >= 0, for_condition], K * (1 + y / 2) ** 2 <= sp.Rational(1, 4))
    .instead("double", "4K+y ≤ 2", for_condition, 4 * K + y <= 2),
    step("descent", "one-unit")
    .why("e^(−x) ≤ 1−x+x² for |x| ≤ 1")
    .argued(
        "mᵢ⁺−mᵢ as above, weighted by the pᵢ",
        "L⁺ ≤ L−D−vsq²+D/4 ≤ L−3D/4",
        "the first-order terms add up to D, the second to vsq² ≥ 0, and the squares to "
        "D/4 at most; L⁺ < c keeps all margins positive",
    ),
    step("budget")
    .why(
        "with π = L and f = −log(L⁺/L) ≥ (L−L⁺)/L: each γA of growth costs as much of "
        "log L, so ‖w_k‖² ≤ ‖w₀‖²+(4/γ)log(L₀/L_k)+2L₀"
    )
    .solver([L > 0, fall * L >= D / 2, 2 * gamma * L * A <= D], fall >= gamma * A)
    .where("double", "half as much", then=fall >= 2 * gamma * A),
    step("condition-stays")
    .why("L·log(L₀/L) is largest at L = L₀/e, where it is below L₀; so it never fails")
    .algebra(
        sp.Derivative(L * sp.log(loss0 / L), L),
        sp.log(loss0 / L) - 1,
        positive=(L, loss0),
    )
    .where("peak", "largest at L₀", right=sp.log(loss0 / L)),
    step("log-slow")
    .why("and L·log(1/L) → 0, so that ‖w_k‖²L(w_k) → 0 with L")
    .limit(T * sp.log(1 / T), T, sp.S.Zero, sp.S.Zero, "+")
    .where("limit", "→ 1", value=sp.S.One),
    step("loss-vanishes", "one-unit")
    .why("H2 follows")
    .argued(
        "ΣD ≤ 2L₀ and D ≥ 2γLA ≥ 2γL²·min m",
        "L(w_k) → 0",
        "min m ≥ log(c/L₀) > 0, for the loss falls; so ΣL² < ∞",
    ),
    step("run")
    .why("a run goes where H1 says")
    .measured(
        "distance of the direction from its limit, times log k",
        _distance,
        0.6,
        on="20,000 steps, two examples in the plane, √(ε/δ) = (4, 3, 1), η = 0.1",
    )
    .where("skew", "the limit of problem (4)", measure=lambda: _distance(skewed=False))
    .where("sum", "Σ(1−ρ_k) < ∞", measure=lambda: _distance(ends=False)),
)
