"""A row of the table, and how its numbers come about."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Row", "circumstances", "interleaved", "table"]


@dataclass(frozen=True)
class Row:
    """Ours beside a peer, and the physical limit where there is one."""

    what: str
    ours: float
    unit: str
    """Of ours, peer and limit, such as "s" or "images/s"."""
    peer: float | None = None
    peer_is: str = ""
    limit: float | None = None
    limit_is: str = ""
    threads: str = "1"
    repeats: int = 1
    aim: str = ""
    note: str = ""

    @property
    def more_is_better(self) -> bool:
        """Whether the unit is a rate or a reach rather than a cost."""
        return self.unit.endswith("/s") or self.unit == "log t"

    @property
    def ratio(self) -> float | None:
        """How many times better than the peer."""
        if self.peer is None or not self.ours or not self.peer:
            return None
        better = self.ours / self.peer
        return better if self.more_is_better else 1 / better

    @property
    def over_limit(self) -> float | None:
        """How many times the physically least cost is paid; 1 cannot be beaten."""
        if self.limit is None or not self.ours or not self.limit:
            return None
        cost = self.ours / self.limit
        return 1 / cost if self.more_is_better else cost

    def entry(self) -> dict:
        """The row as plain data, derived numbers included."""
        return asdict(self) | {"ratio": self.ratio, "over_limit": self.over_limit}


def interleaved(
    works: Mapping[str, Callable[[], float | None]], repeats: int
) -> dict[str, float]:
    """Median of each work over ``repeats`` rounds, in each of which every one has a go.

    A work that returns a number is measured by that number, another by its wall time.
    One round before, which is not counted, warms caches and compilers.
    """
    seen: dict[str, list[float]] = {name: [] for name in works}
    for i in range(repeats + 1):
        for name, work in works.items():
            started = time.perf_counter()
            own = work()
            spent = time.perf_counter() - started
            if i:
                seen[name].append(spent if own is None else own)
    return {name: statistics.median(values) for name, values in seen.items()}


def circumstances() -> dict:
    """What the numbers hang on, beside the code."""
    from importlib.metadata import version

    load = os.getloadavg()
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "load_average": [round(x, 2) for x in load],
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": version("torch"),
        "scipy": version("scipy"),
        "measured": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _cpu() -> str:
    names = {"model name": "", "cpu family": "", "model": ""}
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() in names and not names[name.strip()]:
                names[name.strip()] = value.strip()
    except OSError:
        return platform.processor() or "unknown"
    family = f"family {names['cpu family']}, model {names['model']}"
    return f"{names['model name']} ({family})"


def table(rows: list[Row]) -> str:
    """The rows as text."""
    head = ["", "ours", "peer", "ratio", "limit", "× limit", "threads", "peer is"]
    lines = [head]
    for row in rows:
        lines.append(
            [
                row.what,
                f"{_short(row.ours)} {row.unit}",
                _short(row.peer),
                f"{row.ratio:.3g}×" if row.ratio else "",
                _short(row.limit),
                f"{row.over_limit:.3g}" if row.over_limit else "",
                row.threads,
                row.peer_is,
            ]
        )
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    )


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
