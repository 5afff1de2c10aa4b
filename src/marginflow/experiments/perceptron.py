"""Experiment 1: the leaky perceptron on two-dimensional data (Section 4, page 10).

Procedure 1 acts on each parameter by itself, and models meet nowhere in the loss: all
5 algorithms x 100 rounds are one tensor of parameters, of shape (3, 5, rounds), and an
epoch is one pass of some twenty tensor operations over all of them.  That is what makes
the paper's 500 trainings of 5000 epochs a matter of seconds.  SGD needs no code of its
own: it is Procedure 1 with ρ = 1, g_0 = h_0 = 0 and δ = ε, whose adapter is 1.

The gradient is written out (in :class:`PerceptronGradient`) rather than left to
autograd, which would double the time; a test holds the two against each other.

Recorded runs are one Parquet file per data set and reading of the loss, with a row per
algorithm and round, of numbers alone (``algorithm`` is the index into `ALGORITHMS`);
`load_perceptron` gives names back.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from marginflow.data import perceptron_points, seeded_generator
from marginflow.experiments.records import read_record, record_once, record_path
from marginflow.experiments.spec import ALGORITHMS, PerceptronSpec
from marginflow.optim.adapter import adapter_reciprocal_root
from marginflow.optim.decay import harmonic_decay
from marginflow.optim.stability import stability_terms
from marginflow.optim.steps import procedure_1

__all__ = [
    "ALGORITHMS",
    "PerceptronDraws",
    "PerceptronGradient",
    "PerceptronRun",
    "PerceptronSpec",
    "draw_perceptron",
    "load_perceptron",
    "record_perceptron",
    "run_perceptron",
]

SLOPE = 0.5
"""Gradient of the Leaky ReLU on its inactive side."""


LOOK_BACK = 50
"""Epochs after which parameters are looked through for what is not finite, together."""


@dataclass(frozen=True)
class PerceptronRun:
    """What came out of a run; A = 5 algorithms, R rounds, K epochs, n = 100 points.

    The first axis of every tensor runs over `ALGORITHMS`.
    """

    spec: PerceptronSpec
    x: Float[Tensor, "n 2"]
    y: Float[Tensor, " n"]
    w: Float[Tensor, "A R 3"]
    """Final parameters (v, w_1, w_2), w_K in the paper."""
    delta: Float[Tensor, "A R 3"]
    epsilon: Float[Tensor, "A R 3"]
    g: Float[Tensor, "A R 3"]
    """g_K"""
    h: Float[Tensor, "A R 3"]
    """h_K"""
    h_before: Float[Tensor, "A R 3"]
    """h_{K-1}, the one in the last step's adapter."""
    accuracy: Float[Tensor, "K+1 A"] = field(repr=False)
    """Training accuracy after k epochs, averaged over rounds (a diverged round, whose
    outputs are NaN, classifies nothing right)."""
    separated_at: Int[Tensor, "A R"] = field(repr=False)
    """First epoch from which on all points stay classified right; K + 1 if never."""
    diverged_at: Int[Tensor, "A R"] = field(repr=False)
    """First epoch after which a parameter is not finite; -1 for a sound round."""

    @property
    def diverged(self) -> Bool[Tensor, "A R"]:
        """Which rounds ended in a parameter that is not finite."""
        return self.diverged_at >= 0

    @property
    def margin(self) -> Float[Tensor, "A R"]:
        """min_i y_i Φ(w_K, x_i); NaN for a diverged round."""
        z = _outputs(self.w, self.x, self.y)
        return torch.where(self.diverged, torch.nan, z.amin(-1).double())

    @property
    def normalized_margin(self) -> Float[Tensor, "A R"]:
        """min_i y_i Φ(w_K, x_i) / ‖w_K‖²: the network is 2-homogeneous."""
        return self.margin / self.w.double().square().sum(-1)

    def reciprocal_root(
        self, reading: Literal["paper", "released"] = "paper"
    ) -> Float[Tensor, "A R 3"]:
        """The adapter's reciprocal square root, ((δ + g_K) / (ε + h_{K-1}))^(1/4).

        The released code puts h_K in place of h_{K-1}.
        """
        if reading not in ("paper", "released"):
            raise ValueError(f'reading is {reading!r}; choose "paper" or "released"')
        h = self.h_before if reading == "paper" else self.h
        return adapter_reciprocal_root(self.g, h, self.delta, self.epsilon)

    def frame(self) -> pd.DataFrame:
        """One tidy row per algorithm and round."""
        A, R = self.margin.shape
        root = self.reciprocal_root()
        columns = {
            "data_seed": self.spec.data_seed,
            "reduction": self.spec.reduction,
            "algorithm": np.repeat(ALGORITHMS, R),
            "round": np.tile(np.arange(R), A),
            "margin": self.margin.flatten().numpy(),
            "normalized_margin": self.normalized_margin.flatten().numpy(),
            "separated_at": self.separated_at.flatten().numpy(),
            "diverged_at": self.diverged_at.flatten().numpy(),
            "accuracy_256": self.accuracy[min(256, self.spec.epochs)]
            .repeat_interleave(R)
            .numpy(),
        }
        for name, value in (
            ("w", self.w),
            ("delta", self.delta),
            ("epsilon", self.epsilon),
            ("root", root),
        ):
            for j in range(3):
                columns[f"{name}{j}"] = value[..., j].flatten().double().numpy()
        return pd.DataFrame(columns)


