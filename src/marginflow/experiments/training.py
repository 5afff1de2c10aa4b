"""Train one run of Experiment 2 or 3, from a spec to the rows of its record.

Everything random is drawn from streams that (round, purpose, epoch) name, so a run can
stop after any epoch and go on in another process as if nothing had happened: its state
is w, the optimizer's averages, and the rows measured so far.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from marginflow import losses
from marginflow.data import ImageSet, epoch_order, seeded_generator
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
from marginflow.networks import homogeneity_degree, mnist_net, vgg_net
from marginflow.optim import (
    GeneralizedAdadelta,
    harmonic_decay,
    skewing_vector,
    stability_terms,
)

__all__ = ["Member", "Result", "fixed_arithmetic", "resolve_device", "train"]

INITIALIZATION, STABILITY, ORDER = range(3)
"""Streams of random numbers within a round."""

Data = tuple[ImageSet, ImageSet]


@dataclass(frozen=True)
class Result:
    """What a run left behind."""

    spec: RunSpec
    rows: Float[Tensor, "evaluations columns"]
    """Columns as in :data:`marginflow.experiments.metrics.COLUMNS`."""
    diverged_at: int | None
    """First evaluated epoch with a loss that is not finite; None for a sound run."""
    epoch: int
    """How far it came; fewer than the spec's epochs if it was stopped or diverged."""
    seconds: float
    """Time spent, over all the processes that had a part in it."""
    evaluation_seconds: float
    weights: dict[str, Tensor]
    """The last w, by the names of the module's parameters, on the CPU."""

    @property
    def status(self) -> Literal["finished", "diverged", "stopped"]:
        if self.diverged_at is not None:
            return "diverged"
        return "finished" if self.epoch >= self.spec.setting.epochs else "stopped"


