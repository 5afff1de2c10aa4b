"""One run from spec to record: claimed, resumed, checkpointed, published."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from marginflow.experiments.checkpoints import (
    Claim,
    checkpoint_path,
    load_checkpoint,
    save_checkpoint,
)
from marginflow.experiments.provenance import commit, provenance
from marginflow.experiments.records import (
    part_path,
    read_record,
    record_path,
    weights_path,
    write_atomically,
    write_record,
)
from marginflow.experiments.spec import RunSpec

if TYPE_CHECKING:
    from marginflow.experiments.member import Member

__all__ = ["STOP", "Limits", "Outcome", "run_one", "run_together"]

KEPT = [("desk", 0), ("paper", 0)]
"""Scales and rounds whose last w is kept beside the record, to be measured anew."""

STOP = threading.Event()
"""Set by a worker's SIGTERM: finish the epoch, save, and say so."""

AT_WORK = threading.Lock()
"""Held while a worker has runs in hand: one group a process at a time."""


@dataclass(frozen=True)
class Limits:
    """How far runs may go, and how often they save; nothing of what they are."""

    checkpoint_seconds: float | None = None
    """Least time between checkpoints, which are made after epochs (0: after each); by
    default 30 s, and on an accelerator 5 min, for there they are larger."""
    stop_after: int | None = None
    """Go no further than this epoch."""
    deadline: float | None = None
    """Seconds since 1970; after it runs end with their epoch, and none is begun."""

    def over(self) -> bool:
        """Whether it is time to stop."""
        late = self.deadline is not None and time.time() >= self.deadline
        return late or STOP.is_set()


@dataclass(frozen=True)
class Outcome:
    """How one run of a sweep ended."""

    spec: RunSpec
    status: Literal[
        "recorded", "diverged", "stopped", "not begun", "present", "busy", "failed"
    ]
    """recorded or diverged: trained now; stopped: trained as far as was asked, or as
    time allowed; not begun: no time was left; present: a record was there; busy:
    another process is at it; failed: see ``message``, as for a stopped run that was
    as far before."""
    seconds: float = 0.0
    """Training time, over all the processes that had a part in it."""
    message: str = ""


def run_one(
    spec: RunSpec,
    results: str | os.PathLike,
    data: str | os.PathLike | None = None,
    limits: Limits | None = None,
) -> Outcome:
    """Train ``spec`` and record it, going on from a checkpoint if there is one.

    A run that is stopped before its end keeps its checkpoint, and what it has measured
    is published beside the records (:func:`marginflow.experiments.records.part_path`).

    Args:
        results: folder of the records.
        data: folder of the data sets, see :func:`marginflow.data.data_root`.

    Raises:
        RecordError: the record or checkpoint there is damaged or of another spec.
        DataError: the data cannot be used.
        ValueError: the device cannot be used or has too little memory.
        OSError: the results folder cannot be written.
    """
    return run_together([spec], results, data, limits)[0]


def run_together(
    specs: Sequence[RunSpec],
    results: str | os.PathLike,
    data: str | os.PathLike | None = None,
    limits: Limits | None = None,
) -> list[Outcome]:
    """The same for several runs as one program, see :func:`training.train`."""
    limits = limits or Limits()
    outcomes: dict[RunSpec, Outcome] = {}
    with ExitStack() as stack:
        claims: dict[RunSpec, Claim] = {}
        for spec in specs:
            claim = Claim(checkpoint_path(results, spec).with_suffix(".lock"))
            present = _present(results, spec)
            if present and not _left_behind(results, spec):
                outcomes[spec] = Outcome(spec, "present")
            elif not present and limits.over():
                outcomes[spec] = Outcome(spec, "not begun")
            elif not stack.enter_context(claim):
                outcomes[spec] = Outcome(spec, "present" if present else "busy")
            else:
                if _present(results, spec):  # perhaps since we looked
                    outcomes[spec] = Outcome(spec, "present")
                else:
                    claims[spec] = claim
                for path in _left_behind(results, spec):
                    path.unlink(missing_ok=True)
        if claims:
            trained = _train_and_record(claims, results, data, limits)
            outcomes |= {outcome.spec: outcome for outcome in trained}
    return [outcomes[spec] for spec in specs]


def _left_behind(results: str | os.PathLike, spec: RunSpec) -> list[Path]:
    """What killed processes left half-written, or beside a record that replaces it.

    It may be in use until the claim is in hand.
    """
    record = record_path(results, spec)
    replaced = [part_path(results, spec), checkpoint_path(results, spec)]
    found = [
        draft
        for path in (record, *replaced)
        for draft in path.parent.glob(f".{path.name}.*.tmp")
    ]
    if record.exists():
        found += [path for path in replaced if path.exists()]
    return found


