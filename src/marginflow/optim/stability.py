"""Random numerical stability terms δ and ε (AdaDeltaN and AdaDeltaNS, p. 9)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import overload

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["stability_terms"]


@overload
def stability_terms(
    like: Tensor | tuple[int, ...],
    exponent: float = ...,
    std: float = ...,
    *,
    generator: torch.Generator,
    dtype: torch.dtype | None = ...,
) -> Float[Tensor, ...]: ...
@overload
def stability_terms(
    like: Iterable[Tensor],
    exponent: float = ...,
    std: float = ...,
    *,
    generator: torch.Generator,
    dtype: torch.dtype | None = ...,
) -> list[Float[Tensor, ...]]: ...
def stability_terms(like, exponent=-5.0, std=1.0, *, generator, dtype=None):
    """Draw stability terms 10^(exponent + std · N), N standard normal, one a component.

    The paper writes "sampled independently from 10^(−5+X)": X is in the exponent, so
    the terms are log-normal and positive for certain, as Procedure 1 demands.

    Numbers are drawn in float64 on the generator's device and then rounded, so that one
    seed means the same terms in every precision and on every device.

    Args:
        like: what to draw for: a tensor gives a tensor of its shape, real dtype and
            device; a shape (a tuple of integers) gives one on the generator's device;
            tensors, such as a module's parameters, give a list, in their order.
            A complex tensor of shape s is 2·|s| real components: shape (*s, 2).
        exponent: the median is 10^exponent.
        std: standard deviation of the decimal logarithm, at least 0.
        generator: the only source of randomness.
        dtype: real dtype of the result, instead of that of `like` (for a shape:
            instead of torch's default).

    Raises:
        ValueError: an argument is none of these, or the dtype cannot hold a term that
            was drawn (it became 0 or infinite).
    """
    if not math.isfinite(exponent):
        raise ValueError(f"Invalid exponent: {exponent!r}; it must be finite")
    if not (math.isfinite(std) and std >= 0.0):
        raise ValueError(f"Invalid std: {std!r}; it must be finite and at least 0")
    if not isinstance(generator, torch.Generator):
        raise ValueError(
            f"Invalid generator: {generator!r}; a torch.Generator is needed, such as "
            "torch.Generator().manual_seed(0)"
        )

    def draw(shape, dtype, device) -> Tensor:
        normal = torch.randn(
            shape, generator=generator, dtype=torch.float64, device=generator.device
        )
        terms = (10.0 ** (exponent + std * normal)).to(device=device, dtype=dtype)
        if not bool(((terms > 0) & terms.isfinite()).all()):
            raise ValueError(
                f"Invalid exponent and std: {exponent!r}, {std!r}; {dtype} cannot hold "
                "every term drawn as a positive finite number"
            )
        return terms

    def draw_like(p: Tensor) -> Tensor:
        if not isinstance(p, Tensor):
            raise ValueError(
                f"Invalid like: {p!r} among the tensors; give a tensor, tensors (such "
                "as module.parameters()), or a shape as a tuple of integers"
            )
        shape = (*p.shape, 2) if p.is_complex() else p.shape
        return draw(shape, dtype or p.dtype.to_real(), p.device)

    if isinstance(like, Tensor):
        return draw_like(like)
    items = like if isinstance(like, tuple) else list(like)
    if isinstance(items, tuple) and all(isinstance(n, int) for n in items):
        return draw(items, dtype or torch.get_default_dtype(), generator.device)
    return [draw_like(p) for p in items]
