"""The networks of Experiments 2 and 3 followed far beyond training, and records of it.

The flow from zero averages starts where a run of the desk scale starts or ends, on the
run's own images, with one metric or another: the plain one (χ = 1), or the skewed one,
that of the stability terms which AdaDeltaN and AdaDeltaNS draw in that round.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from marginflow import checks
from marginflow.data import load_images
from marginflow.experiments.devices import network
from marginflow.experiments.member import Member
from marginflow.experiments.records import read_weights, record_once
from marginflow.experiments.spec import ALGORITHMS, EXPERIMENTS, RunSpec, Spec
from marginflow.flows import FarState, far_flow
from marginflow.homogeneity import homogeneity_degree
from marginflow.losses import LOGISTIC
from marginflow.margins import log_norm, log_normalized_margin

__all__ = ["COLUMNS", "RECORDED", "FarSpec", "follow", "record"]

METRICS = ("plain", "skewed")

COLUMNS = ("step", "log_t", "lead", "gap", "plain_margin", "skewed_margin",
           "plain_alignment", "skewed_alignment", "plain_chord", "skewed_chord",
           "h", "error", "pairs", "support", "rejected")  # fmt: skip
"""
=======================  ==============================================================
step                     how many steps came before
log_t                    log of the flow's time
lead                     -log L, L the summed cross-entropy
gap                      least Φ_y − Φ_j over examples and classes j ≠ y
plain/skewed_margin      log of gap / ‖w‖^L and of gap / ‖w/χ‖^L; NaN if gap < 0
plain/skewed_alignment   cosine of v and the last step's -∂ log L in that metric
plain/skewed_chord       cosine of v and the mean of -∂ log L since the row before
h, error, pairs,         of the last step, see `FarState`; rejected is the sum since
support, rejected        the row before
=======================  ==============================================================
"""


@dataclass(frozen=True)
class FarSpec(Spec):
    """What to follow, from where, in which metric, how finely."""

    metric: str
    start: str = "initial"
    """"initial", or the algorithm whose kept weights to start from."""
    round: int = 0
    """Whose initialization and stability terms."""
    images: int = 100
    """The first of the training set."""
    experiment: str = "mnist"
    h: float = 0.01
    blur: float = 3e-4
    until: float = 1e6

    def __post_init__(self) -> None:
        checks.one_of("metric", self.metric, METRICS)
        checks.one_of("start", self.start, ("initial", *ALGORITHMS))
        checks.one_of("experiment", self.experiment, EXPERIMENTS)
        checks.positive_integer("images", self.images)
        for name in ("h", "blur", "until"):
            checks.positive(name, getattr(self, name))

    @property
    def run(self) -> RunSpec:
        """The run of the desk scale that gives start and stability terms."""
        algorithm = "AdaDeltaN" if self.start == "initial" else self.start
        return RunSpec(self.experiment, "coarser", algorithm, self.round, "desk")

    @property
    def name(self) -> str:
        """The record's path below the results folder, without its ending."""
        fine = f"-h{self.h:g}" if self.h != 0.01 else ""
        fine += f"-blur{self.blur:g}" if self.blur != 3e-4 else ""
        start = f"{self.start}-{self.images}-{self.round:02d}{fine}"
        return f"far/{self.experiment}-{self.metric}/{start}"

    def identity(self) -> dict[str, Any]:
        """All that determines the results."""
        mine, run = asdict(self), self.run.identity()
        return {"recipe": 1, **mine, "experiment": "far", "run": run}


RECORDED = (
    *(FarSpec(metric, round=r) for r in range(3) for metric in METRICS),
    *(FarSpec(metric, h=0.001, blur=1e-4) for metric in METRICS),
    FarSpec("plain", "AdaDelta", images=500),
    FarSpec("skewed", "AdaDeltaN", images=500),
    FarSpec("plain", "SGD", images=500),
    FarSpec("skewed", "AdaDeltaNS", images=500),
    FarSpec("plain", "AdaDelta", images=100, experiment="cifar10"),
    FarSpec("skewed", "AdaDeltaN", images=100, experiment="cifar10"),
    FarSpec("plain", "AdaDelta", images=2000),
    FarSpec("skewed", "AdaDeltaN", images=2000),
)
"""What `python -m marginflow.experiments.far` records."""


