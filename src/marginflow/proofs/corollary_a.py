"""Corollary A, this companion's own: from zero averages β ≡ 1.

Every experiment of the paper starts from g(0) = h(0) = 0. Then the flow is gradient
flow preconditioned by √(ε/δ), from the first instant and whatever ρ is.
"""

from __future__ import annotations

import sympy as sp

from marginflow.proofs import lemma_5
from marginflow.proofs.algebra import Identity
from marginflow.proofs.measure import Measurement, small_flow
from marginflow.proofs.solver import Implication
from marginflow.proofs.statement import Statement, Step
from marginflow.proofs.symbols import (
    DEFINITION_BETA,
    DEFINITION_CHI,
    EQUATION_5,
    at_an_instant,
    beta,
    delta,
    epsilon,
    g,
    grad,
    h,
    t,
)

__all__ = ["COROLLARY_A"]

_zero = (sp.Eq(g, 0), sp.Eq(h, 0))
_half_full = (sp.Eq(g, delta), sp.Eq(h, 0))
_balanced = sp.Eq(h, epsilon * g / delta)
_swapped = sp.Eq(h, delta * g / epsilon)
_gap, _beta_0 = lemma_5.INTEGRATED.rhs, beta.subs(t, 0)
_b = at_an_instant(beta)
_preconditioned = -sp.sqrt(epsilon / delta) * grad


def _distance_from_one(g0: float = 0.0) -> float:
    flow = small_flow(g0=(g0, g0), h0=(0.0, 0.0), t_end=4.0, steps=2000)
    return max(abs(b - 1) for pair in flow.beta for b in pair)


COROLLARY_A = Statement(
    name="corollary-A",
    claim="if g(0) = h(0) = 0, then β(t) = 1 for all t, and w′ = −√(ε/δ)·∂L(w) for "
    "almost all t, whatever ρ is",
    page="beyond-zero-averages",
    steps=(
        Step(
            "start",
            Identity(beta, sp.S.One, (DEFINITION_BETA, *_zero)),
            "β(0) = 1, by the definition of β",
            under=("definition-beta",),
        ).where(
            "start", "g(0) = δ in place of 0", given=(DEFINITION_BETA, *_half_full)
        ),
        Step(
            "balanced-start",
            Identity(beta, sp.S.One, (DEFINITION_BETA, _balanced)),
            "more generally β(0) = 1 if h(0)/ε = g(0)/δ",
            under=("definition-beta",),
        ).where("swap", "h(0)/δ = g(0)/ε", given=(DEFINITION_BETA, _swapped)),
        Step(
            "stays",
            Identity(_gap, sp.S.Zero, (sp.Eq(_beta_0, 1),)),
            "Lemma 5, integrated: 1−β(t)² is a multiple of 1−β(0)² = 0",
            under=("lemma-5-integrated",),
        ).where("start", "β(0) = 2", given=(sp.Eq(_beta_0, 2),)),
        Step(
            "root",
            Implication((_b > 0, sp.Eq(1 - _b**2, 0)), sp.Eq(_b, 1)),
            "β > 0 by Lemma 6, so β = 1",
            under=("lemma-6",),
        ).without("sign", "β of either sign", _b > 0),
        Step(
            "preconditioned",
            Identity(EQUATION_5.rhs, _preconditioned, (DEFINITION_CHI, sp.Eq(beta, 1))),
            "eq. (5) with β = 1 is gradient flow preconditioned by √(ε/δ); ρ is gone",
            under=("equation-5",),
        ).where("skew", "no preconditioner", right=-grad),
        Step(
            "flow",
            Measurement(
                "|β − 1|",
                _distance_from_one,
                1e-12,
                on="a flow of two parameters, g(0) = h(0) = 0",
            ),
            "β along a flow, from its definition",
        ).where("start", "g(0) = 0.1", measure=lambda: _distance_from_one(0.1)),
    ),
)