def run_perceptron(spec: PerceptronSpec | None = None) -> PerceptronRun:
    """Train every algorithm and round of ``spec`` in lockstep.

    Rounds that diverge go on as NaN, beside the others and without touching them.

    Args:
        spec: what to run; the paper's experiment on data set 0 by default.
    """
    spec = spec or PerceptronSpec()
    exact, dtype = draw_perceptron(spec), getattr(torch, spec.dtype)
    drawn = PerceptronDraws(*(t.to(dtype) for t in exact))
    (w, g, h, h_before), right, finite_epochs = _trained(spec, drawn)
    K, y = spec.epochs, drawn.y
    right[K] = (_outputs(w, drawn.x, y) > 0).sum(-1)
    epochs = torch.arange(K + 1)[:, None, None]
    return PerceptronRun(
        spec=spec,
        x=exact.x,
        y=exact.y,
        w=w,
        delta=drawn.delta,
        epsilon=drawn.epsilon,
        g=g,
        h=h,
        h_before=h_before,
        accuracy=right.double().mean(-1) / len(y),
        separated_at=torch.where(right < len(y), epochs, -1).amax(0) + 1,
        diverged_at=torch.where(finite_epochs < K, finite_epochs + 1, -1),
    )


class PerceptronDraws(NamedTuple):
    """What a spec's seed decides."""

    x: Float[Tensor, "n 2"]
    y: Float[Tensor, " n"]
    w0: Float[Tensor, "R 3"]
    """Initial parameters, which the five algorithms of a round share."""
    delta: Float[Tensor, "A R 3"]
    epsilon: Float[Tensor, "A R 3"]


def draw_perceptron(spec: PerceptronSpec) -> PerceptronDraws:
    """Data set, initial parameters and stability terms of ``spec``, in float64."""
    A, R = len(ALGORITHMS), spec.rounds
    x, y = perceptron_points(seeded_generator(spec.data_seed, 0))
    w0 = torch.empty(R, 3, dtype=torch.float64)
    delta = torch.full((A, R, 3), spec.stability, dtype=torch.float64)
    epsilon = delta.clone()
    exponent = float(np.log10(spec.stability))
    for r in range(R):
        # A round's draws depend on its own number alone, not on how many there are.
        draw = seeded_generator(spec.data_seed, 1 + r)
        w0[r] = 2 * torch.rand(3, generator=draw, dtype=torch.float64) - 1
        for terms in (delta, epsilon):
            terms[3:, r] = stability_terms(
                (3,), exponent=exponent, std=spec.stability_std, generator=draw
            )
    return PerceptronDraws(x, y, w0, delta, epsilon)


