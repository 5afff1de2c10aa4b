"""The paper's letters, as SymPy sees them, one component for all.

Everything is component-wise in the paper, so one component j stands for all; what
couples the components (inner products, norms) is treated where it occurs.

The functions of time carry no sign: that g and h are nonnegative is Lemma 6, and is
handed to a step only where the paper does so. Symbols are named by the letters that
are printed, here and in every proof.
"""

from __future__ import annotations

import sympy as sp
from sympy.core.function import AppliedUndef

from marginflow.proofs.reading import read

__all__ = [
    "at_an_instant",
    "beta",
    "chi",
    "dbeta",
    "delta",
    "dg",
    "dh",
    "dw",
    "epsilon",
    "exact",
    "g",
    "grad",
    "h",
    "integral",
    "of_time",
    "rho",
    "t",
    "tau",
    "w",
]

t, tau = sp.symbols("t τ", nonnegative=True)
delta, epsilon, chi = sp.symbols("δ ε χ", positive=True)


def of_time(names: str) -> tuple[sp.Expr, ...]:
    """Real functions of t, by their letters."""
    return tuple(sp.Function(name, real=True)(t) for name in names.split())


g, h, w, rho, grad, beta = of_time("g h w ρ ∂L β")
dg, dh, dw, dbeta = (function.diff(t) for function in (g, h, w, beta))


# From the largest to the smallest: g′(t) is replaced before g(t) inside it.
_MOVING = (sp.Subs, sp.Integral, sp.Derivative, AppliedUndef)


def exact(*parts: object) -> tuple[sp.Basic, ...]:
    """The parts of a claim as SymPy's expressions, checked for what fools an engine.

    Raises:
        ValueError: a part holds a number in floating point, or two different symbols
            or functions that are written alike, which an engine would take for one.
    """
    parts = tuple(sp.sympify(part) for part in parts)
    whole = sp.Tuple(*parts)
    if floats := whole.atoms(sp.Float):
        raise ValueError(
            f"{min(floats, key=str)} is a number in floating point; exact engines take "
            "integers and fractions, such as Rational(1, 10)"
        )
    things = whole.free_symbols | whole.atoms(*_MOVING)
    names = [read(thing) for thing in things]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(
            f"two different things are both called {min(twice)!r}: give them different "
            "names, or a symbol the same assumptions everywhere"
        )
    return parts


def at_an_instant(expression: sp.Basic, signs: bool = False) -> sp.Basic:
    """Replace functions of time, derivatives and integrals by one symbol each.

    What remains is an expression in finitely many numbers: what it says at one time.
    The symbols are bare, so that every hypothesis about a sign has to be written out
    beside the claim; with `signs` they are real for SymPy.
    """
    rule = {
        atom: sp.Symbol(read(atom), real=True if signs else None)
        for kind in _MOVING
        for atom in expression.atoms(kind)
    }
    return expression.xreplace(rule)


def integral(rate: sp.Expr, end: sp.Expr = t) -> sp.Integral:
    """∫₀ᵉⁿᵈ rate dτ."""
    return sp.Integral(rate.subs(t, tau), (tau, 0, end))