@dataclass(frozen=True)
class Problem:
    """A network, where it starts, and the random stability terms."""

    module: torch.nn.Module
    w0: Float[Tensor, " p"]
    delta: Float[Tensor, " p"]
    epsilon: Float[Tensor, " p"]

    @property
    def chi(self) -> Float[Tensor, " p"]:
        """The skewed metric's (ε/δ)^(1/4)."""
        return (self.epsilon / self.delta) ** 0.25


def problem(spec: FarSpec, results: str | os.PathLike = "results") -> Problem:
    """Start and terms, as the run had them, in the order of `networks.flatten`.

    Raises:
        RecordError: the weights that the run ended with are not kept.
    """
    # Its terms are those of the round's AdaDeltaN, whatever run the start is of.
    drawn = RunSpec(spec.experiment, "coarser", "AdaDeltaN", spec.round, "desk")
    member = Member(drawn, torch.device("cpu"))
    w0 = member.w.detach()
    if spec.start != "initial":
        weights = read_weights(results, spec.run)
        w0 = member.network.pack([weights[name] for name in member.network.shapes])
    terms = (torch.as_tensor(t).double() for t in (member.delta, member.epsilon))
    return Problem(network(spec.run), w0.double(), *terms)


def follow(
    spec: FarSpec, given: Problem, x: Float[Tensor, "n ..."], y: Tensor
) -> Float[np.ndarray, "rows columns"]:
    """Follow the flow, and measure it in both metrics; columns as in `COLUMNS`."""
    terms = (given.delta, given.epsilon) if spec.metric == "skewed" else (1.0, 1.0)
    states = far_flow(
        given.module, x, y, given.w0, LOGISTIC, *terms,
        h=spec.h, blur=spec.blur, until=spec.until,
    )  # fmt: skip
    metrics = [torch.ones_like(given.chi), given.chi]
    own = metrics[METRICS.index(spec.metric)]
    degree, rows = homogeneity_degree(given.module), []
    last, rejected = given.w0, 0
    for step, state, due in _marked(states):
        rejected += state.rejected
        if not due:
            continue
        mean = (state.w - last) / own**2
        rows.append(
            [
                step,
                state.log_t,
                -state.log_loss,
                float(state.gaps.amin()),
                *(_log_margin(state, chi, degree) for chi in metrics),
                *(_cosine(state.w / chi, chi * state.force) for chi in metrics),
                *(_cosine(state.w / chi, chi * mean) for chi in metrics),
                state.h,
                state.error,
                state.pairs,
                state.support,
                rejected,
            ]
        )
        last, rejected = state.w, 0
    return np.array(rows, dtype=np.float64)


def _marked(states: Iterator[FarState]) -> Iterator[tuple[int, FarState, bool]]:
    """Steps, states, and whether to measure: eight times a decade of -log L."""
    due, before = -math.inf, None
    for step, state in enumerate(states, 1):
        lead = -state.log_loss
        before = (step, state, lead >= due)
        if lead >= due:
            due = max(lead + 1, lead * 10**0.125)
        yield before
    if before is not None and not before[2]:
        yield before[0], before[1], True


def _log_margin(state: FarState, chi: Tensor, degree: int) -> float:
    length = torch.exp(log_norm(state.w / chi))
    return float(log_normalized_margin(state.gaps.reshape(-1), length, degree))


def _cosine(a: Tensor, b: Tensor) -> float:
    return float(a @ b / (a.norm() * b.norm()))


def record(
    spec: FarSpec, results: str | os.PathLike, data: str | os.PathLike | None = None
) -> Path:
    """Follow ``spec`` and write its record, unless there is one.

    That takes minutes; a run that is killed is begun anew.
    """

    def work() -> tuple[pd.DataFrame, dict[str, str]]:
        images = load_images(
            spec.experiment, data, train=True, limit=spec.images, dtype=torch.float64
        )
        rows = follow(spec, problem(spec, results), images.x, images.y)
        return pd.DataFrame(rows, columns=COLUMNS), {"train": images.md5}

    device = f"cpu: {torch.get_num_threads()} thread(s)"
    return record_once(results, spec, work, device=device)


def main(results: str = "results", data: str | None = None) -> None:
    """Record what has no record yet."""
    for spec in RECORDED:
        print(record(spec, results, data), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
