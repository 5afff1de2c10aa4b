"""Training throughput: one process, a pair of processes, and the plain loop."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import peaks
from benchmarks.rows import Row, interleaved
from benchmarks.training_worker import BATCH, NETS

ROOT = Path(__file__).parents[1]


class Worker:
    """A training process that waits for orders; ends with the ``with`` block."""

    def __init__(self, kind: str, net: str, threads: int) -> None:
        arguments = [kind, net, str(threads)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.training_worker", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        )

    def __enter__(self) -> Worker:
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("a training process did not start; see its error above")
        return self

    def __exit__(self, *error) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def order(self, steps: int) -> None:
        """Tell it to train; :meth:`seconds` waits for the answer."""
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()

    def seconds(self) -> float:
        """How long the last order took."""
        return float(self.process.stdout.readline())


def flops_an_image(net: str) -> float:
    """Floating-point operations of forward and backward, counted by torch."""
    build, shape, _ = NETS[net]
    module = build(reading="released", generator=torch.Generator().manual_seed(0))
    counter = FlopCounterMode(display=False)
    with counter:
        module(torch.zeros(1, *shape)).sum().backward()
    return counter.get_total_flops()


def rows(quick: bool) -> list[Row]:
    """Images per second, batches of 100, the MNIST net at the paper's width."""
    return rows_of("mnist", *((1, 1) if quick else (8, 5)))


def rows_of(net: str, steps: int, repeats: int) -> list[Row]:
    """One process and two, each beside the plain loop on as many threads."""
    kinds = (("ours", 1), ("ours", 1), ("plain", 1), ("plain", 2))
    workers = [Worker(kind, net, threads) for kind, threads in kinds]  # all start now
    with ExitStack() as stack:
        one, other, plain_1, plain_2 = map(stack.enter_context, workers)

        def rate(*workers: Worker) -> float:
            """Images a second of all of them, at once."""
            for worker in workers:
                worker.order(steps)
            return sum(BATCH * steps / worker.seconds() for worker in workers)

        seen = interleaved(
            {
                "1 process": lambda: rate(one),
                "2 processes": lambda: rate(one, other),
                "plain, 1 thread": lambda: rate(plain_1),
                "plain, 2 threads": lambda: rate(plain_2),
            },
            repeats,
        )
    flops = flops_an_image(net)
    found = []
    for name, peer, threads in (
        ("1 process", "plain, 1 thread", 1),
        ("2 processes", "plain, 2 threads", 2),
    ):
        found.append(
            Row(
                f"training, {net.upper()} net, batch {BATCH}, {name}, --compile",
                seen[name],
                "images/s",
                peer=seen[peer],
                peer_is="DataLoader + torch.optim.Adadelta, one process, "
                f"{threads} thread{'s' if threads > 1 else ''}",
                limit=peaks.flops(torch.float32, threads) / flops,
                limit_is=f"{flops / 1e6:.0f} Mflop an image at the peak of a float32 "
                "matrix product",
                threads=str(threads),
                repeats=repeats,
                aim="≥ 1.7×" if (net, threads) == ("mnist", 2) else "",
            )
        )
    return found
