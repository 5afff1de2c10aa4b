"""The algebra engine: identities and limits, in exact arithmetic, by SymPy.

An identity is settled by bringing the difference of its sides to normal form. When
that form is not zero, the engine looks for a point with rational coordinates at which
the sides differ: a counterexample that anyone can check by hand.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import sympy as sp

from marginflow.proofs.reading import read
from marginflow.proofs.statement import Engine, Outcome, Verdict
from marginflow.proofs.symbols import at_an_instant

__all__ = ["Identity", "LimitOf", "are_equal"]


def are_equal(left: sp.Expr, right: sp.Expr, *given: sp.Eq) -> bool:
    """Whether left = right identically, once the equations `given` are put in."""
    return Identity(left, right, given).settle().outcome is Outcome.PROVEN


@dataclass(frozen=True)
class Identity:
    """left = right wherever both are defined, once the equations `given` are put in.

    Each given equation is used from left to right, in the order given: its left-hand
    side (a derivative, a function of t, a symbol) is replaced by its right-hand side.
    """

    left: sp.Expr
    right: sp.Expr
    given: tuple[sp.Eq, ...] = ()

    engine = Engine.ALGEBRA

    @property
    def source(self) -> str:
        return read(self.left)

    @property
    def target(self) -> str:
        given = ", ".join(read(equation) for equation in self.given)
        return f"= {read(self.right)}" + (f"   given {given}" if given else "")

    def settle(self) -> Verdict:
        left, right = self._put_in(self.left), self._put_in(self.right)
        difference = left - right
        # cancel decides rational functions; the rest handles roots, exp and log.
        if sp.cancel(sp.together(difference)) == 0:
            how = "the difference of the sides cancels to 0 as a rational function"
            return Verdict(Outcome.PROVEN, self.engine, how)
        if sp.simplify(sp.expand_log(sp.powsimp(sp.expand(difference)))) == 0:
            how = "the difference of the sides simplifies to 0"
            return Verdict(Outcome.PROVEN, self.engine, how)
        return self._refute(left, right)

    def _put_in(self, side: sp.Expr) -> sp.Expr:
        # Twice: the first derivatives taken may bring up what is given.
        for equation in (*self.given, *self.given):
            side = side.subs(equation.lhs, equation.rhs).doit(integrals=False)
        side = side.doit(integrals=False)
        return at_an_instant(side, signs=True)

    def _refute(self, left: sp.Expr, right: sp.Expr) -> Verdict:
        symbols = sorted(left.free_symbols | right.free_symbols, key=lambda s: s.name)
        for point in _rational_points(symbols):
            a, b = (_exact(side.subs(point)) for side in (left, right))
            if a is None or b is None or abs(sp.N(a - b, 40)) < sp.Float("1e-25", 40):
                continue
            witness = {read(symbol): str(value) for symbol, value in point.items()}
            witness |= {"left": _show(a), "right": _show(b)}
            return Verdict(Outcome.REFUTED, self.engine, "the sides differ", witness)
        detail = "no normal form is 0, and no rational point tells the sides apart"
        return Verdict(Outcome.UNDECIDED, self.engine, detail)


@dataclass(frozen=True)
class LimitOf:
    """The limit of an expression as a symbol tends to a point."""

    expression: sp.Expr
    symbol: sp.Symbol
    point: sp.Expr
    value: sp.Expr

    engine = Engine.ALGEBRA

    @property
    def source(self) -> str:
        arrow = f"{read(self.symbol)} → {'∞' if self.point is sp.oo else self.point}"
        return f"{read(self.expression)} as {arrow}"

    @property
    def target(self) -> str:
        return f"→ {read(self.value)}"

    def settle(self) -> Verdict:
        found = sp.limit(self.expression, self.symbol, self.point)
        if found.has(sp.Limit):
            return Verdict(Outcome.UNDECIDED, self.engine, "SymPy finds no limit")
        if sp.simplify(found - self.value) == 0:
            return Verdict(Outcome.PROVEN, self.engine, f"SymPy's limit is {found}")
        witness = {"limit": read(found), "claimed": read(self.value)}
        return Verdict(Outcome.REFUTED, self.engine, "the limit is another", witness)


def _rational_points(
    symbols: list[sp.Symbol], count: int = 40, seed: int = 5
) -> Iterator[dict[sp.Symbol, sp.Rational]]:
    """Small rational points where Process 2 could be; the same every time."""
    draw = random.Random(seed)
    for _ in range(count):
        yield {symbol: _rational(symbol, draw) for symbol in symbols}


def _rational(symbol: sp.Symbol, draw: random.Random) -> sp.Rational:
    if symbol.name == "ρ":
        return sp.Rational(draw.randint(0, 3), 4)
    size = sp.Rational(draw.randint(1, 9), draw.randint(1, 4))
    positive = symbol.is_positive or symbol.name in ("g", "h", "β")
    return size if positive else size * draw.choice((-1, 1))


def _exact(value: sp.Expr) -> sp.Expr | None:
    """The value where it is a finite real number, else None."""
    value = sp.simplify(value)
    return value if value.is_number and value.is_finite and value.is_real else None


def _show(value: sp.Expr) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{sp.N(value, 12)}"