def _present(results: str | os.PathLike, spec: RunSpec) -> bool:
    """Whether there is a record, which must then be sound."""
    path = record_path(results, spec)
    if path.exists():
        read_record(path, spec)
        return True
    return False


def _train_and_record(
    claims: dict[RunSpec, Claim],
    results: str | os.PathLike,
    data: str | os.PathLike | None,
    limits: Limits,
) -> list[Outcome]:
    from marginflow.experiments.devices import (
        check_memory,
        device_name,
        resolve_device,
    )
    from marginflow.experiments.training import train

    specs = list(claims)
    first = specs[0]
    device = resolve_device(first.device)
    check_memory(first, device, len(specs))
    sets = _data(
        first.experiment, first.setting, str(data or ""), str(device), first.dtype
    )
    paths = {spec: checkpoint_path(results, spec) for spec in specs}
    states = [load_checkpoint(p, s) if p.exists() else None for s, p in paths.items()]
    how = {
        "device": device_name(device),
        "compiled": first.compiled,
        "precision": first.precision,
        "deterministic": first.deterministic,
        "lanes": len(specs),
    }
    with _Saver(claims, results, limits, beside=device.type != "cpu") as saver:
        trained = train(
            specs,
            sets,
            states=states,
            stop_after=limits.stop_after,
            stop=limits.over,
            after_epoch=saver.after_epoch,
            facts={**how, "commit": commit()},
        )
    md5 = {"train": sets[0].md5, "test": sets[1].md5}
    return [_recorded(member, results, {**how, "data_md5": md5}) for member in trained]


def _recorded(
    member: Member, results: str | os.PathLike, facts: dict[str, Any]
) -> Outcome:
    """Publish what a run left; its checkpoint goes if that was all of it."""
    from safetensors.torch import save

    from marginflow.experiments.metrics import COLUMNS

    spec, rows, status = member.spec, member.rows.numpy(), member.status
    told = provenance(
        spec,
        seconds=member.seconds,
        evaluation_seconds=round(member.evaluation_seconds, 3),
        status=status,
        diverged_at=member.diverged_at,
        epochs_done=member.epoch,
        segments=member.segments,
        **facts,
    )
    if status == "stopped":
        write_record(part_path(results, spec), COLUMNS, rows, told)
        first, last = member.segments[-1]["epochs"]
        idle = f"was at epoch {last} before" if first == last else ""
        return Outcome(spec, "stopped", member.seconds, idle)
    if (spec.scale, spec.round) in KEPT and status == "finished":
        # Before the record, which says that the run is done.
        data = save(member.weights, {"marginflow.provenance": json.dumps(told)})
        write_atomically(weights_path(results, spec), data)
    write_record(record_path(results, spec), COLUMNS, rows, told)
    checkpoint_path(results, spec).unlink(missing_ok=True)
    part_path(results, spec).unlink(missing_ok=True)
    finished = status == "finished"
    return Outcome(spec, "recorded" if finished else "diverged", member.seconds)


class _Saver:
    """Checkpoints after epochs, when they are due.

    Args:
        beside: write them in a thread beside training, one at a time.
    """

    def __init__(self, claims, results, limits: Limits, *, beside: bool) -> None:
        self.claims, self.results, self.limits = claims, results, limits
        seconds = limits.checkpoint_seconds
        self.seconds = (300.0 if beside else 30.0) if seconds is None else seconds
        self.saved = dict.fromkeys(claims, time.monotonic())
        self.thread = ThreadPoolExecutor(1) if beside else None
        self.writing: dict[RunSpec, Future] = {}

    def __enter__(self) -> _Saver:
        return self

    def __exit__(self, *error: object) -> None:
        if self.thread is not None:
            self.thread.shutdown()
            for future in self.writing.values():
                future.result()

    def after_epoch(self, member: Member) -> None:
        """Tell how far a run is, and save it if it is time."""
        spec, epoch = member.spec, member.epoch
        self.claims[spec].tell(epoch, member.setting.epochs)
        due = time.monotonic() - self.saved[spec] >= self.seconds
        due = due or epoch == self.limits.stop_after or self.limits.over()
        if not due or member.status != "stopped":
            return
        arguments = (checkpoint_path(self.results, spec), spec, member.state_dict())
        if self.thread is None:
            save_checkpoint(*arguments)
        else:
            if spec in self.writing:
                self.writing[spec].result()  # tell of a full disk now, not at the end
            self.writing[spec] = self.thread.submit(save_checkpoint, *arguments)
        self.saved[spec] = time.monotonic()


@lru_cache(maxsize=2)
def _data(experiment, setting, root, device, dtype):
    import torch

    from marginflow.data import load_images

    return tuple(
        load_images(
            experiment,
            root or None,
            train=train,
            limit=limit,
            device=device,
            dtype=getattr(torch, dtype),
        )
        for train, limit in ((True, setting.train_images), (False, setting.test_images))
    )
