"""Schedules of the exponential decay coefficient ρ_k (Section 4 of the paper).

A schedule is any callable of the step k = 0, 1, 2, …; step k+1 of Procedure 1 uses ρ_k.
`harmonic_decay` is the paper's.  It is plain data, so that a checkpoint can hold it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from numbers import Rational
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Integer
from torch import Tensor

from marginflow.checks import positive_integer, probability

__all__ = ["HarmonicDecay", "harmonic_decay", "released_horizon"]


@dataclass(frozen=True)
class HarmonicDecay:
    """ρ_k = 1 − gap / (1 + ⌊levels · k / K⌋), so that 1 − ρ_k is harmonic.

    The paper's schedule has gap 0.1 and 100 levels: ρ climbs from 0.9 at k = 0 to 0.999
    at k = K − 1.  Past k = K it keeps climbing by the same formula.

    Args:
        total_steps: the horizon K > 0; an exact integer or fraction, so that the floor
            never depends on a rounded quotient.
        gap: 1 − ρ_0, in [0, 1].
        levels: how many values ρ takes before K, at least 1.
    """

    total_steps: int | Fraction
    gap: float = 0.1
    levels: int = 100

    def __post_init__(self) -> None:
        K = self.total_steps
        if not isinstance(K, Rational) or isinstance(K, bool) or K <= 0:
            raise ValueError(
                f"total_steps is {K!r}; it must be a positive integer or Fraction"
            )
        # Python's own numbers, whatever NumPy's were given: a checkpoint holds them.
        own = {
            "total_steps": _plain(Fraction(int(K.numerator), int(K.denominator))),
            "gap": probability("gap", self.gap),
            "levels": positive_integer("levels", self.levels),
        }
        for name, value in own.items():
            object.__setattr__(self, name, value)

    def __call__(
        self, k: int | Integer[np.ndarray, "*steps"]
    ) -> float | Float[np.ndarray, "*steps"]:
        """ρ_k for a step k ≥ 0, or for an integer array of steps at once.

        Raises:
            ValueError: k is negative, or no integer.
        """
        steps = np.asarray(k)
        integers = steps.dtype == object or np.issubdtype(steps.dtype, np.integer)
        if not integers or np.any(steps < 0):
            raise ValueError(f"k is {k!r}; steps are integers, counted from 0")
        # K = a/b exactly: ⌊levels k / K⌋ = ⌊levels k b / a⌋, in Python's integers.
        a, b = self.total_steps.numerator, self.total_steps.denominator
        level = self.levels * steps.astype(object) * b // a
        if steps.ndim == 0:
            return 1.0 - self.gap / (1 + int(level))
        return 1.0 - self.gap / (1 + level.astype(np.float64))

    def at(self, k: Integer[Tensor, ""]) -> Float[Tensor, ""]:
        """ρ_k for a step that a tensor counts: no word to the host, for device graphs.

        Exact while levels · k · b < 2^63, where K = a/b.
        """
        a, b = self.total_steps.numerator, self.total_steps.denominator
        level = torch.div(self.levels * b * k, a, rounding_mode="floor")
        return 1.0 - self.gap / (1 + level.double())

    def state_dict(self) -> dict[str, Any]:
        """The schedule as numbers alone, for a checkpoint."""
        K = self.total_steps
        return {
            "schedule": "harmonic_decay",
            "total_steps": [K.numerator, K.denominator],
            "gap": self.gap,
            "levels": self.levels,
        }

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any]) -> HarmonicDecay:
        """The schedule that `state_dict` described."""
        return cls(Fraction(*state["total_steps"]), state["gap"], state["levels"])


def harmonic_decay(total_steps: int | Fraction) -> HarmonicDecay:
    """The schedule of AdaDeltaS and AdaDeltaNS: ρ_k = 1 − 0.1/(1 + ⌊100k/K⌋).

    The paper (p. 9) takes K to be "the total number of steps", which is `total_steps`.
    The released code takes `released_horizon(epochs, examples)` whatever the batch
    size; pass that as `total_steps` for the released reading.

    Raises:
        ValueError: total_steps is not a positive integer or fraction.

    >>> rho = harmonic_decay(5000)
    >>> rho(0), rho(49), rho(50), rho(4999)
    (0.9, 0.9, 0.95, 0.999)
    """
    return HarmonicDecay(total_steps)


def released_horizon(epochs: int, examples: int, batch: int = 100) -> int | Fraction:
    """K as the released code counts it: epochs · |training set| / 100, exactly.

    It is the number of steps only at batch size 100, that of the finer regime.  With
    larger batches the schedule is cut short: at batch size 1000 MNIST training stops at
    ρ = 0.99, not 0.999.

    Args:
        epochs, examples: of the training, at least 1.
        batch: batch size of the finer regime, where an experiment is scaled down.

    Raises:
        ValueError: an argument is not a positive integer.
    """
    images = positive_integer("epochs", epochs) * positive_integer("examples", examples)
    return _plain(Fraction(images, positive_integer("batch", batch)))


def _plain(K: Fraction) -> int | Fraction:
    return K.numerator if K.denominator == 1 else K


# A schedule in a checkpoint that others write (ZeRO's, say) is plain data too.
torch.serialization.add_safe_globals([HarmonicDecay, Fraction])
