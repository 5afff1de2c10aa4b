"""Expressions as TeX, in the paper's letters and in the order in which it writes them.

What `marginflow.proofs.reading` is for plain text: it comes from the same objects that
the engines settle.  Parts that are `marked` are set in a colour of the page's own.
"""

# SymPy finds printing methods by names such as _print_Add.
# ruff: noqa: N802, N815

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

import sympy as sp
from sympy.printing.latex import LatexPrinter

from marginflow.proofs.reading import quotient, read

__all__ = ["MARK", "pieces", "tex"]

MARK = "pf-cancels"
"""The class, in HTML, of what is marked."""

_LETTERS = {
    "∂L": r"\widetilde{\partial}\mathcal{L}",
    "L": r"\mathcal{L}",
    "𝐿": "L",
    "ℓ": r"\ell",
}
_ENDS = str.maketrans(
    {"′": "'", "⁺": "^{+}", "†": r"^\dagger", "‡": r"^\ddagger", "∞": r"_\infty"}
    | {chr(0x2080 + digit): f"_{digit}" for digit in range(10)}
)
# Where TeX's name is another than Unicode's.
_VARIANTS = {"epsilon": "varepsilon", "lamda": "lambda", "Lamda": "Lambda"}
_TIME = sp.Symbol("t", nonnegative=True)

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\s+|.")
_RELATIONS = {"=", "<", ">", r"\leq", r"\geq", r"\neq", r"\to", r"\wedge", r"\vee"}
_SHORT = 40
"""Tokens of TeX in parentheses that are not cut."""


def tex(part: sp.Basic, marked: Collection[sp.Basic] = ()) -> str:
    """TeX of an expression, an equation or a condition."""
    return _Typesetter(frozenset(marked)).doprint(part)


def pieces(formula: str) -> list[str]:
    """The formula's TeX in parts between which a line may end.

    One may before a relation, a sign or a sum in parentheses, not within a group, nor
    within parentheses that a narrow page has room for.  Each part stands by itself.
    """
    found, part, depth, before = [], "", 0, "("
    for at, token in enumerate(tokens := _TOKEN.findall(formula)):
        opens = token in ("{", r"\left") or (token == "(" and _fits(tokens[at:]))
        if depth == 0 and part and _may_begin(token, before):
            found.append(part.strip())
            part = "" if token in ("(", r"\Bigl") else "{}"
        part += token
        if depth or opens:
            depth += {"(": 1, "{": 1, r"\left": 1}.get(token, 0)
            depth -= {")": 1, "}": 1, r"\right": 1}.get(token, 0)
        before = before if token.isspace() else token
    return [*found, part.strip()]


def _may_begin(token: str, before: str) -> bool:
    """Whether a line may begin with this token, by the one before it."""
    if token in ("(", r"\Bigl"):
        return before == r"\,"
    after = before not in _RELATIONS | {"(", "+", "-"}
    return token in _RELATIONS or (token in ("+", "-") and after)


def _fits(tokens: list[str]) -> bool:
    """Whether the parentheses that open here close soon."""
    depth = 0
    for token in tokens[:_SHORT]:
        depth += {"(": 1, ")": -1}.get(token, 0)
        if depth == 0:
            return True
    return False


