"""Theorem 2 from Theorem 4, page 7: the change of variables v = w/χ.

The paper shows that v follows the flow of Theorem 4. That the conclusions carry back
from v to w it leaves to the reader; those steps are written out here.
"""

from __future__ import annotations

import sympy as sp

from marginflow.proofs.lemma_5 import NOT_SQUARED, SAME_SQUARES
from marginflow.proofs.notation import Statement, step
from marginflow.proofs.process import DEFINITION_CHI, EQUATION_5
from marginflow.proofs.symbols import beta, chi, delta, epsilon, grad, of_time, t, w

__all__ = ["THEOREM_2"]

_chi, _delta, _epsilon, v, x, y = sp.symbols("χ δ ε v x y")
low, high = sp.symbols("χ_min χ_max")
(v_t,) = of_time("v")
v_is, v_is_not = sp.Eq(v_t, w / chi), sp.Eq(v_t, w * chi)

# L as a function of one parameter, the others held fixed; and two parameters for norms.
loss = sp.Function("L")
chi_j, x1, x2 = sp.symbols("χ_j χ₁ χ₂", positive=True)
v_j, v1, v2 = sp.symbols("v_j v₁ v₂", real=True)
loss_slope = sp.Subs(loss(v_j).diff(v_j), v_j, chi_j * v_j)

# Stationarity of the two problems, component j: s is the sum of λᵢ yᵢ ∂Φ(w, xᵢ)ⱼ.
s, _w = sp.symbols("s w", real=True)
c, a, _t, T = sp.symbols("c a t T", positive=True)
isotropic = sp.Eq(delta, epsilon / c**4)
stationary_w = _w * sp.sqrt(delta / epsilon) - s
stationary_v = _w / chi - chi * s
norm_v = sp.sqrt(v1**2 + v2**2)


def _direction(*u: sp.Expr) -> sp.Expr:
    """First component of χu/‖χu‖."""
    skewed = [x1 * u[0], x2 * u[1]]
    return skewed[0] / sp.sqrt(skewed[0] ** 2 + skewed[1] ** 2)


