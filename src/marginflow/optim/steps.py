"""One step of Procedure 1, three ways to run it.

`procedure_1` is the ground truth: the paper's three lines, out of place, one parameter.
`foreach_step` makes the same step in place, in torch.optim.Adadelta's own order of
operations, over a list of tensors.  `fused_step` compiles `procedure_1` itself, so that
each number is read once and written once; it is bound by memory alone.

All work on real tensors; the optimizer views complex ones as pairs of reals first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["Averages", "Step", "foreach_step", "fused_step", "procedure_1"]


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
    adapted = torch.sqrt((epsilon + h) / (delta + g_next)) * gradient  # Δ_{k+1}
    h_next = rho * h + (1 - rho) * adapted**2
    w_next = w - eta * adapted
    return Step(w_next, g_next, h_next)


Coefficient = float | Tensor | Sequence[Tensor]


def foreach_step(
    ws: list[Tensor],
    gradients: list[Tensor],
    gs: list[Tensor],
    hs: list[Tensor],
    *,
    eta: float | Tensor,
    rho: Coefficient,
    delta: Coefficient,
    epsilon: Coefficient,
) -> None:
    """Procedure 1 in place over lists of tensors of one device and dtype.

    With scalar coefficients the operations are those of torch.optim.Adadelta, in its
    order, and so are the results, bit for bit.  A coefficient is a number for all
    tensors (ρ also as a 0-d tensor), or one tensor for each.
    """
    _decay_(gs, gradients, rho)
    root = torch._foreach_add(gs, delta)
    torch._foreach_sqrt_(root)
    adapted = torch._foreach_add(hs, epsilon)
    torch._foreach_sqrt_(adapted)
    torch._foreach_div_(adapted, root)
    torch._foreach_mul_(adapted, gradients)
    _decay_(hs, adapted, rho)
    if isinstance(eta, Tensor):
        torch._foreach_mul_(adapted, -eta)
        torch._foreach_add_(ws, adapted)
    else:
        torch._foreach_add_(ws, adapted, alpha=-eta)


def _decay_(averages: list[Tensor], terms: list[Tensor], rho: Coefficient) -> None:
    """average ← ρ average + (1 − ρ) term², in place."""
    torch._foreach_mul_(averages, rho)
    if isinstance(rho, float):
        torch._foreach_addcmul_(averages, terms, terms, value=1 - rho)
    else:
        rest = 1 - rho if isinstance(rho, Tensor) else [1 - r for r in rho]
        squares = torch._foreach_mul(terms, terms)
        torch._foreach_mul_(squares, rest)
        torch._foreach_add_(averages, squares)


def _fused_body(ws, grads, gs, hs, eta, rho, delta, epsilon, sign, weight_decay):
    for w, grad, g, h in zip(ws, grads, gs, hs, strict=True):
        gradient = sign * grad + weight_decay * w
        step = procedure_1(
            w, gradient, g, h, eta=eta, rho=rho, delta=delta, epsilon=epsilon
        )
        w.copy_(step.w)
        g.copy_(step.g)
        h.copy_(step.h)


@cache
def _fused_kernel() -> Callable[..., None]:
    # One graph serves tensors of every size; what differs (how many tensors, dtype, and
    # which of ρ, δ, ε are per component) is compiled once each, hence a limit above the
    # default of 8.
    return torch.compile(_fused_body, dynamic=True, fullgraph=True, recompile_limit=64)


@cache
def fused_obstacle(
    device: torch.device,
    dtype: torch.dtype,
    per_component: tuple[torch.dtype | None, ...],
) -> str | None:
    """Why the fused step cannot run here, or None when it can.

    Compiles the kernel (seconds, once a process; less when torch's on-disk cache has
    it) on throw-away tensors, which are large enough that the compiler splits the work
    over threads, and so a failure leaves no parameter half updated.

    Args:
        per_component: for ρ, δ and ε the dtype of their tensors, None for a number.
    """
    if device.type not in ("cpu", "cuda"):
        return f"no fused step for device type {device.type!r}"
    n = 1 << 16
    # Tensors of their own each: views of one would be compiled for as aliases.
    w, grad, g, h = (torch.ones(n, dtype=dtype, device=device) for _ in range(4))
    half = torch.tensor(0.5, dtype=torch.float64)
    coefficients = [
        half.clone()
        if wide is None
        else torch.full((n,), 0.5, dtype=wide, device=device)
        for wide in per_component
    ]
    numbers = {"sign": half.clone(), "weight_decay": half.clone()}
    try:
        with torch.no_grad(), _without_toolkit_notice():
            fused_step([w], [grad], [g], [h], half.clone(), *coefficients, **numbers)
    except Exception as error:
        reason = str(error).strip().splitlines()[:1]
        return ": ".join([type(error).__name__, *reason])
    return None


@contextmanager
def _without_toolkit_notice() -> Iterator[None]:
    """Importing torch's compiler on a machine without a GPU logs that it has none."""
    logger = logging.getLogger("torch.utils.cpp_extension")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def fused_step(
    ws: list[Tensor],
    grads: list[Tensor],
    gs: list[Tensor],
    hs: list[Tensor],
    eta: Tensor,
    rho: Tensor,
    delta: Tensor,
    epsilon: Tensor,
    *,
    sign: Tensor,
    weight_decay: Tensor,
) -> None:
    """`procedure_1`, compiled: in place, one pass, for the gradient sign·grad + λ·w.

    Tensors are flat; ρ, δ and ε are 0-d tensors, or as long as the one w.  Numbers are
    passed as 0-d tensors because a new value of a Python number would compile the
    kernel anew at every change of the learning rate.
    """
    _fused_kernel()(ws, grads, gs, hs, eta, rho, delta, epsilon, sign, weight_decay)


def memory_order(*owned: Tensor) -> torch.memory_format | None:
    """The one order in which all of them lie densely in memory, if there is one."""
    for order in (torch.contiguous_format, torch.channels_last):
        fits = order == torch.contiguous_format or owned[0].dim() == 4
        if fits and all(t.is_contiguous(memory_format=order) for t in owned):
            return order
    return None


def memory_order_view(t: Tensor, order: torch.memory_format) -> Tensor:
    """A flat view of t in the order of its memory, in which t must be dense."""
    t = t.detach()  # one kind of tensor for the compiler, whether t wants gradients
    return (t.permute(0, 2, 3, 1) if order == torch.channels_last else t).view(-1)
