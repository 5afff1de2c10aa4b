"""The gaps of all data, rows of their Jacobian, and Gram matrices of those rows.

For a network of linear layers and convolutions a row is, layer by layer, the outer
product of what comes back to the layer and what went into it (backpropagation).  Kept
as these two factors, a hundred rows of 50,000 entries are never formed, and

    <row r, row s>  of a linear layer  =  <back_r, back_s> <into_r, into_s>.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from marginflow import checks
from marginflow.flat import FlatNetwork
from marginflow.flows.objective import Phi, contrasts

__all__ = ["Gaps", "Rows"]


@dataclass(frozen=True)
class _Full:
    """Rows of one parameter, all entries."""

    rows: Float[Tensor, "r q"]

    def gram(self, chi: Float[Tensor, " q"]) -> Float[Tensor, "r r"]:
        scaled = self.rows * chi
        return scaled @ scaled.T

    def pull(self, p: Float[Tensor, " r"]) -> Float[Tensor, " q"]:
        return p @ self.rows


@dataclass(frozen=True)
class _Outer:
    """Rows of a linear layer's weight, back_r ⊗ into_{owner(r)}."""

    back: Float[Tensor, "r o"]
    into: Float[Tensor, "e i"]
    owner: Int[Tensor, " r"]
    """In ascending order."""

    def gram(self, chi: Float[Tensor, " q"]) -> Float[Tensor, "r r"]:
        if bool((chi == chi[0]).all()):
            into = self.into @ self.into.T
            both = (self.back @ self.back.T) * into[self.owner][:, self.owner]
            return both * chi[0] ** 2
        metric = chi.view(-1, self.into.shape[1]) ** 2
        parts = []
        for mine, into in zip(_by_owner(self.back, self.owner), self.into, strict=True):
            seen = self.into @ (metric * into).T  # "e o": one product for each output
            parts.append(mine @ (self.back * seen[self.owner]).T)
        return torch.cat(parts)

    def pull(self, p: Float[Tensor, " r"]) -> Float[Tensor, " q"]:
        return ((p[:, None] * self.back).T @ self.into[self.owner]).reshape(-1)


@dataclass(frozen=True)
class Rows:
    """Some rows of J = dz/dw, parameter by parameter in w's order."""

    blocks: tuple[_Full | _Outer, ...]
    sizes: tuple[int, ...]

    def gram(self, chi: Float[Tensor, " p"]) -> Float[Tensor, "r r"]:
        """J diag(χ²) J', the Gram matrix of the rows of dz/dv, v = w/χ."""
        pairs = zip(self.blocks, chi.split(self.sizes), strict=True)
        return torch.stack([block.gram(part) for block, part in pairs]).sum(0)

    def pull(self, p: Float[Tensor, " r"]) -> Float[Tensor, " p"]:
        """J'p."""
        return torch.cat([block.pull(p) for block in self.blocks])


