"""Theorem 2 for many classes, this companion's own.

Of c outputs Φ_k the margins are the gaps s_ij = Φ_{y_i} − Φ_j of an example and a wrong
class, a pair. In the steps a = e^(−s) belongs to one pair, r ≥ 0 to the other pairs of
its example, and M is the product of 1+Σe^(−s) over the other examples.
"""

from __future__ import annotations

import sympy as sp

from marginflow.proofs.notation import Statement, step

__all__ = ["MANY_CLASSES"]

a, r, M = sp.symbols("a r M")
known = (a > 0, r >= 0, M >= 1)
product = (1 + a + r) * M

own, one, two, L = sp.symbols("Φ₁ Φ₂ Φ₃ L", real=True)
factor = sp.Symbol("α", positive=True)
total = sp.exp(own) + sp.exp(one) + sp.exp(two)
gaps = 1 + sp.exp(one - own) + sp.exp(two - own)
turned = 1 + sp.exp(own - one) + sp.exp(own - two)
T, rest = sp.symbols("T r", positive=True)
s = own - one
gap = sp.Symbol("s", real=True)
of_gap = sp.log(1 + sp.exp(-gap) + rest)

MANY_CLASSES = Statement(
    "theorem-2-classes",
    "let Φ have c outputs, each as in Assumption 1, and s_ij = Φ_{y_i} − Φ_j, j ≠ y_i. "
    "Theorem 2 holds for L = Σᵢⱼ exp(−s_ij) with ℓ(0) = 1 and for the cross-entropy L "
    "= Σᵢ log(1+Σⱼ exp(−s_ij)) with log 2 in the place of ℓ(0), and with the "
    "constraints s_ij ≥ 1 for all i and j ≠ y_i",
    title="Theorem 2 for many classes",
    page="many-classes",
).proof(
    step("pairs", "assumption-1", "theorem-2")
    .why("exponential loss: nothing new to prove")
    .argued(
        "L = Σᵢⱼ exp(−s_ij)",
        "L is the binary exponential loss of the predictor s on the data (xᵢ, yᵢ, j), "
        "each with label +1",
        "s(w, (x, y, j)) = Φ_y(w, x) − Φ_j(w, x) is locally Lipschitz and definable, "
        "being a difference; so Theorem 2 applies word for word",
    ),
    step("degree")
    .why("a gap has the degree of the outputs")
    .algebra(factor**L * own - factor**L * one, factor**L * s)
    .where("square", "twice the degree", right=factor ** (2 * L) * s),
    step("exponential-threshold")
    .why("a sum of e^(−s) below 1 has no term from 1 on: all gaps are positive")
    .solver([a > 0, r >= 0, a + r < 1], a < 1)
    .instead("two", "L < 2", a + r < 1, a + r < 2),
    step("cross-entropy")
    .why(
        "softmax's probability of the label, here with three classes, is "
        "1/(1+Σe^(−s)); so −log of it is log(1+Σe^(−s))"
    )
    .algebra(sp.exp(own) / total, 1 / gaps)
    .where("sign", "gaps with the other sign", right=1 / turned),
    step("threshold", "assumption-2(iii)")
    .why(
        "e^L is the product of all 1+Σe^(−s), so L < log 2 says it is below 2; then "
        "e^(−s) < 1 for each pair: all gaps are positive"
    )
    .solver([*known, product < 2], a < 1)
    .instead("three", "L < log 3", product < 2, product < 3)
    .instead("equal", "L ≤ log 2", product < 2, product <= 2)
    .without("others", "losses of other examples may be negative", M >= 1),
    step("pull")
    .why("a pair pulls with its softmax probability, which is positive")
    .algebra(-sp.Derivative(of_gap, gap), sp.exp(-gap) / (1 + sp.exp(-gap) + rest))
    .where("alone", "e^(−s)/(1+e^(−s))", right=1 / (1 + sp.exp(gap))),
    step("tail")
    .why("with T = Σe^(−s), log(1+T)/T → 1: the two losses have one tail")
    .limit(sp.log(1 + T) / T, T, sp.S.Zero, sp.S.One, "+")
    .where("half", "→ ½", value=sp.Rational(1, 2)),
    step("lemmas", "lemma-5", "lemma-8", "lemma-9")
    .why("the lemmas hold for cross-entropy as they stand")
    .argued(
        "L > 0 is locally Lipschitz and admits a chain rule",
        "Lemmas 5 to 9: w′ = −χ²β∂L with β → 1 and ∫|d log β| < ∞",
        "their proofs never look at ℓ: only L(w(0)), L ≥ 0 and dL/dt occur",
    ),
    step("slopes")
    .why(
        "the pulls of one example have the sum T/(1+T), which is ψ = −ℓ′∘ℓ⁻¹ of its "
        "loss, for the logistic ℓ"
    )
    .algebra(T / (1 + T), 1 - sp.exp(-sp.log(1 + T)))
    .where("exponential", "ψ of the exponential loss", right=sp.log(1 + T)),
    step("theorem-4", "theorem-4")
    .why("Wang et al. 2021 have it in Appendix E; the paper points there (page 11)")
    .argued(
        "v′ = −β∂L̂(v), cross-entropy, L̂ < log 2 at some time",
        "Theorem 4 with the constraints s_ij ≥ 1",
        "its proof uses of the loss that ψ is subadditive, so that all pulls have at "
        "least the sum ψ(L̂), and that ℓ⁻¹(L̂) is at most every gap, as ℓ⁻¹(log(1+T)) = "
        "−log T is",
        coq="theorem_2_many_classes",
    ),
)
