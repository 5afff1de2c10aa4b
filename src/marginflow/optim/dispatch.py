"""From a parameter group to the step that runs: plain, in place, or compiled."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .steps import (
    foreach_step,
    fused_obstacle,
    fused_step,
    memory_order_view,
    procedure_1,
)

__all__ = ["Slot", "as_real", "step_group"]

TOGETHER = 16
"""Tensors that one compiled call steps; more would take longer to compile."""

_warned: set[str] = set()


class Slot(NamedTuple):
    """One parameter in one step; complex tensors are already viewed as pairs of reals.

    rho, delta and epsilon are numbers, or tensors shaped like w.
    """

    w: Tensor
    grad: Tensor
    g: Tensor
    h: Tensor
    rho: float | Tensor
    delta: float | Tensor
    epsilon: float | Tensor
    state: dict[str, Any]  # the parameter's own, where the averages live


def step_group(group: dict[str, Any], slots: list[Slot]) -> None:
    """Step all parameters of a group in the way that its options ask for."""
    if group["fused"]:
        slots = _fused(group, slots)  # what is left goes one of the other ways
    if group["differentiable"] or group["foreach"] is False:
        _plain(group, slots)
        return
    for bucket in _buckets(slots, together=group["foreach"]):
        _in_place(group, bucket)


def as_real(t: Tensor) -> Tensor:
    """t itself, or the view of a complex t as pairs of reals (a last axis of 2)."""
    return torch.view_as_real(t) if t.is_complex() else t


def _plain(group: dict[str, Any], slots: list[Slot]) -> None:
    lr = group["lr"]
    eta = lr.reshape(()) if isinstance(lr, Tensor) else lr
    for slot in slots:
        gradient = -slot.grad if group["maximize"] else slot.grad
        if group["weight_decay"] != 0:
            gradient = gradient.add(slot.w, alpha=group["weight_decay"])
        step = procedure_1(
            slot.w,
            gradient,
            slot.g,
            slot.h,
            eta=eta,
            rho=slot.rho,
            delta=slot.delta,
            epsilon=slot.epsilon,
        )
        slot.w.copy_(step.w)
        # New tensors rather than copies: autograd may still need the old ones.
        for key, value in (("square_avg", step.g), ("acc_delta", step.h)):
            is_complex = slot.state[key].is_complex()
            slot.state[key] = torch.view_as_complex(value) if is_complex else value


def _buckets(slots: list[Slot], together: bool | None) -> Iterator[list[Slot]]:
    """Slots that one in-place call can step: of one device, dtype and coefficients.

    together=None: only where the device has multi-tensor kernels; elsewhere one by one,
    which is as fast and keeps the temporaries of one tensor, not of all.
    """
    buckets: dict[Any, list[Slot]] = {}
    for i, slot in enumerate(slots):
        many = slot.w.is_cuda if together is None else together
        numbers = tuple(
            "tensor" if isinstance(c, Tensor) else c
            for c in (slot.rho, slot.delta, slot.epsilon)
        )
        key = (slot.w.device, slot.w.dtype, numbers) if many else i
        buckets.setdefault(key, []).append(slot)
    yield from buckets.values()


def _in_place(group: dict[str, Any], slots: list[Slot]) -> None:
    ws, grads, gs, hs, *coefficients, _ = map(list, zip(*slots, strict=True))
    if group["maximize"]:
        grads = torch._foreach_neg(grads)
    if group["weight_decay"] != 0:
        grads = torch._foreach_add(grads, ws, alpha=group["weight_decay"])
    eta = group["lr"]
    if isinstance(eta, Tensor):
        eta = eta.reshape(()) if group["capturable"] else eta.item()
    # Within a bucket a coefficient is one number, or a tensor for each parameter.
    rho, delta, epsilon = (
        c if isinstance(c[0], Tensor) else c[0] for c in coefficients
    )
    foreach_step(ws, grads, gs, hs, eta=eta, rho=rho, delta=delta, epsilon=epsilon)


def _fused(group: dict[str, Any], slots: list[Slot]) -> list[Slot]:
    """Step what can be fused; return the rest."""
    lr = group["lr"]
    # One dtype for every learning rate: another would be compiled for separately.
    is_tensor = isinstance(lr, Tensor)
    eta = lr.detach().reshape(()).double() if is_tensor else _scalar("eta", lr)
    sign = _scalar("sign", -1.0 if group["maximize"] else 1.0)
    weight_decay = _scalar("weight_decay", group["weight_decay"])
    buckets: dict[Any, list[tuple[Tensor, ...]]] = {}
    rest = []
    for slot in slots:
        order = _memory_order(slot)
        coefficients = slot[4:7]
        per_component = tuple(isinstance(c, Tensor) for c in coefficients)
        # A tensor of one element would be compiled a second time: not worth it.
        if order is None or slot.w.numel() < 2:
            rest.append(slot)
            continue
        obstacle = fused_obstacle(slot.w.device, slot.w.dtype, per_component)
        if obstacle is not None:
            _warn_once(obstacle)
            rest.append(slot)
            continue
        grad = slot.grad.contiguous(memory_format=order)
        flat = [memory_order_view(t, order) for t in (slot.w, grad, slot.g, slot.h)]
        flat += [
            memory_order_view(c, order) if isinstance(c, Tensor) else _scalar(role, c)
            for role, c in zip(("rho", "delta", "epsilon"), coefficients, strict=True)
        ]
        key = (slot.w.device, slot.w.dtype, per_component)
        buckets.setdefault(key, []).append(tuple(flat))
    for bucket in buckets.values():
        for first in range(0, len(bucket), TOGETHER):
            ws, grads, gs, hs, rhos, deltas, epsilons = map(
                list, zip(*bucket[first : first + TOGETHER], strict=True)
            )
            fused_step(
                ws,
                grads,
                gs,
                hs,
                eta=eta,
                rhos=rhos,
                deltas=deltas,
                epsilons=epsilons,
                sign=sign,
                weight_decay=weight_decay,
            )
    return rest


def _memory_order(slot: Slot) -> torch.memory_format | None:
    """The one order in which w, g and h lie densely in memory, if there is one."""
    owned = (slot.w, slot.g, slot.h)
    if all(t.is_contiguous() for t in owned):
        return torch.contiguous_format
    if slot.w.dim() == 4 and all(
        t.is_contiguous(memory_format=torch.channels_last) for t in owned
    ):
        return torch.channels_last
    return None


@lru_cache(maxsize=64)
def _scalar(role: str, value: float) -> Tensor:
    """A number as the kernel reads it; kept, since most steps ask for the same ones.

    Two roles never share a tensor: the compiler would take "δ is ε" for a property of
    the program.
    """
    return torch.tensor(value, dtype=torch.float64, device="cpu")


def _warn_once(obstacle: str) -> None:
    if obstacle not in _warned:
        _warned.add(obstacle)
        warnings.warn(
            f"fused=True: torch.compile cannot make the fused step here ({obstacle}); "
            "going on with the in-place step, which gives the same numbers up to "
            "rounding, more slowly. On a CPU it needs a C++ compiler such as g++.",
            stacklevel=4,
        )
