"""Proposition B, this companion's own: what is left of Lemmas 5 to 9 in discrete time.

Procedure 1 in units of the stability terms: G = g/δ, H = h/ε, q = ∂L²/δ, and the new
denominator M = 1 + g⁺/δ. A plus marks what a step makes of a quantity.
"""

from __future__ import annotations

import math

import sympy as sp

from marginflow.proofs.algebra import Identity
from marginflow.proofs.measure import Measurement
from marginflow.proofs.paper import Argument
from marginflow.proofs.solver import Implication
from marginflow.proofs.statement import Statement, Step

__all__ = ["PROPOSITION_B"]

# Bare symbols, so that the solver is told every sign; see `_identity` for the algebra.
_G, _H, _q, _rho, _M = (sp.Symbol(name) for name in ("G", "H", "q", "ρ", "M"))
_positive = {s: sp.Symbol(s.name, positive=True) for s in (_G, _H, _q, _M)}
_delta, _epsilon = sp.symbols("δ ε", positive=True)
_c = 1 - _rho
_grown = sp.Eq(_M, _rho * (1 + _G) + _c * (1 + _q))
_G_next = _grown.rhs - 1
_H_next = _rho * _H + _c * (1 + _H) * _q / _M

_gap, _gap_next = 1 - (1 + _H) / (1 + _G), 1 - (1 + _H_next) / _M
_kept = (1 + _G) * (_rho * _M + _c * _q) / _M**2
_defect = _c**2 * _q * (_q - _G) / _M**2
_h_of_old_g = _rho * _H + _c * (1 + _H) * _q / (1 + _G)

_paper_g = 1 + (_rho * _delta * _G + _c * _delta * _q) / _delta
_adapter = (_epsilon + _epsilon * _H) / (_delta * _M)
_old_adapter = (_epsilon + _epsilon * _H) / (_delta + _delta * _G)


def _paper_h(adapter: sp.Expr) -> sp.Expr:
    """h⁺/ε by Procedure 1, for a given squared adapter."""
    return (_rho * _epsilon * _H + _c * adapter * _delta * _q) / _epsilon


def _identity(left: sp.Expr, right: sp.Expr) -> Identity:
    """left = right given M, refuted (if it is) where Procedure 1 could be."""
    given = (_grown.xreplace(_positive),)
    return Identity(left.xreplace(_positive), right.xreplace(_positive), given)


_swapped = sp.Eq(_M, _c * (1 + _G) + _rho * (1 + _q))
_OLD_AVERAGE = ("old-average", "the adapter formed with g in place of g⁺")


