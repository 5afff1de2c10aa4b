"""Statements that try to fool the engines: false ones, true ones, meaningless ones.

False ones never come out as proven, true ones never as refuted. What an engine cannot
read the same way as a reader does, it refuses.
"""

from __future__ import annotations

import pytest
import sympy as sp

from marginflow.proofs import Identity, Implication, LimitOf, Outcome

x, y, z, w = sp.symbols("x y z w")  # bare: complex for SymPy, real for z3
u, v = sp.symbols("u v", real=True)
p, q = sp.symbols("p q", positive=True)
m = sp.Symbol("m", negative=True)
n, k = sp.symbols("n k", integer=True)
o = sp.Symbol("o", nonnegative=True)
t = sp.Symbol("t", nonnegative=True)
f, g = sp.Function("f", real=True), sp.Function("g", real=True)
half, third = sp.Rational(1, 2), sp.Rational(1, 3)
ne, eq, either, both = sp.Ne, sp.Eq, sp.Or, sp.And
bound = sp.Max(x, y, z)
inf = sp.oo

FALSE = {
    # branches of roots and logarithms
    "root of a square": Identity(sp.sqrt(x**2), x),
    "root of a square, real": Identity(sp.sqrt(u**2), u),
    "root of a square, negative": Identity(sp.sqrt(m**2), m),
    "root of a product": Identity(sp.sqrt(x) * sp.sqrt(y), sp.sqrt(x * y)),
    "root of a quotient": Identity(sp.sqrt(u / v), sp.sqrt(u) / sp.sqrt(v)),
    "cube root of a cube": Identity((u**3) ** third, u),
    "log of a square": Identity(sp.log(u**2), 2 * sp.log(u)),
    "log of a product": Identity(sp.log(x * y), sp.log(x) + sp.log(y)),
    "power of a power": Identity((x**2) ** half, x),
    "abs of a sum": Identity(sp.Abs(u + v), sp.Abs(u) + sp.Abs(v)),
    "arcsine of a sine": Identity(sp.asin(sp.sin(u)), u),
    "arctangent of a tangent": Identity(sp.atan(sp.tan(u)), u),
    "sum of arctangents": Identity(sp.atan(u) + sp.atan(1 / u), sp.pi / 2),
    "cosine as a root": Identity(sp.cos(u), sp.sqrt(1 - sp.sin(u) ** 2)),
    "rounded": Identity(sp.floor(u), u),
    # near misses
    "almost": Identity(u + sp.Rational(1, 10**12), u),
    "almost, by a power": Identity((1 + u) ** 7, 1 + u**7),
    "equal at integers alone": Identity(sp.sin(sp.pi * u), 0),
    "max of three": Identity(sp.Max(p, q, 1), sp.Max(p, q)),
    "sign of a derivative": Identity(f(t).diff(t), -f(t), (eq(f(t).diff(t), f(t)),)),
    "rates confused": Identity(
        (f(t) * g(t)).diff(t), 0, (eq(f(t).diff(t), f(t)), eq(g(t).diff(t), g(t)))
    ),
    # limits
    "sign at 0": LimitOf(sp.Abs(u) / u, u, 0, 1),
    "sign at 0 from below": LimitOf(sp.Abs(u) / u, u, 0, 1, "-"),
    "step": LimitOf(sp.floor(u), u, 0, 0),
    "exp(1/x) at 0": LimitOf(sp.exp(1 / u), u, 0, 0),
    "oscillates": LimitOf(sp.sin(u), u, inf, 0),
    "slow": LimitOf(sp.log(sp.log(u)), u, inf, 0),
    "logarithm against a power": LimitOf(sp.log(u) / u**third, u, inf, 1),
    "finite for infinite": LimitOf(1 / u**2, u, 0, 10**9),
    # inequalities
    "square above itself": Implication((), x**2 >= x),
    "division reverses": Implication((x < y,), 1 / y < 1 / x),
    "product of bounds": Implication((x <= 1, y <= 1), x * y <= 1),
    "denominator may vanish": Implication((), x**2 / x**2 >= y / y / x * x * 0 + 1 / x),
    "hidden denominator": Implication((x >= 0,), (y / x) ** 2 * x >= 0),
    "denominator in a hypothesis": Implication((1 / x > 0,), x > 0),
    "triangle backwards": Implication((), sp.Abs(x) + sp.Abs(y) <= sp.Abs(x + y)),
    "max of three, wrong": Implication((), sp.Max(x, y, z) <= x + y + z),
    "min of four, wrong": Implication((x > 0,), sp.Min(x, y, z, w) > 0),
    "vacuous": Implication((x > 0, x < -1), eq(x, 7)),
    "vacuous, nonlinear": Implication((x**2 < 0,), eq(0 * y, y)),
    "vacuous, three": Implication((x > y, y > z, z > x), x > 0),
    "irrational": Implication((eq(x**2, 2),), x > 0),
    "near miss": Implication((x >= 0,), x**2 + sp.Rational(1, 10**9) <= 10**9),
    "means": Implication((x >= 0, y >= 0), x * y >= ((x + y) / 2) ** 2),
    "or for and": Implication((either(x > 1, y > 1),), both(x > 1, y > 1)),
    "converse": Implication((sp.Implies(x > 0, y > 0), y > 0), x > 0),
}
TRUE = {
    "sine and cosine": Identity(sp.sin(x) ** 2 + sp.cos(x) ** 2, 1),
    "double angle": Identity(sp.sin(2 * u), 2 * sp.sin(u) * sp.cos(u)),
    "root, positive": Identity(sp.sqrt(p**2), p),
    "root, negative": Identity(sp.sqrt(m**2), -m),
    "root, real": Identity(sp.sqrt(u**2), sp.Abs(u)),
    "log of a product, positive": Identity(sp.log(p * q), sp.log(p) + sp.log(q)),
    "parity": Identity((-1) ** (n * (n + 1)), 1),
    "parity of a square": Identity((-1) ** (n**2), (-1) ** n),
    "whole turns": Identity(sp.cos(2 * sp.pi * n + u), sp.cos(u)),
    "arctangents, positive": Identity(sp.atan(p) + sp.atan(1 / p), sp.pi / 2),
    "nested roots": Identity(sp.sqrt(3 + 2 * sp.sqrt(2)), 1 + sp.sqrt(2)),
    "cubic roots": Identity((2 + 11 * sp.I) ** third + (2 - 11 * sp.I) ** third, 4),
    "signs of a number": Identity(sp.Abs(m), -m),
    "nonnegative": Identity(sp.Max(o, 0), o),
    "max of two": Identity(sp.Max(u, v), (u + v + sp.Abs(u - v)) / 2),
    "a removable singularity": Identity((u**2 - 1) / (u - 1), u + 1),
    "hyperbolic": Identity(sp.cosh(u) ** 2 - sp.sinh(u) ** 2, 1),
    "product rule": Identity((f(t) ** 2).diff(t), 2 * f(t) * f(t).diff(t)),
    "log-derivative": Identity(sp.log(f(t) ** 2).diff(t), 2, (eq(f(t).diff(t), f(t)),)),
    "sign at 0 from above": LimitOf(sp.Abs(u) / u, u, 0, 1, "+"),
    "pole of even order": LimitOf(1 / u**2, u, 0, inf),
    "pole from above": LimitOf(1 / u, u, 0, inf, "+"),
    "sine over itself": LimitOf(sp.sin(u) / u, u, 0, 1),
    "squeezed": LimitOf(u * sp.sin(1 / u), u, 0, 0),
    "Euler": LimitOf((1 + 1 / u) ** u, u, inf, sp.E),
    "to minus infinity": LimitOf(sp.exp(u), u, -inf, 0),
    "iterated logarithms": LimitOf(sp.log(sp.log(u)) / sp.log(u), u, inf, 0),
    "triangle": Implication((), sp.Abs(x + y) <= sp.Abs(x) + sp.Abs(y)),
    "max of three bounds": Implication((), both(*(bound >= a for a in (x, y, z)))),
    "min of four": Implication((x > 0, y > 0, z > 0, w > 0), sp.Min(x, y, z, w) > 0),
    "means": Implication((x >= 0, y >= 0), x * y <= (x + y) ** 2 / 4),
    "no denominator there": Implication((x > 1,), 1 / (x - 1) > 0),
    "irrational, told": Implication((eq(x**2, 2), x > 0), both(x > 1, x < 2)),
    "Cauchy and Schwarz": Implication(
        (), (x * z + y * w) ** 2 <= (x**2 + y**2) * (z**2 + w**2)
    ),
    "hard": Implication(
        (x > 0, y > 0, z > 0, eq(x * y * z, 1)), x**7 + y**7 + z**7 >= 3, timeout=0.05
    ),
    "contraposition": Implication((sp.Implies(x > 0, y > 0), y <= 0), x <= 0),
    "excluded middle": Implication((ne(x, y),), either(x > y, x < y)),
}
REFUSED = {
    "two names in an implication": lambda: Implication((), eq(sp.Dummy("x"), x)),
    "two dummies": lambda: Implication((sp.Dummy("x") > 0,), sp.Dummy("x") > 0),
    "two names in a hypothesis": lambda: Implication(
        (sp.Symbol("x", real=True) > 0,), x > 0
    ),
    "two names in an identity": lambda: Identity(sp.Symbol("p", real=True), p),
    "a function and a symbol": lambda: Identity(f(t), sp.Symbol("f", real=True)),
    "two functions": lambda: Identity(f(t), sp.Function("f", positive=True)(t)),
    "a derivative and a symbol": lambda: Identity(
        f(t).diff(t), sp.Symbol("f′", real=True)
    ),
    "a function and a symbol for z3": lambda: Implication(
        (f(t) > 0,), sp.Symbol("f") > 0
    ),
    "two functions for z3": lambda: Implication(
        (f(t) > 0,), sp.Function("f", real=False)(t) > 0
    ),
    "a derivative and a symbol for z3": lambda: Implication(
        (f(t).diff(t) > 0,), sp.Symbol("f′") > 0
    ),
    "a function with a sign": lambda: Implication(
        (), sp.Function("f", nonnegative=True)(t) * f(t) >= 0
    ),
    "two symbols in a limit": lambda: LimitOf(x, sp.Dummy("x"), 0, 0),
    "floats": lambda: Identity(0.1 * x + 0.2 * x, 0.3 * x),
    "a float in a hypothesis": lambda: Implication((x > 0.1,), x > 0),
    "a float limit": lambda: LimitOf(u + 0.5, u, 0, half),
    "a sign that SymPy knows": lambda: Implication((), p * y >= 0),
    "an integer for z3": lambda: Implication((), either(n <= 0, n >= 1)),
    "a sine for z3": lambda: Implication((), sp.sin(x) <= 1).settle(),
    "a root for z3": lambda: Implication((), sp.sqrt(x) >= 0).settle(),
    "infinity for z3": lambda: Implication((), ne(x * y, inf)).settle(),
    "evaluated, and its denominator gone": lambda: Implication(
        (x >= 0,), sp.Abs(y / x) >= 0
    ),
    "a false hypothesis": lambda: Implication((sp.Integer(1) > 2,), x > 0),
    "a number given": lambda: Identity(u, v, (eq(1, 1 + 0 * u),)),
    "two givens for one": lambda: Identity(u, 1, (eq(u, 1), eq(u, 2))),
    "an inequality given": lambda: Identity(u, 1, (u > 0,)),
    "a side that is none": lambda: LimitOf(u, u, 0, 0, "left"),
}


