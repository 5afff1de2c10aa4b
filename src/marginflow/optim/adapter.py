"""The adapter of AdaDelta and what the paper reads off it.

In step k+1 Procedure 1 multiplies the gradient, component by component, by the
*adapter* sqrt((ε + h_k)/(δ + g_{k+1})): the old average of squared adapted gradients
over the new average of squared gradients.  These functions work alike on tensors and
NumPy arrays; which g and h they get is the caller's choice, and each says what the
paper takes.  They refuse negative averages and terms by name; NaN stays NaN.  The step
itself does not look at its numbers (`bare_adapter`): the optimizer checks what it is
given once, and averages of squares stay >= 0.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

__all__ = ["adapter", "adapter_reciprocal_root", "skewed_adapter", "skewing_vector"]

Array = TypeVar("Array", Tensor, np.ndarray, float)


def adapter(g: Array, h: Array, delta: Array | float, epsilon: Array | float) -> Array:
    """The adapter sqrt((ε + h)/(δ + g)), shaped like g and h.

    With g = g_{k+1} and h = h_k it is the factor that step k+1 applies.  By Lemma 8 the
    adapter of the flow tends to χ² = sqrt(ε/δ).

    Raises:
        ValueError: a negative value, here and in the functions below.
    """
    _refuse_negative(g=g, h=h, delta=delta, epsilon=epsilon)
    return bare_adapter(g, h, delta, epsilon)


def bare_adapter(
    g: Array, h: Array, delta: Array | float, epsilon: Array | float
) -> Array:
    """The same without a look at the values, for steps."""
    return ((epsilon + h) / (delta + g)) ** 0.5


def adapter_reciprocal_root(
    g: Array, h: Array, delta: Array | float, epsilon: Array | float
) -> Array:
    """((δ + g)/(ε + h))^(1/4): the vector whose direction Figure 1 shows.

    The paper (p. 10) takes g = g_K and h = h_{K−1}, the pair used in the last step; the
    released code takes h_K.  Its limit for the flow is 1/χ, and it is this skew that
    scales the norm minimized in Theorem 2.
    """
    _refuse_negative(g=g, h=h, delta=delta, epsilon=epsilon)
    return ((delta + g) / (epsilon + h)) ** 0.25


def skewing_vector(delta: Array, epsilon: Array) -> Array:
    """χ = (ε/δ)^(1/4), the skewing vector of Section 3 (p. 7)."""
    _refuse_negative(delta=delta, epsilon=epsilon)
    return (epsilon / delta) ** 0.25


def skewed_adapter(
    g: Array, h: Array, delta: Array | float, epsilon: Array | float
) -> Array:
    """β = sqrt((1 + h/ε)/(1 + g/δ)), the skewed adapter of Section 3 (p. 7).

    The adapter is χ²β, and Lemmas 5 to 9 are about β alone.
    """
    _refuse_negative(g=g, h=h, delta=delta, epsilon=epsilon)
    return ((1 + h / epsilon) / (1 + g / delta)) ** 0.5


def _refuse_negative(**values: Tensor | np.ndarray | float) -> None:
    for name, value in values.items():
        wrong = torch.as_tensor(value < 0)
        if wrong.any():
            first = torch.as_tensor(value)[wrong].flatten()[0].item()
            raise ValueError(f"{name} contains {first!r}; it must be >= 0")
