"""`procedure_1` compiled: each number is read once and written once.

The compiled step is bound by memory alone.  It serves dense plain tensors; the others
are handed back, and step in place.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any

import torch
from torch import Tensor

from .steps import procedure_1

__all__ = ["fused_step"]

TOGETHER = 16
"""Tensors that one compiled call steps; more would take longer to compile."""

Slot = tuple[Tensor, Tensor, Tensor, Tensor]
"""w, its gradient, g and h."""


def fused_step(slots: list[Slot], **numbers: float | Tensor) -> list[Slot]:
    """Step what can be fused, in place; return the rest.  Says once why, if need be.

    Args:
        slots: w, gradient, g, h of each parameter.
        numbers: eta, rho, delta, epsilon, as `procedure_1` takes them, and sign and
            weight_decay: the step's gradient is sign · gradient + weight_decay · w.
    """
    wide = {k: c for k, c in numbers.items() if isinstance(c, Tensor) and c.dim()}
    buckets: dict[Any, list[Slot]] = {}
    rest = []
    for slot in slots:
        w, grad, g, h = slot
        # A tensor of one element would be compiled a second time: not worth it.
        obstacle = _obstacle(w, grad, g, h, *wide.values()) if w.numel() > 1 else ""
        if obstacle is None:
            if grad.stride() != w.stride():
                grad = torch.empty_like(w).copy_(grad)
            flat = (_flat(w), _flat(grad), _flat(g), _flat(h))
            buckets.setdefault((w.device, w.dtype), []).append(flat)
        else:
            _warn_once(obstacle)
            rest.append(slot)
    numbers = {
        name: _flat(wide[name]) if name in wide else _scalar(name, c)
        for name, c in numbers.items()
    }
    for bucket in buckets.values():
        for first in range(0, len(bucket), TOGETHER):
            _kernel()(bucket[first : first + TOGETHER], **numbers)
    return rest


def _body(slots, *, eta, rho, delta, epsilon, sign, weight_decay) -> None:
    for w, grad, g, h in slots:
        gradient = sign * grad + weight_decay * w
        step = procedure_1(
            w, gradient, g, h, eta=eta, rho=rho, delta=delta, epsilon=epsilon
        )
        w.copy_(step.w)
        g.copy_(step.g)
        h.copy_(step.h)


@cache
def _kernel() -> Callable[..., None]:
    # One graph serves tensors of every size and every number; what differs (how many
    # tensors, dtype, which of ρ, δ, ε are per component) is compiled once each, hence a
    # limit above the default of 8.
    options: dict[str, Any] = {"recompile_limit": 64}  # torch's overloads lack it
    return torch.compile(_body, dynamic=True, fullgraph=True, **options)


def _scalar(name: str, c: float | Tensor) -> Tensor:
    return c.detach().double() if isinstance(c, Tensor) else _kept(name, c)


@lru_cache(maxsize=64)
def _kept(name: str, c: float) -> Tensor:
    """A number as the kernel reads it fastest; most steps ask for the same ones.

    Two names never share a tensor: the compiler would take "δ is ε" for a property of
    the program.
    """
    return torch.tensor(c, dtype=torch.float64, device="cpu")


def _flat(t: Tensor) -> Tensor:
    """A dense t in the order of its memory; to the compiler one kind of tensor."""
    return t.detach().as_strided((t.numel(),), (1,))


def _obstacle(w: Tensor, grad: Tensor, *owned: Tensor) -> str | None:
    """Why this parameter's step cannot be fused, or None when it can."""
    for t in (w, grad, *owned):
        if type(t) not in (Tensor, torch.nn.Parameter):
            return f"a {type(t).__name__} is no plain tensor"
    dense = w.is_contiguous() or w.is_contiguous(memory_format=torch.channels_last)
    if not dense or any(t.stride() != w.stride() for t in owned):
        return "a parameter is not dense, or not in the order of its averages"
    return _compilers_obstacle(w.device, w.dtype)


@cache
def _compilers_obstacle(device: torch.device, dtype: torch.dtype) -> str | None:
    """Why torch cannot compile the step for tensors of this kind, or None.

    Compiles it (seconds, once a process; less when torch's on-disk cache has it) for
    throw-away tensors, which are large enough that the compiler splits the work over
    threads, and so a failure leaves no parameter half updated.
    """
    if device.type not in ("cpu", "cuda"):
        return f"no fused step for device type {device.type!r}"
    # Tensors of their own each: views of one would be compiled for as aliases.
    w, grad, g, h = (torch.ones(1 << 16, dtype=dtype, device=device) for _ in range(4))
    names = ("eta", "rho", "delta", "epsilon", "sign", "weight_decay")
    try:
        with torch.no_grad(), _without_toolkit_notice():
            _kernel()([(w, grad, g, h)], **{name: _kept(name, 0.5) for name in names})
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


@cache
def _warn_once(obstacle: str) -> None:
    if obstacle:
        warnings.warn(
            f"fused=True: torch.compile cannot make the fused step here ({obstacle}); "
            "going on with the in-place step, which gives the same numbers up to "
            "rounding, more slowly. On a CPU it needs a C++ compiler such as g++.",
            stacklevel=5,
        )
