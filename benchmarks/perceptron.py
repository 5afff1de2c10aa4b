"""Experiment 1 at full size, against one plain torch model at a time."""

from __future__ import annotations

from dataclasses import replace

import torch

from benchmarks import peaks
from benchmarks.rows import Row, interleaved
from marginflow.data import perceptron_points
from marginflow.experiments.perceptron import PerceptronSpec, run_perceptron
from marginflow.experiments.spec import ALGORITHMS
from marginflow.optim import harmonic_decay

POINTS = 100


class Plain(torch.nn.Module):
    """The leaky perceptron as one would write it."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = torch.nn.Linear(2, 1, bias=False, dtype=torch.float64)
        self.outer = torch.nn.Linear(1, 1, bias=False, dtype=torch.float64)

    def forward(self, x):
        pre = self.inner(x)
        return self.outer(torch.nn.functional.leaky_relu(pre, 0.5)).squeeze(-1)


def plain_loop(epochs: int, x, y) -> None:
    """One round: the five algorithms, one after the other, by torch's optimizers.

    For AdaDeltaN and NS, whose terms differ by parameter, torch has none; its Adadelta
    with one number stands in, which costs less than what a user would have to write.
    """
    for algorithm in ALGORITHMS:
        model = Plain()
        if algorithm == "SGD":
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        else:
            optimizer = torch.optim.Adadelta(model.parameters(), eps=1e-5)
        schedule = harmonic_decay(5000)
        for k in range(epochs):
            if algorithm.endswith("S"):
                optimizer.param_groups[0]["rho"] = schedule(k)
            optimizer.zero_grad()
            z = y * model(x)
            torch.exp(-z).mean().backward()
            optimizer.step()
            (z > 0).double().mean().item()


def operations(spec: PerceptronSpec) -> int:
    """Multiplications, additions and comparisons of the job, an exp counted as one.

    A point and epoch: 3 for ⟨w, x⟩, 2 for the Leaky ReLU, 1 for −z, 1 exp, 2 for dv,
    2 for the masked weights, 4 for dw, 1 for the accuracy.  A parameter: 17 for the
    step.
    """
    per_model = 16 * POINTS + 3 * 17
    return len(ALGORITHMS) * spec.rounds * spec.epochs * per_model


def rows(quick: bool) -> list[Row]:
    """The full job; the peer on a slice of it."""
    torch.set_num_threads(1)
    spec = PerceptronSpec(reduction="mean")
    if quick:
        spec = replace(spec, epochs=200)
    x, y = perceptron_points(torch.Generator().manual_seed(0))
    slice_epochs = 50 if quick else 200
    seen = interleaved(
        {
            "ours": lambda: run_perceptron(spec) and None,
            "peer": lambda: plain_loop(slice_epochs, x, y),
        },
        1 if quick else 3,
    )
    peer = seen["peer"] * spec.rounds * spec.epochs / slice_epochs
    exps = len(ALGORITHMS) * spec.rounds * spec.epochs * POINTS
    only_exp = exps / peaks.exp_rate(torch.float64)
    return [
        Row(
            f"Experiment 1: 5 × {spec.rounds} trainings of {spec.epochs} epochs",
            seen["ours"],
            "s",
            peer=peer,
            peer_is="plain torch, one model at a time; one round of "
            f"{slice_epochs} epochs measured, multiplied up",
            limit=operations(spec) / peaks.flops(torch.float64),
            limit_is="operations at the peak of a float64 matrix product",
            repeats=1 if quick else 3,
            aim="≥ 500×, ≤ 3 s",
            note=f"the {exps / 1e6:.0f} million exponentials alone take {only_exp:.2g} "
            "s at torch's rate in the cache",
        )
    ]
