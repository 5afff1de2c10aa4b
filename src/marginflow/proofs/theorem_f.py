"""Theorem F, this companion's own: where Procedure 1 goes, for linear predictors.

F0 is about any method w⁺ = w − ηP_k d with P_k diagonal and convergent, F1 about
AdaDelta, F2 gives a step size that suffices.  Notation as in Proposition B: G = g/δ,
H = h/ε, q = d²/δ, M = 1 + g⁺/δ; D = ⟨d, P_k d⟩; R is the longest example.
"""

from __future__ import annotations

import math

import sympy as sp

from marginflow.proofs.algebra import Identity
from marginflow.proofs.measure import Measurement
from marginflow.proofs.paper import Argument
from marginflow.proofs.solver import Implication
from marginflow.proofs.statement import Statement, Step

__all__ = ["THEOREM_F"]

_t, _L, _D, _A, _n, _eta, _R2 = sp.symbols("t L D A n η R2")
_gamma, _m, _cos = sp.symbols("γ m c")
_G, _H, _q, _M, _rho = sp.symbols("G H q M ρ")
_b, _e = sp.symbols("b e", positive=True)
_P2, _delta, _epsilon, _g, _h, _h0, _keep, _L0 = sp.symbols("P2 δ ε g h h0 k L0")

_c = 1 - _rho
_unit = (_rho >= 0, _rho <= 1)
_H_next = _rho * _H + _c * (1 + _H) * _q / _M
_G_next = _rho * _G + _c * _q
_positive = {s: sp.Symbol(s.name, positive=True) for s in (_H, _q, _M)}

_curved = _L - _eta * _D + _eta**2 * _R2 * _L * _n / 2
_falls = _L - _eta * _D * (1 - _eta * _A * _R2 * _L / 2)
_sizes = (_L > 0, _D >= 0, _A > 0, _eta > 0, _R2 > 0)
_bound = _b + sp.sqrt(_b**2 + _e)

_few = (_eta > 0, _delta > 0, _g >= 0, _keep >= 0, _L0 > 0, _A > 0)
_averaged = _h <= _h0 + 2 * _keep * _A * _L0 / _eta
_squared = sp.Eq(_P2 * (_delta + _g), _epsilon + _h)
_largest = (_epsilon + _h0) / _delta + 2 * _keep * _L0 / (_eta * _delta) * _A


def _margin_lag(skewed: bool = True) -> float:
    """(1 − margin/γ)·log k after 20,000 steps on one example, δ/ε = (1/16, 16).

    In the metric that the theorem names, or in the plain one.
    """
    a, w = (1.0, 1.0), [3.0, -1.0]
    delta, epsilon = (0.01, 0.16), (0.16, 0.01)
    g, h, rho, steps = [0.02, 0.3], [0.0, 0.2], 0.9, 20_000
    for _ in range(steps):
        loss = math.exp(-a[0] * w[0] - a[1] * w[1])
        for j in (0, 1):
            slope = -loss * a[j]
            g[j] = rho * g[j] + (1 - rho) * slope**2
            move = math.sqrt((epsilon[j] + h[j]) / (delta[j] + g[j])) * slope
            h[j] = rho * h[j] + (1 - rho) * move**2
            w[j] -= move
    root = [(epsilon[j] / delta[j]) ** 0.25 if skewed else 1.0 for j in (0, 1)]
    v = [w[j] / root[j] for j in (0, 1)]
    best = math.hypot(root[0] * a[0], root[1] * a[1])
    margin = (a[0] * w[0] + a[1] * w[1]) / math.hypot(*v)
    return (1 - margin / best) * math.log(steps)