THEOREM_2 = Statement(
    "theorem-2",
    "L(w(t)) = Θ(1/(t (log t)^(2−2/L))), ‖w(t)‖ = Θ((log t)^(1/L)), and w(t) converges "
    "in direction to a KKT point of min ½‖(δ/ε)^(1/4) w‖² s.t. yᵢΦ(w, xᵢ) ≥ 1; for the "
    "direction to converge, lim inf t·(1−ρⱼ) > 0 for each j (the companion's proviso; "
    "without it, each limit direction is one of such points)",
    where="pages 6–7",
).proof(
    step("skewing-vector", "definition-chi")
    .why("χ = (ε/δ)^(1/4) has no zero component")
    .solver(
        [_delta > 0, _epsilon > 0, sp.Eq(_chi**4, _epsilon / _delta)], sp.Ne(_chi, 0)
    )
    .instead("stability", "ε = 0 allowed", _epsilon > 0, _epsilon >= 0),
    step("equation-5-squares", "equation-3", "definition-beta", "definition-chi")
    .why("eq. (3) restated as eq. (5): √((ε+h)/(δ+g)) and χ²β have equal squares")
    .algebra(*SAME_SQUARES)
    .where(*NOT_SQUARED, right=(chi * beta * grad) ** 2),
    step("equation-5-sign")
    .why("and are both nonnegative, so they are equal")
    .solver([x >= 0, y >= 0, sp.Eq(x**2, y**2)], sp.Eq(x, y))
    .without("sign", "one of them of either sign", y >= 0),
    step("skewed-gradient", "definition-chi")
    .why(
        "χ·∂L(χv) is the gradient of L̂(v) = L(χv), component by component, where L is "
        "differentiable: the chain rule"
    )
    .algebra(sp.Derivative(loss(chi_j * v_j), v_j), chi_j * loss_slope)
    .where("chain", "the factor χ forgotten", right=loss_slope),
    step("clarke-gradient", "assumption-1")
    .why("the same for Clarke's subdifferential, by its definition")
    .argued(
        "∂L̂(v) at a point where L̂ is not differentiable",
        "= χ·∂L(χv)",
        "v ↦ χv is linear and invertible, so it maps points of differentiability, "
        "sequences and limits of gradients onto each other, and the convex hull of χ·u "
        "is χ times the convex hull",
    ),
    step("flow-of-v", "equation-5", "definition-chi")
    .why("v′ = w′/χ = −χβ·∂L(w) = −β·∂L̂(v), as Theorem 4 requires")
    .algebra(v_t.diff(t), -beta * (chi * grad), v_is, EQUATION_5)
    .where("scale", "v = w·χ in place of w/χ", given=(v_is_not, EQUATION_5))
    .where("gradient", "∂L(w) in place of χ·∂L(w)", right=-beta * grad),
    step("same-loss", "definition-chi", "assumption-2(iii)")
    .why("χ·v = w, so L̂(v(t₀)) = L(w(t₀)) < ℓ(0)")
    .algebra(chi * v_t, w, v_is)
    .where("scale", "v = w·χ in place of w/χ", given=(v_is_not,)),
    step("arcs", "process-2", "lemma-6")
    .why("v and β are arcs")
    .argued(
        "w, g, h are arcs, g ≥ 0 and h ≥ 0",
        "v and β are arcs",
        "v is w times a constant; β is a smooth function of (g, h) near every point "
        "with g, h ≥ 0",
    ),
    step("adapter", "lemma-8", "lemma-9")
    .why("it remains to prove the two facts about β, which the lemmas do")
    .argued(
        "Lemma 8 and Lemma 9",
        "β → 1, and d log β/dt is Lebesgue integrable",
        "these are exactly the two remaining hypotheses of Theorem 4",
    ),
    step("theorem-4", "theorem-4", "assumption-1")
    .why("by Theorem 4")
    .argued(
        "all hypotheses of Theorem 4 hold for v, β and χ",
        "both rates for v, and its limit directions are KKT directions",
        "the two lemmas were all that was left to show",
    ),
    step("power", "lemma-8")
    .why(
        "if 1−ρ ≥ a/t for t ≥ T, then Lemma 8's bound exp(−C‡∫(1−ρ)) is at most "
        "(t/T)^(−a·C‡), here with c = C‡: β → 1 like a power of t, as the last clause "
        "of Theorem 4 wants"
    )
    .algebra(sp.exp(-c * a * sp.log(_t / T)), (_t / T) ** (-c * a))
    .where("sign", "a growing power", right=(_t / T) ** (c * a)),
    step("norm-rate")
    .why(
        "each w²ⱼ = (χv)²ⱼ lies between χ²_min·v²ⱼ and χ²_max·v²ⱼ; summed over j, ‖w‖ "
        "= Θ(‖v‖)"
    )
    .solver(
        [low > 0, low <= _chi, _chi <= high],
        sp.And(
            low**2 * v**2 <= (_chi * v) ** 2,
            (_chi * v) ** 2 <= high**2 * v**2,
        ),
    )
    .where("bound", "χ_min² in place of χ_max²", then=(_chi * v) ** 2 <= low**2 * v**2),
    step("direction")
    .why("w/‖w‖ = χv/‖χv‖ depends on the direction u = v/‖v‖ alone")
    .algebra(_direction(v1, v2), _direction(v1 / norm_v, v2 / norm_v))
    .where(
        "norm",
        "‖v‖² in place of ‖v‖, and the first component of u only",
        right=_direction(v1 / norm_v**2, v2 / norm_v),
    ),
    step("direction-limit")
    .why("so w converges in direction to w* = χv*")
    .argued(
        "v/‖v‖ → u*",
        "w/‖w‖ → χu*/‖χu*‖",
        "u ↦ χu/‖χu‖ is continuous on the unit sphere: χ has no zero component",
    ),
    step("objective", "definition-chi")
    .why("½‖v‖² = ½‖w/χ‖² = ½‖(δ/ε)^(1/4) w‖², with gradient √(δ/ε)·w")
    .algebra(
        sp.Derivative((_w / chi) ** 2 / 2, _w),
        sp.sqrt(delta / epsilon) * _w,
        DEFINITION_CHI,
    )
    .where("swap", "√(ε/δ) in place of √(δ/ε)", right=sp.sqrt(epsilon / delta) * _w),
    step("stationarity", "definition-chi")
    .why(
        "with s = Σ λᵢyᵢ∂Φ(w, xᵢ): the equilibrium of v is χ times that of w, with the "
        "same multipliers λ; constraints and slackness are the same numbers"
    )
    .algebra(stationary_v, chi * stationary_w, DEFINITION_CHI)
    .where(
        "skew",
        "the plain problem (4) in place of the skewed one",
        right=chi * (_w - s),
    ),
    step("isotropic")
    .why(
        "if χ = c in every component, the skewed and the plain problem have the same "
        "KKT points, with multipliers λ and c²λ"
    )
    .algebra(c**2 * stationary_w, _w - c**2 * s, isotropic)
    .where("power", "c in place of c²", left=c * stationary_w, right=_w - c * s),
)
