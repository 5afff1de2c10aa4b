"""Theorem 4, page 7: approximate gradient flows end at KKT points, at both rates.

The paper cites it. Coq proves it but for one inequality, behind the direction; this is
the same proof for a reader, both losses at once. At one time t, q = yᵢΦ(χv, xᵢ) is a
margin, u a subgradient of L̂ with v′ = −βu, Λ = L̂(v), and

    G = ℓ⁻¹(Λ), ψ = −ℓ′(G), ν = −Σ ℓ′(qᵢ)qᵢ, N = Σ vⱼ²/βⱼ, E = Σ βⱼuⱼ².

As a symbol the degree is 𝐿, for L alone is the loss.
"""

from __future__ import annotations

import math
from itertools import pairwise

import sympy as sp

from marginflow.proofs.measure import small_flow
from marginflow.proofs.notation import Statement, step
from marginflow.proofs.symbols import beta, of_time, t

__all__ = ["COUNTEREXAMPLE", "THEOREM_4"]

# At one time; two examples or two components stand for all.
v, u, Lambda, G, E, N, psi, nu = of_time("v u Λ G E N ψ ν")
L, q, q1, q2, p1, p2, p, e = sp.symbols("𝐿 q q₁ q₂ p₁ p₂ p e")
v1, v2, u1, u2, b1, b2 = sp.symbols("v₁ v₂ u₁ u₂ β₁ β₂")
A, B, T, c, alpha = sp.symbols("A B T c α")
z, a = sp.symbols("z a", real=True)
x = sp.Symbol("α", positive=True)

signs = (N > 0, G > 0, psi > 0, L > 0)
schwarz = (L * nu) ** 2 <= N * E
margins = nu >= G * psi
slopes = (p1 >= 0, p2 >= 0, p1 + p2 >= p)
growth, needed = E / (psi * G), L**2 * nu / N
spread = p1 * (q1 - G) + p2 * (q2 - G)
pull = p1 * q1 + p2 * q2
logistic = sp.log(1 + sp.exp(-z))
flow = sp.Eq(v.diff(t), -beta * u)
falls = sp.Eq(Lambda.diff(t), -E)
in_beta = v**2 / beta
H = sp.exp(G - a * sp.log(G))


def _largest_fall(weighted: bool = True) -> float:
    """The most that the smoothed margin of the small flow falls between two samples.

    log G − log N + ∫Σ|d log β|, G = −log L, with N = Σ v²/β; or N = Σ w².
    """
    flow, values = small_flow(), []
    chi_2 = [math.sqrt(e / d) for d, e in zip(flow.delta, flow.epsilon, strict=True)]
    for loss, w, b, fluctuation in zip(
        flow.loss, flow.w, flow.beta, flow.variation, strict=True
    ):
        scale = [chi_2[j] * b[j] if weighted else 1.0 for j in (0, 1)]
        norm = sum(w[j] ** 2 / scale[j] for j in (0, 1))
        paid = sum(fluctuation) if weighted else 0.0
        values.append(math.log(-math.log(loss)) - math.log(norm) + paid)
    return max(before - after for before, after in pairwise(values))


