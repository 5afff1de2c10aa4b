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
from marginflow.proofs.symbols import at_an_instant, exact

__all__ = ["Identity", "LimitOf"]


@dataclass(frozen=True)
class Identity:
    """left = right wherever both are defined, once the equations `given` are put in.

    Each given equation is used from left to right, in the order given: its left-hand
    side (a derivative, a function of t, a symbol) is replaced by its right-hand side.
    Symbols named as `positive` count as such, though they are bare elsewhere.
    """

    left: sp.Expr
    right: sp.Expr
    given: tuple[sp.Eq, ...] = ()
    positive: tuple[sp.Symbol, ...] = ()

    engine = Engine.ALGEBRA

    def __post_init__(self) -> None:
        signs = {bare: sp.Symbol(bare.name, positive=True) for bare in self.positive}
        parts = (sp.sympify(part) for part in (self.left, self.right, *self.given))
        left, right, *given = exact(*(part.xreplace(signs) for part in parts))
        sides = [equation.lhs for equation in given if isinstance(equation, sp.Eq)]
        if len(set(sides)) < len(given) or any(side.is_number for side in sides):
            raise ValueError(
                f"what is given, {self.given}, must be equations Eq(a, b), each for "
                "another a that is no number"
            )
        _freeze(self, left=left, right=right, given=tuple(given))

    @property
    def source(self) -> str:
        return read(self.left)

    @property
    def target(self) -> str:
        given = ", ".join(read(equation) for equation in self.given)
        return f"= {read(self.right)}" + (f"   given {given}" if given else "")

    def settle(self) -> Verdict:
        sides = self._put_in(sp.Tuple(self.left, self.right))
        left, right = at_an_instant(sides, signs=True)
        difference = left - right
        # cancel decides rational functions; the rest handles roots, exp and log.
        if sp.cancel(sp.together(difference)) == 0:
            how = "the difference of the sides cancels to 0 as a rational function"
            return Verdict(Outcome.PROVEN, self.engine, how)
        if sp.simplify(sp.expand_log(sp.powsimp(sp.expand(difference)))) == 0:
            how = "the difference of the sides simplifies to 0"
            return Verdict(Outcome.PROVEN, self.engine, how)
        return self._refute(left, right)

    def remainder(self) -> sp.Expr:
        """left − right with what is given put in, as factors; 0 where it holds."""
        left, right = self._put_in(sp.Tuple(self.left, self.right))
        return sp.factor(sp.cancel(sp.together(left - right)))

    def _put_in(self, sides: sp.Tuple) -> sp.Tuple:
        # Twice: the first derivatives taken may bring up what is given.
        for equation in (*self.given, *self.given):
            sides = sides.subs(equation.lhs, equation.rhs).doit(integrals=False)
        return sides.doit(integrals=False)

    def _refute(self, left: sp.Expr, right: sp.Expr) -> Verdict:
        symbols = sorted(left.free_symbols | right.free_symbols, key=lambda s: s.name)
        for point in _rational_points(symbols):
            a, b = (_exact(side.subs(point)) for side in (left, right))
            if a is None or b is None or not _apart(a, b):
                continue
            witness = {read(symbol): str(value) for symbol, value in point.items()}
            witness |= {"left": _show(a), "right": _show(b)}
            return Verdict(Outcome.REFUTED, self.engine, "the sides differ", witness)
        detail = "no normal form is 0, and no rational point tells the sides apart"
        return Verdict(Outcome.UNDECIDED, self.engine, detail)