THEOREM_F = Statement(
    name="theorem-F",
    claim="zᵢ = ⟨aᵢ, w⟩ linear and separable, loss exponential or logistic. (F0) if "
    "w⁺ = w − ηP_k∂L with diagonal P_k → P > 0 and L(w_k) → 0, then w_k converges in "
    "direction to the solution of min ½‖w/√P‖² s.t. zᵢ ≥ 1, for any η > 0; (F1) in "
    "Procedure 1 with δ, ε > 0 and g₀, h₀ ≥ 0, if L(w_k) → 0 then P_k converges, to "
    "√(ε/δ) where Σ(1−ρ_k) = ∞; (F2) ηAR²L₀ ≤ 1 is enough for L(w_k) → 0",
    page="discrete-time",
    steps=(
        Step(
            "loss-bends",
            Implication((_t > 0,), _t / (1 + _t) ** 2 <= _t / (1 + _t)),
            "logistic: ℓ″ = t/(1+t)² ≤ |ℓ′| = t/(1+t), with t = e^−z; and |ℓ′| ≤ ℓ, as "
            "t/(1+t) ≤ log(1+t). For the exponential all three are equal",
        ).where(
            "half",
            "ℓ″ at most half of |ℓ′|",
            then=_t / (1 + _t) ** 2 <= _t / (1 + _t) / 2,
        ),
        Step(
            "curvature",
            Argument(
                "ℓ″ ≤ |ℓ′| ≤ ℓ",
                "L(w − ηPd) ≤ L − ηD + η²R²L‖Pd‖²/2 as long as L falls on the way",
                "Taylor with the Hessian Σℓ″ aa′, which is at most R²L",
            ),
            "one step, to second order",
        ),
        Step(
            "descent",
            Implication((*_sizes, _n <= _A * _D), _curved <= _falls),
            "‖Pd‖² ≤ A·D for A ≥ P: L⁺ ≤ L − ηD(1 − ηAR²L/2)",
            under=("procedure-1",),
        ).without("size", "‖Pd‖² is not bounded", _n <= _A * _D),
        Step(
            "logarithm",
            Argument(
                "L⁺ ≤ L − ηD(1 − ηAR²L/2), and D ≥ (1−b)L²‖u‖² with u = −√P d/L",
                "−log L⁺ ≥ −log L + ηL(1−b)(1 − ηAR²L/2)‖u‖²",
                "log(1−x) ≤ −x; b = ‖P_k/P − 1‖ → 0",
            ),
            "how much −log L rises",
        ),
        Step(
            "push",
            Argument(
                "u = Σ|ℓ′ᵢ|√P aᵢ/L, and ⟨√P aᵢ, v̂⟩ ≥ γ for the max-margin v̂",
                "‖u‖ ≥ ⟨u, v̂⟩ ≥ sγ with s = Σ|ℓ′|/L → 1; ‖v⁺‖ ≤ ‖v‖ + ηL(1+b)‖u‖",
                "Cauchy and Schwarz, and the triangle, for v = w/√P",
            ),
            "how much ‖v‖ rises",
        ),
        Step(
            "quotient",
            Argument(
                "−log L rises by at least (1−b)(1−ηAR²L/2)sγ·ηL‖u‖, ‖v‖ by at most "
                "(1+b)·ηL‖u‖, and log L → −∞",
                "lim inf min zᵢ/‖v‖ ≥ γ, so the margin tends to γ",
                "Stolz and Cesàro: both sums diverge, all factors tend to 1, and "
                "min zᵢ ≥ −log L − L; it is never more than γ‖v‖",
            ),
            "the margin, in the metric of P",
        ),
        Step(
            "unique",
            Implication(
                (_gamma > 0, _gamma * _cos >= _m),
                2 - 2 * _cos <= 2 * (1 - _m / _gamma),
            ),
            "with the dual certificate Σpᵢ√P aᵢ = γv̂, a unit u of margin m has "
            "γ⟨u, v̂⟩ ≥ m, so ‖u − v̂‖² ≤ 2(1 − m/γ): F0",
        ).without("dual", "no certificate", _gamma * _cos >= _m),
        Step(
            "h-split",
            Identity(
                _H_next.xreplace(_positive),
                (_H * (_rho + _c * _q / _M) + _c * _q / _M).xreplace(_positive),
            ),
            "H⁺ = H(ρ + (1−ρ)q/M) + (1−ρ)q/M",
            under=("procedure-1",),
        ).where(
            "sign",
            "the last term subtracted",
            right=(_H * (_rho + _c * _q / _M) - _c * _q / _M).xreplace(_positive),
        ),
        Step(
            "h-forgets",
            Implication(
                (*_unit, _H >= 0, _q >= 0, _M >= 1, _q <= sp.Rational(1, 2)),
                _H_next <= _H * (1 - _c / 2) + _c * _q,
            ),
            "once q ≤ ½, which comes, as d → 0",
            under=("rho-in-unit-interval",),
        ).without("small", "q of any size", _q <= sp.Rational(1, 2)),
        Step(
            "g-forgets",
            Implication(
                (*_unit, _G >= 0, _q >= 0),
                _G_next <= _G * (1 - _c / 2) + _c * _q,
            ),
            "and so does G",
            under=("rho-in-unit-interval",),
        ).without("sign", "G of either sign", _G >= 0),
        Step(
            "factor",
            Argument(
                "X⁺ ≤ X(1−c_k/2) + c_k q_k with X ≥ 0, q_k → 0",
                "X → 0 where Σc_k = ∞; X converges where Σc_k < ∞",
                "the products ∏(1−c_k/2) tend to 0 or the increments are summable",
            ),
            "so P_k = √((ε+h_k)/(δ+g_k+1)) converges: F1",
            under=("assumption-2(i)",),
        ),
        Step(
            "bound",
            Identity(_bound**2, _e + 2 * _b * _bound),
            "A = b + √(b²+e) solves A² = e + 2bA, with e = (ε+h₀)/δ",
        ).where("once", "A² = e + bA", right=_e + _b * _bound),
        Step(
            "largest-factor",
            Implication(
                (*_few, _epsilon + _h >= 0, _squared, _averaged), _largest >= _P2
            ),
            "h ≤ h₀ + 2cAL₀/η gives P² ≤ (ε+h₀)/δ + 2bA = A², b = cL₀/(ηδ)",
            under=("procedure-1",),
        ).without("average", "h is not bounded", _averaged),
        Step(
            "half-descent",
            Implication(
                (*_sizes, _eta * _A * _R2 * _L <= 1), _falls <= _L - _eta * _D / 2
            ),
            "ηAR²L ≤ 1: L⁺ ≤ L − ηD/2",
        ).without("step", "η of any size", _eta * _A * _R2 * _L <= 1),
        Step(
            "induction",
            Argument(
                "L_i+1 ≤ L_i − ηD_i/2 for i < k",
                "Σ_{i<k} P_i d_i² ≤ 2L₀/η, so h_k ≤ h₀ + 2cAL₀/η and P_k ≤ A",
                "sum the descents; the three steps before close the circle",
            ),
            "the loss falls for ever, and Σd² < ∞",
        ),
        Step(
            "to-zero",
            Argument(
                "Σd_k² < ∞ and ⟨−d, ŵ⟩ ≥ γ̂Σ|ℓ′| for a separating ŵ",
                "L(w_k) → 0",
                "d → 0 makes each ℓ′ vanish, so all zᵢ → ∞: F2",
            ),
            "then F1 and F0 apply",
        ),
        Step(
            "run",
            Measurement(
                "(1 − margin/γ)·log k",
                _margin_lag,
                1.0,
                on="one example, δ/ε = (1/16, 16), g₀, h₀ ≠ 0, 20,000 steps",
            ),
            "the margin's lag on a run of Procedure 1",
        ).where("metric", "the plain metric", measure=lambda: _margin_lag(False)),
    ),
)
