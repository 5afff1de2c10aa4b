"""Theorem J, this companion's own: Procedure 1 for smooth networks of any depth.

Margins zᵢ are 𝐿-homogeneous, 𝐿 ≥ 2, and their gradients are Lipschitz on the unit ball.
With ℓ = exp(−φ), qᵢ = φ(zᵢ) and pᵢ the share of example i in the loss L = c·Σ exp(−qᵢ):
m = log(c/L), m̄ = Σpᵢφ′(zᵢ)zᵢ, u = −∇log L, r = ‖w‖, N = ⟨w, w/P⟩, F = ⟨u, Pu⟩,
x = L·F and Q = NF/(𝐿²m²).  A step is w⁺ = w+L·Pu, with η in P; Δ is what a step
changes, A ≥ P ≥ a > 0, and κ = A·L·(B₁²r^(2𝐿−2)+2^(𝐿−2)B₂r^(𝐿−2)).
"""

from __future__ import annotations

import math

import sympy as sp

from marginflow.proofs.notation import Statement, step
from marginflow.proofs.symbols import of_time, t

__all__ = ["THEOREM_J"]

deg, s, z, w, u, P, L, y = sp.symbols("𝐿 s z w u P L y")
m, mean, N, F, Q, kappa, A, a = sp.symbols("m m̄ N F Q κ A a")
dm, mu, x, e, U, r, B, lam = sp.symbols("Δm μ x e U r B λ")
T, ell, phi, E = sp.symbols("T ℓ φ E")  # T = exp(−z)
fall = sp.log(1 + T)
bent = T * (T - ell) / ((1 + T) ** 2 * ell**2)
below, above = ell >= T / (1 + T), ell <= T
at_step = (deg >= 2, N > 0, L > 0, m > 2, mean >= m - 1, (deg * mean) ** 2 <= N * F)
descends = dm >= x * (1 - kappa / 2)

# J2 and J3: an average, and the floor and the ceiling of P.
c, G, q, after, S, D, M, b, K, eta, eps = sp.symbols("c G q G⁺ S D M b K η ε")
floor = -b + sp.sqrt(b**2 + K)
spent = (S >= P * D, S <= M)
grows = a * eps <= P**2 * (G * a + c * (S - P * D) + c * a * D)
large = m >= sp.Rational(8, 3) * (1 - 1 / deg) * A / a
v, Z = sp.symbols("v Z")

# Two gaps along a curve, and the first one's share.
s1, s2 = of_time("s₁ s₂")
both = sp.exp(-s1) + sp.exp(-s2)
share = sp.exp(-s1) / both


def _misaligned(skewed: bool = True, ends: bool = True) -> float:
    """(1 − cos²)·log k after 20,000 steps: w in the metric of 1/P, and −P·∂L.

    Φ = w₁(w₂x₁+w₃x₂)², two examples; √(ε/δ) = (4, 3, 1). Without `skewed` the metric is
    that of problem (4); without `ends`, 1 − ρ_k is summable, and P ends elsewhere.
    """
    w, g, h, steps = [0.8, 0.6, 0.4], [1.0, 0.0, 0.0], [0.0, 3.0, 0.0], 20_000
    delta, epsilon, eta = (0.5, 1.0, 1.0), (8.0, 9.0, 1.0), 0.02
    examples, pull = ((1.0, 1.0), (3.0, 1.0)), [0.0, 0.0, 0.0]
    for k in range(steps + 1):
        pull = [0.0, 0.0, 0.0]
        for first, second in examples:
            inner = w[1] * first + w[2] * second
            weight = math.exp(-w[0] * inner**2)
            for j, slope in enumerate(
                (inner**2, 2 * w[0] * inner * first, 2 * w[0] * inner * second)
            ):
                pull[j] += weight * slope
        if k == steps:
            break
        forget = 0.1 if ends else 0.1 / (1 + k) ** 2
        for j in range(3):
            g[j] += forget * (pull[j] ** 2 - g[j])
            move = math.sqrt((epsilon[j] + h[j]) / (delta[j] + g[j])) * pull[j]
            h[j] += forget * (move**2 - h[j])
            w[j] += eta * move
    scales = (4.0, 3.0, 1.0) if skewed else (1.0, 1.0, 1.0)
    size = sum(c**2 / scale for c, scale in zip(w, scales, strict=True))
    force = sum(c**2 * scale for c, scale in zip(pull, scales, strict=True))
    both = sum(c * f for c, f in zip(w, pull, strict=True))
    return (1 - both**2 / (size * force)) * math.log(steps)