_unit = (_rho >= 0, _rho <= 1)
_signs = (_G >= 0, _H >= 0, _q >= 0)
_known = (*_signs, *_unit, _grown)
_nonnegative = sp.And(_M >= 1, _H_next >= 0)
_G_moves = sp.Abs(_G_next - _G)
_H_moves = sp.Abs(_H_next - _H)


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
    name="proposition-B",
    claim="in Procedure 1 with g₀, h₀ ≥ 0: (i) 1−β⁺² = f·(1−β²) + d with f = "
    "(1+G)(ρM+(1−ρ)q)/M² and d = (1−ρ)²q(q−G)/M²; (ii) if Σ(1−ρₖ)∂Lₖ² < ∞, then "
    "Σ|log βₖ₊₁−log βₖ| < ∞ and βₖ has a positive limit; (iii) if also Σ(1−ρₖ) = ∞, "
    "the limit is 1; (iv) a step from β ≤ 1 ends at β⁺² ≤ 1+(1−ρ)²/(4ρ)",
    page="beyond-discrete",
    steps=(
        Step(
            "averages-g",
            _identity(_paper_g, _M),
            "M = 1 + g⁺/δ, from the first line of Procedure 1",
            under=("procedure-1",),
        ).where("swap", "ρ and 1−ρ exchanged", given=(_swapped.xreplace(_positive),)),
        Step(
            "averages-h",
            _identity(_paper_h(_adapter), _H_next),
            "H⁺, from the other two: Δ²/ε = q(1+H)/M",
            under=("procedure-1",),
        ).where(*_OLD_AVERAGE, left=_paper_h(_old_adapter).xreplace(_positive)),
        Step(
            "identity",
            _identity(_gap_next, _kept * _gap + _defect),
            "(i), a rational identity in G, H, q and ρ",
            under=("procedure-1", "definition-beta"),
        )
        .where(
            "sign",
            "−d in place of d",
            right=(_kept * _gap - _defect).xreplace(_positive),
        )
        .where(
            "no-defect",
            "d = 0, the literal twin of Lemma 5",
            right=(_kept * _gap).xreplace(_positive),
        )
        .where(*_OLD_AVERAGE, left=(1 - (1 + _h_of_old_g) / _M).xreplace(_positive)),
        Step(
            "nonnegative",
            Implication(_known, _nonnegative),
            "twin of Lemma 6: M ≥ 1, so G⁺ = M−1 ≥ 0, and H⁺ ≥ 0",
            under=("procedure-1", "rho-in-unit-interval"),
        )
        .where("rho", "ρ may exceed 1", given=(*_signs, _rho >= 0, _grown, _M > 0))
        .where(
            "negative",
            "g may be negative",
            given=(_H >= 0, _q >= 0, *_unit, _grown, _M > 0),
        ),
        Step(
            "growth",
            Implication(_known, 1 + _H_next <= (1 + _H) * (1 + _c * _q)),
            "a step multiplies 1+H by at most 1+(1−ρ)q",
            under=("procedure-1", "rho-in-unit-interval"),
        ).where(
            "half",
            "by at most 1+(1−ρ)q/2",
            then=1 + _H_next <= (1 + _H) * (1 + _c * _q / 2),
        ),
        Step(
            "bounded",
            Argument(
                "S := Σ(1−ρₖ)qₖ < ∞",
                "1+Hₖ ≤ K := (1+H₀)·exp(S) for all k",
                "multiply the bounds of step “growth” and use 1+x ≤ exp(x)",
            ),
            "h stays bounded",
            under=("square-summable",),
        ),
        Step(
            "telescope-g",
            _identity(_c * _G, _G - _G_next + _c * _q),
            "(1−ρ)G is what G loses, plus (1−ρ)q",
            under=("procedure-1",),
        ).where(
            "sign", "what G gains", right=(_G_next - _G + _c * _q).xreplace(_positive)
        ),
        Step(
            "telescope-h",
            _identity(_c * _H, _H - _H_next + _c * (1 + _H) * _q / _M),
            "(1−ρ)H is what H loses, plus (1−ρ)(1+H)q/M",
            under=("procedure-1",),
        ).where(
            "sign",
            "what H gains",
            right=(_H_next - _H + _c * (1 + _H) * _q / _M).xreplace(_positive),
        ),
        Step(
            "summable",
            Argument(
                "the two telescoping identities, summed over k, and M ≥ 1",
                "Σ(1−ρₖ)Gₖ ≤ G₀+S and Σ(1−ρₖ)Hₖ ≤ H₀+KS",
                "the sums of differences are at most G₀ and H₀, as G, H ≥ 0; the rest "
                "is at most S and KS",
            ),
            "twin of Lemma 8's bound on g",
            under=("square-summable",),
        ),
        Step(
            "moves-g",
            Implication(_known, _G_moves <= _c * (_G + _q)),
            "a step moves G by at most (1−ρ)(G+q)",
            under=("procedure-1", "rho-in-unit-interval"),
        ).where("half", "by at most half of it", then=_G_moves <= _c * (_G + _q) / 2),
        Step(
            "moves-h",
            Implication(_known, _H_moves <= _c * (_H + (1 + _H) * _q)),
            "a step moves H by at most (1−ρ)(H+(1+H)q)",
            under=("procedure-1", "rho-in-unit-interval"),
        ).where(
            "half",
            "by at most half of it",
            then=_H_moves <= _c * (_H + (1 + _H) * _q) / 2,
        ),
        Step(
            "variation",
            Argument(
                "Σ|Gₖ₊₁−Gₖ| ≤ G₀+2S and Σ|Hₖ₊₁−Hₖ| ≤ H₀+2KS, by the three steps before",
                "Σ|log βₖ₊₁−log βₖ| < ∞, and βₖ has a positive limit",
                "2 log β = log(1+H)−log(1+G), and log(1+x) is 1-Lipschitz for x ≥ 0; a "
                "sequence of bounded variation converges",
            ),
            "(ii), the twin of Lemma 9",
            under=("definition-beta", "square-summable"),
        ),
        Step(
            "limit",
            Argument(
                "Σ(1−ρₖ) = ∞, while Σ(1−ρₖ)(Gₖ+Hₖ) < ∞",
                "Gₖ → 0, Hₖ → 0, βₖ → 1",
                "Gₖ+Hₖ converges, by bounded variation; a positive limit would make "
                "the second sum infinite",
            ),
            "(iii), the twin of Lemma 8",
            under=("square-summable", "assumption-2(i)"),
        ),
        Step(
            "completed-square",
            Implication((*_known, _rho > 0), 4 * _rho * _q * (_G - _q) <= _M**2),
            "M ≥ ρG+(1−ρ)q, whose square is 4ρq(G−q)+(ρG−(1+ρ)q)²",
            under=("procedure-1", "rho-in-unit-interval"),
        ).where("half", "half of M²", then=4 * _rho * _q * (_G - _q) <= _M**2 / 2),
        Step(
            "overshoot",
            Argument(
                "1−β⁺² = f·(1−β²)+d with f ≥ 0, β ≤ 1 and −d ≤ (1−ρ)²/(4ρ)",
                "β⁺² ≤ 1+(1−ρ)²/(4ρ)",
                "drop f·(1−β²) ≥ 0; the bound on d is step “completed-square”, divided "
                "by 4ρM²/(1−ρ)²",
            ),
            "(iv), what is left of Lemma 7",
            under=("definition-beta", "rho-in-unit-interval"),
        ),
        Step(
            "run",
            Measurement(
                "|β − 1| after 3000 steps",
                _final_distance,
                1e-4,
                on="L(w) = exp(−w), η = 1, ρ = 0.9, δ = ε = 0.01, g₀ = δ, h₀ = 0",
            ),
            "(iii) on a run of Procedure 1",
        ).where(
            "sum",
            "ρₖ = 1−0.1/(k+1)², so that Σ(1−ρₖ) < ∞",
            measure=lambda: _final_distance(power=2),
        ),
    ),
)
