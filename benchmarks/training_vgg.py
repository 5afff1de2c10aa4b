"""The same as `training` for the 14-layer net, whose steps take seconds."""

from __future__ import annotations

from benchmarks.rows import Row
from benchmarks.training import rows_of

__all__ = ["rows"]


def rows(quick: bool) -> list[Row]:
    """Images per second, batches of 100, at the paper's width."""
    return rows_of("vgg", 1, 1 if quick else 2)
