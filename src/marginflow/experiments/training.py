"""Train runs of Experiments 2 and 3, from specs to the rows of their records."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from marginflow.data import ImageSet
from marginflow.experiments.devices import fixed_arithmetic
from marginflow.experiments.lanes import Lanes, Seen
from marginflow.experiments.member import Data, Member, gradient_of
from marginflow.experiments.spec import RunSpec

__all__ = ["Member", "train"]


def train(
    specs: RunSpec | Sequence[RunSpec],
    data: Data,
    *,
    states: Sequence[dict[str, Any] | None] | None = None,
    stop_after: int | None = None,
    stop: Callable[[], bool] | None = None,
    after_epoch: Callable[[Member], None] | None = None,
    facts: dict[str, Any] | None = None,
) -> list[Member]:
    """Train one run, or several as one program, to the end or to a given epoch.

    Several are lanes of `lanes.Lanes`, which pays on a GPU; their results agree with
    those of the plain mode up to the order of floating-point operations in a step.
    What comes back are the runs, as far as they came.

    Args:
        specs: what to run; together only runs that differ in algorithm and round alone.
        data: training and test set, on the device of the runs.
        states: for each run a :meth:`Member.state_dict` to go on from, or None.
        stop_after: go no further than this epoch, though the run be unfinished.
        stop: asked after each epoch; go no further once it says so.
        after_epoch: called for each run after each of its epochs.
        facts: what the provenance shall say of this process.

    Raises:
        ValueError: runs that cannot go together.
    """
    specs = [specs] if isinstance(specs, RunSpec) else list(specs)
    if not specs or len({spec.folder for spec in specs}) > 1:
        folders = sorted({spec.folder for spec in specs})
        raise ValueError(
            f"specs are of {folders}; runs that go together must be of one experiment, "
            "regime, scale, reading and dtype"
        )
    device, together = data[0].x.device, len(specs) > 1
    members = [Member(spec, device, lane=together, facts=facts) for spec in specs]
    for member, state in zip(members, states or [None] * len(members), strict=True):
        if state is not None:
            member.load_state_dict(state)
    last = specs[0].setting.epochs if stop_after is None else stop_after
    with fixed_arithmetic(
        precision=specs[0].precision, deterministic=specs[0].deterministic
    ):
        _run_epochs(members, data, last, stop, after_epoch)
    return members


def _run_epochs(
    members: list[Member],
    data: Data,
    last: int,
    stop: Callable[[], bool] | None,
    after_epoch: Callable[[Member], None] | None,
) -> None:
    wanted = set(members[0].setting.evaluated_epochs())
    clock = time.perf_counter()
    for member in members:
        if not member.measured:
            member.evaluate(data)
    active: list[Member] = []
    step = _plain_step(members[0], data[0])
    while unfinished := [
        m for m in members if m.status == "stopped" and m.epoch < last
    ]:
        # Resumed from checkpoints of different age, the laggards catch up first.
        epoch = min(m.epoch for m in unfinished)
        before, active = active, [m for m in unfinished if m.epoch == epoch]
        if active != before and len(members) > 1:
            step = Lanes(active, data[0]).step
        for member in active:
            member.watch(epoch + 1 in wanted)
        for indices in zip(*(m.batches(epoch) for m in active), strict=True):
            for member, seen in zip(active, step(indices), strict=True):
                member.observe(*seen)
        for member in active:
            member.epoch += 1
            if member.epoch in wanted:
                member.evaluate(data)
        if members[0].device.type != "cpu":  # so that the clock tells the truth
            torch.accelerator.synchronize(members[0].device)
        now = time.perf_counter()
        for member in active:
            member.seconds += (now - clock) / len(active)
            if after_epoch is not None:
                after_epoch(member)
        clock = time.perf_counter()
        if stop is not None and stop():
            return


def _plain_step(
    member: Member, train_set: ImageSet
) -> Callable[[Sequence[Tensor]], list[Seen]]:
    """A step of one run, by its optimizer; called as `Lanes.step` is."""

    def step(indices: Sequence[Tensor]) -> list[Seen]:
        (index,) = indices
        y = train_set.y[index]
        gradient, logits, loss = gradient_of(member, train_set.x[index], y)
        member.update(gradient)
        return [Seen(logits, y, loss)]

    return step