class Gaps:
    """z(w): n label-adjusted outputs, or n (c - 1) gaps Φ_y − Φ_j of c classes.

    Args:
        network: a module or a torch function phi(w, x), with outputs "n" or "n c",
            each example's own; w is float64.
        x: inputs, one row or image an example.
        y: labels -1 and +1; with c outputs the classes 0, ..., c - 1.
        w: some parameters, to see the outputs' shape with; a module's own by default.

    Raises:
        ValueError: labels or shapes that do not fit.
    """

    def __init__(self, network: nn.Module | Phi, x, y, w: Tensor | None = None) -> None:
        self.x = torch.from_numpy(checks.examples("x", x))
        self._layers: list[nn.Module] = []
        self._phi = network
        if isinstance(network, nn.Module):
            self._module = copy.deepcopy(network).double()
            self._phi = self._flat = FlatNetwork(self._module)
            w = self._flat.initial if w is None else w
        if w is None:
            raise ValueError("w is None; a function's own parameters are not known")
        with torch.no_grad():
            out = self._phi(w, self.x)
        self._signs = contrasts(y, len(self.x), tuple(out.shape))
        self.per_example = self._signs.shape[1]
        if isinstance(network, nn.Module):
            self._layers = self._weighted_layers(w)

    def __call__(self, w: Float[Tensor, " p"]) -> Float[Tensor, "n k"]:
        """z(w), k = c - 1 or 1 gaps an example."""
        with torch.no_grad():
            out = self._phi(w, self.x).view(len(self.x), 1, -1)
            return (out * self._signs).sum(-1)

    def rows(self, w: Float[Tensor, " p"], chosen: Int[Tensor, " r"]) -> Rows:
        """Rows of dz/dw for the chosen entries of the flattened z."""
        if not self._layers:
            full = _Full(self._full_rows(w, chosen))
            return Rows((full,), (len(w),))
        return self._factored_rows(self._layers, w, chosen)

    def _chosen(self, chosen: Int[Tensor, " r"]) -> tuple[Tensor, Tensor]:
        """The owner of each chosen gap, and its contrast."""
        signs = self._signs.flatten(0, 1)[chosen]
        return chosen // self.per_example, signs

    def _full_rows(self, w: Tensor, chosen: Tensor) -> Float[Tensor, "r p"]:
        owner, signs = self._chosen(chosen)

        def gap(w: Tensor, x: Tensor, sign: Tensor) -> Tensor:
            return (self._phi(w, x[None]).reshape(-1) * sign).sum()

        return vmap(grad(gap), (None, 0, 0), chunk_size=64)(w, self.x[owner], signs)

    # ---- rows of layered networks ----------------------------------------------------

    def _weighted_layers(self, w: Tensor) -> list[nn.Module]:
        """The layers whose parameters make up w, if the factors give the right rows."""
        layers = [m for m in self._module.modules() if _has_factors(m)]
        parameters = [p for m in layers for p in m.parameters()]
        every = list(self._module.parameters())
        if list(map(id, parameters)) != list(map(id, every)) or not all(
            p.requires_grad for p in every
        ):
            return []
        some = torch.arange(min(8, self._signs[..., 0].numel()))
        try:
            rows = self._factored_rows(layers, w, some)
        except RuntimeError:  # a layer that is not called once, or on other shapes
            return []
        # Layers that mix examples are told by their sum.
        full = self._full_rows(w, some).sum(0)
        ones = torch.ones(len(some), dtype=torch.float64)
        same = torch.allclose(rows.pull(ones), full, rtol=1e-9, atol=1e-12)
        return layers if same else []

    def _factored_rows(
        self, layers: list[nn.Module], w: Tensor, chosen: Tensor
    ) -> Rows:
        owner, signs = self._chosen(chosen)
        examples, owner = owner.unique(return_inverse=True)
        taps: dict[nn.Module, tuple[Tensor, Tensor]] = {}

        def tap(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
            if layer in taps:
                raise RuntimeError("a layer that is called twice")
            if not taps:  # from here on a row has a copy of its example to itself
                output = output[owner].requires_grad_()
            taps[layer] = (inputs[0].detach(), output)
            return output.clone()  # an activation may work in place

        hooks = [layer.register_forward_hook(tap) for layer in layers]
        try:
            values = self._flat.unpack(w)
            out = functional_call(self._module, values, (self.x[examples],))
        finally:
            for hook in hooks:
                hook.remove()
        total = (out.view(len(owner), -1) * signs).sum()
        backs = torch.autograd.grad(total, [taps[layer][1] for layer in layers])
        first = torch.zeros(len(examples), dtype=torch.long)
        first[owner] = torch.arange(len(owner))
        blocks: list[_Full | _Outer] = []
        for layer, back in zip(layers, backs, strict=True):
            into = taps[layer][0]
            into = into if len(into) == len(examples) else into[first]
            blocks += _blocks(layer, into, back, owner)
        sizes = [p.numel() for layer in layers for p in layer.parameters()]
        return Rows(tuple(blocks), tuple(sizes))


def _has_factors(layer: nn.Module) -> bool:
    return type(layer) is nn.Linear or (type(layer) is nn.Conv2d and layer.groups == 1)


def _blocks(
    layer: nn.Module, into: Tensor, back: Tensor, owner: Int[Tensor, " r"]
) -> list[_Full | _Outer]:
    """The rows of a layer's weight, and of its bias if it has one.

    Args:
        into: what went into the layer, example by example.
        back: what comes back to it, row by row.
        owner: the example of each row, in ascending order.
    """
    if isinstance(layer, nn.Linear):
        if into.ndim != 2:
            raise RuntimeError("a linear layer on more than rows")
        weight: _Full | _Outer = _Outer(back, into, owner)
        bias = back
    else:
        assert isinstance(layer, nn.Conv2d)
        padded = F.pad(into, layer._reversed_padding_repeated_twice)
        size, gaps, stride = layer.kernel_size, layer.dilation, layer.stride
        windows = F.unfold(padded, size, gaps, stride=stride)  # type: ignore[arg-type]
        mine = _by_owner(back.flatten(2), owner)
        rows = torch.cat([b @ seen.T for b, seen in zip(mine, windows, strict=True)])
        rows = rows.view(len(rows), *layer.weight.shape).permute(0, 1, 3, 4, 2)
        weight, bias = _Full(rows.flatten(1)), back.sum((2, 3))  # w is channels-last
    return [weight] if layer.bias is None else [weight, _Full(bias)]


def _by_owner(rows: Tensor, owner: Int[Tensor, " r"]) -> tuple[Tensor, ...]:
    """The rows of each example."""
    return rows.split(owner.bincount().tolist())
