"""What this machine can do at best, measured: arithmetic and memory."""

from __future__ import annotations

import time
from functools import cache

import torch

__all__ = ["bandwidth", "exp_rate", "flops"]


@cache
def flops(dtype: torch.dtype, threads: int = 1) -> float:
    """Floating-point operations per second in a matrix product, best of several."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    n = 1024
    a, b = (torch.ones(n, n, dtype=dtype) for _ in range(2))
    out = torch.empty(n, n, dtype=dtype)
    best = _best(lambda: torch.mm(a, b, out=out), 12)
    torch.set_num_threads(before)
    return 2 * n**3 / best


@cache
def exp_rate(dtype: torch.dtype, n: int = 50_000) -> float:
    """Exponentials per second on one thread, in place in the cache."""
    x = torch.zeros(n, dtype=dtype)
    return n / _best(lambda: torch.exp(x, out=x), 40)


@cache
def bandwidth(streams_bytes: int) -> float:
    """Bytes per second on one thread over a working set of ``streams_bytes``.

    The best of a copy (2 streams) and an in-place sum (3 streams), so that a limit
    formed with it is not too easy to reach.  A set that fits in a cache is measured in
    that cache, as the optimizer's would be.
    """
    n = streams_bytes // 8
    a, b = torch.zeros(n), torch.zeros(n)
    copied = _best(lambda: a.copy_(b), 8)
    summed = _best(lambda: a.add_(b), 8)
    return max(2 * 4 * n / copied, 3 * 4 * n / summed)


def _best(work, times: int) -> float:
    work()
    seen = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        seen.append(time.perf_counter() - started)
    return min(seen)
