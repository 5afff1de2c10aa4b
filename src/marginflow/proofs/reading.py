"""Expressions as plain text in the paper's letters: `−(1 − ρ)·(∂L² − g)/(1 + g/δ)`.

What `marginflow prove` prints comes from the very objects that the engines settle, so
that it cannot drift from them.
"""

# SymPy finds printing methods by names such as _print_Add.
# ruff: noqa: N802, N815

from __future__ import annotations

from collections.abc import Iterable

import sympy as sp
from sympy.printing.str import StrPrinter

__all__ = ["quotient", "read"]

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_RELATIONS = {"==": "=", "!=": "≠", "<": "<", "<=": "≤", ">": ">", ">=": "≥"}


def read(part: sp.Basic | str) -> str:
    """Plain text of an expression, an equation or a condition."""
    return part if isinstance(part, str) else _Reader().doprint(part)


def quotient(
    size: sp.Rational, factors: Iterable[sp.Expr]
) -> tuple[bool, list[sp.Expr], list[sp.Expr]]:
    """Whether size·factors is negative, and its factors above and below the line."""
    negative = bool(size < 0)
    above: list[sp.Expr] = []
    below: list[sp.Expr] = []
    for factor in factors:
        base, power = factor.as_base_exp()
        if base.is_Add and power.is_odd and _starts_negative(base):
            base, negative = -base, not negative
        if power.could_extract_minus_sign() and base is not sp.E:
            below.append(base**-power)
        elif base != 1:
            above.append(base**power)
    return negative, above, below


def _starts_negative(total: sp.Add) -> bool:
    """Whether −total reads better: most terms negative, or half and its number."""
    negative = sum(term.could_extract_minus_sign() for term in total.args)
    most = 2 * negative - len(total.args)
    return bool(most > 0 or (most == 0 and total.as_coeff_Add()[0] < 0))


class _Reader(StrPrinter):
    """Sums with a positive term first, products with their sign pulled out."""

    def _print_Symbol(self, symbol: sp.Symbol) -> str:
        return symbol.name

    _print_Dummy = _print_Symbol

    def _print_AppliedUndef(self, function: sp.Function) -> str:
        name, (where,) = function.func.__name__, function.args
        if where == sp.Symbol("t", nonnegative=True):
            return name
        return f"{name}({self._print(where)})"

    def _print_Function(self, function: sp.Function) -> str:
        inner = ", ".join(self._print(argument) for argument in function.args)
        return f"{function.func.__name__}({inner})"

    def _print_Abs(self, value: sp.Abs) -> str:
        return f"|{self._print(value.args[0])}|"

    def _print_Min(self, value: sp.Min) -> str:
        return "min{" + ", ".join(self._print(a) for a in value.args) + "}"

    def _print_Max(self, value: sp.Max) -> str:
        return "max{" + ", ".join(self._print(a) for a in value.args) + "}"

    def _print_Derivative(self, derivative: sp.Derivative) -> str:
        inner, order = derivative.expr, derivative.derivative_count
        if inner.is_Function and all(argument.is_Symbol for argument in inner.args):
            return self._print(inner) + "′" * order
        power = str(order).translate(_SUPERSCRIPTS) if order > 1 else ""
        by = self._print(derivative.variables[0])
        return f"d{power}({self._print(inner)})/d{by}{power}"

    def _print_Subs(self, at: sp.Subs) -> str:
        return f"{at.expr.expr.func.__name__}′({self._print(at.point[0])})"

    def _print_Integral(self, integral: sp.Integral) -> str:
        _, low, high = integral.limits[0]
        usual = low == 0 and high == sp.Symbol("t", nonnegative=True)
        over = "" if usual else f"[{self._print(low)}, {self._print(high)}]"
        return f"∫{over}({self._print(integral.function)})"

    def _print_ExpBase(self, power: sp.exp) -> str:
        return f"exp({self._print(power.exp)})"

    def _print_Add(self, total: sp.Add, order: str | None = None) -> str:
        terms = sorted(total.args, key=self._term_rank)
        text = self._print(terms[0])
        for term in terms[1:]:
            printed = self._print(term)
            minus = printed.startswith("−")
            text += f" − {printed[1:]}" if minus else f" + {printed}"
        return text

    def _term_rank(self, term: sp.Expr) -> tuple[bool, bool, int, str]:
        printed = self._print(term)
        return (printed.startswith("−"), not term.is_number, len(printed), printed)

    def _print_Mul(self, product: sp.Mul) -> str:
        size, rest = product.as_coeff_Mul()
        negative, top, bottom = quotient(size, sp.Mul.make_args(rest))
        if size.p not in (1, -1) or not top:
            top.insert(0, sp.Integer(abs(size.p)))
        if size.q != 1:
            bottom.insert(0, sp.Integer(size.q))
        text = "·".join(self._factor(factor) for factor in top)
        if bottom:
            under = "·".join(self._factor(factor) for factor in bottom)
            text += f"/{under}" if len(bottom) == 1 else f"/({under})"
        return f"−{text}" if negative else text

    def _factor(self, factor: sp.Expr) -> str:
        text = self._print(factor)
        return f"({text})" if factor.is_Add else text

    def _print_Pow(self, power: sp.Pow, rational: bool = False) -> str:
        base, exponent = power.args
        if base is sp.E:
            return f"exp({self._print(exponent)})"
        if exponent == sp.Rational(1, 2):
            return f"√{self._operand(base)}"
        if exponent == sp.Rational(1, 4):
            return f"∜{self._operand(base)}"
        if exponent.is_Integer and exponent < 0:
            return self._print_Mul(sp.Mul(power, evaluate=False))
        if exponent.is_Integer:
            return self._operand(base) + str(exponent).translate(_SUPERSCRIPTS)
        return f"{self._operand(base)}^({self._print(exponent)})"

    def _operand(self, base: sp.Expr) -> str:
        """What a root or a power applies to, in parentheses where they are needed."""
        text = self._print(base)
        closed = base.is_Atom or base.is_Function or base.is_Derivative
        return text if closed and not text.startswith("−") else f"({text})"

    def _print_Rational(self, number: sp.Rational) -> str:
        return str(number).replace("-", "−")

    _print_NegativeOne = _print_Integer = _print_Rational

    def _print_Infinity(self, number: sp.Expr) -> str:
        return "∞"

    def _print_Relational(self, relation: sp.core.relational.Relational) -> str:
        sign = _RELATIONS[relation.rel_op]
        return f"{self._print(relation.lhs)} {sign} {self._print(relation.rhs)}"

    def _print_And(self, condition: sp.And) -> str:
        return " and ".join(sorted(self._print(part) for part in condition.args))

    def _print_Or(self, condition: sp.Or) -> str:
        return " or ".join(sorted(self._print(part) for part in condition.args))
