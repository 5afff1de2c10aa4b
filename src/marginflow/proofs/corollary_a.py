"""Corollary A, this companion's own: from zero averages β ≡ 1.

Every experiment of the paper starts from g(0) = h(0) = 0. Then the flow is gradient
flow preconditioned by √(ε/δ), from the first instant and whatever ρ is.
"""

from __future__ import annotations

import sympy as sp

from marginflow.proofs.lemma_5 import INTEGRATED
from marginflow.proofs.measure import small_flow
from marginflow.proofs.notation import Statement, step
from marginflow.proofs.process import DEFINITION_BETA, DEFINITION_CHI, EQUATION_5
from marginflow.proofs.symbols import beta, delta, epsilon, g, grad, h, t

__all__ = ["COROLLARY_A"]

start, half_full = ((DEFINITION_BETA, sp.Eq(g, g0), sp.Eq(h, 0)) for g0 in (0, delta))
balanced, swapped = (
    (DEFINITION_BETA, sp.Eq(h, ratio * g))
    for ratio in (epsilon / delta, delta / epsilon)
)
beta_0 = beta.subs(t, 0)
preconditioned = -sp.sqrt(epsilon / delta) * grad


def _distance_from_one(g0: float = 0.0) -> float:
    flow = small_flow(g0=(g0, g0), h0=(0.0, 0.0), t_end=4.0, steps=2000)
    return max(abs(b - 1) for pair in flow.beta for b in pair)


COROLLARY_A = Statement(
    "corollary-A",
    "if g(0) = h(0) = 0, then β(t) = 1 for all t, and w′ = −√(ε/δ)·∂L(w) for almost "
    "all t, whatever ρ is",
    page="beyond-zero-averages",
).proof(
    step("start", "definition-beta")
    .why("β(0) = 1, by the definition of β")
    .algebra(beta, sp.S.One, *start)
    .where("start", "g(0) = δ in place of 0", given=half_full),
    step("balanced-start", "definition-beta")
    .why("more generally β(0) = 1 if h(0)/ε = g(0)/δ")
    .algebra(beta, sp.S.One, *balanced)
    .where("swap", "h(0)/δ = g(0)/ε", given=swapped),
    step("stays", "lemma-5-integrated")
    .why("Lemma 5, integrated: 1−β(t)² is a multiple of 1−β(0)² = 0")
    .algebra(INTEGRATED.rhs, sp.S.Zero, sp.Eq(beta_0, 1))
    .where("start", "β(0) = 2", given=(sp.Eq(beta_0, 2),)),
    step("root", "lemma-6")
    .why("β > 0 by Lemma 6, so β = 1")
    .solver([beta > 0, sp.Eq(1 - beta**2, 0)], sp.Eq(beta, 1))
    .without("sign", "β of either sign", beta > 0),
    step("preconditioned", "equation-5")
    .why("eq. (5) with β = 1 is gradient flow preconditioned by √(ε/δ); ρ is gone")
    .algebra(EQUATION_5.rhs, preconditioned, DEFINITION_CHI, sp.Eq(beta, 1))
    .where("skew", "no preconditioner", right=-grad),
    step("flow")
    .why("β along a flow, from its definition")
    .measured(
        "|β − 1|",
        _distance_from_one,
        1e-12,
        on="a flow of two parameters, g(0) = h(0) = 0",
    )
    .where("start", "g(0) = 0.1", measure=lambda: _distance_from_one(0.1)),
)