THEOREM_4 = Statement(
    "theorem-4",
    "if v′ = −β·∂L̂(v) with L̂(v) = L(χv), L̂(v(t₀)) < ℓ(0), β → 1 and d log β/dt "
    "integrable, then L̂(v) = Θ(1/(t (log t)^(2−2/L))), ‖v‖ = Θ((log t)^(1/L)), and "
    "each limit direction of v is that of a KKT point of min ½‖v‖² s.t. yᵢΦ(χv, xᵢ) ≥ "
    "1; v converges in direction if β → 1 like a power of t (a proviso that the "
    "quotation lacks and needs)",
    where="page 7",
).proof(
    step("euler", "assumption-1")
    .why(
        "margins are L-homogeneous, so ⟨∇q(v), v⟩ = L·q(v) where there is a gradient: "
        "differentiate q(αv) = α^L·q(v)"
    )
    .algebra(
        alpha * sp.Derivative(alpha**L * q, alpha),
        L * alpha**L * q,
        positive=(alpha, L, q),
    )
    .where("degree", "the factor L forgotten", right=alpha**L * q),
    step("euler-clarke", "assumption-1")
    .why("no sum rule is needed")
    .argued(
        "⟨∇L̂(v), v⟩ = Σ ℓ′(qᵢ)·L·qᵢ = −L·ν where L̂ has a gradient",
        "⟨u, v⟩ = −L·ν for each u ∈ ∂L̂(v)",
        "both sides are continuous in (v, u) and affine in u, so the equation passes "
        "to limits of gradients and to their convex combinations",
        coq="euler",
    ),
    step("slope")
    .why(
        "ψ as a function of the loss: −ℓ′ = 1−exp(−ℓ) for the logistic loss, and −ℓ′ = "
        "ℓ for the exponential one"
    )
    .algebra(-logistic.diff(z), 1 - sp.exp(-logistic))
    .where("exponential", "ℓ for both", right=logistic),
    step("subadditive")
    .why(
        "ψ is subadditive: here A = exp(−ℓ₁) and B = exp(−ℓ₂), ℓ₁, ℓ₂ ≥ 0; so Σ "
        "ψ(ℓ(qᵢ)) ≥ ψ(Λ)"
    )
    .solver([A > 0, A <= 1, B > 0, B <= 1], 1 - A * B <= (1 - A) + (1 - B))
    .without("sign", "ℓ₁ of either sign", A <= 1),
    step("margins", "adaptive-flow")
    .why("each ℓ(qᵢ) ≤ Λ, so qᵢ ≥ G; and G > 0 by separation. Hence ν ≥ G·ψ")
    .solver([*slopes, q1 >= G, q2 >= G, G > 0], pull >= G * p)
    .without("separation", "G of either sign", G > 0),
    step("norm-grows", "adaptive-flow")
    .why("each term of N; in sum N′ = 2L·ν − Σ (v²/β)(log β)′, by Euler")
    .algebra(in_beta.diff(t), -2 * v * u - in_beta * sp.log(beta).diff(t), flow)
    .where("weights", "N without its weights", left=(v**2).diff(t)),
    step("loss-falls", "proposition-1", "adaptive-flow")
    .why("the chain rule")
    .cited(
        "Λ = L̂(v(t)), v′ = −βu, u ∈ ∂L̂(v)",
        "Λ′ = ⟨u, v′⟩ = −E for almost all t",
        work="Davis et al. 2020",
        place="Theorem 5.8 (Proposition 1)",
    ),
    step("margin-grows")
    .why(
        "G′ = E/ψ: for the logistic loss G = −log(exp(Λ)−1); for the exponential one G "
        "= −log Λ and G′ = E/Λ"
    )
    .algebra(-sp.log(sp.exp(Lambda) - 1).diff(t), E / (1 - sp.exp(-Lambda)), falls)
    .where("slope", "E/Λ for both", right=E / Lambda),
    step("cauchy-schwarz")
    .why("so (L·ν)² = ⟨u, v⟩² ≤ N·E")
    .solver(
        [b1 > 0, b2 > 0],
        (v1 * u1 + v2 * u2) ** 2
        <= (v1**2 / b1 + v2**2 / b2) * (b1 * u1**2 + b2 * u2**2),
    )
    .where(
        "weights",
        "N without its weights",
        then=(v1 * u1 + v2 * u2) ** 2 <= (v1**2 + v2**2) * (b1 * u1**2 + b2 * u2**2),
    ),
    step("rising")
    .why(
        "so (log G)′ = E/(ψG) ≥ L²ν/N, which is (L/2)(log N)′ up to the fluctuation of "
        "log β"
    )
    .solver([*signs, schwarz, margins], growth >= needed)
    .without("margins", "ν not bounded below", margins),
    step("smoothed-margin", "adaptive-flow")
    .why("the smoothed margin rises, up to the fluctuations of log β")
    .argued(
        "(log G)′ ≥ (L/2)·(2L·ν/N) ≥ (L/2)((log N)′ − Σ|(log βⱼ)′|)",
        "log G − (L/2) log N + (L/2) ∫Σ|(log βⱼ)′| never falls",
        "all are arcs. For β ≡ 1 the smoothed margin G/‖v‖^L itself rises",
        coq="margin_monotone",
    ),
    step("norm-and-margin", "assumption-1")
    .why("hence")
    .argued(
        "the smoothed margin is bounded below; and G ≤ min qᵢ ≤ C‖v‖^L",
        "log‖v‖ and (1/L) log G differ by a bounded amount",
        "the continuous margins are bounded on the unit sphere; log β is bounded, so N "
        "and ‖v‖² are of one order",
        coq="norm_G",
    ),
    step("orders")
    .why(
        "with T = exp(−G) < 1, the logistic ψ = T/(1+T) lies between T/2 and T; so "
        "does Λ = log(1+T), which is between ψ and T"
    )
    .solver([T > 0, T <= 1], sp.And(T / 2 <= T / (1 + T), T / (1 + T) <= T))
    .without("separation", "T may exceed 1, so G < 0", T <= 1),
    step("logistic-loss")
    .why("log(1+T) − T/(1+T) is 0 at T = 0, and its slope is positive")
    .algebra(
        sp.Derivative(sp.log(1 + T) - T / (1 + T), T), T / (1 + T) ** 2, positive=(T,)
    )
    .where("square", "slope T/(1+T)", right=T / (1 + T)),
    step("speed-below")
    .why("G′ = E/ψ ≥ L²G²ψ/N, of the order G^(2−2/L)·exp(−G)")
    .solver([*signs, schwarz, margins], E / psi >= L**2 * G**2 * psi / N)
    .without("margins", "ν not bounded below", margins),
    step("speed-above", "assumption-1")
    .why("and no faster than that order")
    .argued(
        "E ≤ max β·‖u‖² and ‖u‖ ≤ C·ψ·‖v‖^(L−1)",
        "G′ = E/ψ ≤ C′·G^(2−2/L)·exp(−G)",
        "subgradients are bounded on the unit sphere and scale like ‖v‖^(L−1); "
        "Σψ(ℓ(qᵢ)) ≤ n·ψ(Λ) since ψ increases",
        coq="G_ode",
    ),
    step("comparison")
    .why(
        "H = exp(G − a·log G), a = 2−2/L, so has a slope between two positive "
        "constants once G ≥ 2a: H is of the order of t"
    )
    .algebra(sp.Derivative(H, t), H * (1 - a / G) * G.diff(t))
    .where("sign", "1+a/G", right=H * (1 + a / G) * G.diff(t)),
    step("growth")
    .why(
        "G − a·log G = log t + O(1), so log G − log log t → 0, and G = log t + a·log "
        "log t + O(1); here α is G, and a = 1"
    )
    .limit(sp.log(x - sp.log(x)) - sp.log(x), x, sp.oo, sp.S.Zero)
    .where("half", "G/2 in place of G", expression=sp.log(x / 2) - sp.log(x)),
    step("rates")
    .why("both rates")
    .argued(
        "Λ and exp(−G), and ‖v‖ and G^(1/L), are of one order",
        "Λ = Θ(1/(t (log t)^(2−2/L))) and ‖v‖ = Θ((log t)^(1/L))",
        "insert G = log t + (2−2/L) log log t + O(1)",
        coq="theorem_4_rates",
    ),
    step("loose")
    .why(
        "were either of the two inequalities strict by 1+e, log G would grow faster by "
        "that factor"
    )
    .solver(
        [
            *signs,
            schwarz,
            margins,
            e > 0,
            sp.Or(
                (1 + e) * (L * nu) ** 2 <= N * E,
                nu >= (1 + e) * G * psi,
            ),
        ],
        growth >= (1 + e) * needed,
    )
    .where("twice", "by 1+2e", then=growth >= (1 + 2 * e) * needed),
    step("tight-times")
    .why("tight times come again and again")
    .argued(
        "the smoothed margin rises and is bounded, so it converges",
        "before log G has grown by any d > 0, there are times at which both are "
        "equalities up to 1+e; and v/G^(1/L) moves little meanwhile",
        "else it would rise by about d·e/(1+e) each time, again and again; per unit of "
        "log G, v/G^(1/L) moves at a bounded rate",
        coq="tight_times_near",
    ),
    step("aligned")
    .why(
        "where N·E ≤ (1+e)(L·ν)², with c the cosine between −v/√β and √β·u, the two "
        "unit vectors are at a squared distance 2−2c ≤ e: stationarity"
    )
    .solver([e >= 0, c > 0, c**2 * (1 + e) >= 1], 2 - 2 * c <= e)
    .where("half", "at most e/2", then=2 - 2 * c <= e / 2),
    step("slack")
    .why(
        "where ν ≤ (1+e)·G·ψ, the multipliers ψ(ℓ(qᵢ)) weigh only margins near G: "
        "slackness"
    )
    .solver([*slopes, G > 0, pull <= (1 + e) * G * p], spread <= e * G * p)
    .without("subadditive", "ψ not subadditive", p1 + p2 >= p),
    step("sum-rule", "assumption-1")
    .why("Clarke's calculus")
    .cited(
        "u ∈ ∂L̂(v), L̂ = Σ ℓ∘qᵢ",
        "u = Σ ℓ′(qᵢ)·hᵢ with hᵢ ∈ ∂qᵢ(v); and graphs of ∂qᵢ are closed",
        work="Clarke 1975",
        place="sum rule (in Coq it follows from Proposition 1 and a dense set of "
        "gradients)",
    ),
    step("kkt", "adaptive-flow")
    .why("KKT points")
    .argued(
        "at tight times v/G^(1/L) is feasible, since qᵢ ≥ G, and satisfies the KKT "
        "conditions up to const·√e, with bounded multipliers",
        "each limit direction of v is the direction of a KKT point",
        "take a cluster point as e → 0, near the given limit direction; closed graphs "
        "carry the subgradients over, and β → 1 the weights",
        coq="theorem_4_limit_directions",
    ),
    step("direction", "assumption-1", "adaptive-flow")
    .why("the last clause, with the proviso that it needs")
    .cited(
        "|β−1| = O(t^(−p)) for some p > 0",
        "v/‖v‖ converges",
        work="Ji and Telgarsky 2020",
        place="one inequality; Coq proves the rest, for such β too "
        "(theorem_4_direction)",
    ),
    step("flow")
    .why("log G − (L/2) log N + (L/2) ∫Σ|d log β| along a flow")
    .measured("fall of the smoothed margin", _largest_fall, 1e-12)
    .where(
        "norm",
        "‖w‖² in place of N, β's fluctuations left out",
        measure=lambda: _largest_fall(weighted=False),
    ),
)

