"""Proposition 1, page 5: what the paper takes from others and nothing here proves.

It is stated so that the proofs can name it. Its chapter tries it on networks; that is
evidence, not proof.
"""

from __future__ import annotations

from marginflow.proofs.notation import Statement, step

__all__ = ["PROPOSITION_1"]

PROPOSITION_1 = Statement(
    "proposition-1",
    "a locally Lipschitz function definable in an o-minimal structure admits a chain "
    "rule: df(v(t))/dt = ⟨u, v′(t)⟩ for almost all t and all u ∈ ∂f(v(t))",
    where="page 5",
).proof(
    step("cited")
    .why("taken as stated")
    .cited(
        "f locally Lipschitz and definable, v an arc",
        "df(v(t))/dt = ⟨u, v′(t)⟩ for almost all t and all u ∈ ∂f(v(t))",
        work="Davis et al. 2020",
        place="Theorem 5.8",
    ),
)