@dataclass(frozen=True)
class LimitOf:
    """The limit of an expression as a symbol tends to a point.

    From both sides, unless `side` says "+" (from above) or "-"; to ∞ from below, and
    to −∞ from above.
    """

    expression: sp.Expr
    symbol: sp.Symbol
    point: sp.Expr
    value: sp.Expr
    side: str = "+-"

    engine = Engine.ALGEBRA

    def __post_init__(self) -> None:
        if self.side not in ("+", "-", "+-"):
            raise ValueError(f'side={self.side!r} must be "+", "-" or "+-"')
        parts = exact(self.expression, self.symbol, self.point, self.value)
        names = ("expression", "symbol", "point", "value")
        _freeze(self, **dict(zip(names, parts, strict=True)))

    @property
    def source(self) -> str:
        side = {"+": " from above", "-": " from below"}.get(self.side, "")
        arrow = f"{read(self.symbol)} → {read(self.point)}{side}"
        return f"{read(self.expression)} as {arrow}"

    @property
    def target(self) -> str:
        return f"→ {read(self.value)}"

    def settle(self) -> Verdict:
        sides = {sp.oo: "-", -sp.oo: "+"}.get(self.point, self.side)
        found = {side: self._limit(side) for side in sides}
        names = {"+": "limit from above", "-": "limit from below"}
        for side, limit in found.items():
            if limit is not None and self._differs(limit):
                name = names[side] if sp.S(self.point).is_finite else "limit"
                witness = {name: read(limit), "claimed": read(self.value)}
                detail = "the limit is another"
                return Verdict(Outcome.REFUTED, self.engine, detail, witness)
        if all(self._equals(limit) for limit in found.values()):
            detail = f"SymPy's limit is {read(self.value)}"
            return Verdict(Outcome.PROVEN, self.engine, detail)
        return Verdict(Outcome.UNDECIDED, self.engine, "SymPy finds no limit")

    def _limit(self, side: str) -> sp.Expr | None:
        """The limit from one side, None where SymPy finds none."""
        try:
            found = sp.limit(self.expression, self.symbol, self.point, side)
        except (NotImplementedError, ValueError, TypeError):
            return None
        return None if found.has(sp.Limit, sp.nan) else found

    def _equals(self, found: sp.Expr | None) -> bool:
        if found is None:
            return False
        return found == self.value or sp.simplify(found - self.value) == 0

    def _differs(self, found: sp.Expr) -> bool:
        """Whether it surely is another: no number, or one that is not the value."""
        if found.has(sp.AccumBounds):
            return True
        if found.is_finite is False or self.value.is_finite is False:
            return found != self.value
        return (found - self.value).is_zero is False or _apart(found, self.value)


def _freeze(check: Identity | LimitOf, **fields: object) -> None:
    for name, value in fields.items():
        object.__setattr__(check, name, value)


def _apart(a: sp.Expr, b: sp.Expr) -> bool:
    """Whether two numbers differ beyond doubt."""
    difference = sp.N(a - b, 40)
    return bool(difference.is_number and abs(difference) > sp.Float("1e-25", 40))


def _rational_points(
    symbols: list[sp.Symbol], count: int = 40, seed: int = 5
) -> Iterator[dict[sp.Symbol, sp.Rational]]:
    """Small rational points where Process 2 could be; the same every time."""
    draw = random.Random(seed)
    for _ in range(count):
        point = {symbol: _rational(symbol, draw) for symbol in symbols}
        if None not in point.values():
            yield point


def _rational(symbol: sp.Symbol, draw: random.Random) -> sp.Rational | None:
    """A value that the symbol's assumptions admit, or None."""
    if symbol.name == "ρ":
        return sp.Rational(draw.randint(0, 3), 4)
    size = sp.Rational(draw.randint(1, 9), draw.randint(1, 4))
    positive = symbol.is_positive or symbol.name in ("g", "h", "β")
    value = size if positive else size * draw.choice((-1, 1))
    offers = (value, -value, sp.ceiling(value), -sp.ceiling(value), sp.Integer(0))
    fits = (offer for offer in offers if _admits(symbol, offer))
    return next(fits, None)


def _admits(symbol: sp.Symbol, value: sp.Rational) -> bool:
    assumed = symbol.assumptions0.items()
    return all(getattr(value, f"is_{what}") in (holds, None) for what, holds in assumed)


def _exact(value: sp.Expr) -> sp.Expr | None:
    """The value where it is a finite real number, else None."""
    value = sp.simplify(value)
    return value if value.is_number and value.is_finite and value.is_real else None


def _show(value: sp.Expr) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{sp.N(value, 12)}"
