"""Theorem 2's prediction on real data: softmax regression on MNIST.

Φ_j(w, x) = <w_j, x> on the pixels of a few hundred images is 1-homogeneous, and its
margin problem is convex: its one solution can be computed before any training, in the
plain metric and in that of random stability terms.  Full-batch runs of Procedure 1 then
show which of the two directions each algorithm goes to.
"""

from __future__ import annotations

import math
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from marginflow.checks import one_of
from marginflow.data import ImageSet, load_images, seeded_generator
from marginflow.experiments.metrics import degrees
from marginflow.experiments.records import record_once
from marginflow.experiments.spec import Spec
from marginflow.kkt import KKTPoint, max_margin_classes
from marginflow.losses import cross_entropy, log_total_cross_entropy
from marginflow.margins import multiclass_gap
from marginflow.optim import GeneralizedAdadelta, skewing_vector, stability_terms

__all__ = ["ALGORITHMS", "COLUMNS", "SoftmaxSpec", "predictions", "record", "train"]

ALGORITHMS = ("SGD", "AdaDelta", "AdaDeltaN")
CLASSES, PIXELS = 10, 28 * 28

COLUMNS = ("step", "log_loss", "gap", "norm", "plain_angle", "skewed_angle",
           "plain_margin", "skewed_margin")  # fmt: skip
"""
====================  =================================================================
step                  k, how many steps came before
log_loss              log of the mean cross-entropy
gap                   least Φ_y − Φ_j over examples and classes j ≠ y
norm                  ‖w‖
plain/skewed_angle    degrees between w and the prediction in that metric
plain/skewed_margin   gap / ‖w‖, gap / ‖w/χ‖, as a share of the greatest possible
====================  =================================================================
"""


@dataclass(frozen=True)
class SoftmaxSpec(Spec):
    """One run; w starts at 0, so that nothing but the metric decides."""

    algorithm: str
    images: int = 500
    """The first of the training set."""
    steps: int = 100_000
    lr_sgd: float = 0.1
    lr_adadelta: float = 1.0
    """As the paper's coarser regime has them, for the mean loss."""
    rho: float = 0.9
    stability: float = 1e-5
    stability_std: float = 1.0
    draw: int = 0
    """Which random stability terms."""

    def __post_init__(self) -> None:
        one_of("algorithm", self.algorithm, ALGORITHMS)

    @property
    def name(self) -> str:
        """The record's path below the results folder, without its ending."""
        return f"softmax/{self.algorithm}-{self.draw:02d}"

    def identity(self) -> dict[str, Any]:
        """All that determines the results."""
        return {"experiment": "softmax", **asdict(self)}

    def terms(self) -> tuple[Float[Tensor, "c d"], Float[Tensor, "c d"]]:
        """δ and ε of AdaDeltaN."""
        like = torch.empty(CLASSES, PIXELS, dtype=torch.float64)
        draw = seeded_generator(self.draw, 1)
        exponent = math.log10(self.stability)
        delta, epsilon = (
            stability_terms(like, exponent, self.stability_std, generator=draw)
            for _ in range(2)
        )
        return delta, epsilon

    def measured_steps(self) -> list[int]:
        """Eight to a decade, to the end."""
        decades = math.log10(self.steps)
        powers = np.arange(0, 8 * decades + 1) / 8
        return sorted({*np.round(10.0**powers).astype(int).tolist(), self.steps})


def predictions(
    images: ImageSet, chi: Float[Tensor, "c d"]
) -> tuple[KKTPoint, KKTPoint]:
    """The KKT points in the plain metric and in that of χ, before any training."""
    x, y = images.x.reshape(len(images.y), -1).numpy(), images.y.numpy()
    plain = max_margin_classes(x, y, np.ones(chi.shape))
    return plain, max_margin_classes(x, y, chi.numpy())


def train(spec: SoftmaxSpec, images: ImageSet) -> Float[np.ndarray, "m columns"]:
    """Train, and measure against both predictions; columns as in `COLUMNS`.

    Args:
        images: the first ``spec.images`` of MNIST's training set, float64.
    """
    x, y = images.x.reshape(len(images.y), -1), images.y
    delta, epsilon = spec.terms()
    chi = skewing_vector(delta, epsilon)
    points = predictions(images, chi)
    w = torch.zeros(CLASSES, PIXELS, dtype=torch.float64, requires_grad=True)
    optimizer = _optimizer(spec, w, delta, epsilon)
    rows, wanted = [], set(spec.measured_steps())
    for step in range(1, spec.steps + 1):
        loss = cross_entropy(x @ w.T, y, "mean", validate=False)
        (w.grad,) = torch.autograd.grad(loss, w)
        optimizer.step()
        if step in wanted:
            rows.append([float(step), *_measure(w.detach(), x, y, chi, points)])
    return np.array(rows)


def record(
    spec: SoftmaxSpec,
    results: str | os.PathLike,
    data: str | os.PathLike | None = None,
) -> Path:
    """Train ``spec`` and write its record, unless there is one."""

    def work() -> tuple[pd.DataFrame, dict[str, str]]:
        images = load_images(
            "mnist", data, train=True, limit=spec.images, dtype=torch.float64
        )
        return pd.DataFrame(train(spec, images), columns=COLUMNS), {"train": images.md5}

    return record_once(results, spec, work, device="cpu: 1 thread")


def _optimizer(spec: SoftmaxSpec, w: Tensor, delta: Tensor, epsilon: Tensor):
    if spec.algorithm == "SGD":
        return torch.optim.SGD([w], lr=spec.lr_sgd)
    one = spec.algorithm == "AdaDelta"
    return GeneralizedAdadelta(
        [w],
        lr=spec.lr_adadelta,
        rho=spec.rho,
        delta=spec.stability if one else delta,
        epsilon=spec.stability if one else epsilon,
    )


def _measure(w: Tensor, x: Tensor, y: Tensor, chi: Tensor, points) -> list[float]:
    logits = x @ w.T
    gap = float(multiclass_gap(logits, y, validate=False).amin())
    plain, skewed = points
    return [
        float(log_total_cross_entropy(logits, y, "mean", validate=False)),
        gap,
        float(w.norm()),
        *(degrees(w, torch.from_numpy(point.w)) for point in points),
        gap / float(w.norm()) / plain.normalized_margin,
        gap / float((w / chi).norm()) / skewed.skewed_margin,
    ]


def main(results: str = "results", data: str | None = None) -> None:
    """Record what has no record yet."""
    for algorithm in ALGORITHMS:
        print(record(SoftmaxSpec(algorithm), results, data), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
