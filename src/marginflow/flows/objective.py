"""log L(w), its gradient and its Hessian, formed so that nothing underflows.

At log t = 10^6 the loss is about exp(-10^6). Only its logarithm and the *relative*
gradient u = grad log L = grad L / L are numbers there, and they are all that the flow
needs: t grad L(w) = exp(log t + log L) u.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from marginflow import checks, networks
from marginflow.flat import FlatNetwork
from marginflow.losses import Loss, log_total_loss

__all__ = ["Kinks", "Objective", "Phi", "contrasts"]

Array = np.ndarray
Phi = Callable[[Float[Tensor, " p"], Float[Tensor, "n d"]], Tensor]
Kinks = Callable[[Float[Tensor, " p"], Float[Tensor, "n d"]], Tensor]


def contrasts(y: Any, n: int, shape: tuple[int, ...]) -> Float[Tensor, "n k c"]:
    """What makes margins of outputs, z_ij = <contrast_ij, outputs_i>.

    Args:
        n: number of examples.
        y: labels -1 and +1 where outputs have the shape (n,), and then k = c = 1; the
            classes 0, ..., c - 1 where it is (n, c), and then k = c - 1.
        shape: of the network's outputs.

    Raises:
        ValueError: other labels or shapes.
    """
    c = shape[1] if len(shape) == 2 else 0
    if shape not in ((n,), (n, c)) or c == 1:
        raise ValueError(
            f"network maps x to shape {shape}; it must be ({n},), or ({n}, c) with c > "
            "1 classes. End a network with one output in Flatten(0)"
        )
    if not c:
        return torch.from_numpy(checks.signs("y", y, n)).view(n, 1, 1)
    labels = torch.from_numpy(checks.classes("y", y, n, c))
    every = torch.arange(c).expand(n, c)
    others = every[every != labels[:, None]].view(n, c - 1)
    eye = torch.eye(c, dtype=torch.float64)
    return eye[labels][:, None] - eye[others]


class Objective:
    """log L(w) over one data set, in float64, NumPy in and out.

    With one output the data are the n examples, their margins z_i = y_i Phi(w, x_i).
    With c outputs they are the n (c - 1) pairs of an example and a wrong class, their
    margins the gaps s_ij = Phi_{y_i} - Phi_j: the exponential loss is then summed over
    pairs, and the logistic loss of an example is log(1 + sum_j exp(-s_ij)), its
    cross-entropy. All n of the shapes below count the data in this sense.

    Args:
        network: a module or a torch function phi(w, x), with outputs "n" or "n c".
        x: inputs, one row (or image) per example.
        y: labels, -1 or +1; with c outputs the classes 0, ..., c - 1.
        loss: the individual loss.
        kinks: torch function (w, x) -> values whose signs change exactly where Phi is
            not differentiable. By default the inputs of all ReLU-like layers of a
            module, and none for a function.

    Raises:
        ValueError: data of wrong shape, other labels, a network that does not take x
            or whose outputs are not "n" or "n c".
    """

    def __init__(
        self,
        network: nn.Module | Phi,
        x: Array | Tensor,
        y: Array | Tensor,
        loss: Loss,
        kinks: Kinks | None = None,
    ) -> None:
        self.network, self.loss = network, loss
        self.p: int | None = None
        if isinstance(network, nn.Module):
            self.phi: Phi = FlatNetwork(copy.deepcopy(network).double())
            self.p = self.phi.initial.numel()
            kinks = _layer_kinks(network) if kinks is None else kinks
        elif callable(network):
            self.phi = network
        else:
            raise ValueError(
                f"network is a {type(network).__name__}; it must be a torch module or "
                "a function phi(w, x)"
            )
        self.x = torch.from_numpy(checks.examples("x", x))
        self.contrasts = contrasts(y, len(self.x), self._shape(y))
        self._kinks = kinks

    def _shape(self, y: Any) -> tuple[int, ...]:
        """Of the outputs; a function shows its own only once it gets w."""
        if not isinstance(self.phi, FlatNetwork):
            told = checks.real_array("y", y)
            if (np.abs(told) == 1).all() or told.min() < 0:
                return (len(self.x),)
            return len(self.x), max(int(told.max()) + 1, 2)
        try:
            return tuple(self.phi(self.phi.initial, self.x).shape)
        except RuntimeError as error:
            raise ValueError(
                f"x has shape {tuple(self.x.shape)}; the network takes no rows of "
                f"{self.x.shape[1]} columns: {error}"
            ) from None

    @property
    def n(self) -> int:
        """Number of data: examples, or pairs of an example and a wrong class."""
        return self.contrasts[..., 0].numel()

    def margins(
        self, w: Float[Array, "*m p"], pattern: Array | None = None
    ) -> Float[Array, "*m n"]:
        """y_i Phi(w, x_i), for one w or a stack of them."""
        rows = torch.from_numpy(np.atleast_2d(w))
        with torch.no_grad():
            z = torch.stack([self._gaps(row) for row in rows])
        return z.numpy().reshape(*w.shape[:-1], self.n)

    def log_loss(self, w: Float[Array, "*m p"]) -> Float[Array, "*m"]:
        """log L(w), for one w or a stack of them."""
        return self.log_loss_of(self.margins(w))

    def log_loss_of(self, margins: Float[Array, "*m n"]) -> Float[Array, "*m"]:
        """log L from the label-adjusted outputs."""
        return self._log_total(torch.from_numpy(margins)).numpy()

    def gradient(
        self,
        w: Float[Array, " p"],
        pattern: Array | None = None,
        P: Array | float = 1.0,
    ) -> tuple[float, Float[Array, " p"]]:
        """log L(w) and u = grad log L(w), a gradient of page 5 divided by L(w).

        Where the closed form knows the pieces of Phi (:class:`TwoLayerObjective`), a
        ``pattern`` of kink signs -1, +1 asks for the smooth piece on which they hold,
        continued to w. Its zeros ask for the element of the Clarke subdifferential
        that keeps w' = -P u on those kinks.
        """
        z, parameters = self._forward(w)
        value, weights = self._weights(z.detach())
        (u,) = torch.autograd.grad(z, parameters, -weights)
        return value, u.numpy()

    def loss_gradient(self, w: Float[Array, " p"]) -> Float[Array, " p"]:
        """grad L(w) itself, 0 where it underflows."""
        log_loss, u = self.gradient(w)
        return np.exp(log_loss) * u

    def hessian(
        self,
        w: Float[Array, " p"],
        pattern: Array | None = None,
        P: Array | float = 1.0,
    ) -> Float[Array, "p p"]:
        """Derivative of :meth:`gradient` at a w where Phi is twice differentiable.

        J^T (Hess_z log L) J - sum_i q_i Hess z_i,   J = dz/dw,  q = -d log L/dz.
        """
        z, jac = self.margins(w, pattern), self.jacobian(w, pattern)
        q, bend = self._bend(z)
        u, rest = q @ jac, -self.curvature(w, q, pattern)
        if bend.ndim == 1:
            return rest - np.outer(u, u) - jac.T @ ((q * bend)[:, None] * jac)
        return rest + jac.T @ bend @ jac

    def _bend(self, z: Float[Array, " n"]) -> tuple[Array, Array]:
        """q and, with one output, the derivative of log(-l'); else Hess_z log L."""
        at = torch.from_numpy(z)
        q = self._weights(at)[1].numpy()
        if self.contrasts.shape[2] > 1:
            return q, torch.autograd.functional.hessian(self._log_total, at).numpy()
        at.requires_grad_()
        (bend,) = torch.autograd.grad(self.loss.log_slope(at).sum(), at)
        return q, bend.numpy()

    def pulls(self, w: Float[Array, " p"]) -> Float[Array, " n"]:
        """q = -d log L/dz >= 0: how much each datum counts in the gradient."""
        return self._weights(torch.from_numpy(self.margins(w)))[1].numpy().reshape(-1)

    def jacobian(
        self, w: Float[Array, " p"], pattern: Array | None = None
    ) -> Float[Array, "n p"]:
        """Rows y_i grad Phi(w, x_i)."""
        z, parameters = self._forward(w)
        eye = torch.eye(len(z), dtype=z.dtype)
        return torch.autograd.grad(z, parameters, eye, is_grads_batched=True)[0].numpy()

    def curvature(
        self,
        w: Float[Array, " p"],
        multipliers: Float[Array, " n"],
        pattern: Array | None = None,
    ) -> Float[Array, "p p"]:
        """sum_i multipliers_i Hess y_i Phi(w, x_i)."""
        weights = torch.from_numpy(np.asarray(multipliers, dtype=np.float64))
        at = torch.tensor(w, dtype=torch.float64)
        return torch.autograd.functional.hessian(
            lambda w: weights @ self._gaps(w), at
        ).numpy()

    def kinks(self, w: Float[Array, " p"]) -> Float[Array, " k"] | None:
        """Values whose signs tell on which smooth piece of Phi w lies, if known."""
        if self._kinks is None:
            return None
        with torch.no_grad():
            return self._kinks(torch.from_numpy(w), self.x).reshape(-1).numpy()

    def degree(self, w: Float[Array, " p"]) -> float:
        """L, by Euler's identity <w, grad Phi(w, x_i)> = L Phi(w, x_i).

        Raises:
            ValueError: the quotients differ between examples or between w and 2 w, so
                that Phi is not positively homogeneous; or there are none, for Phi is 0
                on all data.
        """
        if isinstance(self.network, nn.Module):
            return float(networks.homogeneity_degree(self.network))
        quotients = []
        for factor in (1.0, 2.0):
            z = self.margins(factor * w)
            slopes = self.jacobian(factor * w) @ (factor * w)
            if not z.any():
                raise ValueError(
                    "network is 0 on every example at this w, as where each ReLU unit "
                    "is dead on all data; its degree cannot be measured there. Choose "
                    "a w at which some example gets another output than 0"
                )
            used = np.abs(z) > 1e-12 * np.abs(z).max()
            quotients.append(slopes[used] / z[used])
        every = np.concatenate(quotients)
        spread = np.ptp(every)
        if not spread <= 1e-8 * np.abs(every).max() or every[0] <= 0:
            raise ValueError(
                "network is not positively homogeneous in w: <w, grad Phi>/Phi spreads "
                f"over {spread:.2g} on the data, so that Assumption 1 (ii) is violated"
            )
        return float(np.round(np.median(every), 8))

    def _forward(self, w: Array) -> tuple[Tensor, Tensor]:
        parameters = torch.tensor(w, dtype=torch.float64, requires_grad=True)
        return self._gaps(parameters), parameters

    def _gaps(self, w: Tensor) -> Tensor:
        """The margins of all data, with autograd."""
        out, (n, _, c) = self.phi(w, self.x), self.contrasts.shape
        wanted = (n,) if c == 1 else (n, c)
        if out.shape != wanted:
            raise ValueError(
                f"network maps x to shape {tuple(out.shape)}; with these y it must be "
                f"{wanted}. With one output labels are -1 and +1; a network with "
                "classes that no example has must be a module"
            )
        return (out.reshape(n, 1, c) * self.contrasts).sum(-1).reshape(-1)

    def soft(self, z: Float[Tensor, "*m n"]) -> Float[Tensor, "*m k"]:
        """-log sum_j exp(-s_ij), example by example: L is the loss of these, summed."""
        n, k, c = self.contrasts.shape
        return z if c == 1 else -torch.logsumexp(-z.reshape(*z.shape[:-1], n, k), -1)

    def _log_total(self, z: Float[Tensor, "*m n"]) -> Float[Tensor, "*m"]:
        return log_total_loss(self.soft(z), self.loss)

    def _weights(self, z: Tensor) -> tuple[float, Tensor]:
        """log L and q = -d log L/dz, both to the last digit."""
        soft = self.soft(z)
        value = torch.logsumexp(self.loss.log_value(soft), -1)
        weights = torch.exp(self.loss.log_slope(soft) - value)
        n, k, c = self.contrasts.shape
        if c > 1:
            weights = weights[:, None] * torch.softmax(-z.view(n, k), -1)
        return float(value), weights.reshape(-1)


def _layer_kinks(module: nn.Module) -> Kinks | None:
    """The inputs of all piecewise linear activations, found by forward hooks."""
    if isinstance(module, networks.LeakyPerceptron):
        return lambda w, x: x @ w[1:]
    found: list[Tensor] = []
    watched = copy.deepcopy(module)
    layers = [m for m in watched.modules() if isinstance(m, nn.ReLU | nn.LeakyReLU)]
    if not layers:
        return None
    for layer in layers:
        layer.register_forward_pre_hook(
            lambda _, inputs: found.append(inputs[0].reshape(-1))
        )
    phi = FlatNetwork(watched)

    def kinks(w: Tensor, x: Tensor) -> Tensor:
        found.clear()
        phi(w, x)
        return torch.cat(found)

    return kinks