THEOREM_J = Statement(
    "theorem-J",
    "zᵢ(w) = yᵢΦ(w, xᵢ) 𝐿-homogeneous, 𝐿 ≥ 2, ∇zᵢ Lipschitz on the unit ball; "
    "exponential or logistic loss, or cross-entropy (with the gaps to other classes "
    "as margins). (J1) if w_{k+1} = w_k − P_k∂L(w_k), P_k diagonal, Σ|log P_{k+1}−log "
    "P_k| < ∞, L(w_k) → 0 and ‖w_k‖^(2𝐿−2)L(w_k) → 0, then the margin min "
    "zᵢ/‖P^(−1/2)w_k‖^𝐿 converges to some γ > 0, P^(−1/2)w_k and −P^(1/2)∂L(w_k) "
    "align, each limit direction is that of a KKT point of min ½‖P^(−1/2)w‖² s.t. zᵢ "
    "≥ 1, and L(w_k)·k·(log k)^(2−2/𝐿) → 1/(𝐿²γ^(2/𝐿)); w_k converges in direction if "
    "moreover Φ is definable and Σ_{j≥k}|log P_{j+1}−log P_j| = O(k^(−s)), s > 0; "
    "(J2) Procedure 1 has such a P, namely η√(ε/δ) where Σ(1−ρ_k) = ∞, and such an s "
    "where lim inf k(1−ρ_k) > 0; (J3) for the exponential loss cΣe^(−zᵢ), with a and "
    "A of the steps floor and ceiling: if log(c/L₀) ≥ (8/3)(1−1/𝐿)A/a and "
    "ηAL₀(B₁²‖w₀‖^(2𝐿−2) + 2^(𝐿−2)B₂‖w₀‖^(𝐿−2)) ≤ ½, then L(w_k) → 0 and "
    "‖w_k‖^(2𝐿−2)L(w_k) → 0; (J4) the same for one unit of Theorem H with positive "
    "margins, with 𝐿 = 2 and B₁ = B₂ = Z",
    page="smooth-networks",
).proof(
    step("euler", "smooth-margins")
    .why("zᵢ(sw) = s^𝐿·zᵢ(w); its derivative at s = 1 is ⟨w, ∇zᵢ⟩, so ⟨w, u⟩ = 𝐿·m̄")
    .algebra(sp.Derivative(s**deg * z, s), deg * s ** (deg - 1) * z, positive=(s,))
    .where("degree", "(𝐿−1)s^(𝐿−1)z", right=(deg - 1) * s ** (deg - 1) * z),
    step("logistic-slope")
    .why(
        "logistic: ℓ = log(1+T), T = exp(−z) ≤ 1, is between T/(1+T) and T, so that φ "
        "= −log ℓ is between z and z+T; then φ′ = T/((1+T)ℓ) is between 1−T and 1; the "
        "exponential loss has φ = z"
    )
    .solver(
        [T > 0, below, above],
        sp.And(T / ((1 + T) * ell) >= 1 - T, T / ((1 + T) * ell) <= 1),
    )
    .without("below", "ℓ not bounded below", below)
    .without("above", "ℓ not bounded above", above),
    step("logistic-curvature")
    .why("φ″ is −T times the derivative of φ′ in T")
    .algebra(
        -T * sp.Derivative(T / ((1 + T) * fall), T),
        bent.subs(ell, fall),
        positive=(T,),
    )
    .where("sign", "the other sign", right=-bent.subs(ell, fall)),
    step("logistic-flat")
    .why("so 0 ≤ φ″ ≤ T, for ℓ ≥ T−T²/2: the logistic loss bends no margin late")
    .solver([T > 0, below, above, ell >= T - T**2 / 2], sp.And(bent >= 0, bent <= T))
    .without("above", "ℓ not bounded above", above),
    step("mean-below")
    .why("with E = exp(z) ≥ 1+z: φ′z ≥ φ−1, whose mean is at least m−1; so m̄ ≥ m−1")
    .solver(
        [z >= 0, T > 0, sp.Eq(T * E, 1), 1 + z <= E, phi <= z + T],
        (1 - T) * z >= phi - 1,
    )
    .without("exponential", "E any number", 1 + z <= E),
    step("mean-above", "theorem-G")
    .why("and m̄ is no more than log n above m")
    .argued(
        "φ′ ≤ 1, z ≤ φ, and Σpᵢqᵢ = m+(entropy of p)",
        "m−1 ≤ m̄ ≤ m+log n, and min zᵢ/m → 1",
        "Theorem G's steps entropy and mean-margin; m ≤ min qᵢ ≤ m+log n",
    ),
    step("classes")
    .why(
        "cross-entropy of many classes is the logistic loss of z = −log Σexp(−sⱼ), s₁, "
        "s₂, … the gaps of an example; derivatives are means of theirs (of two here)"
    )
    .algebra(-sp.log(both).diff(t), share * s1.diff(t) + (1 - share) * s2.diff(t))
    .where(
        "swap", "shares exchanged", right=(1 - share) * s1.diff(t) + share * s2.diff(t)
    ),
    step("pairs", "theorem-G")
    .why("so that the proof holds for it too, with one constraint for each pair")
    .argued(
        "least gap − log n ≤ z ≤ least gap, for n gaps, and −z is a log-sum-exp of −sⱼ",
        "m−1 ≤ m̄ ≤ m+C; z bends as a mean of gaps does, and by B₁²r^(2𝐿−2) at most",
        "Theorem G's step entropy for ⟨w, ∇z⟩ = 𝐿·(mean of sⱼ); −z+½C‖·‖² is convex "
        "where all −sⱼ+½C‖·‖² are, as in step bends; multipliers are shares of shares",
    ),
    step("norm", "preconditioned-steps")
    .why("a component of N = ⟨w, w/P⟩ after a step; summed, N+2𝐿·L·m̄+L²F, by euler")
    .algebra((w + L * P * u) ** 2 / P, w**2 / P + 2 * L * w * u + L**2 * P * u**2)
    .where("cross", "half the middle", right=w**2 / P + L * w * u + L**2 * P * u**2),
    step("descent", "smooth-margins")
    .why("log L along the segment of a step, from w to w+sL·Pu with s in [0, 1]")
    .argued(
        "κ ≤ 1, so that no step is longer than r",
        "m+sx(1−sκ/2) ≤ m(s) ≤ m+sx(1+sκ/2), where x = L·F",
        "zᵢ differs from its tangent by ½2^(𝐿−2)B₂r^(𝐿−2)‖·‖² at most; Hoeffding's "
        "lemma for log Σpᵢe^(−tᵢ) with |tᵢ| ≤ B₁r^(𝐿−1)‖·‖, and Jensen's inequality on "
        "the other side; ‖L·Pu‖² ≤ L²AF. For the logistic loss 4^𝐿κ in κ's place",
    ),
    step("small-steps")
    .why("U = ‖u‖² ≤ B = B₁²r^(2𝐿−2), so x ≤ κ → 0: m hardly changes in a step")
    .solver([L > 0, A > 0, F <= A * U, U <= B, kappa >= A * L * B], kappa >= L * F)
    .without("steep", "gradients of any size", U <= B),
    step("log-m")
    .why("μ = log(m⁺/m) ≥ Δm/(m+Δm), as log(1+t) ≥ t/(1+t)")
    .solver(
        [x > 0, kappa >= 0, kappa <= 1, m > 1, descends, mu >= dm / (m + dm)],
        x * (1 - kappa / 2) <= mu * (m + dm),
    )
    .without("rises", "m need not rise", descends),
    step("log-n")
    .why("by Cauchy–Schwarz, (𝐿m̄)² ≤ NF, the growth 2𝐿·L·m̄/N is at most (2/𝐿)x/m̄")
    .solver(at_step, 2 * deg * L * mean / N <= 2 * L * F / (deg * mean))
    .without("schwarz", "N and F unrelated", at_step[-1]),
    step("comparison")
    .why("so log N grows by little more than 2/𝐿 times the growth of log m")
    .argued(
        "m ≤ (B₁/𝐿)r^𝐿+1, so L·m/N ≤ Cκ, and the last steps",
        "Δlog N ≤ (2/𝐿)(1+τ)Δlog m+e_k, τ ≤ C(κ+1/m), e_k = max|Δlog P|",
        "log(1+t) ≤ t; L²F/N = (x/m)(L·m/N)",
    ),
    step("powers")
    .why("any power of m, here the ninth, loses against e^(−m)")
    .limit(T**9 * sp.exp(-T), T, sp.oo, sp.S.Zero)
    .where("sign", "e^m", expression=T**9 * sp.exp(T)),
    step("margin", "settling-metric", "norm-times-loss", "loss-to-zero")
    .why("the margin converges")
    .argued(
        "once τ ≤ 1, N and r are at most powers of m, so κ ≤ C·e^(−m)m^q and Στ_kΔlog "
        "m ≤ C∫(e^(−t)t^q+t^(−2))dt < ∞; Σe_k < ∞",
        "log N−(2/𝐿)log m converges, and min zᵢ/‖P^(−1/2)w‖^𝐿 → γ > 0",
        "it rises by a summable amount at most, and is bounded below: m ≤ "
        "(B₁/𝐿)r^𝐿+1 and N ≥ r²/A",
    ),
    step("integrable", "theorem-G")
    .why("Q is close to 1 on average over log m")
    .argued(
        "2𝐿·L·m̄/N = (2/𝐿)(x/m)(m̄/m)/Q, kept in the comparison; Q ≥ ((m−1)/m)²",
        "Σ(1−1/Q)Δlog m < ∞",
        "Theorem G's steps quotient, growth-of-n and excess, with sums for integrals; "
        "log N−(2/𝐿)log m converges",
    ),
    step("force", "preconditioned-steps")
    .why("a component of F after a step, where u⁺ = u−y")
    .algebra(P * (u - y) ** 2, P * u**2 - 2 * P * u * y + P * y**2)
    .where("cross", "the middle left out", right=P * u**2 + P * y**2),
    step("bends", "smooth-margins")
    .why("what a step can add to F")
    .argued(
        "log L+½C‖·‖² is convex near the segment, C = 2^(𝐿−2)B₂r^(𝐿−2)",
        "⟨Pu, y⟩ ≥ −C·A·x and ⟨y, Py⟩ ≤ κ²F; so Δlog F ≤ 2A·C·L+κ²+e_k (4^𝐿κ for κ)",
        "it is a log-sum-exp of the convex −zᵢ+½C‖·‖², and ‖y‖ is at most 4^𝐿κ/(A·L) "
        "times the length of the step. Logistic: C+o(r^(𝐿−2)), as φ″ ≤ T",
    ),
    step("slow")
    .why(
        "L·r^(𝐿−2) is at most a constant times μ = log(m⁺/m), since N ~ m^(2/𝐿); 2mμ ≥ "
        "L·F late by step log-m"
    )
    .solver([*at_step, 2 * m * mu >= L * F], 8 * mu * N >= deg**2 * L * m)
    .without("schwarz", "N and F unrelated", at_step[-2], at_step[-1]),
    step("aligns", "theorem-G")
    .why("so Q → 1, and the squared cosine (m̄/m)²/Q → 1")
    .argued(
        "Δlog Q ≤ K·Δlog m+(a summable rest), as κ² ≤ C·κr^𝐿·Δlog m by step slow, and "
        "κr^𝐿 → 0; and step integrable",
        "Q → 1: alignment",
        "if log Q ≥ 3e again and again, then log Q ≥ e where log m is up to e/K less, "
        "late; each such window adds (1−exp(−e))e/(2K) to a finite sum (Theorem G's "
        "steps high, aligns and cosine)",
    ),
    step("multipliers")
    .why(
        "λᵢ = pᵢφ′ᵢr^(𝐿−1)/‖u‖ is bounded: with y = pᵢφ′ᵢr^(𝐿−1) ≤ B = r^(𝐿−1), and "
        "U = ‖u‖ here, for which Ur ≥ 𝐿m̄, it is at most r^𝐿/(𝐿m̄)"
    )
    .solver(
        [r > 0, U > 0, lam >= 0, sp.Eq(lam * U, y), y <= B, U * r >= deg * mean],
        lam * deg * mean <= B * r,
    )
    .without("euler", "a force of any size", U * r >= deg * mean),
    step("kkt", "smooth-margins")
    .why("each limit direction ŵ, scaled to margin 1, is a KKT point")
    .argued(
        "w/r → ŵ and λ → λ̂ along a subsequence",
        "P^(−1)ŵ is a multiple of Σλ̂ᵢ∇zᵢ(ŵ), λ̂ ≥ 0, λ̂ᵢ = 0 where zᵢ(ŵ) is not least",
        "u aligns with P^(−1)w, and ∇zᵢ(w) = r^(𝐿−1)∇zᵢ(w/r); an example above the "
        "least margin has pᵢ ≤ exp(−½(zᵢ−min z)(ŵ)·r^𝐿) → 0; min z(ŵ) > 0 by step "
        "margin",
    ),
    step("exponential")
    .why("E = c/L = exp(m) grows by E(exp(Δm)−1) ~ E·x = cF, as Δm → 0")
    .limit((sp.exp(T) - 1) / T, T, sp.S.Zero, sp.S.One)
    .where("limit", "→ 2", value=sp.Integer(2)),
    step("constant", "theorem-G")
    .why("the constant of the loss")
    .argued(
        "F = Q𝐿²m²/N ~ 𝐿²γ^(2/𝐿)m^(2−2/𝐿), m = log E",
        "E/(log E)^(2−2/𝐿) ~ c𝐿²γ^(2/𝐿)k, and L·k·(log k)^(2−2/𝐿) → 1/(𝐿²γ^(2/𝐿))",
        "Stolz–Cesàro, with Theorem G's steps quotient-rule and logarithms",
    ),
    step("outward", "preconditioned-steps")
    .why(
        "with r = ‖P^(−1/2)w‖ here, P^(1/2)u is 𝐿m̄/r long along P^(−1/2)w, and T "
        "across: of what raises m, what does not lengthen w is at least T²/m"
    )
    .algebra(
        ((deg * mean / r) ** 2 + T**2) / m - deg**2 * mean / r**2,
        deg**2 * mean * (mean - m) / (m * r**2) + T**2 / m,
        positive=(r, m),
    )
    .where("across", "T left out", right=deg**2 * mean * (mean - m) / (m * r**2)),
    step("falls", "settling-metric")
    .why("the gap f = γ−m/r^𝐿, with a little added, falls by what the direction moves")
    .argued(
        "Σ_{j≥k}|log P_{j+1}−log P_j| = O(k^(−s)), and so |P_k/P−1|, P the limit here; "
        "x = rT/m",
        "f+S falls by at least C·x²Δlog m, S = O(m^(−q)) for each q, and the direction "
        "moves by at most C(x+m^(−q))Δlog m",
        "step outward, and m̄ ≥ m (logistic: up to e^(−m/2)); S is the sum of the rests "
        "from k on, at most C(κ+k^(−s))Δlog m each, and k is of the order e^m·m^(−a)",
    ),
    step("roots")
    .why("a concave function of what falls pays for it: its root, with s² = f, E² = f⁺")
    .solver([s > 0, E >= 0, s >= E], 2 * s * (s - E) >= s**2 - E**2)
    .where("double", "twice as much", then=s * (s - E) >= s**2 - E**2),
    step("desingularized", "assumption-1")
    .why("and so does Ψ, where the direction's part of the gradient dominates")
    .cited(
        "zᵢ definable, x not small beside m^(−q), for a q between 0 and 1",
        "1 ≤ C·Ψ′(f)·x for some concave Ψ with Ψ(0) = 0",
        work="Ji and Telgarsky 2020",
        place="the inequality of Theorem 4's step direction; it speaks of points, and "
        "asks nothing of a curve",
    ),
    step("finite-length", "theorem-4")
    .why("the direction converges")
    .argued(
        "at each step x ≤ C·m^(−q), or f+S ≤ C·m^(−2q), or 1 ≤ C·Ψ′((f+S)/2)·x",
        "Σ|Δ(w/r)| < ∞, and w_k/‖w_k‖ converges",
        "each motion is paid for by m^(−q), √(f+S) or 2Ψ((f+S)/2), which only fall",
        coq="motion_paid",
    ),
    step("averages", "theorem-F", "procedure-1", "norm-times-loss")
    .why("J2: Procedure 1's P is bounded, and converges")
    .argued(
        "‖∂L‖ ≤ L·B₁r^(𝐿−1) → 0",
        "P_k → η√(ε/δ) where Σ(1−ρ_k) = ∞; Σ‖∂L‖² < ∞",
        "Theorem F's steps average-g, average-h and forgets ask of the loss only that "
        "its gradient tends to 0; step descent needs only bounds of P, and there "
        "L−L⁺ ≥ C‖∂L‖²",
    ),
    step("variation", "procedure-1", "rho-in-unit-interval")
    .why(
        "an average G of q = ∂L² (h: of P²∂L²) has finite variation, whatever ρ is: "
        "Σ|G⁺−G| ≤ G₀+2Σq; and log P depends on g and h in a Lipschitz way"
    )
    .solver(
        [c >= 0, c <= 1, G >= 0, q >= 0, sp.Eq(after, G + c * (q - G))],
        sp.Abs(after - G) <= G - after + 2 * c * q,
    )
    .where("half", "Σq", then=sp.Abs(after - G) <= G - after + c * q),
    step("decay", "procedure-1")
    .why(
        "and by the same bound from k on, the variation that is left falls like k^(−s)"
    )
    .argued(
        "1−ρ_k ≥ C/k, and ∂L² ≤ L²B₁²r^(2𝐿−2) = O(k^(−2)), by step constant",
        "Σ_{j≥k}|log P_{j+1}−log P_j| = O(k^(−s))",
        "it is at most C(g_k+h_k+Σ_{j≥k}∂L²), and an average falls by 1−C/k in a step, "
        "but for ∂L²",
    ),
    step("ceiling", "theorem-F")
    .why("J3: as long as descents add up, P ≤ A")
    .argued(
        "Σ⟨∂L, P∂L⟩ ≤ 2L₀/η, b = sup(1−ρ)L₀/(ηδ)",
        "P ≤ A = b+√(b²+(ε+h₀)/δ)",
        "Theorem F's steps ceiling and induction, which ask for no more",
    ),
    step("floor")
    .why("a = −b+√(b²+K), K = ε/(δ+g₀), b = sup(1−ρ)L₀/(η(δ+g₀)): a² = K−2ba")
    .algebra(floor**2, K - 2 * b * floor, positive=(b, K))
    .where("half", "K−ba", right=K - b * floor),
    step("induction", "procedure-1", "rho-in-unit-interval")
    .why(
        "with D = ∂L² at this step, S = ΣP∂L² ≤ M = 2L₀/η and G = δ+g₀: P ≥ a so far "
        "gives g⁺ ≤ g₀+c((S−PD)/a+D), and ε ≤ P²(δ+g⁺); so P ≥ a again"
    )
    .solver(
        [
            c >= 0,
            a > 0,
            P > 0,
            G > 0,
            D >= 0,
            *spent,
            grows,
            sp.Eq(a**2 * G + c * M * a, eps),
        ],
        a <= P,
    )
    .without("spent", "gradients of any size", S <= M),
    step("three-quarters")
    .why("κ ≤ ½ leaves Δm ≥ ¾y of y = x")
    .solver([y >= 0, kappa <= sp.Rational(1, 2)], y * (1 - kappa / 2) >= 3 * y / 4)
    .instead("double", "κ ≤ 1", kappa <= sp.Rational(1, 2), kappa <= 1),
    step("half-descent")
    .why("y ≤ κ ≤ ½, and E = exp(−¾y) ≤ 1−¾y+9y²/32: L⁺ ≤ L·E ≤ L−½L·y = L−½⟨∂L, P∂L⟩")
    .solver(
        [y >= 0, y <= sp.Rational(1, 2), 1 - 3 * y / 4 + 9 * y**2 / 32 >= E],
        y / 2 <= 1 - E,
    )
    .without("large", "steps of any size", y <= sp.Rational(1, 2)),
    step("condition-stays")
    .why(
        "U = ‖u‖ here: Δlog r ≤ A·y·U/r and Δm ≥ ¾a·y·U² with y = ηL, Ur ≥ 𝐿m; so "
        "(2𝐿−2)Δlog r ≤ Δm, and κ, at most L·r^(2𝐿−2) in its growth, falls"
    )
    .solver(
        [deg >= 2, a > 0, a <= A, y > 0, U > 0, r > 0, U * r >= deg * m, large],
        2 * deg * (1 - 1 / deg) * A * y * U / r <= 3 * a * y * U**2 / 4,
    )
    .without("large", "a loss of any size", large),
    step("loss-vanishes", "smooth-margins")
    .why("J3 follows")
    .argued(
        "κ ≤ ½ and m ≥ m₀ for ever",
        "L(w_k) → 0, and ‖w_k‖^(2𝐿−2)L(w_k) → 0",
        "were m bounded, κ would bound r, and Δm ≥ ¾ηaL𝐿²m²/r² would not tend to 0; "
        "then log(L·r^(2𝐿−2)) falls by (1−m₀/m)Δm in each step, whose sum is infinite",
    ),
    step("one-unit-slope", "one-unit")
    .why(
        "one unit of Theorem H, zᵢ = v⟨u, ζᵢ⟩: with s = ⟨u, ζᵢ⟩, r = ‖u‖ here and Z = "
        "max‖ζᵢ‖, ‖∇zᵢ‖² = s²+v²‖ζᵢ‖² is at most Z²‖w‖², and ∇zᵢ is linear in w; so B₁ "
        "= B₂ = Z, 𝐿 = 2"
    )
    .solver(
        [r >= 0, Z >= 0, s**2 <= r**2 * Z**2, e**2 <= Z**2],
        s**2 + v**2 * e**2 <= Z**2 * (r**2 + v**2),
    )
    .without("length", "ζᵢ of any length", e**2 <= Z**2),
    step("one-unit-stays", "one-unit")
    .why("J3 holds for it, kink and all")
    .argued(
        "log L falls on the whole segment of a step (step descent)",
        "all zᵢ > 0 there, v ≠ 0, and no example crosses the kink",
        "L < c keeps every v⟨u, ζᵢ⟩ positive, so neither factor vanishes",
    ),
    step("run")
    .why("a run aligns as J1 says")
    .measured(
        "(1 − cos²)·log k, cos between P^(−1/2)w and −P^(1/2)∂L",
        _misaligned,
        0.2,
        on="20,000 steps, Φ = w₁(w₂x₁+w₃x₂)², two examples, √(ε/δ) = (4, 3, 1)",
    )
    .where(
        "skew", "the metric of problem (4)", measure=lambda: _misaligned(skewed=False)
    )
    .where("sum", "Σ(1−ρ_k) < ∞", measure=lambda: _misaligned(ends=False)),
)
