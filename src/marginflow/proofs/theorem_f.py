"""Theorem F, this companion's own: where Procedure 1 goes, for linear predictors.

F0 holds for any method with steps w⁺ = w − ηP∂L whose diagonal P converges, F1 says
that AdaDelta's does, and F2 gives step sizes for which the loss tends to 0. In the
steps r = √P∞ and x = P/P∞ belong to one component; v = w/r, u = −r·∂L/L.
"""

from __future__ import annotations

import math

import sympy as sp

from marginflow.proofs.notation import Statement, step

__all__ = ["THEOREM_F"]

# F0; the loss is L.
b, x, u, gamma, c, m, eta, A, R, L, D, t, r, P, grad = sp.symbols(
    "b x u γ c m η A R L D t r P ∂L"
)
in_step = (r, P, L, eta, grad)  # what is positive there
small = eta * A * R**2 * L
force = sp.Eq(u, -r * grad / L)
z, T = sp.Symbol("z", real=True), sp.Symbol("T", positive=True)  # T = exp(−z)
logistic = sp.log(1 + sp.exp(-z))
in_exp = sp.Eq(z, -sp.log(T))

# F1: averages in units of the stability terms, as in Proposition B.
G, H, q, M, e = sp.symbols("G H q M e")
averages = (G >= 0, H >= 0, q >= 0, q <= sp.Rational(1, 2), M >= 1)
forgets = (c >= 0, c <= 1)
H_next = (1 - c) * H + c * (1 + H) * q / M
G_next = (1 - c) * G + c * q
halved = G_next <= G * (1 - c / 2) + c * q

# F2: A = b + √(b² + K), K = (ε+h₀)/δ; Ā is any bound of P.
K, h0, eps, delta, loss0, bar = sp.symbols("K h₀ ε δ L₀ Ā")
in_bound = (b, K, h0, eps, delta, c, loss0, eta, bar)
root = b + sp.sqrt(b**2 + K)
is_b, is_k = sp.Eq(b, c * loss0 / (eta * delta)), sp.Eq(K, (eps + h0) / delta)


def _lost_margin(skewed: bool = True, ends: bool = True) -> float:
    """(1 − margin/γ)·log k after 20,000 steps in the plane, one support vector.

    The data are x = (1, 1) and (3, 1), label 1; √(ε/δ) = (4, 1), so that the support
    vector (1, 1) has γ = √5. Without `skewed` the margin is that of problem (4);
    without `ends`, 1 − ρ_k is summable, and P ends elsewhere.
    """
    points, steps = ((1.0, 1.0), (3.0, 1.0)), 20_000
    w, g, h = [0.0, 0.0], [1.0, 0.0], [0.0, 3.0]
    delta, epsilon, eta = (0.5, 1.0), (8.0, 1.0), 0.1
    for k in range(steps):
        forget = 0.1 if ends else 0.1 / (1 + k) ** 2
        pulls = [(math.exp(-x * w[0] - y * w[1]), (x, y)) for x, y in points]
        slope = [-sum(pull * point[j] for pull, point in pulls) for j in (0, 1)]
        for j in (0, 1):
            g[j] += forget * (slope[j] ** 2 - g[j])
            step = math.sqrt((epsilon[j] + h[j]) / (delta[j] + g[j])) * slope[j]
            h[j] += forget * (step**2 - h[j])
            w[j] -= eta * step
    weights = (4.0, 1.0) if skewed else (1.0, 1.0)
    norm = math.sqrt(sum(w[j] ** 2 / weights[j] for j in (0, 1)))
    margin = min(x * w[0] + y * w[1] for x, y in points) / norm
    return (1 - margin / math.sqrt(sum(weights))) * math.log(steps)


