"""The solver engine: implications between inequalities, by z3.

given ⟹ then is proven when given ∧ ¬then has no solution in the real numbers. z3's
procedure for nonlinear real arithmetic is complete, but may run out of time: then the
step is undecided, never proven.

Two traps are closed. Hypotheses that contradict one another would prove anything, so
they are shown to have a solution first. And a quotient with a vanishing denominator
means nothing, so every denominator is shown not to vanish under the hypotheses.
A counterexample is put back into the claim in SymPy's exact arithmetic before it is
reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Any

import sympy as sp
from sympy.core.function import AppliedUndef

from marginflow.proofs.reading import read
from marginflow.proofs.statement import Engine, Outcome, Verdict
from marginflow.proofs.symbols import at_an_instant, exact

if TYPE_CHECKING:
    import z3

__all__ = ["TIMEOUT_SECONDS", "Implication"]

_REAL = sp.Symbol("x", real=True).assumptions0.keys()

TIMEOUT_SECONDS = 5.0
"""How long z3 may think about one query."""


@dataclass(frozen=True)
class Implication:
    """given ⟹ then, for all real values of the symbols.

    A function of time, or its derivative, stands for its value at one instant.

    Raises:
        ValueError: a part is True or False already; a symbol or a function carries an
            assumption about its sign or kind (`symbols.at_an_instant` makes bare
            ones), by which SymPy would evaluate a hypothesis away; two different
            symbols have one name; a number is a float.
    """

    given: tuple[sp.Basic, ...]
    then: sp.Basic
    timeout: float = field(default=TIMEOUT_SECONDS, compare=False)
    _now: tuple[sp.Basic, ...] = field(init=False, repr=False, compare=False)
    """`given` and `then` at one instant, in symbols alone."""

    engine = Engine.SOLVER

    def __post_init__(self) -> None:
        # Names are looked at before functions become symbols, which then could meet.
        *given, then = exact(*self.given, self.then)
        claim = sp.Tuple(*given, then)
        now = tuple(at_an_instant(part) for part in claim)
        if sp.true in now or sp.false in now:
            raise ValueError(
                f"SymPy has evaluated a part of {tuple(claim)} before any "
                "solver saw it; write it with evaluate=False"
            )
        for symbol in claim.atoms(AppliedUndef) | sp.Tuple(*now).free_symbols:
            if not symbol.assumptions0.keys() <= _REAL:
                raise ValueError(
                    f"{symbol} carries assumptions, by which SymPy evaluates "
                    f"hypotheses away; take Symbol({read(symbol)!r}) and say its sign "
                    "among what is given"
                )
        for name, parts in (("given", tuple(given)), ("then", then), ("_now", now)):
            object.__setattr__(self, name, parts)

    @property
    def source(self) -> str:
        return ", ".join(read(hypothesis) for hypothesis in self._now[:-1])

    @property
    def target(self) -> str:
        return f"⟹ {read(self._now[-1])}"

    def settle(self) -> Verdict:
        try:
            import z3
        except ImportError:
            detail = "z3 is not installed here (pip install z3-solver)"
            return Verdict(Outcome.UNDECIDED, self.engine, detail)
        to_z3 = _Translation(z3)
        *given, then = (to_z3(part) for part in self._now)
        negation = z3.Not(then)
        divisors = [to_z3(divisor) for divisor in self._divisors()]
        defined = [divisor != 0 for divisor in divisors]

        if (answer := self._ask(z3, given)) is not True:
            what = "contradict one another" if answer is False else "are too hard"
            detail = f"the hypotheses {what}, so that the step says nothing"
            return Verdict(Outcome.UNDECIDED, self.engine, detail)
        answer = self._ask(z3, [*given, *defined, negation], to_z3)
        if isinstance(answer, dict):
            return self._refuted(answer)
        for divisor in divisors:
            zero = self._ask(z3, [*given, divisor == 0], to_z3)
            if isinstance(zero, dict):
                detail = "a denominator vanishes"
                return Verdict(Outcome.REFUTED, self.engine, detail, _text(zero))
            answer = answer if zero is False else None
        if answer is False:
            detail = "the negation has no solution"
            return Verdict(Outcome.PROVEN, self.engine, detail)
        detail = f"z3 did not decide within {self.timeout:g} s"
        return Verdict(Outcome.UNDECIDED, self.engine, detail)

    def _ask(
        self, z3: Any, constraints: list[Any], to_z3: _Translation | None = None
    ) -> bool | dict[sp.Symbol, sp.Expr] | None:
        """A solution (or just True), False if there is none, None if z3 cannot tell."""
        solver = z3.SolverFor("QF_NRA")
        solver.set("timeout", int(1000 * self.timeout))
        solver.add(*constraints)
        answer = solver.check()
        if answer == z3.unsat:
            return False
        if answer != z3.sat:
            return None
        return to_z3.point(solver.model()) if to_z3 else True

    def _divisors(self) -> Iterator[sp.Expr]:
        seen: set[sp.Expr] = set()
        for part in self._now:
            for power in part.atoms(sp.Pow):
                divides = power.exp.is_negative and not power.base.is_number
                if divides and power.base not in seen:
                    seen.add(power.base)
                    yield power.base

    def _refuted(self, point: dict[sp.Symbol, sp.Expr]) -> Verdict:
        *given, then = (sp.simplify(part.subs(point)) for part in self._now)
        if then == sp.false and all(hypothesis == sp.true for hypothesis in given):
            detail = "all hypotheses hold there, the conclusion does not"
            return Verdict(Outcome.REFUTED, self.engine, detail, _text(point))
        detail = "z3's counterexample does not stand in exact arithmetic"
        return Verdict(Outcome.UNDECIDED, self.engine, detail, _text(point))


class _Translation:
    """SymPy expressions to z3 terms, and z3 models back to SymPy numbers."""

    def __init__(self, module: Any) -> None:
        self.z3 = module
        self.reals: dict[sp.Symbol, z3.ArithRef] = {}

    def __call__(self, part: sp.Basic) -> Any:
        z3 = self.z3
        if isinstance(part, sp.Symbol):
            return self.reals.setdefault(part, z3.Real(part.name))
        if isinstance(part, sp.Rational):
            return z3.RealVal(str(part))
        if isinstance(part, sp.Pow) and part.exp.is_Integer:
            base, power = self(part.base), z3.RealVal(1)
            for _ in range(abs(int(part.exp))):
                power = power * base
            return power if part.exp > 0 else 1 / power
        if part in (sp.true, sp.false):
            return z3.BoolVal(bool(part))
        rule = self._rules().get(type(part))
        if rule is None:
            raise ValueError(
                f"the solver engine takes polynomials, quotients, Abs, Min, Max and "
                f"relations between them, but got {part} of type {type(part).__name__}"
            )
        return rule(*(self(argument) for argument in part.args))

    def _rules(self) -> dict[type, Any]:
        z3 = self.z3
        return {
            sp.Add: lambda *terms: sum(terms[1:], terms[0]),
            sp.Mul: lambda *factors: z3.Product(*factors),
            sp.Abs: lambda x: z3.If(x >= 0, x, -x),
            sp.Min: lambda *all: reduce(lambda x, y: z3.If(x <= y, x, y), all),
            sp.Max: lambda *all: reduce(lambda x, y: z3.If(x >= y, x, y), all),
            sp.Eq: lambda x, y: x == y,
            sp.Ne: lambda x, y: x != y,
            sp.StrictLessThan: lambda x, y: x < y,
            sp.LessThan: lambda x, y: x <= y,
            sp.StrictGreaterThan: lambda x, y: x > y,
            sp.GreaterThan: lambda x, y: x >= y,
            sp.And: z3.And,
            sp.Or: z3.Or,
            sp.Not: z3.Not,
            sp.Implies: z3.Implies,
        }

    def point(self, model: Any) -> dict[sp.Symbol, sp.Expr]:
        """The model as exact numbers: rational, or a root of a polynomial."""
        values = {}
        for symbol, real in self.reals.items():
            value = model.eval(real, model_completion=True)
            if self.z3.is_rational_value(value):
                values[symbol] = sp.Rational(value.as_fraction())
            else:
                values[symbol] = _algebraic(value)
        return values


def _algebraic(value: Any) -> sp.Expr:
    """A z3 algebraic number, exactly, as a root of its defining polynomial."""
    x = sp.Dummy("x")
    coefficients = [sp.Rational(str(c.as_fraction())) for c in value.poly()]
    polynomial = sum(c * x**power for power, c in enumerate(coefficients))
    near = sp.Rational(value.approx(30).as_fraction())
    return min(
        sp.real_roots(polynomial, x), key=lambda root: abs(sp.N(root - near, 40))
    )


def _text(point: dict[sp.Symbol, sp.Expr]) -> dict[str, str]:
    ordered = sorted(point.items(), key=lambda item: item[0].name)
    return {read(symbol): str(value) for symbol, value in ordered}