class _Typesetter(LatexPrinter):
    """As `reading` orders it; a long factor stands beside its fraction, not on it."""

    def __init__(self, marked: frozenset[sp.Basic]) -> None:
        super().__init__()
        self._marked = marked

    def _print(self, expr: sp.Basic, **kwargs: object) -> str:
        text = super()._print(expr, **kwargs)
        return rf"\class{{{MARK}}}{{{text}}}" if expr in self._marked else text

    def _print_Symbol(self, symbol: sp.Symbol, style: str = "") -> str:
        return _name(symbol.name)

    _print_Dummy = _print_Symbol

    def _print_AppliedUndef(self, function: sp.Function) -> str:
        name, (where,) = _name(function.func.__name__), function.args
        return name if where == _TIME else rf"{name}({self._print(where)})"

    def _print_Derivative(self, derivative: sp.Derivative) -> str:
        inner, order = derivative.expr, derivative.derivative_count
        if inner.is_Function and all(argument.is_Symbol for argument in inner.args):
            return self._print(inner) + "'" * order
        by, power = (
            self._print(derivative.variables[0]),
            f"^{order}" if order > 1 else "",
        )
        over = rf"\frac{{\mathrm{{d}}{power}}}{{\mathrm{{d}}{by}{power}}}"
        return rf"{over}\bigl({self._print(inner)}\bigr)"

    def _print_Subs(self, at: sp.Subs) -> str:
        name = _name(at.expr.expr.func.__name__)
        return f"{name}'({self._print(at.point[0])})"

    def _print_ExpBase(self, power: sp.exp, exp: str | None = None) -> str:
        text = self._print(power.exp)
        small = not re.search(r"frac|int|sqrt", text) and sp.count_ops(power.exp) <= 3
        return rf"e^{{{text}}}" if small else rf"\exp\bigl({text}\bigr)"

    def _print_Function(self, function: sp.Function, exp: str | None = None) -> str:
        (where,) = function.args
        name = rf"\{function.func.__name__}" + (f"^{{{exp}}}" if exp else "")
        inner = self._print(where)
        return f"{name} {inner}" if where.is_Symbol else rf"{name}\bigl({inner}\bigr)"

    def _print_Min(self, least: sp.Min, exp: str | None = None) -> str:
        name = type(least).__name__.lower()
        return rf"\{name}\{{" + ", ".join(map(self._print, least.args)) + r"\}"

    _print_Max = _print_Min

    def _print_log(self, function: sp.log, exp: str | None = None) -> str:
        return self._print_Function(function, exp)

    def _print_Pow(self, power: sp.Pow) -> str:
        base, exponent = power.args
        if exponent.could_extract_minus_sign() and base is not sp.E:
            return self._print_Mul(power)
        if exponent.is_Rational and exponent.p == 1 and exponent.q in (2, 4):
            index = "" if exponent.q == 2 else "[4]"
            return rf"\sqrt{index}{{{self._print(base)}}}"
        if isinstance(base, sp.log | sp.sin | sp.cos):
            return self._print_Function(base, self._print(exponent))
        return rf"{self._operand(base)}^{{{self._print(exponent)}}}"

    def _operand(self, base: sp.Expr) -> str:
        """What a power applies to, in parentheses where they are needed."""
        text = self._print(base)
        closed = base.is_Atom or base.is_Function or base.is_Derivative
        bare = closed and not text.startswith("-")
        return (
            text if bare else rf"\Bigl({text}\Bigr)" if "frac" in text else f"({text})"
        )

    def _print_Add(self, total: sp.Add, order: str | None = None) -> str:
        text = ""
        for term in sorted(total.args, key=_rank):
            minus = read(term).startswith("−")
            printed = self._print(-term if minus else term)
            if term in self._marked and minus:
                printed = rf"\class{{{MARK}}}{{{printed}}}"
            sign = "- " if minus else "+ " if text else ""
            text += f" {sign}{printed}"
        return text.strip()

    def _print_Mul(self, product: sp.Expr) -> str:
        size, rest = product.as_coeff_Mul()
        factors = sorted(sp.Mul.make_args(rest), key=_length)
        negative, above, below = quotient(size, factors)
        long = [f for f in above if f.is_Add and (f is not above[0] or len(f.args) > 2)]
        aside = long if below else []
        above = [sp.Integer(abs(size.p))] * (abs(size.p) != 1) + above
        below = [sp.Integer(size.q)] * (size.q != 1) + below
        text = self._factors([f for f in above if f not in aside] if below else above)
        if below:
            text = rf"\frac{{{text or 1}}}{{{self._factors(below)}}}"
            text += "".join(rf"\,{self._operand(f)}" for f in aside)
        return f"-{text}" if negative else text

    def _factors(self, factors: list[sp.Expr]) -> str:
        many = len(factors) > 1
        return r"\,".join(
            self._operand(f) if many and f.is_Add else self._print(f) for f in factors
        )


def _length(factor: sp.Expr) -> tuple[bool, int, str]:
    """Sums after what is no sum, short ones before long ones."""
    printed = read(factor)
    return (factor.as_base_exp()[0].is_Add, len(printed), printed)


def _rank(term: sp.Expr) -> tuple[bool, bool, int, bool, str]:
    """What is added first, then numbers, short terms, Greek ones: ε + h − g."""
    printed = read(term)
    latin = printed[0] < "\u0370"
    return (printed.startswith("−"), not term.is_number, len(printed), latin, printed)


def _name(name: str) -> str:
    """TeX of a symbol's name: Greek letters, primes, subscripts, words."""
    if name in _LETTERS:
        return _LETTERS[name]
    word, _, below = name.partition("_")
    bare = "".join(letter for letter in word if letter.isalpha())
    if bare.isascii() and len(bare) > 1 and "(" not in word:
        text = rf"\mathrm{{{word}}}"
    else:
        parts = unicodedata.normalize("NFC", word).replace("Ā", r"\bar A")
        parts = parts.replace("m̄", r"\bar m")
        text = "".join(map(_letter, parts)).translate(_ENDS)
    return rf"{text}_{{{below}}}" if below else text


def _letter(letter: str) -> str:
    """A Greek letter's command, any other letter itself."""
    title = unicodedata.name(letter, "")
    if not re.match("GREEK (SMALL|CAPITAL) LETTER ", title):
        return letter
    greek = title.rsplit(" ", 1)[1]
    greek = greek.lower() if letter.islower() else greek.title()
    return rf"\{_VARIANTS.get(greek, greek)} "
