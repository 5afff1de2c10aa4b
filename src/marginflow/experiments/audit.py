"""Kept weights, measured anew: margin, norm, and how far from a KKT point.

The last w of a round 0 lies beside its record.  From it and the data alone follows all
that the record says of its last row; and for Theorem 2 the residual of stationarity of
v = w/χ, in the metric of the run's own stability terms and in the plain one (χ = 1).

    python -m marginflow.experiments.audit [RESULTS [DATA]]

measures all kept weights of MNIST and CIFAR-10 at desk scale, some seconds each, and
keeps the table as RESULTS/audit.json.
"""

from __future__ import annotations

import json
import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import nnls
from torch import Tensor

from marginflow.data import load_images
from marginflow.experiments.devices import fixed_arithmetic
from marginflow.experiments.member import Data, Member
from marginflow.experiments.metrics import degrees, logits_of
from marginflow.experiments.records import (
    read_record,
    read_weights,
    record_path,
    weights_path,
    write_atomically,
)
from marginflow.experiments.spec import EXPERIMENTS, READINGS, RunSpec, grid
from marginflow.margins import log_norm, multiclass_gap

__all__ = ["Audit", "audit", "kept", "stationarity"]

NEAR = 0.1
"""Constraints u_y - u_j within this share above the margin may carry multipliers."""

MOST = 150
"""Of these the nearest, at most so many."""


@dataclass(frozen=True)
class Audit:
    """What the weights of one run say."""

    spec: RunSpec
    margin: float
    log_norm: float
    log_normalized_margin: float
    """NaN while an example is misclassified."""
    recorded: float
    """The same quantity in the record's last row."""
    active: int
    """Constraints that may carry multipliers."""
    plain: float
    """Residual of stationarity for χ = 1: 0 at a KKT point of problem (4)."""
    skewed: float
    """The same for the run's own χ, of Theorem 2's problem."""
    turned: float
    """Degrees between this w and the one that the run began with."""


def audit(spec: RunSpec, data: Data, results: str | os.PathLike) -> Audit:
    """Measure the kept w of a run anew, in float64.

    Args:
        data: the training and test set of the run's setting.
        results: folder of the records.

    Raises:
        RecordError: there is no record, or no w beside it.
    """
    weights = read_weights(results, spec)
    record = read_record(record_path(results, spec), spec)
    member = Member(spec, torch.device("cpu"))
    w = member.network.pack([weights[name] for name in member.network.shapes]).double()
    x, y = data[0].x.double(), data[0].y
    logits = logits_of(member.network, w, x)
    gaps = multiclass_gap(logits, y, validate=False)
    margin, length = float(gaps.amin()), float(log_norm(w))
    log_margin = math.log(margin) - member.degree * length if margin > 0 else math.nan
    gradients = _nearest(member, w, x, y, logits, margin) if margin > 0 else None
    plain = skewed = math.inf
    if gradients is not None:
        chi = member.chi
        plain = stationarity(w, gradients)
        skewed = stationarity(w, gradients, chi) if isinstance(chi, Tensor) else plain
    return Audit(
        spec,
        margin,
        length,
        log_margin,
        float(record.frame.log_normalized_margin.iloc[-1]),
        0 if gradients is None else len(gradients),
        plain,
        skewed,
        degrees(w, member.network.initial.detach().double()),
    )


def stationarity(
    w: Float[Tensor, " p"],
    gradients: Float[Tensor, "m p"],
    chi: float | Float[Tensor, " p"] = 1.0,
) -> float:
    """min over λ >= 0 of ‖v - Σ_m λ_m χ ∇_m‖ / ‖v‖, for v = w/χ.

    At a KKT point v is such a combination of the gradients of active constraints.
    """
    v = (w / chi).numpy()
    columns = (gradients * chi).numpy().T
    columns = columns / np.linalg.norm(columns, axis=0)
    # The same least squares in as many unknowns as there are columns.
    q, r = np.linalg.qr(columns)
    fit, _ = nnls(r, q.T @ v)
    return float(np.linalg.norm(v - columns @ fit) / np.linalg.norm(v))


def _nearest(
    member: Member, w: Tensor, x: Tensor, y: Tensor, logits: Tensor, margin: float
) -> Float[Tensor, "m p"]:
    """Gradients in w of the constraints u_y - u_j that are nearest to the margin."""
    leads = logits.gather(1, y[:, None]) - logits
    leads.scatter_(1, y[:, None], math.inf)
    order = torch.argsort(leads.flatten())[:MOST]
    order = order[leads.flatten()[order] <= (1 + NEAR) * margin]
    leaf, rows = w.clone().requires_grad_(), []
    for place in order.tolist():
        i, j = divmod(place, leads.shape[1])
        u = member.network(leaf, x[i : i + 1])[0]
        rows.append(torch.autograd.grad(u[y[i]] - u[j], leaf)[0])
    return torch.stack(rows)


def kept(results: str | os.PathLike, scale: str = "desk") -> list[RunSpec]:
    """The runs whose last w lies beside its record."""
    runs = [
        spec
        for experiment in EXPERIMENTS
        for reading in READINGS
        for spec in grid(experiment, scale=scale, rounds=[0], reading=reading)
    ]
    there = [spec for spec in runs if weights_path(results, spec).exists()]
    return [spec for spec in there if record_path(results, spec).exists()]


def main(results: str = "results", data: str | None = None) -> None:
    """Measure all kept weights, and keep what came out."""
    rows = []
    for spec in kept(results):
        images, empty = (
            load_images(
                spec.experiment, data, train=train, limit=n, dtype=torch.float64
            )
            for train, n in ((True, spec.setting.train_images), (False, 1))
        )
        with fixed_arithmetic():
            found = audit(spec, (images, empty), results)
        rows.append({"run": spec.name, **vars(found)} | {"spec": spec.digest()})
        print(f"{spec.name}: residual {found.skewed:.4f}, plain {found.plain:.4f}")
    text = json.dumps(rows, indent=1)
    write_atomically(Path(results) / "audit.json", f"{text}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
