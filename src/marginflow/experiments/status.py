"""What of a sweep stands, and what the rest would cost."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from marginflow.experiments.checkpoints import epochs_done
from marginflow.experiments.records import part_path, read_record, record_path
from marginflow.experiments.spec import ALGORITHMS, REGIMES, PerceptronSpec, RunSpec

__all__ = ["Standing", "clock", "estimate_seconds", "standing"]


AnySpec = RunSpec | PerceptronSpec


@dataclass(frozen=True)
class Standing:
    """What there is of one experiment's grid."""

    recorded: tuple[AnySpec, ...]
    diverged: tuple[AnySpec, ...]
    """Recorded as diverged."""
    under_way: dict[AnySpec, tuple[int, int]]
    """Epochs done and in all, where a process is at work."""
    stopped: dict[AnySpec, int]
    """Epochs done, where a run was stopped before its end and can go on."""
    missing: tuple[AnySpec, ...]
    damaged: dict[AnySpec, str]
    """Records that cannot be used, and why."""
    seconds_left: float | None
    """CPU seconds that the missing ones would take; None if nothing tells."""


def standing(specs: Sequence[AnySpec], results: str | os.PathLike) -> Standing:
    """Look at the records and locks of ``specs``."""
    recorded: list[AnySpec] = []
    diverged: list[AnySpec] = []
    missing: list[AnySpec] = []
    under_way: dict[AnySpec, tuple[int, int]] = {}
    stopped: dict[AnySpec, int] = {}
    damaged: dict[AnySpec, str] = {}
    for spec in specs:
        path = record_path(results, spec)
        if path.exists():
            try:
                record = read_record(path, spec)
            except ValueError as error:
                damaged[spec] = str(error)
                continue
            bad = record.provenance.get("status") == "diverged"
            (diverged if bad else recorded).append(spec)
        elif (done := epochs_done(results, spec)) is not None:
            under_way[spec] = done
        elif (part := part_path(results, spec)).exists():
            try:
                stopped[spec] = read_record(part, spec).provenance["epochs_done"]
            except ValueError as error:
                damaged[spec] = str(error)
        else:
            missing.append(spec)
    left_over = (*missing, *under_way, *stopped)
    costs = [estimate_seconds(spec, results) for spec in left_over]
    known = [cost for cost in costs if cost is not None]
    left = sum(known) * len(costs) / len(known) if known else None
    return Standing(
        tuple(recorded),
        tuple(diverged),
        under_way,
        stopped,
        tuple(missing),
        damaged,
        left if costs else 0.0,
    )


def estimate_seconds(spec: AnySpec, results: str | os.PathLike) -> float | None:
    """What a run should take: the median of its kind's recorded ones, or None.

    If there are none of its algorithm, others of its folder serve; none there, those of
    the other regime, in proportion to the examples seen.
    """
    if isinstance(spec, PerceptronSpec):
        folder = spec.name.rpartition("/")[0]
        own = _seconds(results, folder, "data-set")
        return statistics.median(own) if own else None
    own = _seconds(results, spec.folder, spec.algorithm)
    if own:
        return statistics.median(own)
    for regime in (spec.regime, *REGIMES):
        other = replace(spec, regime=regime)
        seconds = [s for a in ALGORITHMS for s in _seconds(results, other.folder, a)]
        if seconds:
            mine, theirs = spec.setting, other.setting
            ratio = (mine.epochs * mine.train_images) / (
                theirs.epochs * theirs.train_images
            )
            return statistics.median(seconds) * ratio
    return None


def _seconds(results, folder: str, algorithm: str) -> list[float]:
    """Time of whole runs; of a stopped one, in proportion to its epochs."""
    found = []
    for name in (f"{algorithm}-*.parquet", f"part-{algorithm}-*.parquet"):
        for path in sorted(Path(results, folder).glob(name))[:19]:
            try:
                told = read_record(path).provenance
                whole = 1.0
                if told["status"] == "stopped":
                    whole = told["spec"]["setting"]["epochs"] / told["epochs_done"]
                found.append(told["seconds"] * whole)
            except (ValueError, KeyError):  # old ones of Experiment 1 tell no time
                continue
    return found


def clock(seconds: float) -> str:
    """A duration for people: "40 s", "12 min", "3.5 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
