"""One step of Procedure 1: the paper's lines, and the same in place.

`procedure_1` is the ground truth: the paper's lines, out of place, one parameter.
`foreach_step` makes the same step in place, in torch.optim.Adadelta's own order of
operations, over a list of tensors; `fused` compiles `procedure_1` itself.

All work on real tensors; the optimizer views complex ones as pairs of reals first.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from .adapter import bare_adapter

__all__ = ["Averages", "Step", "foreach_step", "procedure_1"]

Tensors = list[Tensor] | tuple[Tensor, ...]


class Averages(NamedTuple):
    """The two exponentially decaying averages of Procedure 1."""

    g: Float[Tensor, "*p"]  # of squared gradients
    h: Float[Tensor, "*p"]  # of squared adapted gradients


class Step(NamedTuple):
    """What Procedure 1 holds after a step: w_{k+1}, g_{k+1}, h_{k+1}."""

    w: Float[Tensor, "*p"]
    g: Float[Tensor, "*p"]
    h: Float[Tensor, "*p"]


def procedure_1(
    w: Float[Tensor, "*p"],
    gradient: Float[Tensor, "*p"],
    g: Float[Tensor, "*p"],
    h: Float[Tensor, "*p"],
    *,
    eta: float | Tensor,
    rho: float | Float[Tensor, "*p"],
    delta: float | Float[Tensor, "*p"],
    epsilon: float | Float[Tensor, "*p"],
) -> Step:
    """Step k+1 of Procedure 1 (p. 4): from w_k, g_k, h_k to w_{k+1}, g_{k+1}, h_{k+1}.

    Every coefficient is a number or a tensor shaped like w.  Nothing is written in
    place, so that the step is differentiable in all of its arguments.
    """
    g_next = rho * g + (1 - rho) * gradient**2
    adapted = bare_adapter(g_next, h, delta, epsilon) * gradient  # Δ_{k+1}
    h_next = rho * h + (1 - rho) * adapted**2
    w_next = w - eta * adapted
    return Step(w_next, g_next, h_next)


def foreach_step(
    ws: Tensors,
    gradients: Tensors,
    gs: Tensors,
    hs: Tensors,
    *,
    eta: float | Tensor,
    rho: float | Tensor,
    delta: float | Tensor,
    epsilon: float | Tensor,
) -> None:
    """Procedure 1 in place over lists of tensors of one device and dtype.

    With numbers the operations are those of torch.optim.Adadelta, in its order, and so
    are the results, bit for bit.  A coefficient is a number for all tensors (also as a
    0-d tensor), or a tensor shaped like the only one.
    """
    _decay_(gs, gradients, rho)
    root = torch._foreach_add(gs, _spread(delta))
    torch._foreach_sqrt_(root)
    adapted = torch._foreach_add(hs, _spread(epsilon))
    torch._foreach_sqrt_(adapted)
    torch._foreach_div_(adapted, root)
    torch._foreach_mul_(adapted, gradients)
    _decay_(hs, adapted, rho)
    if isinstance(eta, Tensor):
        torch._foreach_mul_(adapted, -eta)
        torch._foreach_add_(ws, adapted)
    else:
        torch._foreach_add_(ws, adapted, alpha=-eta)


def _decay_(averages: Tensors, terms: Tensors, rho: float | Tensor) -> None:
    """average ← ρ average + (1 − ρ) term², in place."""
    torch._foreach_mul_(averages, _spread(rho))
    if isinstance(rho, Tensor):
        squares = torch._foreach_mul(terms, terms)
        torch._foreach_mul_(squares, _spread(1 - rho))
        torch._foreach_add_(averages, squares)
    else:
        torch._foreach_addcmul_(averages, terms, terms, value=1 - rho)


def _spread(c: float | Tensor) -> Any:
    """c as torch takes it beside a list: per component it is a list of one tensor."""
    return [c] if isinstance(c, Tensor) and c.dim() else c