def test_there_are_enough():
    assert len(FALSE) + len(TRUE) >= 60
    assert len(REFUSED) >= 15


@pytest.mark.parametrize("name", FALSE)
def test_what_is_false_is_never_proven(name):
    assert FALSE[name].settle().outcome in (Outcome.REFUTED, Outcome.UNDECIDED)


@pytest.mark.parametrize("name", TRUE)
def test_what_is_true_is_never_refuted(name):
    assert TRUE[name].settle().outcome in (Outcome.PROVEN, Outcome.UNDECIDED)


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_be_misread_is_refused(name):
    with pytest.raises(ValueError, match=r"."):
        REFUSED[name]()


def test_most_of_it_is_decided():
    """An engine that never decides could not be fooled either."""
    refuted = [check.settle().outcome is Outcome.REFUTED for check in FALSE.values()]
    proven = [check.settle().outcome is Outcome.PROVEN for check in TRUE.values()]
    assert sum(refuted) > 0.8 * len(refuted)
    assert sum(proven) > 0.8 * len(proven)


def test_a_limit_is_two_sided_and_says_from_where():
    verdict = FALSE["sign at 0"].settle()
    assert verdict.outcome is Outcome.REFUTED
    assert verdict.witness == {"limit from below": "−1", "claimed": "1"}
    assert TRUE["sign at 0 from above"].source == "|u|/u as u → 0 from above"