THEOREM_F = Statement(
    "theorem-F",
    "linear predictor, separable data, exponential or logistic loss. (F0) if w_{k+1} = "
    "w_k − ηP_k∂L(w_k) with diagonal P_k → P > 0 and L(w_k) → 0, then w_k converges in "
    "direction to the solution of min ½‖P^(−1/2)w‖² s.t. yᵢ⟨w, xᵢ⟩ ≥ 1; (F1) Procedure "
    "1 with L(w_k) → 0 has such a P, namely √(ε/δ) where Σ(1−ρ_k) = ∞; (F2) if "
    "η·A·R²·L(w₀) ≤ 1, R = max‖xᵢ‖, A = max bⱼ+√(bⱼ²+(εⱼ+h₀ⱼ)/δⱼ), bⱼ = "
    "sup(1−ρ_kj)·L(w₀)/(ηδⱼ), then L(w_k) → 0",
    page="discrete-time",
).proof(
    step("motion", "preconditioned-steps")
    .why("F0, in v = w/√P∞: each component of v⁺−v is ηL·(P/P∞)·u, u = −√P∞·∂L/L")
    .algebra(-eta * P * grad / r, eta * L * (P / r**2) * u, force, positive=in_step)
    .where("skew", "P/P∞ forgotten", right=eta * L * u),
    step("step-length")
    .why(
        "where |P/P∞−1| ≤ b, each component of a step is at most (1+b)ηL|u|; so ‖v⁺‖ ≤ "
        "‖v‖+ηL(1+b)‖u‖"
    )
    .solver(
        [b >= 0, b < 1, x >= 1 - b, x <= 1 + b],
        (x * u) ** 2 <= (1 + b) ** 2 * u**2,
    )
    .without("above", "P/P∞ not bounded above", x <= 1 + b),
    step("pull", "separable-linear")
    .why(
        "for the direction v̂ of the best margin γ, each example adds c = |ℓ′|/L times "
        "its margin m ≥ γ to ⟨u, v̂⟩; so ‖u‖ ≥ ⟨u, v̂⟩ ≥ sγ, s = Σ|ℓ′|/L"
    )
    .solver([c >= 0, m >= gamma], c * m >= c * gamma)
    .without("sign", "a loss that need not fall", c >= 0),
    step("logistic-slope")
    .why("for the logistic loss, with T = exp(−z), |ℓ′| = T/(1+T)")
    .algebra(-sp.Derivative(logistic, z), T / (1 + T), in_exp)
    .where("sign", "T/(1−T)", right=T / (1 - T)),
    step("logistic-curvature")
    .why("ℓ″ = T/(1+T)² ≤ |ℓ′|; and |ℓ′| ≤ ℓ, next")
    .algebra(sp.Derivative(logistic, z, 2), T / (1 + T) ** 2, in_exp)
    .where("square", "T/(1+T)", right=T / (1 + T)),
    step("logistic-below")
    .why("ℓ−|ℓ′| = log(1+T)−T/(1+T) is 0 at T = 0 and grows, so |ℓ′| ≤ ℓ")
    .algebra(sp.Derivative(sp.log(1 + T) - T / (1 + T), T), T / (1 + T) ** 2)
    .where("sign", "falls", right=-T / (1 + T) ** 2),
    step("share")
    .why("|ℓ′|/ℓ → 1 as T → 0, that is z → ∞; so s → 1")
    .limit((T / (1 + T)) / sp.log(1 + T), T, sp.S.Zero, sp.S.One, "+")
    .where("limit", "→ 2", value=sp.Integer(2)),
    step("hessian", "separable-linear")
    .why("the loss bounds its own curvature")
    .argued(
        "ℓ″ ≤ ℓ, and ‖xᵢ‖ ≤ R",
        "⟨ξ, ∇²L(w) ξ⟩ = Σℓ″⟨xᵢ, ξ⟩² ≤ R²·L(w)·‖ξ‖²",
        "Cauchy–Schwarz; for the exponential loss ℓ″ = ℓ",
    ),
    step("descent", "preconditioned-steps")
    .why("Taylor, along the step")
    .argued(
        "P ≤ A and ηAR²L(w) < 2; D = ⟨∂L, P∂L⟩",
        "L(w⁺) ≤ L(w) − ηD(1−ηAR²L(w)/2)",
        "φ(s) = L(w−sηP∂L) has φ′(0) = −ηD and φ″ ≤ η²R²‖P∂L‖²φ ≤ η²R²ADφ; so φ(s) ≤ "
        "φ(0)−sηD(1−sηAR²φ(0)/2) while φ ≤ φ(0), which never ends on [0, 1]: at a "
        "first end φ would equal φ(0), and the bound is below it",
    ),
    step("spent")
    .why("each component of D is L²·(P/P∞)·u², so D ≥ (1−b)L²‖u‖²")
    .algebra(P * grad**2, L**2 * (P / r**2) * u**2, force, positive=in_step)
    .where("power", "L in place of L²", right=L * (P / r**2) * u**2),
    step("log-loss")
    .why("with f = log L")
    .argued(
        "L⁺/L ≤ 1 − (η/L)D(1−ηAR²L/2), and −log(1−y) ≥ y",
        "−log L⁺ ≥ −log L + ηL(1−b)(1−ηAR²L/2)‖u‖²",
        "insert the bound on D",
    ),
    step("least-margin")
    .why("e^(−zᵢ) ≤ L (exponential) or e^L−1 (logistic), so zᵢ ≥ −log L − o(1)")
    .limit(sp.log((sp.exp(T) - 1) / T), T, sp.S.Zero, sp.S.Zero, "+")
    .where("limit", "→ 1", value=sp.S.One),
    step("stolz-cesàro", "loss-to-zero")
    .why("sum both bounds, with ‖u‖² ≥ sγ‖u‖")
    .argued(
        "‖v_K‖ ≤ C+ΣηL(1+b)‖u‖, min zᵢ ≥ −C+ΣηL(1−b)(1−ηAR²L/2)sγ‖u‖",
        "lim inf min zᵢ/‖v_K‖ ≥ γ; it is never more than γ",
        "L → 0 makes ‖v‖, and with it ΣηL‖u‖, infinite; the quotient of the summands "
        "tends to γ, since b → 0, L → 0, s → 1",
    ),
    step("close", "separable-linear")
    .why(
        "with multipliers p ≥ 0, Σp = 1, Σpᵢ√P∞xᵢyᵢ = γv̂, a unit vector of margin m "
        "has x = ⟨v̂, ·⟩ with γx ≥ m, so its squared distance from v̂, 2−2x, is at "
        "most 2(1−m/γ)"
    )
    .solver([gamma > 0, gamma * x >= m], 2 - 2 * x <= 2 * (1 - m / gamma))
    .where("half", "1−m/γ", then=2 - 2 * x <= 1 - m / gamma),
    step("average-g", "procedure-1", "loss-to-zero", "rho-in-unit-interval")
    .why(
        "F1, G = g/δ: ∂L → 0, so in the end q = ∂L²/δ ≤ ½; then G⁺ ≤ G(1−c/2)+cq, c = "
        "1−ρ"
    )
    .solver([*averages, *forgets], halved)
    .without("rho", "ρ may exceed 1", c >= 0),
    step("average-h", "procedure-1", "rho-in-unit-interval")
    .why("H = h/ε: the same, H⁺ = (1−c)H+c(1+H)q/M with M = 1+g⁺/δ ≥ 1")
    .solver([*averages, *forgets], H_next <= H * (1 - c / 2) + c * q)
    .without("large", "gradients of any size", q <= sp.Rational(1, 2)),
    step("forgets")
    .why(
        "once q ≤ e, the excess over 2e shrinks by 1−c/2 in each step; the product of "
        "these tends to 0 where Σc = ∞, so G, H → 0"
    )
    .solver(
        [*forgets, q <= e, t <= G * (1 - c / 2) + c * q],
        t - 2 * e <= (1 - c / 2) * (G - 2 * e),
    )
    .where("half", "over e", then=t - e <= (1 - c / 2) * (G - e)),
    step("factor", "proposition-B", "procedure-1")
    .why("F1 follows")
    .argued(
        "G, H → 0 where Σ(1−ρ_k) = ∞; elsewhere Σ|G⁺−G| and Σ|H⁺−H| are finite",
        "P_k = √(ε(1+H_k)/(δ(1+G_{k+1}))) converges, to √(ε/δ) in case one",
        "|G⁺−G| ≤ c(G+q) and |H⁺−H| ≤ c(H+(1+H)q) (Proposition B), and G, H, q are "
        "bounded; so F0 applies",
    ),
    step("ceiling")
    .why("F2: a component's own A is the root of A² = K+2bA, K = (ε+h₀)/δ")
    .algebra(root**2, K + 2 * b * root, positive=in_bound)
    .where("half", "K+bA", right=K + b * root),
    step("highest")
    .why("for the largest A of all components, which is Ā, that is K+2bĀ ≤ Ā²")
    .solver(
        [b >= 0, b <= A, sp.Eq(A**2, K + 2 * b * A), bar >= A],
        K + 2 * b * bar <= bar**2,
    )
    .without("root", "A below the larger root", b <= A)
    .without("largest", "Ā any number", bar >= A),
    step("induction", "procedure-1", "rho-in-unit-interval")
    .why(
        "while P ≤ A, the descents add up to Σ⟨∂L, P∂L⟩ ≤ 2L₀/η, so h ≤ h₀+cAΣP∂L² ≤ "
        "h₀+2cAL₀/η, and P² ≤ (ε+h)/δ is at most K+2bA ≤ A², A the largest"
    )
    .algebra(
        (eps + h0 + 2 * c * bar * loss0 / eta) / delta,
        K + 2 * b * bar,
        is_b,
        is_k,
        positive=in_bound,
    )
    .where("start", "h₀ left out", left=(eps + 2 * c * bar * loss0 / eta) / delta),
    step("half-descent")
    .why("ηAR²L ≤ 1 leaves at least half of the descent: L⁺ ≤ L−(η/2)D")
    .solver([D >= 0, small <= 1, eta > 0], eta * D * (1 - small / 2) >= eta * D / 2)
    .instead("large", "ηAR²L ≤ 2", small <= 1, small <= 2),
    step("loss-vanishes", "separable-linear", "procedure-1")
    .why("F2 follows")
    .argued(
        "ΣD ≤ 2L₀/η, and ‖∂L‖ ≤ RL ≤ RL₀",
        "∂L(w_k) → 0, and L(w_k) → 0",
        "g ≤ max(g₀, R²L₀²) bounds P from below, so Σ‖∂L‖² < ∞; and ‖∂L‖·‖ŵ‖ ≥ "
        "Σ|ℓ′|·(margin of a separating ŵ), so |ℓ′| → 0 and zᵢ → ∞",
    ),
    step("run")
    .why("a run goes where F1 says")
    .measured(
        "(1 − margin/γ)·log k",
        _lost_margin,
        0.2,
        on="20,000 steps in the plane, √(ε/δ) = (4, 1), η = 0.1, ρ = 0.9",
    )
    .where(
        "skew", "the margin of problem (4)", measure=lambda: _lost_margin(skewed=False)
    )
    .where("sum", "Σ(1−ρ_k) < ∞", measure=lambda: _lost_margin(ends=False)),
)
