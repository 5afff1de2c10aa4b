"""The options of a parameter group: which values they may have, and in what form.

Procedure 1 lets ρ, δ and ε differ from component to component.  Each is a number for
all parameters of a group, or, in a group of one parameter, a tensor shaped like it.
Tensors are copied, to float32 or wider: what becomes of the original later, or a
parameter's narrow dtype, changes no algorithm.

What a value must be is said by `marginflow.checks`, behind the words that torch's own
optimizers begin with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from marginflow.checks import non_negative, positive, probability

__all__ = ["checked_number", "coefficient", "is_number"]

# What each option must be, and what torch's own messages call it.
OPTIONS: dict[str, tuple[Callable[[str, Any], float], str]] = {
    "lr": (non_negative, "learning rate"),
    "eps": (positive, "epsilon value"),
    "weight_decay": (non_negative, "weight_decay value"),
    "rho": (probability, "rho value"),
    "delta": (positive, "delta"),
    "epsilon": (positive, "epsilon"),
    "g": (non_negative, "g"),
    "h": (non_negative, "h"),
}

_checked = WeakIdKeyDictionary()  # copies made here, which need no second look


def is_number(value: Any) -> bool:
    """Whether value is a number, or a tensor that stands for one."""
    if isinstance(value, Tensor):
        # One that wants a gradient stays a tensor: a number would cut the graph.
        return value.dim() == 0 and not value.requires_grad
    return isinstance(value, Real)


def checked_number(name: str, value: Any) -> float:
    """The option `name` as a float.

    Raises:
        ValueError: value is not a number, or is out of bounds.
    """
    check, label = OPTIONS[name]
    try:
        return check(name, value.detach() if isinstance(value, Tensor) else value)
    except ValueError as error:
        raise ValueError(f"Invalid {label}: {value} ({error})") from None


def coefficient(
    name: str, value: Any, params: Sequence[Tensor], names: Sequence[str] | None = None
) -> float | Tensor:
    """The option `name` of a group of parameters, checked, as a float or own tensor.

    Raises:
        ValueError: a value out of bounds, of a wrong shape or kind, or a tensor for
            several parameters at once; says which and what would be right.
    """
    if is_number(value) or value is None or isinstance(value, str):
        return checked_number(name, value)
    if not isinstance(value, Tensor):
        raise ValueError(
            f"Invalid {name}: {value!r}; it must be a number, or a tensor shaped like "
            "the one parameter of its group (torch.as_tensor makes one)"
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
    which = f"parameter {names[0]!r}" if names else "a parameter"
    label = f"{name} for {which} of shape {tuple(p.shape)}"
    copied = _copied(label, value, p)
    local = copied.to_local() if hasattr(copied, "to_local") else copied
    flat = local.detach().reshape(-1)
    # NaN counts as least and as largest here, so that two looks see every value.
    for i in {int(flat.argmin()), int(flat.argmax())} if len(flat) else ():
        try:
            OPTIONS[name][0](name, flat[i].item())
        except ValueError as error:
            place = tuple(map(int, torch.unravel_index(torch.tensor(i), local.shape)))
            raise ValueError(f"Invalid {label}: at {place}, {error}") from None
    _checked[copied] = True
    return copied


def _copied(label: str, value: Tensor, p: Tensor) -> Tensor:
    """A copy of value where p is, as wide as p or float32, laid out as p is."""
    like = torch.view_as_real(p) if p.is_complex() else p
    if p.is_complex() and value.shape == p.shape and value.dim() > 0:
        value = value.unsqueeze(-1).expand(like.shape)  # both real components alike
    obstacle = _obstacle(value, p, like)
    if obstacle:
        raise ValueError(f"Invalid {label}: {obstacle}")
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
