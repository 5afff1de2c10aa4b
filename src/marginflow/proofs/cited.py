"""Proposition 1 and Theorem 4: what the paper takes from others, page 5 and page 7.

They are stated here so that the proofs can name them, and are never claimed to be
checked. The chapters measure on flows what they say; that is evidence, not proof.
"""

from __future__ import annotations

from marginflow.proofs.paper import Citation
from marginflow.proofs.statement import Statement, Step

__all__ = ["PROPOSITION_1", "THEOREM_4"]

PROPOSITION_1 = Statement(
    name="proposition-1",
    claim="a locally Lipschitz function definable in an o-minimal structure admits a "
    "chain rule: df(v(t))/dt = ⟨u, v′(t)⟩ for almost all t and all u ∈ ∂f(v(t))",
    where="page 5",
    steps=(
        Step(
            "cited",
            Citation(
                "f locally Lipschitz and definable, v an arc",
                "df(v(t))/dt = ⟨u, v′(t)⟩ for almost all t and all u ∈ ∂f(v(t))",
                key="davis2020stochastic",
                place="Theorem 5.8",
            ),
            "taken as stated",
        ),
    ),
)

THEOREM_4 = Statement(
    name="theorem-4",
    claim="if v′ = −β·∂L̂(v) with L̂(v) = L(χv), L̂(v(t₀)) < ℓ(0), β → 1 and d log β/dt "
    "integrable, then L̂(v) = Θ(1/(t (log t)^(2−2/L))), ‖v‖ = Θ((log t)^(1/L)), and v "
    "converges in direction to a KKT point of min ½‖v‖² s.t. yᵢΦ(χv, xᵢ) ≥ 1",
    where="page 7",
    steps=(
        Step(
            "cited",
            Citation(
                "Assumption 1; χ without zero component; v, β arcs; L̂(v(t₀)) < ℓ(0); "
                "β → 1; d log β/dt Lebesgue integrable",
                "both rates, and convergence in direction to a KKT point",
                key="wang2021implicit",
                place="Theorems 2, 3 and 10",
            ),
            "taken as stated",
            under=("assumption-1",),
        ),
    ),
)