def _rates(spec: PerceptronSpec, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """η of each algorithm, shape (A, 1), and ρ_k of each step, shape (K, A, 1)."""
    A, K = len(ALGORITHMS), spec.epochs
    eta = torch.full((A, 1), spec.lr_adadelta, dtype=dtype)
    eta[0] = spec.lr_sgd
    rho = torch.full((K, A, 1), spec.rho, dtype=dtype)
    rho[:, 0] = 1.0  # SGD
    schedule = torch.from_numpy(harmonic_decay(K)(np.arange(K)))
    rho[:, 2::2, 0] = schedule.to(dtype)[:, None]  # AdaDeltaS and AdaDeltaNS
    return eta, rho


def _trained(
    spec: PerceptronSpec, drawn: PerceptronDraws
) -> tuple[list[Tensor], Tensor, Tensor]:
    """All epochs: (w, g, h, h before), points right, epochs with finite w.

    Points are counted before each step; the last row is left to be filled.  Meanwhile
    everything has shape (3, A, R): an operation on a parameter then runs along memory.
    """
    A, R, K = len(ALGORITHMS), spec.rounds, spec.epochs
    x, y = drawn.x, drawn.y
    w = drawn.w0.T.unsqueeze(1).repeat(1, A, 1)
    delta, epsilon = (
        t.movedim(-1, 0).contiguous() for t in (drawn.delta, drawn.epsilon)
    )
    g, h = torch.zeros_like(w), torch.zeros_like(w)
    eta, rho = _rates(spec, x.dtype)
    scale = 1.0 if spec.reduction == "sum" else 1.0 / len(y)
    right = torch.empty(K + 1, A, R, dtype=torch.int16)
    finite_epochs = torch.zeros(A, R, dtype=torch.int64)
    recent: list[Tensor] = []
    h_before = h
    gradient_at = PerceptronGradient(x, y, A * R)
    for k in range(K):
        gradient, right_now = gradient_at(w.flatten(1))
        right[k] = right_now.view(A, R)
        h_before = h
        w, g, h = procedure_1(
            w,
            gradient.mul_(scale).view(3, A, R),
            g,
            h,
            eta=eta,
            rho=rho[k],
            delta=delta,
            epsilon=epsilon,
        )
        recent.append(w)
        if len(recent) == LOOK_BACK or k == K - 1:
            finite_epochs += torch.stack(recent).isfinite().all(1).sum(0)
            recent.clear()
    state = [t.movedim(0, -1).contiguous() for t in (w, g, h, h_before)]
    return state, right, finite_epochs


def _outputs(w: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """z_i = y_i v σ(⟨w, x_i⟩), of shape (..., n)."""
    sigma = torch.nn.functional.leaky_relu(w[..., 1:] @ x.to(w.dtype).T, SLOPE)
    return sigma * (w[..., :1] * y.to(w.dtype))


class PerceptronGradient:
    """∇ of Σ_i exp(-z_i) in (v, w), where z_i = y_i v σ(⟨w, x_i⟩), of m models at once.

    What it writes on the way, three arrays of shape (n, m), is allocated once.
    """

    def __init__(self, x: Float[Tensor, "n 2"], y: Float[Tensor, " n"], m: int) -> None:
        self.x = x
        self.minus_y = -y[:, None]
        self.pull = (self.minus_y * x).T
        self.pre, self.minus_z, self.loss = (x.new_empty(len(y), m) for _ in range(3))

    def __call__(
        self, w: Float[Tensor, "3 m"]
    ) -> tuple[Float[Tensor, "3 m"], Float[Tensor, " m"]]:
        """Also how many points each classifies right, in the dtype of w."""
        aten = torch.ops.aten
        pre, minus_z, loss = self.pre, self.minus_z, self.loss
        v, direction = w[0], w[1:]
        torch.mm(self.x, direction, out=pre)
        aten.leaky_relu.out(pre, SLOPE, out=minus_z)
        minus_z.mul_(torch.mul(self.minus_y, v, out=loss))
        torch.exp(minus_z, out=loss)
        # σ'(pre) · loss in one pass, by the kernel of autograd (at a kink, σ' = slope).
        active = aten.leaky_relu_backward.grad_input(
            loss, pre, SLOPE, False, grad_input=loss
        )
        pull = self.pull @ active
        # Euler's identity σ(⟨w, x⟩) = σ'(⟨w, x⟩)⟨w, x⟩ spares ∂v a sum of its own.
        gradient = torch.cat([(direction * pull).sum(0, keepdim=True), v * pull])
        return gradient, minus_z.lt_(0).sum(0)


# ---- records -------------------------------------------------------------------------


def record_perceptron(results: str | os.PathLike, spec: PerceptronSpec) -> Path:
    """Run ``spec`` and record it, unless its record is there already.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
        RecordError: there is a record, but damaged or of another spec.
    """

    def work() -> tuple[pd.DataFrame, dict[str, str]]:
        run = run_perceptron(spec)
        frame = run.frame().drop(columns=["data_seed", "reduction"])
        frame["algorithm"] = frame.algorithm.map(ALGORITHMS.index)
        points = torch.cat([run.x, run.y[:, None]], dim=1).numpy().astype("<f8")
        return frame, {"points": hashlib.md5(points.tobytes()).hexdigest()}

    device = f"cpu, threads: {torch.get_num_threads()}"
    facts = {"experiment": "perceptron", "scale": "paper"}
    return record_once(results, spec, work, device=device, **facts)


def load_perceptron(
    results: str | os.PathLike, specs: Iterable[PerceptronSpec]
) -> pd.DataFrame:
    """The records of ``specs`` as one tidy frame, like `PerceptronRun.frame`.

    Raises:
        RecordError: a record is missing, damaged, or of another spec.
    """
    frames = []
    for spec in specs:
        frame = read_record(record_path(results, spec), spec).frame
        names = frame.algorithm.astype(int).map(dict(enumerate(ALGORITHMS)))
        whole = dict.fromkeys(("round", "separated_at", "diverged_at"), "int64")
        frame = frame.assign(algorithm=names).astype(whole)
        frame.insert(0, "reduction", spec.reduction)
        frame.insert(0, "data_seed", spec.data_seed)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)
