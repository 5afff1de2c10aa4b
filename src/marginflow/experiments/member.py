"""One run of Experiment 2 or 3 in training: its w, averages and measurements.

Everything random is drawn from streams that (round, purpose, epoch) name, so a run can
stop after any epoch and go on in another process as if nothing had happened: its state
is w, the averages g and h, and the rows measured so far.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from marginflow import losses
from marginflow.data import ImageSet, epoch_order, seeded_generator
from marginflow.experiments.devices import full_precision, network
from marginflow.experiments.metrics import (
    COLUMNS,
    QUANTILES,
    adapter_spread,
    alignment,
    double,
    fit,
    logits_of,
)
from marginflow.experiments.spec import RunSpec
from marginflow.flat import FlatNetwork
from marginflow.margins import log_norm, multiclass_gap
from marginflow.networks import homogeneity_degree
from marginflow.optim import (
    GeneralizedAdadelta,
    harmonic_decay,
    released_horizon,
    skewing_vector,
    stability_terms,
)

__all__ = ["Data", "Member", "gradient_of"]

INITIALIZATION, STABILITY, ORDER = range(3)
"""Streams of random numbers within a round."""

Data = tuple[ImageSet, ImageSet]


class Member:
    """One run in training: its w, averages and measurements.

    Attributes:
        epoch, step: how far it has come.
        diverged_at: first evaluated epoch with a loss that is not finite, or None.
        seconds, evaluation_seconds: spent over all processes that had a part in it.

    Args:
        lane: whether it steps together with others (see `lanes.Lanes`), by its own
            ``g`` and ``h``, and not by an optimizer.
        facts: what the provenance shall say of this process.
    """

    def __init__(
        self,
        spec: RunSpec,
        device: torch.device,
        *,
        lane: bool = False,
        facts: dict[str, Any] | None = None,
    ) -> None:
        self.spec, self.setting, self.device = spec, spec.setting, device
        module = network(spec, seeded_generator(spec.round, INITIALIZATION))
        self.degree = int(homogeneity_degree(module))
        shapes = [torch.empty(p.shape, dtype=p.dtype) for p in module.parameters()]
        self.network = FlatNetwork(module)
        self.w = self.network.initial.to(device).requires_grad_()
        self.module: Callable[[Tensor], Tensor] = self.network.bound(self.w)
        self.parameters = list(self.module.parameters())
        # On CPUs the compiled convolutions are slower than the library's.
        if spec.compiled and device.type != "cpu":
            self.module = torch.compile(self.module)
        self.delta, self.epsilon = self._stability(shapes)
        self.g, self.h = (torch.zeros_like(self.w.detach()) for _ in range(2))
        self.optimizer = None if lane else self._optimizer()
        self.epoch = self.step = 0
        self.measured: list[list[float]] = []
        self.diverged_at: int | None = None
        self.seconds = self.evaluation_seconds = 0.0
        self.facts = facts or {}
        # What other processes did of the run, and where this one took it up.
        self._before: list[dict[str, Any]] = []
        self._taken_up = (0, 0.0)
        self._running: list[tuple[Tensor, Tensor, Tensor]] | None = None

    def _stability(self, like: list[Tensor]) -> tuple[float | Tensor, float | Tensor]:
        number = self.setting.stability
        if "N" not in self.spec.algorithm:
            return number, number
        draw = seeded_generator(self.spec.round, STABILITY)
        exponent = math.log10(number)
        std = self.setting.stability_std
        delta, epsilon = (
            self.network.pack(
                [stability_terms(p, exponent, std, generator=draw) for p in like]
            ).to(self.device)
            for _ in range(2)
        )
        return delta, epsilon

    @property
    def rate(self) -> float:
        """The learning rate."""
        sgd = self.spec.algorithm == "SGD"
        return self.setting.lr_sgd if sgd else self.setting.lr_adadelta

    def decays(self, steps: Int[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """ρ_k of those steps; 1 for SGD as a special case of Procedure 1."""
        if self.spec.algorithm == "SGD":
            return np.ones(len(steps))
        if self.spec.algorithm.endswith("S"):
            return np.asarray(harmonic_decay(self.horizon)(steps))
        return np.full(len(steps), self.setting.rho)

    def _optimizer(self) -> torch.optim.SGD | GeneralizedAdadelta:
        if self.spec.algorithm == "SGD":
            return torch.optim.SGD([self.w], lr=self.rate)
        rho: Any = self.setting.rho
        if self.spec.algorithm.endswith("S"):
            rho = harmonic_decay(self.horizon)
        return GeneralizedAdadelta(
            [self.w],
            lr=self.rate,
            rho=rho,
            delta=self.delta,
            epsilon=self.epsilon,
            foreach=not self.spec.compiled,
            fused=self.spec.compiled,
        )

    def averages(self) -> tuple[Float[Tensor, " p"], Float[Tensor, " p"]]:
        """g and h; zeros for SGD."""
        if isinstance(self.optimizer, GeneralizedAdadelta):
            return self.optimizer.averages(self.w)
        return self.g, self.h

    @property
    def horizon(self) -> int | Fraction:
        """K of the ρ schedule: the number of steps (text), or what the code takes.

        That is epochs · |train| / 100, whatever the batch size: the number of steps of
        the finer regime, whose batch is 100.  At smaller scales, too, it is the number
        of steps of the finer regime.
        """
        if self.spec.reading == "paper":
            return self.setting.total_steps
        finer = replace(self.spec, regime="finer").setting
        return released_horizon(
            self.setting.epochs, self.setting.train_images, finer.batch
        )

    @property
    def status(self) -> Literal["finished", "diverged", "stopped"]:
        """Stopped is a run that has not come to its end."""
        if self.diverged_at is not None:
            return "diverged"
        return "finished" if self.epoch >= self.setting.epochs else "stopped"

    @property
    def rows(self) -> Float[Tensor, "evaluations columns"]:
        """What was measured; columns as in `metrics.COLUMNS`."""
        rows = torch.tensor(self.measured, dtype=torch.float64)
        return rows.reshape(-1, len(COLUMNS))

    @property
    def segments(self) -> list[dict[str, Any]]:
        """The processes that had a part in it: epochs from and to, seconds, facts."""
        epoch, seconds = self._taken_up
        mine = {"epochs": [epoch, self.epoch], **self.facts}
        return [*self._before, {**mine, "seconds": round(self.seconds - seconds, 3)}]

    @property
    def weights(self) -> dict[str, Tensor]:
        """The present w, by the names of the module's parameters, on the CPU."""
        views = self.network.unpack(self.w.detach()).items()
        return {name: view.contiguous().cpu() for name, view in views}

    def loss(self, logits: Float[Tensor, "n c"], labels: Int[Tensor, " n"]) -> Tensor:
        """Mean cross-entropy of a batch; PyTorch's own in the released reading."""
        if self.spec.reading == "released":
            return torch.nn.functional.cross_entropy(logits, labels)
        return losses.cross_entropy(logits, labels, "mean", validate=False)

    def batches(self, epoch: int) -> Int[Tensor, "batches batch"]:
        """The mini-batches of an epoch, the same for the five algorithms."""
        return epoch_order(
            self.setting.train_images,
            self.setting.batch,
            seeded_generator(self.spec.round, ORDER, epoch),
        ).to(self.device)

    def update(self, gradient: Float[Tensor, " p"]) -> None:
        """One step of the optimizer."""
        assert self.optimizer is not None, "a lane steps with the others"
        self.w.grad = gradient
        self.optimizer.step()
        self.step += 1

    def watch(self, on: bool) -> None:
        """Whether the coming epoch's running metrics will be wanted."""
        self._running = [] if on else None

    def observe(self, logits: Tensor, labels: Tensor, loss: Tensor) -> None:
        """Take in a batch, after its step: logits and loss are from before it."""
        if self._running is None:
            return
        gaps = multiclass_gap(logits.detach(), labels, validate=False)
        # Signed log of gap / ‖w‖^L, ordered as the number itself is.
        scaled = double(gaps.amin()) * torch.exp(
            -self.degree * log_norm(self.w.detach())
        )
        right = double((gaps > 0).float()).mean()
        self._running.append((loss.detach(), right, scaled))

    def evaluate(self, data: Data) -> None:
        """Measure the present w in full precision, and add a row."""
        started = time.perf_counter()
        with full_precision():
            self._evaluate(*data)
        self.evaluation_seconds += time.perf_counter() - started

    def _evaluate(self, train: ImageSet, test: ImageSet) -> None:
        w = self.w.detach()
        log_loss, accuracy, margin = fit(logits_of(self.network, w, train.x), train.y)
        log_length = log_norm(w)
        row = dict.fromkeys(COLUMNS, math.nan)
        row.update(
            epoch=self.epoch,
            step=self.step,
            log_loss=float(log_loss),
            train_accuracy=float(accuracy),
            margin=float(margin),
            log_norm=float(log_length),
        )
        if row["margin"] > 0:
            log_margin = math.log(row["margin"])
            row["log_normalized_margin"] = log_margin - self.degree * row["log_norm"]
        if self.epoch in self.setting.tested_epochs():
            logits = logits_of(self.network, w, test.x)
            row["test_accuracy"] = float(fit(logits, test.y)[1])
        row.update(self._running_row())
        row.update(self._adapter_row())
        if not math.isfinite(row["log_loss"]) or not math.isfinite(row["log_norm"]):
            self.diverged_at = self.epoch
        elif self.epoch == self.setting.epochs:
            row["alignment"] = alignment(self.network, w, train.x, train.y)
            row["skewed_alignment"] = alignment(
                self.network, w, train.x, train.y, self.chi
            )
        self.measured.append([float(row[name]) for name in COLUMNS])

    @property
    def chi(self) -> float | Float[Tensor, " p"]:
        """χ of Theorem 2's skewed problem; 1 where the stability terms are one."""
        if isinstance(self.delta, Tensor) and isinstance(self.epsilon, Tensor):
            return skewing_vector(double(self.delta), double(self.epsilon))
        return 1.0

    def _running_row(self) -> dict[str, float]:
        if not self._running:
            return {}
        loss, accuracy, scaled = (
            double(torch.stack(parts)) for parts in zip(*self._running, strict=True)
        )
        least = float(scaled.amin())
        return {
            "running_loss": float(loss.mean()),
            "running_accuracy": float(accuracy.mean()),
            "running_log_margin": math.log(abs(least)) if least else -math.inf,
            "running_margin_sign": float(scaled.amin().sign()),
        }

    def _adapter_row(self) -> dict[str, float]:
        if self.spec.algorithm == "SGD":
            return {}
        g, h = self.averages()
        beta, isotropy = adapter_spread(g, h, self.delta, self.epsilon)
        names = (f"beta_q{round(100 * q):02d}" for q in QUANTILES)
        return dict(zip(names, beta.tolist(), strict=True)) | {
            "isotropy": float(isotropy)
        }

    def state_dict(self) -> dict[str, Any]:
        """What a later process needs to go on from here, whatever its device.

        All of it lies on the CPU, and is a copy or will not change.  δ, ε and the
        optimizer's options are drawn and chosen anew.
        """
        w, g, h = (t.detach().to("cpu", copy=True) for t in (self.w, *self.averages()))
        return {
            "epoch": self.epoch,
            "step": self.step,
            "w": w,
            "averages": None if self.spec.algorithm == "SGD" else (g, h),
            "rows": self.rows,
            "diverged_at": self.diverged_at,
            "seconds": self.seconds,
            "evaluation_seconds": self.evaluation_seconds,
            "segments": self.segments,
        }

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where :meth:`state_dict` was taken."""
        self.w.copy_(state["w"])
        self.measured = state["rows"].tolist()
        for name in ("epoch", "step", "diverged_at", "seconds", "evaluation_seconds"):
            setattr(self, name, state[name])
        self._before = list(state["segments"])
        self._taken_up = self.epoch, self.seconds
        if state["averages"] is None:
            return
        g, h = (t.to(self.device) for t in state["averages"])
        if isinstance(self.optimizer, GeneralizedAdadelta):
            self.optimizer.set_averages(self.w, g, h)
            self.optimizer.state[self.w]["step"].fill_(self.step)
            self.optimizer.param_groups[0]["k"].fill_(self.step)
        else:
            self.g.copy_(g)
            self.h.copy_(h)


def gradient_of(
    member: Member, x: Tensor, y: Int[Tensor, " n"]
) -> tuple[Float[Tensor, " p"], Float[Tensor, "n c"], Tensor]:
    """Gradient, logits and loss of a batch, at the member's present w."""
    kind = member.device.type
    half = member.spec.precision == "bf16"
    with torch.autocast(kind, torch.bfloat16, enabled=half, cache_enabled=False):
        logits = member.module(x)
    logits = logits.to(member.w.dtype)
    loss = member.loss(logits, y)
    parts = torch.autograd.grad(loss, member.parameters)
    return member.network.pack(parts), logits, loss
