"""What is measured of one fixed w: the columns of a record."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from marginflow.flat import FlatNetwork
from marginflow.losses import log_total_cross_entropy
from marginflow.margins import log_norm, multiclass_gap
from marginflow.optim import adapter_reciprocal_root, skewed_adapter

__all__ = [
    "COLUMNS",
    "QUANTILES",
    "adapter_spread",
    "alignment",
    "degrees",
    "double",
    "fit",
    "logits_of",
]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles of the skewed adapter over the components."""

COLUMNS = (
    "epoch",
    "step",
    "log_loss",
    "train_accuracy",
    "test_accuracy",
    "margin",
    "log_norm",
    "log_normalized_margin",
    "running_loss",
    "running_accuracy",
    "running_log_margin",
    "running_margin_sign",
    *(f"beta_q{round(100 * q):02d}" for q in QUANTILES),
    "isotropy",
    "alignment",
    "skewed_alignment",
)
"""Columns of a record, in order; all float64, NaN where there is nothing to say.

======================  ===============================================================
epoch, step             how much training came before
log_loss                log of the mean cross-entropy over the training set, one w
train/test_accuracy     fraction classified right, one w (test: at tested epochs only)
margin                  least gap of the true class over the best other, training set
log_norm                log ‖w‖
log_normalized_margin   log(margin / ‖w‖^L); NaN while some example is misclassified
running_*               the released code's metrics of the epoch just past, during which
                        w changed: mean loss, mean accuracy, and min over the batches of
                        gap before the step over ‖w‖^L after it, as log |.| and sign
beta_q05 … beta_q95     quantiles over components of β = sqrt((1 + h/ε)/(1 + g/δ))
isotropy                cosine between the adapter's reciprocal square root, a vector,
                        and the isotropic direction (1, …, 1)
alignment               last row: cosine between w and -∇L(w); 1 at a KKT direction of
                        the plain margin problem (4)
skewed_alignment        last row: the same for v = w/χ, of Theorem 2's skewed problem
======================  ===============================================================
"""

_CHUNK = 500
_SAMPLE = 1 << 20


@torch.no_grad()
def logits_of(
    network: FlatNetwork, w: Float[Tensor, " p"], x: Tensor
) -> Float[Tensor, "n c"]:
    """Φ(w, x) in chunks, as float64."""
    return double(torch.cat([network(w, part) for part in x.split(_CHUNK)]))


def double(t: Tensor) -> Tensor:
    """The same in float64, where it is; on the CPU if it is on Apple's GPU."""
    return (t.cpu() if t.device.type == "mps" else t).double()


def degrees(w: Tensor, other: Tensor) -> float:
    """Angle between two vectors, right for small ones too."""
    a, b = w.flatten() / w.norm(), other.flatten() / other.norm()
    return math.degrees(2 * math.atan2(float((a - b).norm()), float((a + b).norm())))


def fit(
    logits: Float[Tensor, "n c"], labels: Int[Tensor, " n"]
) -> tuple[Tensor, Tensor, Tensor]:
    """log of the mean loss, accuracy and margin, as 0-d tensors.

    An example counts as right if its class leads; a tie is not right.
    """
    labels = labels.to(logits.device)
    gaps = multiclass_gap(logits, labels, validate=False)
    log_loss = log_total_cross_entropy(logits, labels, "mean", validate=False)
    return log_loss, (gaps > 0).double().mean(), gaps.amin()


def adapter_spread(
    g: Float[Tensor, " p"],
    h: Float[Tensor, " p"],
    delta: Float[Tensor, " p"] | float,
    epsilon: Float[Tensor, " p"] | float,
) -> tuple[Float[Tensor, " q"], Tensor]:
    """Quantiles of β, and cosine of the reciprocal root with the isotropic direction.

    With more than 2^20 components, quantiles are of every k-th one.
    """
    beta = double(skewed_adapter(g, h, delta, epsilon))
    stride = max(1, math.ceil(beta.numel() / _SAMPLE))
    q = torch.tensor(QUANTILES, dtype=torch.float64, device=beta.device)
    quantiles = torch.quantile(beta[::stride], q)
    root = double(adapter_reciprocal_root(g, h, delta, epsilon))
    return quantiles, root.mean() / root.square().mean().sqrt()


def alignment(
    network: FlatNetwork,
    w: Float[Tensor, " p"],
    x: Tensor,
    labels: Int[Tensor, " n"],
    chi: Float[Tensor, " p"] | float = 1.0,
) -> float:
    """cos of the angle between v = w/χ and -∇L̂(v) = -χ∇L(w).

    1 exactly at KKT directions (once separated): there v is a combination, with
    multipliers >= 0, of the gradients of the examples that are nearest to the margin.
    The gradient is that of log L, which has the same direction and does not underflow.
    """
    if w.device.type == "mps":  # which has no float64
        w, x, labels = w.cpu(), x.cpu(), labels.cpu()
    gradient = torch.zeros_like(w, dtype=torch.float64)
    log_losses, gradients = [], []
    for xs, ys in zip(x.split(_CHUNK), labels.split(_CHUNK), strict=True):
        leaf = w.detach().clone().requires_grad_()
        value = log_total_cross_entropy(
            network(leaf, xs).double(), ys, "sum", validate=False
        )
        gradients.append(torch.autograd.grad(value, leaf)[0].double())
        log_losses.append(value.detach())
    weights = torch.softmax(torch.stack(log_losses), 0)
    for weight, part in zip(weights, gradients, strict=True):
        gradient += weight * part
    v, descent = w.double() / chi, -chi * gradient
    if not bool(descent.any()):
        return math.nan
    log_lengths = log_norm(v) + log_norm(descent)
    return float((v @ descent) / torch.exp(log_lengths))
