"""Proposition B, this companion's own: what is left of Lemmas 5 to 9 in discrete time.

Procedure 1 in units of the stability terms: G = g/δ, H = h/ε, q = ∂L²/δ, and the new
denominator M = 1 + g⁺/δ. A plus marks what a step makes of a quantity.
"""

from __future__ import annotations

import math

import sympy as sp

from marginflow.proofs.notation import Statement, step

__all__ = ["PROPOSITION_B"]

G, H, q, M, rho = sp.symbols("G H q M ρ")
delta, epsilon = sp.symbols("δ ε", positive=True)
c = 1 - rho
grown = sp.Eq(M, rho * (1 + G) + c * (1 + q))
swapped = sp.Eq(M, c * (1 + G) + rho * (1 + q))
G_next = grown.rhs - 1
H_next = rho * H + c * (1 + H) * q / M

gap, gap_next = 1 - (1 + H) / (1 + G), 1 - (1 + H_next) / M
kept = (1 + G) * (rho * M + c * q) / M**2
defect = c**2 * q * (q - G) / M**2
h_of_old_g = rho * H + c * (1 + H) * q / (1 + G)

paper_g = 1 + (rho * delta * G + c * delta * q) / delta
_adapter = (epsilon + epsilon * H) / (delta * M)
old_adapter = (epsilon + epsilon * H) / (delta + delta * G)
OLD_AVERAGE = ("old-average", "the adapter formed with g in place of g⁺")

units = (G, H, q, M)
unit = (rho >= 0, rho <= 1)
signs = (G >= 0, H >= 0, q >= 0)
known = (*signs, *unit, grown)
nonnegative = sp.And(M >= 1, H_next >= 0)
G_moves, H_moves = sp.Abs(G_next - G), sp.Abs(H_next - H)


def _paper_h(adapter: sp.Expr) -> sp.Expr:
    """h⁺/ε by Procedure 1, for a given squared adapter."""
    return (rho * epsilon * H + c * adapter * delta * q) / epsilon


def _final_distance(power: int = 0) -> float:
    """|β − 1| after 3000 steps on e^−w from G = 1, H = 0, w = 0, with η = 1.

    1 − ρₖ = 0.1/(k+1)^power.
    """
    delta, w, G, H = 0.01, 0.0, 1.0, 0.0
    for k in range(3000):
        slope = -math.exp(-w)
        q, c = slope**2 / delta, 0.1 / (k + 1) ** power
        grown = (1 - c) * (1 + G) + c * (1 + q)
        used = (1 + H) / grown
        G, H = grown - 1, (1 - c) * H + c * used * q
        w -= math.sqrt(used) * slope
    return abs(math.sqrt((1 + H) / (1 + G)) - 1)


