"""Random numerical stability terms δ and ε (AdaDeltaN and AdaDeltaNS, p. 9)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from marginflow.checks import non_negative, real

__all__ = ["stability_terms"]


def stability_terms(
    like: Tensor | tuple[int, ...],
    exponent: float = -5.0,
    std: float = 1.0,
    *,
    generator: torch.Generator,
    dtype: torch.dtype | None = None,
) -> Float[Tensor, ...]:
    """Draw stability terms 10^(exponent + std · N), N standard normal, one a component.

    The paper writes "sampled independently from 10^(−5+X)": X is in the exponent, so
    the terms are log-normal and positive for certain, as Procedure 1 demands.

    Numbers are drawn in float64 on the generator's device and then rounded, so that one
    seed means the same terms in every precision and on every device.

    Args:
        like: what to draw for: a tensor gives a tensor of its shape, real dtype and
            device; a shape (a tuple of integers) gives one on the generator's device.
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
    exponent, std = real("exponent", exponent), non_negative("std", std)
    if not isinstance(generator, torch.Generator):
        raise ValueError(
            f"generator is {generator!r}; it must be a torch.Generator, such as "
            "torch.Generator().manual_seed(0)"
        )
    if isinstance(like, Tensor):
        shape = (*like.shape, 2) if like.is_complex() else tuple(like.shape)
        dtype, device = dtype or like.dtype.to_real(), like.device
    elif isinstance(like, tuple) and all(isinstance(n, int) for n in like):
        shape, device = like, generator.device
        dtype = dtype or torch.get_default_dtype()
    else:
        raise ValueError(
            f"like is {like!r}; it must be a tensor, or a shape as a tuple of integers "
            "(for several parameters, draw for one after the other)"
        )
    normal = torch.randn(
        shape, generator=generator, dtype=torch.float64, device=generator.device
    )
    terms = (10.0 ** (exponent + std * normal)).to(device=device, dtype=dtype)
    if not bool(((terms > 0) & terms.isfinite()).all()):
        raise ValueError(
            f"exponent is {exponent!r} and std is {std!r}; {dtype} cannot hold every "
            "term drawn as a positive finite number"
        )
    return terms
