"""Process 2 in symbols: equations (1)–(3) and (5), and the two definitions."""

from __future__ import annotations

import sympy as sp

from marginflow.proofs.symbols import (
    beta,
    chi,
    delta,
    dg,
    dh,
    dw,
    epsilon,
    g,
    grad,
    h,
    rho,
)

__all__ = [
    "DEFINITION_BETA",
    "DEFINITION_CHI",
    "EQUATION_1",
    "EQUATION_2",
    "EQUATION_3",
    "EQUATION_5",
    "RHO_IN_UNIT_INTERVAL",
]

RHO_IN_UNIT_INTERVAL = (rho >= 0, rho <= 1)
"""By the hyperparameters of Process 2."""

EQUATION_1 = sp.Eq(dg, (1 - rho) * (grad**2 - g))
EQUATION_2 = sp.Eq(dh, (1 - rho) * (dw**2 - h))
EQUATION_3 = sp.Eq(dw, -sp.sqrt((epsilon + h) / (delta + g)) * grad)

DEFINITION_CHI = sp.Eq(chi, (epsilon / delta) ** sp.Rational(1, 4))
DEFINITION_BETA = sp.Eq(beta, sp.sqrt((1 + h / epsilon) / (1 + g / delta)))
EQUATION_5 = sp.Eq(dw, -(chi**2) * beta * grad)
