"""Process 2 in symbols: equations (1)–(3) and (5), one component, as SymPy sees them.

Everything is component-wise in the paper, so one component j stands for all; what
couples the components (inner products, norms) is treated where it occurs.

The functions of time carry no sign: that g and h are nonnegative is Lemma 6, and is
handed to a step only where the paper does so.
"""

from __future__ import annotations

import sympy as sp
from sympy.core.function import AppliedUndef

from marginflow.proofs.reading import read

__all__ = [
    "DEFINITION_BETA",
    "DEFINITION_CHI",
    "EQUATION_1",
    "EQUATION_2",
    "EQUATION_3",
    "EQUATION_5",
    "at_an_instant",
    "beta",
    "chi",
    "delta",
    "epsilon",
    "g",
    "grad",
    "h",
    "rho",
    "t",
    "tau",
    "w",
]

t, tau = sp.symbols("t tau", nonnegative=True)
delta, epsilon, chi = sp.symbols("delta epsilon chi", positive=True)
g, h, w, rho, grad, beta = (
    sp.Function(name, real=True)(t) for name in ("g", "h", "w", "rho", "grad", "beta")
)

EQUATION_1 = sp.Eq(g.diff(t), (1 - rho) * (grad**2 - g))
EQUATION_2 = sp.Eq(h.diff(t), (1 - rho) * (w.diff(t) ** 2 - h))
EQUATION_3 = sp.Eq(w.diff(t), -sp.sqrt((epsilon + h) / (delta + g)) * grad)

DEFINITION_CHI = sp.Eq(chi, (epsilon / delta) ** sp.Rational(1, 4))
DEFINITION_BETA = sp.Eq(beta, sp.sqrt((1 + h / epsilon) / (1 + g / delta)))
EQUATION_5 = sp.Eq(w.diff(t), -(chi**2) * beta * grad)


def at_an_instant(expression: sp.Basic, signs: bool = False) -> sp.Basic:
    """Replace functions of time, derivatives and integrals by one symbol each.

    What remains is an expression in finitely many numbers: what it says at one time.
    Without `signs` the symbols are bare, so that every hypothesis about a sign has to
    be written out beside the claim; with `signs` they keep SymPy's assumptions.
    """
    # From the largest to the smallest: g′(t) is replaced before g(t) inside it.
    rule = {
        atom: sp.Symbol(read(atom), real=True)
        for kind in (sp.Subs, sp.Integral, sp.Derivative, AppliedUndef)
        for atom in expression.atoms(kind)
    }
    expression = expression.xreplace(rule)
    if signs:
        return expression
    bare = {symbol: sp.Symbol(read(symbol)) for symbol in expression.free_symbols}
    return expression.xreplace(bare)
