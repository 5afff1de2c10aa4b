"""A process that trains for some steps whenever it is told to.

    python -m benchmarks.training_worker ours|plain mnist|vgg THREADS

Reads a number of steps a line from stdin and answers with the seconds they took.
Images are random: throughput does not depend on what they show.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

import torch
from torch.utils.data import DataLoader, TensorDataset

from marginflow.experiments.devices import fixed_arithmetic
from marginflow.experiments.member import Member, gradient_of
from marginflow.experiments.spec import RunSpec
from marginflow.networks import mnist_net, vgg_net

__all__ = ["BATCH", "NETS"]

BATCH, IMAGES = 100, 1000
NETS = {
    "mnist": (mnist_net, (1, 28, 28), "mnist"),
    "vgg": (vgg_net, (3, 32, 32), "cifar10"),
}


def images(net: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Random pixels in [0, 1] and labels."""
    random = torch.Generator().manual_seed(0)
    shape = NETS[net][1]
    x = torch.rand((IMAGES, *shape), generator=random)
    return x, torch.randint(0, 10, (IMAGES,), generator=random)


def ours(net: str) -> Callable[[int], None]:
    """The package's own training steps, AdaDeltaNS at the paper's scale, --compile."""
    spec = RunSpec(
        NETS[net][2], "finer", "AdaDeltaNS", 0, "paper", "released", compiled=True
    )
    member = Member(spec, torch.device("cpu"))
    x, y = images(net)
    x = x.contiguous(memory_format=torch.channels_last)
    rows = torch.randperm(IMAGES, generator=torch.Generator().manual_seed(1))
    batches = _forever(rows.view(-1, BATCH))

    def steps(n: int) -> None:
        for _ in range(n):
            i = next(batches)
            xs, ys = x[i], y[i]
            gradient, logits, loss = gradient_of(member, xs, ys)
            member.update(gradient)
            member.observe(logits, ys, loss)

    return steps


def plain(net: str) -> Callable[[int], None]:
    """What one would write: DataLoader, cross_entropy, torch.optim.Adadelta."""
    module = NETS[net][0](
        reading="released", generator=torch.Generator().manual_seed(0)
    )
    optimizer = torch.optim.Adadelta(module.parameters(), lr=0.1, eps=1e-5)
    loader = DataLoader(TensorDataset(*images(net)), BATCH, shuffle=True)
    batches = _forever(loader)

    def steps(n: int) -> None:
        for _ in range(n):
            x, y = next(batches)
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(module(x), y)
            loss.backward()
            optimizer.step()
            loss.item()

    return steps


def _forever(batches) -> Iterator:
    while True:
        yield from batches


def _serve(kind: str, net: str, threads: int) -> None:
    if kind == "ours":
        with fixed_arithmetic(threads):
            _answer(ours(net))
    else:
        torch.set_num_threads(threads)
        _answer(plain(net))


def _answer(steps: Callable[[int], None]) -> None:
    steps(1)
    print("ready", flush=True)
    for line in sys.stdin:
        started = time.perf_counter()
        steps(int(line))
        print(time.perf_counter() - started, flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