class Member:
    """One run in training: its w, optimizer and measurements."""

    def __init__(self, spec: RunSpec, device: torch.device) -> None:
        self.spec, self.setting, self.device = spec, spec.setting, device
        dtype = getattr(torch, spec.dtype)
        make = mnist_net if spec.experiment == "mnist" else vgg_net
        module = make(
            self.setting.width,
            spec.reading,
            gain=self.setting.gain,
            generator=seeded_generator(spec.round, INITIALIZATION),
            dtype=dtype,
        )
        self.degree = int(homogeneity_degree(module))
        shapes = [torch.empty(p.shape, dtype=dtype) for p in module.parameters()]
        self.network = FlatNetwork(module)
        self.w = self.network.initial.to(device).requires_grad_()
        self.module = self.network.bound(self.w)
        # On CPUs the compiled convolutions are slower than the library's.
        if spec.compiled and device.type != "cpu":
            self.module = torch.compile(self.module)
        self.delta, self.epsilon = self._stability(shapes)
        self.optimizer = self._optimizer()
        self.epoch = self.step = 0
        self.rows: list[list[float]] = []
        self.diverged_at: int | None = None
        self.seconds = self.evaluation_seconds = 0.0
        self._running: list[tuple[Tensor, Tensor, Tensor]] | None = None

    def _stability(self, like: list[Tensor]) -> tuple:
        number = self.setting.stability
        if "N" not in self.spec.algorithm:
            return number, number
        draw = seeded_generator(self.spec.round, STABILITY)
        exponent = math.log10(number)
        return tuple(
            self.network.pack(
                stability_terms(
                    like, exponent, self.setting.stability_std, generator=draw
                )
            ).to(self.device)
            for _ in range(2)
        )

    def _optimizer(self) -> torch.optim.Optimizer:
        if self.spec.algorithm == "SGD":
            return torch.optim.SGD([self.w], lr=self.setting.lr_sgd)
        rho = self.setting.rho
        if self.spec.algorithm.endswith("S"):
            rho = harmonic_decay(self.horizon)
        return GeneralizedAdadelta(
            [self.w],
            lr=self.setting.lr_adadelta,
            rho=rho,
            delta=self.delta,
            epsilon=self.epsilon,
            foreach=not self.spec.compiled,
            fused=self.spec.compiled,
        )

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
        return Fraction(self.setting.epochs * self.setting.train_images, finer.batch)

    @property
    def finished(self) -> bool:
        return self.epoch >= self.setting.epochs or self.diverged_at is not None

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
        """Measure the present w, and add a row."""
        started = time.perf_counter()
        train, test = data
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
            chi = 1.0
            if isinstance(self.delta, Tensor):
                chi = skewing_vector(double(self.delta), double(self.epsilon))
            row["alignment"] = alignment(self.network, w, train.x, train.y)
            row["skewed_alignment"] = alignment(self.network, w, train.x, train.y, chi)
        self.rows.append([float(row[name]) for name in COLUMNS])
        self.evaluation_seconds += time.perf_counter() - started

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
        g, h = self.optimizer.averages(self.w)
        beta, isotropy = adapter_spread(g, h, self.delta, self.epsilon)
        names = (f"beta_q{round(100 * q):02d}" for q in QUANTILES)
        return dict(zip(names, beta.tolist(), strict=True)) | {
            "isotropy": float(isotropy)
        }

    def state_dict(self) -> dict:
        """Tensors and numbers that a later process needs to go on from here.

        Save it, or copy it, before the next step: tensors are the living ones.
        """
        return {
            "epoch": self.epoch,
            "step": self.step,
            "w": self.w.detach().cpu(),
            "optimizer": self.optimizer.state_dict(),
            "rows": torch.tensor(self.rows, dtype=torch.float64),
            "diverged_at": self.diverged_at,
            "seconds": self.seconds,
            "evaluation_seconds": self.evaluation_seconds,
        }

    def load_state_dict(self, state: dict) -> None:
        """Go on from where :meth:`state_dict` was taken."""
        with torch.no_grad():
            self.w.copy_(state["w"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.rows = state["rows"].tolist()
        for name in ("epoch", "step", "diverged_at", "seconds", "evaluation_seconds"):
            setattr(self, name, state[name])

    def result(self) -> Result:
        """What the run has left behind so far."""
        return Result(
            self.spec,
            torch.tensor(self.rows, dtype=torch.float64).reshape(-1, len(COLUMNS)),
            self.diverged_at,
            self.epoch,
            self.seconds,
            self.evaluation_seconds,
            {
                name: view.contiguous().cpu()
                for name, view in self.network.unpack(self.w.detach()).items()
            },
        )


def train(
    specs: RunSpec | Sequence[RunSpec],
    data: Data,
    *,
    states: Sequence[dict | None] | None = None,
    stop_after: int | None = None,
    after_epoch: Callable[[Member], None] | None = None,
) -> list[Result]:
    """Train one run, or several in lockstep, to the end or to a given epoch.

    In lockstep the networks are one batched program (``torch.func.vmap``), which pays
    on a GPU: five narrow networks occupy it hardly longer than one.  Results agree with
    those of the plain mode up to the order of floating-point sums.

    Args:
        specs: what to run; together only runs that differ in algorithm and round alone.
        data: training and test set, on the device of the runs.
        states: for each run a :meth:`Member.state_dict` to go on from, or None.
        stop_after: go no further than this epoch, though the run be unfinished.
        after_epoch: called for each run after each of its epochs.

    Raises:
        ValueError: runs that cannot go together.
    """
    specs = [specs] if isinstance(specs, RunSpec) else list(specs)
    if not specs or len({spec.folder for spec in specs}) > 1:
        folders = sorted({spec.folder for spec in specs})
        raise ValueError(
            f"specs are of {folders}; runs in lockstep must be of one experiment, "
            "regime, scale, reading and dtype"
        )
    members = [Member(spec, data[0].x.device) for spec in specs]
    for member, state in zip(members, states or [None] * len(members), strict=True):
        if state is not None:
            member.load_state_dict(state)
    gradients = _plain_gradients if len(members) == 1 else _lockstep_gradients
    with fixed_arithmetic():
        _run_epochs(members, data, gradients, stop_after, after_epoch)
    return [member.result() for member in members]


def _run_epochs(
    members: list[Member],
    data: Data,
    gradients: Callable[[list[Member], list[Tensor], list[Tensor]], Iterable],
    stop_after: int | None,
    after_epoch: Callable[[Member], None] | None,
) -> None:
    train_set = data[0]
    wanted = set(members[0].setting.evaluated_epochs())
    clock = time.perf_counter()
    for member in members:
        if not member.rows:
            member.evaluate(data)
    last = members[0].setting.epochs if stop_after is None else stop_after
    while unfinished := [m for m in members if not m.finished and m.epoch < last]:
        # Resumed from checkpoints of different age, the laggards catch up first.
        epoch = min(m.epoch for m in unfinished)
        active = [m for m in unfinished if m.epoch == epoch]
        for member in active:
            member.watch(epoch + 1 in wanted)
        orders = [member.batches(epoch) for member in active]
        for indices in zip(*orders, strict=True):
            xs = [train_set.x[i] for i in indices]
            ys = [train_set.y[i] for i in indices]
            for member, y, (gradient, logits, loss) in zip(
                active, ys, gradients(active, xs, ys), strict=True
            ):
                member.update(gradient)
                member.observe(logits, y, loss)
        for member in active:
            member.epoch += 1
            if member.epoch in wanted:
                member.evaluate(data)
        now = time.perf_counter()
        for member in active:
            member.seconds += (now - clock) / len(active)
            if after_epoch is not None:
                after_epoch(member)
        clock = time.perf_counter()


def _plain_gradients(
    members: list[Member], xs: list[Tensor], ys: list[Tensor]
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Each member's gradient, logits and loss, one after the other."""
    for member, x, y in zip(members, xs, ys, strict=True):
        logits = member.module(x)
        loss = member.loss(logits, y)
        parts = torch.autograd.grad(loss, list(member.module.parameters()))
        yield member.network.pack(parts), logits, loss


def _lockstep_gradients(
    members: list[Member], xs: list[Tensor], ys: list[Tensor]
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """The same, of all members at once; those of one round share their batch."""
    w = torch.stack([member.w.detach() for member in members])
    one_round = len({member.spec.round for member in members}) == 1
    batch = (xs[0], ys[0]) if one_round else (torch.stack(xs), torch.stack(ys))
    gradient = _batched_gradient(members[0], one_round)
    gradients, (losses_now, logits) = gradient(w, *batch)
    return zip(gradients, logits, losses_now, strict=True)


@lru_cache(maxsize=4)
def _batched_gradient(member: Member, one_round: bool) -> Callable:
    """Gradient, loss and logits for a stack of w's, and one batch or one for each."""

    def loss_and_logits(w: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        logits = member.network(w, x)
        return member.loss(logits, y), logits

    gradient = torch.func.vmap(
        torch.func.grad_and_value(loss_and_logits, has_aux=True),
        in_dims=(0, None, None) if one_round else (0, 0, 0),
    )
    return torch.compile(gradient) if member.spec.compiled else gradient


@contextmanager
def fixed_arithmetic(threads: int = 1) -> Iterator[None]:
    """The arithmetic that a result depends on: CPU threads, and no denormal numbers.

    Averages g and h of units that died decay into float32's denormal range and stay
    there, where each operation costs a hundred times more; they are taken as 0.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(before)


def resolve_device(name: str = "auto") -> torch.device:
    """The torch device for ``name``; "auto" takes CUDA, then MPS, then the CPU.

    Raises:
        ValueError: torch knows no such device, or this machine has none.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        if torch.backends.mps.is_available():
            return torch.device("mps")
        return torch.device("cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f'device is {name!r}, which cannot be used here ({reason}); "auto" takes '
            "the best there is"
        ) from error
    return device