# The counterexample: σ = ±1 names the component, Z = log log log(t+c) the phase.
r, Z = sp.symbols("r Z", positive=True)
s = sp.Symbol("σ", real=True)
turn = s * sp.cos(Z) / (4 + 2 * s * sp.sin(Z))
share = sp.sqrt(sp.Rational(1, 2) + s * sp.sin(Z) / 4)
moved = share + sp.exp(-Z) * share.diff(Z)
adapter = 1 + sp.exp(-Z) * turn
_s, sine, cosine, k = sp.symbols("σ S C q")
angle = (sp.Eq(sine**2 + cosine**2, 1), sp.Eq(_s**2, 1))
below = 4 + 2 * _s * sine
drift = sp.Abs(_s * sine * below + 2 * cosine**2 + _s * cosine * below)
slope = s * sp.sin(Z) * (4 + 2 * s * sp.sin(Z)) + 2 * s**2 * sp.cos(Z) ** 2
slope = -sp.exp(-Z) * (slope / (4 + 2 * s * sp.sin(Z)) ** 2 + turn)

COUNTEREXAMPLE = Statement(
    "counterexample",
    "for Φ(w, x) = ‖w‖, one example and the exponential loss, all hypotheses of "
    "Theorem 4 as quoted hold with r = log(t+c), z = log log r, v± = r·√(½ ± ¼ sin z), "
    "β± = 1 ± exp(−z)·cos z/(4 ± 2 sin z), and v/‖v‖ has no limit; for some ρ that "
    "Assumption 2 admits, neither has AdaDelta's w/‖w‖",
    title="Counterexample",
    page="direction",
).proof(
    step("norm")
    .why("‖v‖ = r, so the loss is exp(−r) = 1/(t+c) < ℓ(0), with L = 1")
    .algebra((r * share) ** 2 + (r * share.subs(s, -s)) ** 2, r**2)
    .where("sign", "the same sign twice", right=2 * (r * share) ** 2),
    step("equation")
    .why("v′ = β·v·r′/r = −β·∂L̂(v), divided by r′; σ = ±1, and z′ = exp(−z)·r′/r")
    .algebra(moved, adapter * share)
    .where("gradient-flow", "β = 1", right=share)
    .where(
        "faster",
        "an adapter that dies twice as fast",
        right=share * (1 + sp.exp(-2 * Z) * turn),
    ),
    step("adapter")
    .why("with q = exp(−z), S = sin z, C = cos z: |β−1| ≤ q/2, so β → 1")
    .solver([*angle, k > 0], k * sp.Abs(cosine) <= k / 2 * below)
    .where("half", "q/4", then=k * sp.Abs(cosine) <= k / 4 * below),
    step("derivative")
    .why("dβ/dz")
    .algebra(sp.Derivative(adapter, Z), slope)
    .where("sign", "−dβ/dz", right=-slope),
    step("variation")
    .why(
        "so |dβ/dz| ≤ 3 exp(−z); as β ≥ ¾ for z ≥ 1, |d log β/dz| ≤ 4 exp(−z), which "
        "is integrable"
    )
    .solver(angle, drift <= 3 * below**2)
    .where("small", "½ in place of 3", then=drift <= below**2 / 2),
    step("turns")
    .why("the direction turns for ever")
    .argued(
        "v/‖v‖ = (√(½+¼ sin z), √(½−¼ sin z)), and z → ∞",
        "v/‖v‖ has no limit; ‖w‖ is Lipschitz, 1-homogeneous, semialgebraic",
        "z is continuous, so sin z takes each value in [−1, 1] again and again",
        coq="theorem_4_refuted",
    ),
    step("adadelta", "process-2")
    .why("and AdaDelta itself can do so")
    .argued(
        "Process 2 with δ = ε = 1 and this Φ, and a schedule ρ made for it",
        "all of Assumption 2 holds, and w/‖w‖ has no limit",
        "any adapter with 1−β² falling slowly enough comes from some g, h ≥ 0 and some "
        "ρ in [0, 1] with ∫(1−ρ) = ∞; the chapter writes them down",
        coq="theorem_2_refuted",
    ),
)
"""Theorem 4's last clause, as quoted, is false: this companion's own."""