PROPOSITION_B = Statement(
    "proposition-B",
    "in Procedure 1 with g₀, h₀ ≥ 0: (i) 1−β⁺² = f·(1−β²) + d with f = "
    "(1+G)(ρM+(1−ρ)q)/M² and d = (1−ρ)²q(q−G)/M²; (ii) if Σ(1−ρₖ)∂Lₖ² < ∞, then Σ|log "
    "βₖ₊₁−log βₖ| < ∞ and βₖ has a positive limit; (iii) if also Σ(1−ρₖ) = ∞, the "
    "limit is 1; (iv) a step from β ≤ 1 ends at β⁺² ≤ 1+(1−ρ)²/(4ρ)",
    page="beyond-discrete",
).proof(
    step("averages-g", "procedure-1")
    .why("M = 1 + g⁺/δ, from the first line of Procedure 1")
    .algebra(paper_g, M, grown, positive=units)
    .where("swap", "ρ and 1−ρ exchanged", given=(swapped,)),
    step("averages-h", "procedure-1")
    .why("H⁺, from the other two: Δ²/ε = q(1+H)/M")
    .algebra(_paper_h(_adapter), H_next, grown, positive=units)
    .where(*OLD_AVERAGE, left=_paper_h(old_adapter)),
    step("identity", "procedure-1", "definition-beta")
    .why("(i), a rational identity in G, H, q and ρ")
    .algebra(gap_next, kept * gap + defect, grown, positive=units)
    .where("sign", "−d in place of d", right=(kept * gap - defect))
    .where(
        "no-defect",
        "d = 0, the literal counterpart of Lemma 5",
        right=(kept * gap),
    )
    .where(*OLD_AVERAGE, left=(1 - (1 + h_of_old_g) / M)),
    step("nonnegative", "procedure-1", "rho-in-unit-interval")
    .why("the counterpart of Lemma 6: M ≥ 1, so G⁺ = M−1 ≥ 0, and H⁺ ≥ 0")
    .solver(known, nonnegative)
    .where("rho", "ρ may exceed 1", given=(*signs, rho >= 0, grown, M > 0))
    .where(
        "negative",
        "g may be negative",
        given=(H >= 0, q >= 0, *unit, grown, M > 0),
    ),
    step("growth", "procedure-1", "rho-in-unit-interval")
    .why("a step multiplies 1+H by at most 1+(1−ρ)q")
    .solver(known, 1 + H_next <= (1 + H) * (1 + c * q))
    .where(
        "half",
        "by at most 1+(1−ρ)q/2",
        then=1 + H_next <= (1 + H) * (1 + c * q / 2),
    ),
    step("bounded", "square-summable")
    .why("h stays bounded")
    .argued(
        "S := Σ(1−ρₖ)qₖ < ∞",
        "1+Hₖ ≤ K := (1+H₀)·exp(S) for all k",
        "multiply the bounds of step “growth” and use 1+x ≤ exp(x)",
    ),
    step("telescope-g", "procedure-1")
    .why("(1−ρ)G is what G loses, plus (1−ρ)q")
    .algebra(c * G, G - G_next + c * q, grown, positive=units)
    .where("sign", "what G gains", right=(G_next - G + c * q)),
    step("telescope-h", "procedure-1")
    .why("(1−ρ)H is what H loses, plus (1−ρ)(1+H)q/M")
    .algebra(c * H, H - H_next + c * (1 + H) * q / M, grown, positive=units)
    .where(
        "sign",
        "what H gains",
        right=(H_next - H + c * (1 + H) * q / M),
    ),
    step("summable", "square-summable")
    .why("the counterpart of Lemma 8's bound on g")
    .argued(
        "the two telescoping identities, summed over k, and M ≥ 1",
        "Σ(1−ρₖ)Gₖ ≤ G₀+S and Σ(1−ρₖ)Hₖ ≤ H₀+KS",
        "the sums of differences are at most G₀ and H₀, as G, H ≥ 0; the rest is at "
        "most S and KS",
    ),
    step("moves-g", "procedure-1", "rho-in-unit-interval")
    .why("a step moves G by at most (1−ρ)(G+q)")
    .solver(known, G_moves <= c * (G + q))
    .where("half", "by at most half of it", then=G_moves <= c * (G + q) / 2),
    step("moves-h", "procedure-1", "rho-in-unit-interval")
    .why("a step moves H by at most (1−ρ)(H+(1+H)q)")
    .solver(known, H_moves <= c * (H + (1 + H) * q))
    .where("half", "by at most half of it", then=H_moves <= c * (H + (1 + H) * q) / 2),
    step("variation", "definition-beta", "square-summable")
    .why("(ii), the counterpart of Lemma 9")
    .argued(
        "Σ|Gₖ₊₁−Gₖ| ≤ G₀+2S and Σ|Hₖ₊₁−Hₖ| ≤ H₀+2KS, by the three steps before",
        "Σ|log βₖ₊₁−log βₖ| < ∞, and βₖ has a positive limit",
        "2 log β = log(1+H)−log(1+G), and log(1+x) is 1-Lipschitz for x ≥ 0; a "
        "sequence of bounded variation converges",
    ),
    step("limit", "square-summable", "assumption-2(i)")
    .why("(iii), the counterpart of Lemma 8")
    .argued(
        "Σ(1−ρₖ) = ∞, while Σ(1−ρₖ)(Gₖ+Hₖ) < ∞",
        "Gₖ → 0, Hₖ → 0, βₖ → 1",
        "Gₖ+Hₖ converges, by bounded variation; a positive limit would make the second "
        "sum infinite",
    ),
    step("completed-square", "procedure-1", "rho-in-unit-interval")
    .why("M ≥ ρG+(1−ρ)q, whose square is 4ρq(G−q)+(ρG−(1+ρ)q)²")
    .solver([*known, rho > 0], 4 * rho * q * (G - q) <= M**2)
    .where("half", "half of M²", then=4 * rho * q * (G - q) <= M**2 / 2),
    step("overshoot", "definition-beta", "rho-in-unit-interval")
    .why("(iv), what is left of Lemma 7")
    .argued(
        "1−β⁺² = f·(1−β²)+d with f ≥ 0, β ≤ 1 and −d ≤ (1−ρ)²/(4ρ)",
        "β⁺² ≤ 1+(1−ρ)²/(4ρ)",
        "drop f·(1−β²) ≥ 0; the bound on d is step “completed-square”, divided by "
        "4ρM²/(1−ρ)²",
    ),
    step("run")
    .why("(iii) on a run of Procedure 1")
    .measured(
        "|β − 1| after 3000 steps",
        _final_distance,
        1e-4,
        on="L(w) = exp(−w), η = 1, ρ = 0.9, δ = ε = 0.01, g₀ = δ, h₀ = 0",
    )
    .where(
        "sum",
        "ρₖ = 1−0.1/(k+1)², so that Σ(1−ρₖ) < ∞",
        measure=lambda: _final_distance(power=2),
    ),
)
