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

__all__ = ["FlatNetwork", "flatten", "without_values"]


class FlatNetwork:
    """Φ(w, x) of a module, on one flat w; frozen parameters are constants.

    The function is pure: it works under ``torch.func`` (grad, jacrev, vmap over w) and
    never changes the module, whose own w is :attr:`initial`.

    Args:
        module: the network; it is copied.

    Raises:
        ValueError: no trainable parameter, or parameters of several dtypes.
    """

    def __init__(self, module: nn.Module) -> None:
        named = {n: p for n, p in module.named_parameters() if p.requires_grad}
        if not named:
            raise ValueError(f"{type(module).__name__} has no trainable parameter")
        dtypes = {p.dtype for p in named.values()}
        if len(dtypes) > 1:
            raise ValueError(f"module mixes the dtypes {dtypes}; one w needs one")
        self.shapes = {name: p.shape for name, p in named.items()}
        self.sizes = [p.numel() for p in named.values()]
        self.initial: Float[Tensor, " p"] = self.pack(list(named.values()))
        self._module = without_values(module)
        # A parameter may have several names, if layers share it.
        every = module.named_parameters(remove_duplicate=False)
        first = {id(p): name for name, p in named.items()}
        self._names = {name: first[id(p)] for name, p in every if id(p) in first}

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
        if w.shape != (p := sum(self.sizes),):
            raise ValueError(f"w has shape {tuple(w.shape)}; it must be ({p},)")
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
        views = self.unpack(w.detach()).items()
        parameters = {name: nn.Parameter(view) for name, view in views}
        for name, first in self._names.items():
            owner, _, own_name = name.rpartition(".")
            setattr(module.get_submodule(owner), own_name, parameters[first])
        return module

    def __call__(self, w: Float[Tensor, " p"], x: Tensor) -> Tensor:
        """Φ(w, x); differentiable in w."""
        return functional_call(self._module, self.unpack(w), (x,))


def flatten(module: nn.Module) -> tuple[FlatNetwork, Float[Tensor, " p"]]:
    """The function Φ(w, x) of one parameter vector, and the module's own w."""
    phi = FlatNetwork(module)
    return phi, phi.initial


def without_values(module: nn.Module) -> nn.Module:
    """A copy whose w has shapes but no values; shared parameters stay shared.

    Raises:
        RuntimeError: the module keeps tensors that it computed from its parameters.
    """
    memo = {
        id(p): nn.Parameter(p.detach().to("meta"))
        for p in module.parameters()
        if p.requires_grad
    }
    return copy.deepcopy(module, memo)
