"""The proofs of Sections 2 and 3, step by step, each step settled by a named engine.

    >>> from marginflow import proofs
    >>> for report in proofs.statement("lemma-5").prove():
    ...     print(report.step.name, report.verdict.outcome.value)
    equation-5 proven
    line-1 proven
    line-2 proven
    line-3 proven
    line-4 proven
    line-5 proven

One file per statement, to be read beside the paper; one file per engine. Needs SymPy,
and z3 for the steps that the solver settles; never torch.
"""

from __future__ import annotations

from marginflow.proofs.algebra import Identity, LimitOf
from marginflow.proofs.cited import PROPOSITION_1
from marginflow.proofs.corollary_a import COROLLARY_A
from marginflow.proofs.lemma_5 import LEMMA_5, LEMMA_5_INTEGRATED
from marginflow.proofs.lemma_6 import LEMMA_6
from marginflow.proofs.lemma_7 import LEMMA_7
from marginflow.proofs.lemma_8 import LEMMA_8, LEMMA_8_GRADIENTS, LEMMA_8_SHARP
from marginflow.proofs.lemma_9 import LEMMA_9
from marginflow.proofs.many_classes import MANY_CLASSES
from marginflow.proofs.measure import Measurement, SmallFlow, small_flow
from marginflow.proofs.page import settled
from marginflow.proofs.paper import Argument, Citation
from marginflow.proofs.proposition_b import PROPOSITION_B
from marginflow.proofs.proposition_c import PROPOSITION_C, REMARK_D
from marginflow.proofs.proposition_r import PROPOSITION_R
from marginflow.proofs.reading import read
from marginflow.proofs.solver import Implication
from marginflow.proofs.statement import (
    Check,
    Engine,
    Mutation,
    Outcome,
    Report,
    Statement,
    Step,
    Verdict,
)
from marginflow.proofs.theorem_2 import THEOREM_2
from marginflow.proofs.theorem_4 import COUNTEREXAMPLE, THEOREM_4
from marginflow.proofs.theorem_f import THEOREM_F
from marginflow.proofs.theorem_g import THEOREM_G
from marginflow.proofs.theorem_h import THEOREM_H
from marginflow.proofs.theorem_j import THEOREM_J

__all__ = [
    "REFERENCES",
    "STATEMENTS",
    "Argument",
    "Check",
    "Citation",
    "Engine",
    "Identity",
    "Implication",
    "LimitOf",
    "Measurement",
    "Mutation",
    "Outcome",
    "Report",
    "SmallFlow",
    "Statement",
    "Step",
    "Verdict",
    "read",
    "settled",
    "small_flow",
    "statement",
]

STATEMENTS: tuple[Statement, ...] = (
    PROPOSITION_1,
    LEMMA_6,
    LEMMA_5,
    LEMMA_5_INTEGRATED,
    LEMMA_7,
    LEMMA_8_GRADIENTS,
    LEMMA_8,
    LEMMA_9,
    THEOREM_4,
    THEOREM_2,
    MANY_CLASSES,
    LEMMA_8_SHARP,
    COROLLARY_A,
    PROPOSITION_B,
    COUNTEREXAMPLE,
    REMARK_D,
    PROPOSITION_C,
    THEOREM_F,
    THEOREM_H,
    THEOREM_G,
    THEOREM_J,
    PROPOSITION_R,
)
"""Every statement, each after those that it rests on."""

REFERENCES: dict[str, str] = {
    "assumption-1": "Φ is locally Lipschitz, L-positively homogeneous, definable",
    "assumption-2(i)": "∫₀^∞ (1−ρ) dt = ∞",
    "assumption-2(ii)": "g(0) ≥ 0 and h(0) ≥ 0",
    "assumption-2(iii)": "L(w(t₀)) < ℓ(0) at some time t₀",
    "procedure-1": "w_k, g_k and h_k obey the three lines of Procedure 1",
    "square-summable": "Σ (1−ρ_k) ∂L(w_k)² < ∞, in each component",
    "preconditioned-steps": "w_{k+1} = w_k − ηP_k∂L(w_k), P_k diagonal, P_k → P > 0",
    "settling-metric": "those steps, with Σ|log P_{k+1}−log P_k| < ∞",
    "separable-linear": "Φ(w, x) = ⟨w, x⟩, and some ŵ has all margins positive",
    "loss-to-zero": "L(w_k) → 0",
    "norm-times-loss": "‖w_k‖^(2𝐿−2)L(w_k) → 0, 𝐿 the degree: ‖w_k‖² for one unit",
    "smooth-margins": "zᵢ(w) = yᵢΦ(w, xᵢ) is 𝐿-homogeneous, 𝐿 ≥ 2; on the unit ball "
    "∇zᵢ is Lipschitz with constant B₂, and on its sphere ‖∇zᵢ‖ ≤ B₁",
    "one-unit": "Φ(w, x) = vσ(⟨u, x⟩), σ a Leaky ReLU; all margins v⟨u, zᵢ⟩ > 0",
    "adaptive-flow": "v′ = −βu with u ∈ ∂L̂(v), L̂(v) = L(χv), L̂(v(t₀)) < ℓ(0), β → 1, "
    "and d log β/dt is integrable",
    "preconditioned-flow": "w′ = −P·∂L, P diagonal, P → P∞ > 0, ∫|d log P| < ∞",
    "process-2": "w, g and h are arcs that obey eqs. (1)–(3) for almost all t",
    "equation-1": "g′ = (1−ρ)(∂L² − g)",
    "equation-2": "h′ = (1−ρ)(w′² − h)",
    "equation-3": "w′ = −√((ε+h)/(δ+g))·∂L",
    "equation-5": "w′ = −χ²β·∂L",
    "rho-in-unit-interval": "0 ≤ ρ(t) ≤ 1",
    "definition-beta": "β = √((1+h/ε)/(1+g/δ))",
    "definition-chi": "χ = (ε/δ)^(1/4), with δ, ε > 0",
} | {each.name: each.claim for each in STATEMENTS}
"""What a step can rest on: assumptions, equations, definitions and statements."""


def statement(name: str) -> Statement:
    """The statement of that name, in any case: `lemma-7`, `Corollary-A`.

    Raises:
        ValueError: there is none; the message lists those there are.
    """
    for each in STATEMENTS:
        if each.name.lower() == name.lower():
            return each
    names = ", ".join(each.name for each in STATEMENTS)
    raise ValueError(f"unknown statement {name!r}; choose from {names}")
