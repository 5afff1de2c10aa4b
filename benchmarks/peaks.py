"""What this machine can do at best, measured: arithmetic and memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

import torch

from marginflow.optim import GeneralizedAdadelta

__all__ = ["exp_rate", "flops", "step_rate", "stream"]


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
def step_rate() -> float:
    """Components that the compiled step makes per second on one thread, in the cache.

    From two sizes, so that the cost of a call drops out: it is arithmetic alone, above
    all one division and one square root each.
    """
    sizes = (1 << 12, 1 << 15)
    seen = []
    for n in sizes:
        p = torch.nn.Parameter(torch.ones(n))
        p.grad = torch.full((n,), 1e-3)
        optimizer = GeneralizedAdadelta([p], eps=1e-5, fused=True)
        seen.append(_best(optimizer.step, 400))
    return (sizes[1] - sizes[0]) / (seen[1] - seen[0])


def stream(moved: int) -> Callable[[], None]:
    """An in-place sum of two arrays that moves this many bytes (two read, one written).

    To be timed in turns with what moves as much: the caches are then equally cold.
    """
    n = moved // 12
    a, b = torch.zeros(n), torch.zeros(n)

    def move() -> None:
        a.add_(b)

    return move


def _best(work, times: int) -> float:
    work()
    seen = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        seen.append(time.perf_counter() - started)
    return min(seen)
