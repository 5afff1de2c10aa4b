"""The data sets of Section 4."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["perceptron_points"]


def perceptron_points(
    generator: torch.Generator, per_class: int = 50
) -> tuple[Float[Tensor, "n 2"], Float[Tensor, " n"]]:
    """The two-dimensional data set of the perceptron experiment (page 10).

    Points (cos 0.5, sin 0.5) + u labelled 1, followed by as many points
    -(cos 0.5, sin 0.5) + u labelled -1, with u uniform on the square [-0.6, 0.6]^2.

    Args:
        generator: source of all randomness.
        per_class: points of each label; 50 in the paper.

    Returns:
        x of shape (2 per_class, 2) and y of shape (2 per_class,), both float64.

    Raises:
        ValueError: ``per_class`` is not a positive integer.
    """
    if not isinstance(per_class, int) or per_class < 1:
        raise ValueError(f"per_class is {per_class!r}; it must be a positive integer")
    u = 1.2 * torch.rand(2 * per_class, 2, generator=generator, dtype=torch.float64)
    y = torch.ones(2 * per_class, dtype=torch.float64)
    y[per_class:] = -1
    centre = torch.tensor([math.cos(0.5), math.sin(0.5)], dtype=torch.float64)
    return y[:, None] * centre + (u - 0.6), y
