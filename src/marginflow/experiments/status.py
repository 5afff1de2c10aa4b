"""What of a sweep stands, and what the rest would cost."""

from __future__ import annotations

import os
import statistics
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from marginflow.experiments.checkpoints import epochs_done
from marginflow.experiments.records import part_path, read_record, record_path
from marginflow.experiments.spec import ALGORITHMS, REGIMES, PerceptronSpec, RunSpec

__all__ = ["MARKS", "Standing", "clock", "estimate_seconds", "standing", "summary"]

AnySpec = RunSpec | PerceptronSpec

MARKS = {
    "recorded": "#",
    "diverged": "x",
    "under way": "~",
    "stopped": "/",
    "missing": ".",
    "damaged": "!",
}
"""How a run can stand, and its sign."""


@dataclass(frozen=True)
class Standing:
    """How one run stands."""

    state: str
    """A key of `MARKS`: under way, where a process is at work; stopped, where it ended
    before its time and can go on; damaged, where its record cannot be used."""
    epoch: int = 0
    """Epochs done of a stopped one."""
    reason: str = ""
    """Why a record cannot be used."""


def standing(spec: AnySpec, results: str | os.PathLike) -> Standing:
    """Look at the record and the lock of a run."""
    try:
        if (path := record_path(results, spec)).exists():
            diverged = read_record(path, spec).provenance.get("status") == "diverged"
            return Standing("diverged" if diverged else "recorded")
        if epochs_done(results, spec) is not None:
            return Standing("under way")
        if (part := part_path(results, spec)).exists():
            return Standing(
                "stopped", read_record(part, spec).provenance["epochs_done"]
            )
    except ValueError as error:
        return Standing("damaged", reason=str(error))
    return Standing("missing")


def summary(found: dict[AnySpec, Standing], results: str | os.PathLike) -> str:
    """How runs stand, in a line: how many in each state, and what is left to do."""
    counts = Counter(each.state for each in found.values())
    parts = [f"{counts['recorded']} of {len(found)} recorded"]
    parts += [f"{counts[s]} {s}" for s in (*MARKS,)[1:] if counts[s]]
    if epochs := sorted({s.epoch for s in found.values() if s.state == "stopped"}):
        span = " to ".join(map(str, dict.fromkeys((epochs[0], epochs[-1]))))
        parts.append(f"stopped ones at epoch {span}")
    open_states = ("missing", "under way", "stopped")
    left = [spec for spec, each in found.items() if each.state in open_states]
    costs = [estimate_seconds(spec, results) for spec in left]
    known = [cost for cost in costs if cost is not None]
    if known:
        seconds = sum(known) * len(costs) / len(known)
        parts.append(f"about {clock(seconds)} on one CPU left")
    elif left:
        parts.append("nothing recorded yet to judge the cost by")
    return ", ".join(parts)


def estimate_seconds(spec: AnySpec, results: str | os.PathLike) -> float | None:
    """What a run should take: the median of its kind's recorded ones, or None.

    If there are none of its algorithm, others of its folder serve; none there, those of
    the other regime, in proportion to the examples seen.
    """
    folder, _, name = spec.name.rpartition("/")
    own = _seconds(results, folder, name.rpartition("-")[0])
    if own or isinstance(spec, PerceptronSpec):
        return statistics.median(own) if own else None
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
            except (ValueError, KeyError):  # damaged, or told no time
                continue
    return found


def clock(seconds: float) -> str:
    """A duration for people: "40 s", "12 min", "3.5 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
