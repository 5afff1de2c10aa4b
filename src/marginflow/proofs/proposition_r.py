"""Proposition R, this companion's own: how fast the direction converges.

One support vector, β ≡ 1. In the clock τ = log R, R = ‖v‖, the direction u = v/R moves
by a field of its own, whose derivative at the limit u* is −H on the tangent space T,
with H = I − λ∇²z₁(v*). Several support vectors are a sketch, told in the chapter alone.
"""

from __future__ import annotations

import math

import sympy as sp

from marginflow.proofs.notation import Statement, step
from marginflow.proofs.symbols import of_time, t

__all__ = ["PROPOSITION_R"]

L, r, lamda, kappa, x = sp.symbols("𝐿 r λ κ x", positive=True)  # 𝐿 is the degree
q, p, p1, p2, a, b, k, V, xi = sp.symbols("q p p₁ p₂ a b k V ξ", real=True)
v, v1, v2 = of_time("v v₁ v₂")
R, z = sp.Function("R", positive=True)(t), sp.Symbol("z", positive=True)
norm = sp.sqrt(v1**2 + v2**2)
pushed = (sp.Eq(v1.diff(t), q * p1), sp.Eq(v2.diff(t), q * p2))
_radius = sp.Eq(R.diff(t), q * L * z / R)
moved = (v / R).diff(t) / (R.diff(t) / R)

# On a line through u*: a component of ∇z₁, the margin z₁, a component of the place.
s = sp.Symbol("s", real=True)
_p, _z, _x, N = (sp.Function(name, real=True)(s) for name in ("p", "z", "u", "N"))
line = sp.Eq(_x.diff(s), xi)
multiplier, no_degree = sp.Eq(lamda, r**2 / L), sp.Eq(lamda, r**2)


def _off_rate(bend: float = 1.2) -> float:
    """How far μ = 1 − bend/2 is from the rate at which a direction converges.

    Φ = w₁² + 0.6w₂² with one example, from (1, 1) in the clock q dt: u* = (1, 0), and
    1.2 is the second derivative across it. The rate is that of ‖u − u*‖ in log R.
    """
    v, ds, seen = [1.0, 1.0], 1e-3, []
    for k in range(6001):
        if k in (3000, 6000):
            radius = math.hypot(*v)
            away = math.hypot(v[0] / radius - 1, v[1] / radius)
            seen.append((math.log(radius), math.log(away)))
        v = [v[0] + ds * 2 * v[0], v[1] + ds * 1.2 * v[1]]
    (start, before), (end, after) = seen
    return abs((before - after) / (end - start) - (1 - bend / 2))


