"""The coefficients ρ, δ and ε of one parameter group: what may be given, and checks.

Procedure 1 lets each of them differ from component to component.  An option of a
parameter group may be

* a number, or a 0-d tensor: the same for every component;
* a tensor shaped like the parameter, when the group has parameters of one shape;
* a sequence with one number or tensor for each parameter of the group, in order;
* a mapping from each parameter, or from its name if parameters are named, to one.

It is stored as a number, or as a list with one number or tensor for each parameter:
plain data, which `torch.save` with weights_only loading takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

__all__ = ["NONNEGATIVE", "POSITIVE", "UNIT", "Bound", "check_number", "spread"]


class Bound(NamedTuple):
    """Which values a coefficient may take, as a test and in words."""

    holds: Callable[[Any], Any]  # of a float or, elementwise, of a tensor
    words: str


POSITIVE = Bound(lambda x: (x > 0) & (x < math.inf), "finite and greater than 0")
NONNEGATIVE = Bound(lambda x: (x >= 0) & (x < math.inf), "finite and at least 0")
UNIT = Bound(lambda x: (x >= 0) & (x <= 1), "in [0, 1]")


def check_number(
    name: str, value: Any, bound: Bound, label: str | None = None
) -> float:
    """value as a float within bound; a 0-d tensor counts as its number.

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


def spread(
    name: str,
    value: Any,
    params: Sequence[Tensor],
    names: Sequence[str] | None,
    bound: Bound,
    label: str | None = None,
) -> float | list[float | Tensor]:
    """The option `name` of a group in stored form, checked; errors call it `label`.

    Raises:
        ValueError: a value out of bounds or of the wrong shape, a sequence of the wrong
            length, a mapping that leaves a parameter out; names which and says why.
    """
    if isinstance(value, Mapping):
        keys = names if names and not any(p in value for p in params) else params
        missing = [i for i, key in enumerate(keys) if key not in value]
        if missing:
            which = ", ".join(_title(i, params, names) for i in missing)
            raise ValueError(
                f"Invalid {name}: the mapping has no entry for {which}; every "
                "parameter of the group needs one, under itself or under its name"
            )
        value = [value[key] for key in keys]
    elif _is_number(value):
        return check_number(name, value, bound, label)
    elif isinstance(value, Tensor):
        value = [value] * len(params)
    elif not isinstance(value, Sequence) or isinstance(value, str):
        raise ValueError(
            f"Invalid {name}: {value!r}; a number, a tensor, a sequence of them or a "
            "mapping from parameters to them is needed"
        )
    if len(value) != len(params):
        raise ValueError(
            f"Invalid {name}: {len(value)} values for {len(params)} parameters; one "
            "for each parameter of the group is needed"
        )
    return [
        check_number(name, each, bound, label)
        if _is_number(each)
        else _check_tensor(name, each, p, _title(i, params, names), bound)
        for i, (each, p) in enumerate(zip(value, params, strict=True))
    ]


def _is_number(value: Any) -> bool:
    # A 0-d tensor that wants a gradient stays a tensor: a number would cut the graph.
    if isinstance(value, Tensor):
        return value.dim() == 0 and not value.requires_grad
    return isinstance(value, int | float) or hasattr(value, "__float__")


def _title(i: int, params: Sequence[Tensor], names: Sequence[str] | None) -> str:
    named = f" {names[i]!r}" if names else ""
    return f"parameter {i}{named} of shape {tuple(params[i].shape)}"


def _check_tensor(name: str, value: Any, p: Tensor, title: str, bound: Bound) -> Tensor:
    if not isinstance(value, Tensor) or value.is_complex():
        raise ValueError(
            f"Invalid {name} for {title}: {value!r}; a number or a real tensor is "
            "needed"
        )
    shape = (*p.shape, 2) if p.is_complex() else tuple(p.shape)
    if p.is_complex() and value.shape == p.shape and value.dim() > 0:
        value = value.unsqueeze(-1).expand(shape)  # the same for both real components
    if value.dim() == 0 and value.requires_grad:
        value = value.expand(shape)
    if tuple(value.shape) != shape:
        raise ValueError(
            f"Invalid {name} for {title}: its shape is {tuple(value.shape)}, but it "
            f"must be {shape}, one value for each real component"
        )
    value = laid_out_like(value, p)  # before the check: rounding may reach 0
    wrong = ~bound.holds(value.detach())
    if bool(wrong.any()):
        first = value.detach()[wrong].reshape(-1)[0].item()
        raise ValueError(
            f"Invalid {name} for {title}: {int(wrong.sum())} of {value.numel()} values "
            f"are out of bounds, the first is {first} (each must be {bound.words})"
        )
    return value


def laid_out_like(value: Tensor, p: Tensor) -> Tensor:
    """value in the real dtype, device and layout of p; copied only if it has to be."""
    like = torch.view_as_real(p) if p.is_complex() else p
    if (value.dtype, value.device, value.stride()) == (
        like.dtype,
        like.device,
        like.stride(),
    ):
        return value
    return torch.empty_like(like, requires_grad=False).copy_(value)
