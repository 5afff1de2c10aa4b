"""Schedules rho(t) of the exponential decay coefficients (Process 2).

The flow needs 1 - rho(t), at times up to log t = 10^6, where neither t nor 1 - rho(t)
is a float. A schedule therefore answers with log(1 - rho) as a function of log t.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from marginflow import checks

__all__ = ["Constant", "Decay", "Plain", "PowerLaw", "as_decay"]

Array = np.ndarray


# Below it 1 - rho, formed in float64, keeps less than five digits, and the solver's
# steps shrink to follow what is left: from 250 up to log t = 24 to 25,000 up to 29.5.
_FEW_DIGITS = 2.0**-36


class Decay(ABC):
    """A schedule rho: [0, infinity) -> [0, 1]^p."""

    @abstractmethod
    def log_complement(self, log_t: float) -> float | Float[Array, " p"]:
        """log(1 - rho(t)), per component or one for all; -inf where rho = 1."""

    def __call__(self, t: float) -> float | Float[Array, " p"]:
        """rho(t)."""
        with np.errstate(divide="ignore"):
            return -np.expm1(self.log_complement(np.log(t)))

    @property
    def meets_assumption_2(self) -> bool | None:
        """Whether int (1 - rho) dt = infinity in every component; None: not known."""
        return None


@dataclass(frozen=True)
class Constant(Decay):
    """rho(t) = rho, a number or one per component, as in AdaDelta."""

    rho: float | tuple[float, ...]

    def __post_init__(self) -> None:
        _check_rho(np.asarray(self.rho, dtype=np.float64))

    def log_complement(self, log_t: float) -> float | Float[Array, " p"]:
        with np.errstate(divide="ignore"):
            return np.log1p(-np.asarray(self.rho, dtype=np.float64))

    @property
    def meets_assumption_2(self) -> bool:
        return bool((np.asarray(self.rho) < 1).all())


@dataclass(frozen=True)
class PowerLaw(Decay):
    """1 - rho(t) = complement / (1 + t / horizon)^power.

    power = 1 is the continuous form of the harmonic schedule of Section 4; its integral
    diverges like a logarithm. With power > 1 the integral converges, which violates
    Assumption 2 (i).
    """

    complement: float = 0.1
    horizon: float = 1.0
    power: float = 1.0

    def __post_init__(self) -> None:
        # So rho stays in [0, 1], where Process 2 has it.
        checks.probability("complement", self.complement)
        checks.positive("horizon", self.horizon)
        checks.non_negative("power", self.power)

    def log_complement(self, log_t: float) -> float:
        with np.errstate(divide="ignore"):
            start = np.log(self.complement)
        return start - self.power * np.logaddexp(0.0, log_t - np.log(self.horizon))

    @property
    def meets_assumption_2(self) -> bool:
        return self.complement > 0 and self.power <= 1


@dataclass(frozen=True)
class Plain(Decay):
    """Any function t -> rho(t), a number or one per component.

    Since 1 - rho is formed by subtraction, a rho that tends to 1 should rather be a
    :class:`PowerLaw` or a subclass of :class:`Decay` of your own. Beyond the largest
    float the function is asked for rho(1e308).
    """

    function: Callable[[float], float | Float[Array, " p"]]

    def log_complement(self, log_t: float) -> float | Float[Array, " p"]:
        t = np.exp(min(log_t, 709.0))
        try:
            rho = _check_rho(np.asarray(self.function(float(t)), dtype=np.float64), t)
        except ArithmeticError as error:
            raise ValueError(
                f"rho({t:.6g}) cannot be computed ({error}); Process 2 needs decay "
                "coefficients at all t >= 0"
            ) from error
        left = 1 - rho
        lost = (left > 0) & (left < _FEW_DIGITS)
        if lost.any():
            raise ValueError(
                f"1 - rho is {float(left[lost].flat[0]):.3g} at t={t:.6g}: formed by "
                "subtraction it has fewer than five digits left; give the schedule as "
                "a PowerLaw (1 - 1/(1 + t) is PowerLaw(1.0)) or another Decay"
            )
        with np.errstate(divide="ignore"):
            return np.log1p(-rho)


def as_decay(rho: float | Array | Callable | Decay) -> Decay:
    """``rho`` as a schedule: a number, an array "p", a function of t or a Decay.

    Raises:
        ValueError: a value outside [0, 1], which Process 2 excludes.
    """
    if isinstance(rho, Decay):
        return rho
    if callable(rho):
        return Plain(rho)
    array = np.asarray(rho, dtype=np.float64)
    if array.ndim > 1:
        raise ValueError(f"rho has shape {array.shape}; it must be () or (p,)")
    return Constant(float(array) if array.ndim == 0 else tuple(array.tolist()))


def _check_rho(rho: Array, t: float | None = None) -> Array:
    wrong = ~((rho >= 0) & (rho <= 1))
    if wrong.any():
        where = "" if t is None else f" at t={t:.6g}"
        raise ValueError(
            f"rho contains {float(rho[wrong].flat[0])!r}{where}; Process 2 needs decay "
            "coefficients rho in [0, 1]"
        )
    return rho
