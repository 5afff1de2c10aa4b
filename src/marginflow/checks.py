"""What an argument may be, and what is said when it is something else.

Each check returns the value in the form in which it is used, or raises a ValueError
that names the argument, its value and what would be right:

    >>> positive_integer("width", 0)
    Traceback (most recent call last):
    ValueError: width is 0; it must be a positive integer

NumPy alone is imported, so that bad input is told without waiting for torch; tensors
are understood by what they can do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from operator import index
from typing import Any

import numpy as np

__all__ = [
    "classes",
    "examples",
    "matrix",
    "non_negative",
    "one_of",
    "positive",
    "positive_integer",
    "probability",
    "real",
    "real_array",
    "signs",
    "stability",
    "terms",
    "vector",
]

Array = np.ndarray


def positive_integer(name: str, value: Any) -> int:
    """An integer >= 1 of any kind, NumPy's too; True is none."""
    try:
        number = 0 if isinstance(value, bool) else index(value)
    except TypeError:
        number = 0
    if number < 1:
        raise ValueError(f"{name} is {value!r}; it must be a positive integer")
    return number


def real(name: str, value: Any, what: str = "a finite number") -> float:
    """A finite number, as a float."""
    try:
        number = math.nan if isinstance(value, str | bool) else float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name} is {value!r}; it must be {what}")
    return number


def positive(name: str, value: Any) -> float:
    """A finite number > 0."""
    return _where(name, value, "a finite number > 0", lambda a: a > 0)


def non_negative(name: str, value: Any) -> float:
    """A finite number >= 0."""
    return _where(name, value, "a finite number >= 0", lambda a: a >= 0)


def probability(name: str, value: Any) -> float:
    """A number in [0, 1]."""
    return _where(name, value, "a number in [0, 1]", lambda a: 0 <= a <= 1)


def one_of(name: str, value: Any, known: Iterable[Any]) -> Any:
    """One of some known values, most often names."""
    choices = list(known)
    if not any(type(value) is type(c) and value == c for c in choices):
        told = ", ".join(map(str, choices))
        raise ValueError(f"{name} is {value!r}; choose one of {told}")
    return value


def real_array(name: str, value: Any) -> Array:
    """A non-empty array of finite real numbers, float64, copied from what was given."""
    value = value.detach().cpu().numpy() if hasattr(value, "detach") else value
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        array = np.asarray(None)
    if array.dtype.kind not in "fiub":
        raise ValueError(
            f"{name} is {_short(value)} of dtype {array.dtype}; it must hold real "
            "numbers, all rows of one length"
        )
    array = np.array(array, dtype=np.float64, order="C")
    wrong = ~np.isfinite(array)
    if wrong.any():
        raise ValueError(
            f"{name} contains {float(array[wrong][0])!r}, which is non-finite; it must "
            "be finite"
        )
    return array


def examples(name: str, value: Any) -> Array:
    """Inputs, shape (n, ...) with n > 0: one row, or one image, an example."""
    array = real_array(name, value)
    if array.ndim < 2 or array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}; it must be (n, ...), n > 0")
    return array


def matrix(name: str, value: Any, columns: int | None = None) -> Array:
    """Inputs of shape (n, d), n > 0."""
    array = real_array(name, value)
    d = "d" if columns is None else columns
    wide = array.ndim == 2 and columns in (None, array.shape[1])
    if not wide or array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}; it must be (n, {d}), n > 0")
    return array


def vector(name: str, value: Any, length: int | None = None) -> Array:
    """Parameters or the like, shape (p,), p > 0."""
    array = real_array(name, value)
    if array.ndim != 1 or array.size == 0 or length not in (None, array.size):
        wanted = "(p,), p > 0" if length is None else f"({length},)"
        raise ValueError(f"{name} has shape {array.shape}; it must be {wanted}")
    return array


def terms(name: str, value: Any, p: int, need: str, zero: bool = False) -> Array:
    """One number or p numbers as p numbers > 0, or >= 0; ``need`` says for what."""
    array = real_array(name, value)
    if array.shape not in ((), (p,)):
        raise ValueError(f"{name} has shape {array.shape}; it must be () or ({p},)")
    wrong = array < 0 if zero else array <= 0
    if wrong.any():
        bound = ">= 0" if zero else "> 0"
        raise ValueError(
            f"{name} contains {float(array[wrong].flat[0])!r}; {need} {name} {bound}, "
            "all finite"
        )
    return np.broadcast_to(array, (p,)).copy()


def stability(
    delta: Any, epsilon: Any, p: int, need: str = "Process 2 needs stability terms"
) -> tuple[Array, Array]:
    """δ and ε, each one number or p numbers, as p numbers > 0 each."""
    return terms("delta", delta, p, need), terms("epsilon", epsilon, p, need)


def signs(name: str, value: Any, n: int) -> Array:
    """Labels -1 and +1 (Section 2), one for each of n examples."""
    array = _labels(name, value, n, "labels -1 and +1")
    return _allowed(name, array, np.abs(array) == 1, "Section 2 takes labels -1 and +1")


def classes(name: str, value: Any, n: int, c: int) -> Array:
    """Class indices 0, ..., c - 1 as integers, one for each of n examples."""
    told = f"class indices in 0, ..., {c - 1}"
    array = _labels(name, value, n, told)
    fine = (array >= 0) & (array < c) & (array == np.floor(array))
    return _allowed(name, array, fine, f"{c} outputs take {told}").astype(np.int64)


def _labels(name: str, value: Any, n: int, what: str) -> Array:
    array = real_array(name, value)
    if array.shape != (n,):
        raise ValueError(
            f"{name} has shape {array.shape}; it must be ({n},): {what}, one for each "
            "example"
        )
    return array


def _allowed(name: str, array: Array, fine: Array, what: str) -> Array:
    if not fine.all():
        raise ValueError(f"{name} contains {float(array[~fine][0])!r}; {what}")
    return array


def _where(name: str, value: Any, what: str, fine: Any) -> float:
    number = real(name, value, what)
    if not fine(number):
        raise ValueError(f"{name} is {value!r}; it must be {what}")
    return number


def _short(value: Any) -> str:
    told = repr(value)
    return told if len(told) <= 40 else type(value).__name__