PROPOSITION_R = Statement(
    "proposition-R",
    "let β ≡ 1, let v converge in direction to u*, and let z₁ be the only margin that "
    "is least at u*, and C² around it. Scale u* to margin 1, v* = λ∇z₁(v*), and let "
    "μ > 0 be the least eigenvalue of H = I − λ∇²z₁(v*) on T = {ξ : ⟨∇z₁(v*), ξ⟩ = 0}. "
    "Then ‖v/‖v‖ − u*‖ = O((log t)^(−κ)) for each κ < μ/L",
    page="rates",
).proof(
    step("alone", "adaptive-flow", "assumption-1")
    .why("the other examples hardly pull")
    .argued(
        "z₁ is the only margin that is least at u*, and v/‖v‖ → u*",
        "v′ = q·(∇z₁(v) + e) with q > 0 and ‖e‖ ≤ exp(−cR^L) for large t, R = ‖v‖",
        "in the end the other margins exceed z₁ by at least 2cR^L, and so the weights "
        "−ℓ′(zᵢ), divided by that of z₁, swallow gradients of the order R^(L−1)",
    ),
    step("radius", "assumption-1")
    .why(
        "R′ = q·⟨v, ∇z₁(v)⟩/R, here for two components, ∇z₁(v) = (p₁, p₂); by Euler's "
        "identity that is q·L·z₁(v)/R. This and the next steps leave e out"
    )
    .algebra(norm.diff(t), q * (v1 * p1 + v2 * p2) / norm, *pushed)
    .where("root", "R² in place of R", left=(norm**2).diff(t)),
    step("direction")
    .why(
        "per unit of τ = log R a component of u = v/R moves by R·p/(L·z) − u, where p "
        "is that of ∇z₁(v) and z = z₁(v). As R·p/z has degree 0, this is the field "
        "du/dτ = ∇z₁(u)/(L·z₁(u)) − u"
    )
    .algebra(moved, R * p / (L * z) - v / R, sp.Eq(v.diff(t), q * p), _radius)
    .where("sign", "+ u", right=R * p / (L * z) + v / R),
    step("rest", "theorem-4", "assumption-1")
    .why(
        "it is 0 at u* = v*/r, r = ‖v*‖: there ∇z₁ and z₁ are r^(1−L)·p and r^(−L), "
        "with p = V/λ for a component V of v*, and λ = r²/L by Euler's identity"
    )
    .algebra(r ** (1 - L) * p / (L * r ** (-L)), V / r, sp.Eq(p, V / lamda), multiplier)
    .where("degree", "λ = r²", given=(sp.Eq(p, V / lamda), no_degree)),
    step("along")
    .why(
        "along a line through u*, with velocity ξ in T: z₁ does not change to first "
        "order, so the field's derivative is ∇²z₁(u*)ξ/(L·z₁(u*)) − ξ"
    )
    .algebra(
        (_p / (L * _z) - _x).diff(s),
        _p.diff(s) / (L * _z) - xi,
        sp.Eq(_z.diff(s), 0),
        line,
    )
    .where("across", "ξ that changes the margin", given=(line,)),
    step("hessian", "assumption-1")
    .why(
        "and that is −Hξ, for ∇²z₁(u*) is r^(2−L)·∇²z₁(v*); here b is a component of "
        "∇²z₁(v*)ξ"
    )
    .algebra(r ** (2 - L) * b / (L * r ** (-L)), lamda * b, multiplier)
    .where("degree", "λ = r²", given=(no_degree,), right=r**2 * b),
    step("contracts")
    .why("the direction is drawn to u*")
    .argued(
        "ξ = u − u*, and dξ/dτ = −Hξ + o(‖ξ‖) + e with ⟨ξ, Hξ⟩ ≥ μ‖ξ‖² on T",
        "d‖ξ‖/dτ ≤ −k‖ξ‖ + e for each k < μ and large τ",
        "T is the tangent space of the sphere at u*, and a difference of two unit "
        "vectors leaves it by ‖ξ‖²/2 only; ∇z₁ is C¹; and ‖ξ‖ → 0",
    ),
    step("gronwall")
    .why(
        "Grönwall, with N for ‖ξ‖, a for e and s for τ: N·exp(ks) gains ∫a·exp(ks)ds "
        "at most, which is finite, since e is exponentially small in R^L = exp(Ls)"
    )
    .algebra(
        (N * sp.exp(k * s)).diff(s),
        a * sp.exp(k * s),
        sp.Eq(N.diff(s), -k * N + a),
    )
    .where("sign", "N′ = kN + a", given=(sp.Eq(N.diff(s), k * N + a),)),
    step("power", "theorem-4")
    .why(
        "so ‖ξ‖ ≤ C·r^(−κL), k = κL, r = ‖v‖; which is of the order x^(1/L), x = log t"
    )
    .algebra(r ** (-kappa * L), x ** (-kappa), sp.Eq(r, x ** (1 / L)))
    .where("degree", "κ in place of κL", left=r ** (-kappa)),
    step("flow")
    .why("μ = 0.4 on a flow whose support vector bends the way")
    .measured(
        "|rate of ‖u − u*‖ in log R − μ|",
        _off_rate,
        0.01,
        on="Φ = w₁² + 0.6w₂², one example, β ≡ 1",
    )
    .where("flat", "the bend forgotten, H = I", measure=lambda: _off_rate(0.0)),
)
