"""Margins of one fixed w over a data set, in the log domain (pages 6, 10, 11).

The margin of w is its smallest label-adjusted output, min_i y_i Phi(w, x_i); with more
than two classes, the smallest lead of the true class over the best other. Divided by
|w|^L it depends on the direction of w alone. For the 14-layer network |w|^14 spans
dozens of orders of magnitude, so a normalized margin is formed as

    sign(margin) * exp(log |margin| - L log |w|).

Before the data are separated it is negative, and such rounds stay in the record.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor

from marginflow import checks
from marginflow.losses import _check_classes, _data, _floating, label_adjusted

__all__ = [
    "RunningMargin",
    "label_adjusted",
    "log_norm",
    "log_normalized_margin",
    "margin",
    "multiclass_gap",
    "normalized_margin",
]


def margin(z: Float[Tensor, "... n"]) -> Float[Tensor, " ..."]:
    """min_i z_i with z_i = y_i Phi(w, x_i), the margin of one w (page 6).

    For several classes pass the gaps of :func:`multiclass_gap`. NaN gives NaN.

    Raises:
        ValueError: z is not floating or holds no data.
    """
    return _data("z", z).amin(-1)


def multiclass_gap(
    logits: Float[Tensor, "... n c"],
    labels: Int[Tensor, "... n"],
    *,
    validate: bool = True,
) -> Float[Tensor, "... n"]:
    """u_k - max_{j != k} u_j: how far the true class k leads the best other one.

    Args and errors as :func:`marginflow.losses.soft_gap`, its smooth counterpart:
    gap - log(c - 1) <= soft_gap <= gap.
    """
    labels = _check_classes(logits, labels, validate)
    index = labels.unsqueeze(-1).expand(*logits.shape[:-1], 1)
    others = logits.scatter(-1, index, -math.inf).amax(-1)
    return logits.gather(-1, index).squeeze(-1) - others


def log_norm(
    w: Float[Tensor, "... p"] | torch.nn.Module | Iterable[Tensor],
) -> Float[Tensor, " ..."]:
    """log |w|, float64, for |w| far outside the range of floats too.

    Args:
        w: parameter vectors along the last axis, or a module, or an iterable of
            parameter tensors that together make up one w.
    """
    if isinstance(w, torch.nn.Module):
        w = [p for p in w.parameters() if p.requires_grad]
    if not isinstance(w, Tensor):
        parts = [_floating("w", p).detach().reshape(-1) for p in w]
        if not parts:
            raise ValueError("w has no parameters; a norm needs at least one")
        logs = torch.stack([log_norm(p) for p in parts if p.numel()])
        return 0.5 * torch.logsumexp(2.0 * logs, 0)
    w = _double(_data("w", w))
    largest = w.abs().amax(-1, keepdim=True)
    # A number divided by itself is 1, infinite ones too.
    quotient = w / torch.where(largest > 0, largest, 1.0)
    unit = torch.where((w.abs() == largest) & (largest > 0), 1.0, quotient)
    return torch.log(largest.squeeze(-1)) + 0.5 * torch.log((unit * unit).sum(-1))


def normalized_margin(
    z: Float[Tensor, "... n"], w_norm: float | Float[Tensor, " ..."], L: float
) -> Float[Tensor, " ..."]:
    """min_i z_i / |w|^L (page 6), float64, with its sign.

    Underflows only where the result itself does.

    Args:
        z: label-adjusted outputs or class gaps of one w over the data set.
        w_norm: |w|. For a norm outside the range of floats, add -L log_norm(w) to the
            log of the margin yourself.
        L: the degree of homogeneity, see
            :func:`marginflow.networks.homogeneity_degree`.

    Raises:
        ValueError: no data, a norm that is negative or zero, L that is not a finite
            number > 0.
    """
    least = _double(margin(z))
    return torch.sign(least) * torch.exp(_log_normalized(least.abs(), w_norm, L))


def log_normalized_margin(
    z: Float[Tensor, "... n"], w_norm: float | Float[Tensor, " ..."], L: float
) -> Float[Tensor, " ..."]:
    """log of the normalized margin: NaN where the margin is negative, -inf where 0.

    That is what a logarithm does, and a NaN says "not separated" in a record.
    Arguments and errors as for :func:`normalized_margin`.
    """
    return _log_normalized(_double(margin(z)), w_norm, L)


@dataclass
class RunningMargin:
    """The released code's margin of an epoch, kept for comparison with the paper's.

    While w changes from batch to batch it takes, for every batch, the smallest gap
    among logits computed *before* the step, divides it by |w|^L *after* the step, and
    keeps the minimum over the epoch. The paper's definition takes one w over the whole
    data set: ``normalized_margin(multiclass_gap(net(x), y), norm, L)``.

    Args:
        L: the normalizing power.

    Example::

        running = RunningMargin(L=4)
        for x, y in batches:
            logits = net(x)
            step(loss(logits, y))
            running.update(multiclass_gap(logits.detach(), y), log_norm(net).exp())
        running.value()
    """

    L: float
    _least: Tensor | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        checks.positive("L", self.L)

    def update(
        self, z_before: Float[Tensor, "... n"], w_norm_after: float | Tensor
    ) -> None:
        """Take in one batch: gaps before the step, |w| after it."""
        batch = normalized_margin(z_before, w_norm_after, self.L)
        self._least = (
            batch if self._least is None else torch.minimum(self._least, batch)
        )

    def value(self) -> Float[Tensor, " ..."]:
        """Minimum over the batches seen."""
        if self._least is None:
            raise ValueError("no batch was seen; call update before value")
        return self._least


def _log_normalized(size: Tensor, w_norm: float | Tensor, L: float) -> Tensor:
    """log size - L log |w|."""
    if not isinstance(w_norm, Tensor):
        w_norm = torch.tensor(w_norm, dtype=torch.float64)
    norm = _double(w_norm)
    # On an accelerator looking would wait for the device; there the result is inf.
    if norm.device.type == "cpu" and (norm <= 0).any():
        raise ValueError(
            f"w_norm contains {norm[norm <= 0].flatten()[0].item()}; a norm that "
            "normalizes must be > 0"
        )
    return torch.log(size) - checks.positive("L", L) * torch.log(norm)


def _double(value: Tensor) -> Tensor:
    # Apple's GPUs have no float64.
    return (value.cpu() if value.device.type == "mps" else value).double()
