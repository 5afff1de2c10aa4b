"""Individual and total losses that keep their tails (Section 2, page 4).

The theory lives where losses are tiny: L(w(t)) falls like 1/(t (log t)^(2-2/L)), so
log t = 10^6 means a loss near exp(-10^6), a number that no float holds. Hence each loss
has its logarithm as a function of its own::

    exponential   l(z) = exp(-z)             log l(z) = -z
    logistic      l(z) = log(1 + exp(-z))    log l(z) = log log1p(exp(-z)) ~ -z
    cross-entropy of logits u, class k  =  logistic loss of the soft gap
                  z = -log sum_{j != k} exp(u_j - u_k)

None of them forms softmax(u)_k = 1 - tiny, which is where the usual cross-entropy loses
its tail.

Values and derivatives of ``log_value`` are accurate to rounding for every finite z;
``value`` is too, down to the smallest positive number of the dtype (z about 745 in
float64, 103 in float32, where exp(-z) itself ends).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Literal, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor

from marginflow import checks

__all__ = [
    "EXPONENTIAL",
    "LOGISTIC",
    "Loss",
    "cross_entropy",
    "label_adjusted",
    "log_cross_entropy",
    "log_total_cross_entropy",
    "log_total_loss",
    "soft_gap",
    "total_loss",
]

Reduction = Literal["sum", "mean", "none"]

# Past this z, log log1p(r) with r = exp(-z) equals -z - r/2 to the last bit of float64
# (the next term is 5 r^2/24 < 1e-35), and r is still a normal number even in float32.
_TAIL = 40.0


class Loss(ABC):
    """An individual loss l: strictly decreasing, positive, applied to z = y Phi(w, x).

    All methods are elementwise on floating tensors of any shape, differentiable by
    autograd any number of times, and usable under ``torch.func``. NaN stays NaN.
    """

    name: str
    at_zero: float
    """l(0), the threshold of Assumption 2 (iii)."""

    @abstractmethod
    def log_value(self, z: Float[Tensor, " ..."]) -> Float[Tensor, " ..."]:
        """log l(z), without underflow at any finite z."""

    @abstractmethod
    def log_slope(self, z: Float[Tensor, " ..."]) -> Float[Tensor, " ..."]:
        """log(-l'(z)), without underflow at any finite z."""

    @abstractmethod
    def value(self, z: Float[Tensor, " ..."]) -> Float[Tensor, " ..."]:
        """l(z), exact to rounding wherever the dtype has a number for it."""

    @abstractmethod
    def inverse(self, log_value: Float[Tensor, " ..."]) -> Float[Tensor, " ..."]:
        """The z with log l(z) = ``log_value``; f^-1(-log_value) in the paper's words.

        Page 5 writes l(z) = exp(-f(z)). The smoothed margin is f^-1(log(1/L)).
        """

    def __repr__(self) -> str:
        return f"<{self.name} loss>"


class _Exponential(Loss):
    name = "exponential"
    at_zero = 1.0

    def log_value(self, z):
        return -_floating("z", z)

    def log_slope(self, z):
        return -_floating("z", z)

    def value(self, z):
        return torch.exp(-_floating("z", z))

    def inverse(self, log_value):
        return -_floating("log_value", log_value)


class _Logistic(Loss):
    name = "logistic"
    at_zero = math.log(2.0)

    def log_value(self, z):
        # Both branches are computed; each is fed a harmless z where it is not used, so
        # that no NaN leaks through the derivative of torch.where.
        z = _floating("z", z)
        far = z > _TAIL
        near = torch.log(_softplus(-torch.where(far, 0.0, z)))
        z_far = torch.where(far, z, _TAIL)
        return torch.where(far, -z_far - 0.5 * torch.exp(-z_far), near)

    def log_slope(self, z):
        return -_softplus(_floating("z", z))

    def value(self, z):
        return _softplus(-_floating("z", z))

    def inverse(self, log_value):
        # l(z) = v  <=>  z = -log(expm1(v)); for tiny v = e^u that is -u - v/2.
        u = _floating("log_value", log_value)
        far, large = u < -_TAIL, u > 3.0
        v = torch.exp(torch.where(far | large, 0.0, u))
        near = -torch.log(torch.expm1(v))
        u_far = torch.where(far, u, -_TAIL)
        v_large = torch.exp(torch.where(large, u, 3.0))
        tail = -u_far - 0.5 * torch.exp(u_far)
        head = -v_large - torch.log1p(-torch.exp(-v_large))
        return torch.where(far, tail, torch.where(large, head, near))


EXPONENTIAL: Loss = _Exponential()
LOGISTIC: Loss = _Logistic()


def log_total_loss(
    z: Float[Tensor, "... n"], loss: Loss = EXPONENTIAL, reduction: Reduction = "sum"
) -> Float[Tensor, " ..."]:
    """log L(w) for L(w) = sum_i l(z_i), z_i = y_i Phi(w, x_i) (page 4).

    Args:
        z: label-adjusted outputs; the last axis runs over the data.
        loss: the individual loss.
        reduction: "sum" as in the paper, "mean" as in the authors' released code.

    Raises:
        ValueError: z is not floating, has no axis or no data; unknown reduction.
    """
    return _log_reduce(loss.log_value(_data("z", z)), reduction)


def total_loss(
    z: Float[Tensor, "... n"], loss: Loss = EXPONENTIAL, reduction: Reduction = "sum"
) -> Float[Tensor, " ..."]:
    """L(w) = sum_i l(z_i) (or its mean); arguments as in :func:`log_total_loss`."""
    return _reduce(loss.value(_data("z", z)), reduction)


def label_adjusted(
    outputs: Float[Tensor, "... n"], y: Tensor
) -> Float[Tensor, "... n"]:
    """z_i = y_i Phi(w, x_i) for labels y_i in {-1, +1}.

    Raises:
        ValueError: a label is neither -1 nor +1, or the shapes do not match.
    """
    outputs = _data("outputs", outputs)
    return outputs * torch.from_numpy(checks.signs("y", y, outputs.shape[-1])).to(
        outputs
    )


def soft_gap(
    logits: Float[Tensor, "... n c"],
    labels: Int[Tensor, "... n"],
    *,
    validate: bool = True,
) -> Float[Tensor, "... n"]:
    """-log sum_{j != k} exp(u_j - u_k): the smooth lead of class k over the others.

    It lies between the hard gap minus log(c - 1) and the hard gap (see
    :func:`marginflow.margins.multiclass_gap`), and cross-entropy is exactly its
    logistic loss.

    Args:
        logits: u, one row of c >= 2 class scores per example.
        labels: class indices in [0, c).
        validate: look at the labels' values. Turn it off inside a training loop on a
            GPU, where looking would wait for the device, or under ``torch.func.vmap``.

    Raises:
        ValueError: fewer than two classes, no data, shapes that do not match, labels
            that are not integers in [0, c).
    """
    labels = _check_classes(logits, labels, validate)
    index = labels.unsqueeze(-1).expand(*logits.shape[:-1], 1)
    gaps = logits - logits.gather(-1, index)
    return -torch.logsumexp(gaps.scatter(-1, index, -math.inf), dim=-1)


def log_cross_entropy(
    logits: Float[Tensor, "... n c"],
    labels: Int[Tensor, "... n"],
    *,
    validate: bool = True,
) -> Float[Tensor, "... n"]:
    """log of each example's cross-entropy; arguments as in :func:`soft_gap`."""
    return LOGISTIC.log_value(soft_gap(logits, labels, validate=validate))


def log_total_cross_entropy(
    logits: Float[Tensor, "... n c"],
    labels: Int[Tensor, "... n"],
    reduction: Reduction = "sum",
    *,
    validate: bool = True,
) -> Float[Tensor, " ..."]:
    """log of the summed (or mean) cross-entropy over the data axis n."""
    return _log_reduce(log_cross_entropy(logits, labels, validate=validate), reduction)


def cross_entropy(
    logits: Float[Tensor, "... n c"],
    labels: Int[Tensor, "... n"],
    reduction: Reduction = "sum",
    *,
    validate: bool = True,
) -> Float[Tensor, " ..."]:
    """Cross-entropy whose value and gradient keep their tails, in float32 too.

    Args:
        logits, labels, validate: as in :func:`soft_gap`.
        reduction: "sum" over n (the paper), "mean" (the released code and PyTorch's
            default) or "none".
    """
    labels = _check_classes(logits, labels, validate)
    index = labels.unsqueeze(-1).expand(*logits.shape[:-1], 1)
    # log sum_j exp(gap_j) with the largest term taken out, so that what is left goes
    # through log1p. The true class's gap is the constant 0: were it u_k - u_k, its
    # derivative 1 - tiny would have to cancel, and tiny would be lost.
    gaps = (logits - logits.gather(-1, index)).scatter(-1, index, 0.0)
    top = gaps.max(dim=-1, keepdim=True)
    rest = (gaps - top.values).scatter(-1, top.indices, -math.inf)
    value = top.values.squeeze(-1) + _log1p(torch.exp(rest).sum(-1))
    return _reduce(value, reduction)


def _softplus(a: Tensor) -> Tensor:
    """log(1 + e^a) with its derivative, both to rounding as far as the dtype goes.

    Neither ``torch.logaddexp`` (its backward pass forms e^-a, which overflows at a =
    -89 in float32 and -710 in float64) nor ``softplus`` (it drops e^-a from a = 20 on)
    does that. The two ``where`` give the right derivative, 1/2, at a = 0 as well,
    where abs and relu would give 0.
    """
    positive = a > 0
    small = _log1p(torch.exp(torch.where(positive, -a, a)))
    return torch.where(positive, a, 0.0) + small


def _log1p(r: Tensor) -> Tensor:
    """log(1 + r), also for the smallest subnormal r, which torch.log1p sends to 0."""
    return torch.where(r < 1e-30, r, torch.log1p(r))


def _reduce(value: Tensor, reduction: Reduction) -> Tensor:
    checks.one_of("reduction", reduction, get_args(Reduction))
    if reduction == "none":
        return value
    return value.sum(-1) if reduction == "sum" else value.mean(-1)


def _log_reduce(log_value: Tensor, reduction: Reduction) -> Tensor:
    checks.one_of("reduction", reduction, get_args(Reduction))
    if reduction == "none":
        return log_value
    total = torch.logsumexp(log_value, dim=-1)
    return total if reduction == "sum" else total - math.log(log_value.shape[-1])


def _floating(name: str, z: Tensor) -> Tensor:
    if not isinstance(z, Tensor) or not z.is_floating_point():
        kind = z.dtype if isinstance(z, Tensor) else type(z).__name__
        raise ValueError(f"{name} must be a floating-point tensor, not {kind}")
    return z


def _data(name: str, z: Tensor) -> Tensor:
    z = _floating(name, z)
    if z.ndim == 0 or z.shape[-1] == 0:
        raise ValueError(
            f"{name} has shape {tuple(z.shape)}; its last axis must run over at least "
            "one example"
        )
    return z


def _check_classes(logits: Tensor, labels: Tensor, validate: bool) -> Tensor:
    logits = _floating("logits", logits)
    if logits.ndim < 2 or logits.shape[-1] < 2 or logits.shape[-2] == 0:
        raise ValueError(
            f"logits has shape {tuple(logits.shape)}; it must be (..., n, c) with at "
            "least one example and two classes"
        )
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise ValueError(
            f"labels has dtype {labels.dtype}; it must hold integer class indices"
        )
    rows, n = tuple(logits.shape[:-1]), logits.shape[-2]
    if tuple(labels.shape) not in (rows, (n,)):
        raise ValueError(
            f"labels has shape {tuple(labels.shape)}; logits of shape "
            f"{tuple(logits.shape)} need one label per row, shape {rows} or {(n,)}"
        )
    classes = logits.shape[-1]
    if validate:
        wrong = (labels < 0) | (labels >= classes)
        if wrong.any():
            raise ValueError(
                f"labels contains {labels[wrong][0].item()}; class indices must lie "
                f"in [0, {classes})"
            )
    return labels.long()
