"""Several runs as one program, for a GPU: lanes = algorithms × rounds.

A step of a narrow network keeps a GPU busy for less time than it takes to launch it.
So the steps of all lanes are recorded once, as a CUDA graph, and played again for each
batch: a single launch.  Within it each lane takes its gradient as in the plain mode,
and its step by `procedure_1`.  SGD needs no code of its own: it is Procedure 1 with
ρ = 1, g_0 = h_0 = 0 and δ = ε.  The decays ρ_k of all steps lie in a table on the
device, read by a step counter that lies there too, so that nothing in a step waits for
the host.

On a CPU the same program runs without a graph, which is how it is tested; the graph
itself was never run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from marginflow.data import ImageSet
from marginflow.experiments.member import Member, gradient_of
from marginflow.optim import procedure_1

__all__ = ["Lanes"]

WARM_UP = 3
"""Steps before a graph is recorded, in which libraries choose their kernels."""


class Seen(NamedTuple):
    """What a lane's step saw of its batch, before it."""

    logits: Tensor
    labels: Tensor
    loss: Tensor


class Lanes:
    """Members that step together; all have made equally many steps."""

    def __init__(self, members: Sequence[Member], train: ImageSet) -> None:
        self.members, self.train = members, train
        device = train.x.device
        rounds = [member.spec.round for member in members]
        batch = members[0].setting.batch
        # One batch for all lanes of a round; written here for each step.
        self.batches = {
            r: torch.zeros(batch, dtype=torch.int64, device=device)
            for r in dict.fromkeys(rounds)
        }
        steps = np.arange(members[0].setting.total_steps)
        decays = {m.spec.algorithm: m.decays(steps) for m in members}
        self.column = {algorithm: i for i, algorithm in enumerate(decays)}
        self.rho = torch.tensor(np.stack([*decays.values()], axis=1), device=device)
        self.k = torch.tensor([members[0].step], device=device)
        self._play: Callable[[], None] = (
            self._recorded if device.type == "cuda" else (self._step)
        )
        self._graph: torch.cuda.CUDAGraph | None = None
        self._seen: list[Seen] = []

    def step(self, indices: Sequence[Int[Tensor, " batch"]]) -> list[Seen]:
        """One step of every lane on its batch."""
        for member, index in zip(self.members, indices, strict=True):
            self.batches[member.spec.round].copy_(index)
        self._play()
        for member in self.members:
            member.step += 1
        return self._seen

    def _step(self) -> None:
        images = {
            r: (self.train.x[i], self.train.y[i]) for r, i in self.batches.items()
        }
        rho = self.rho.index_select(0, self.k)[0]
        self._seen = []
        for member in self.members:
            x, y = images[member.spec.round]
            gradient, logits, loss = gradient_of(member, x, y)
            with torch.no_grad():
                step = procedure_1(
                    member.w,
                    gradient,
                    member.g,
                    member.h,
                    eta=member.rate,
                    rho=rho[self.column[member.spec.algorithm]],
                    delta=member.delta,
                    epsilon=member.epsilon,
                )
                for kept, new in zip((member.w, member.g, member.h), step, strict=True):
                    kept.copy_(new)
            self._seen.append(Seen(logits.detach(), y, loss.detach()))
        self.k += 1

    def _recorded(self) -> None:
        """The same, by a graph that is recorded at first."""
        if self._graph is None:
            self._graph = self._record()
        self._graph.replay()

    def _record(self) -> torch.cuda.CUDAGraph:
        kept = [t for m in self.members for t in (m.w, m.g, m.h)] + [self.k]
        before = [t.detach().clone() for t in kept]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                self._step()
        torch.cuda.current_stream().wait_stream(stream)
        with torch.no_grad():
            for t, value in zip(kept, before, strict=True):
                t.copy_(value)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._step()
        return graph
