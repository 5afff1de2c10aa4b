"""The coefficients ρ, δ and ε of a parameter group: what may be given, and checks.

Procedure 1 lets each of them differ from component to component.  An option of a
parameter group is a number for all components of all its parameters, or, in a group of
one parameter, a tensor shaped like it.  Tensors are copied, to float32 or wider: what
becomes of the original later, or a parameter's narrow dtype, changes no algorithm.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

__all__ = ["NONNEGATIVE", "POSITIVE", "UNIT", "Bound", "check_number", "coefficient"]


class Bound(NamedTuple):
    """Which values a coefficient may take, as a test and in words."""

    holds: Callable[[Any], Any]  # of a float or, elementwise, of a tensor
    words: str


POSITIVE = Bound(lambda x: (x > 0) & (x < math.inf), "finite and greater than 0")
NONNEGATIVE = Bound(lambda x: (x >= 0) & (x < math.inf), "finite and at least 0")
UNIT = Bound(lambda x: (x >= 0) & (x <= 1), "in [0, 1]")

_checked = WeakIdKeyDictionary()  # copies made here, which need no second look


def is_number(value: Any) -> bool:
    """Whether value is a number, or a tensor that stands for one."""
    if isinstance(value, Tensor):
        # One that wants a gradient stays a tensor: a number would cut the graph.
        return value.dim() == 0 and not value.requires_grad
    return isinstance(value, Real)


def check_number(
    name: str, value: Any, bound: Bound, label: str | None = None
) -> float:
    """value as a float within bound; errors call it `label`, as torch's do.

    Raises:
        ValueError: value is not a number, or is out of bounds.
    """
    try:
        number = float(value.detach() if isinstance(value, Tensor) else value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"Invalid {label or name}: {value!r} "
            f"({name} must be a number {bound.words})"
        ) from error
    if not bound.holds(number):
        raise ValueError(
            f"Invalid {label or name}: {value} ({name} must be {bound.words})"
        )
    return number


def coefficient(
    name: str,
    value: Any,
    params: Sequence[Tensor],
    bound: Bound,
    label: str | None = None,
    title: str | None = None,
) -> float | Tensor:
    """The option `name` of a group of parameters in stored form, checked.

    Raises:
        ValueError: a value out of bounds, of a wrong shape or kind, or a tensor for
            several parameters at once; says which and what would be right.
    """
    if is_number(value) or isinstance(value, str):
        return check_number(name, value, bound, label)
    if not isinstance(value, Tensor):
        raise ValueError(
            f"Invalid {name}: {value!r}; a number is needed, or a tensor shaped like "
            "the one parameter of a group (torch.as_tensor makes one)"
        )
    if len(params) != 1:
        raise ValueError(
            f"Invalid {name}: a tensor of shape {tuple(value.shape)} for a group of "
            f"{len(params)} parameters; give each parameter a group of its own, "
            f"{{'params': p, {name!r}: tensor}}"
        )
    (p,) = params
    if value in _checked and value.device == p.device:
        return value
    title = title or f"a parameter of shape {tuple(p.shape)}"
    copied = _copied(name, value, p, title)
    wrong = ~bound.holds(copied.detach())
    if bool(wrong.any()):
        first = copied.detach()[wrong].reshape(-1)[0].item()
        place = tuple(wrong.nonzero()[0].tolist())
        raise ValueError(
            f"Invalid {name} for {title}: {int(wrong.sum())} of {value.numel()} values "
            f"are out of bounds, the first is {first} at {place} (each must be "
            f"{bound.words})"
        )
    _checked[copied] = True
    return copied


def _copied(name: str, value: Tensor, p: Tensor, title: str) -> Tensor:
    """A copy of value where p is, as wide as p or float32, laid out as p is."""
    like = torch.view_as_real(p) if p.is_complex() else p
    if p.is_complex() and value.shape == p.shape and value.dim() > 0:
        value = value.unsqueeze(-1).expand(like.shape)  # both real components alike
    obstacle = _obstacle(value, p, like)
    if obstacle:
        raise ValueError(f"Invalid {name} for {title}: {obstacle}")
    dtype = torch.promote_types(like.dtype, torch.float32)
    if value.requires_grad:  # kept in the graph, for hypergradients
        return value.expand(like.shape).to(dtype=dtype, device=p.device).clone()
    if hasattr(value, "device_mesh"):
        return value.detach().to(dtype).clone()
    return torch.empty_like(like, dtype=dtype, requires_grad=False).copy_(value)


def _obstacle(value: Tensor, p: Tensor, like: Tensor) -> str | None:
    """Why value cannot be p's coefficients, or None."""
    if value.is_complex() or value.layout is not torch.strided:
        kind = value.dtype if value.is_complex() else value.layout
        return f"it is {kind}; a dense real tensor is needed"
    if value.is_meta or p.is_meta:
        return "values of tensors on the meta device cannot be read; materialize first"
    if hasattr(p, "device_mesh") and not hasattr(value, "device_mesh"):
        return (
            "the parameter is sharded (a DTensor) and the tensor is not; distribute it "
            "like the parameter (torch.distributed.tensor.distribute_tensor), or give "
            "a number"
        )
    whole = value.dim() == 0 and value.requires_grad  # one number, kept as a tensor
    if tuple(value.shape) != tuple(like.shape) and not whole:
        return (
            f"its shape is {tuple(value.shape)}, but it must be {tuple(like.shape)}, "
            "one value for each real component"
        )
    return None
