"""A network whose parameters are views of one vector w, in the order of memory.

Training then has one tensor to step, one gradient, one g and one h, whatever the number
of layers; and Φ(w, x) is a function of w to which ``torch.func`` applies.  Convolution
weights are kept channels-last inside the vector, the layout that is fast on CPUs and
GPUs alike.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

__all__ = ["FlatNetwork"]


class FlatNetwork:
    """Φ(w, x) of a module, on one flat w.

    Args:
        module: the network; it is copied in structure, its parameters give
            :attr:`initial`.
    """

    def __init__(self, module: nn.Module) -> None:
        named = dict(module.named_parameters())
        self.shapes = {name: p.shape for name, p in named.items()}
        self.sizes = [p.numel() for p in named.values()]
        self.initial: Float[Tensor, " p"] = self.pack(list(named.values()))
        self._module = module.to("meta")

    def pack(self, tensors: Sequence[Tensor]) -> Float[Tensor, " p"]:
        """One vector from a tensor for each parameter, in the module's order."""
        return torch.cat(
            [
                (t.permute(0, 2, 3, 1) if t.ndim == 4 else t).reshape(-1)
                for t in (t.detach() for t in tensors)
            ]
        )

    def unpack(self, w: Float[Tensor, " p"]) -> dict[str, Tensor]:
        """Views of w shaped as the parameters, by name."""
        views = {}
        for part, (name, shape) in zip(
            w.split(self.sizes), self.shapes.items(), strict=True
        ):
            if len(shape) == 4:
                out, into, high, wide = shape
                views[name] = part.view(out, high, wide, into).permute(0, 3, 1, 2)
            else:
                views[name] = part.view(shape)
        return views

    def bound(self, w: Float[Tensor, " p"]) -> nn.Module:
        """The module, its parameters being views of ``w``: what steps w, steps them.

        Costs less per call than the pure function, and computes the same numbers.
        """
        module = copy.deepcopy(self._module)
        views = {
            name: nn.Parameter(view) for name, view in self.unpack(w.detach()).items()
        }
        for name, parameter in views.items():
            owner, _, own_name = name.rpartition(".")
            setattr(module.get_submodule(owner), own_name, parameter)
        return module

    def __call__(self, w: Float[Tensor, " p"], x: Tensor) -> Tensor:
        """Φ(w, x); differentiable in w."""
        return functional_call(self._module, self.unpack(w), (x,))
