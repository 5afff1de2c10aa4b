"""log L(w), its gradient and its Hessian, formed so that nothing underflows.

At log t = 10^6 the loss is about exp(-10^6). Only its logarithm and the *relative*
gradient u = grad log L = grad L / L are numbers there, and they are all that the flow
needs: t grad L(w) = exp(log t + log L) u.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from marginflow import networks
from marginflow.losses import EXPONENTIAL, LOGISTIC, Loss, log_total_loss

__all__ = ["Objective", "Phi", "TwoLayerObjective", "make_objective", "predictor"]

Array = np.ndarray
Phi = Callable[[Float[Tensor, " p"], Float[Tensor, "n d"]], Float[Tensor, " n"]]
Kinks = Callable[[Float[Tensor, " p"], Float[Tensor, "n d"]], Tensor]


def predictor(network: nn.Module | Phi) -> tuple[Phi, int | None]:
    """The function Phi(w, x) of a network, and its number of parameters if known.

    Raises:
        ValueError: ``network`` is neither a module nor a function.
    """
    if isinstance(network, nn.Module):
        phi, w = networks.flatten(network)
        return phi, w.numel()
    if callable(network):
        return network, None
    raise ValueError(
        f"network is a {type(network).__name__}; it must be a torch module or a "
        "function phi(w, x)"
    )


class Objective:
    """log L(w) over one data set, in float64, NumPy in and out.

    Args:
        network: a module with scalar outputs, or a torch function phi(w, x) -> "n".
        x: inputs, one row (or image) per example.
        y: labels, -1 or +1.
        loss: the individual loss.
        kinks: torch function (w, x) -> values whose signs change exactly where Phi is
            not differentiable. By default the inputs of all ReLU-like layers of a
            module, and none for a function.

    Raises:
        ValueError: data of wrong shape, labels other than -1 and +1.
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
        if isinstance(network, nn.Module):
            network = copy.deepcopy(network).double()
        self.phi, self.p = predictor(network)
        self.x, self.y = _data(x, y)
        if kinks is None and isinstance(network, nn.Module):
            kinks = _layer_kinks(network)
        self._kinks = kinks

    has_pieces = False
    """Whether smooth pieces of Phi can be continued beyond their kinks."""

    @property
    def n(self) -> int:
        """Number of examples."""
        return len(self.y)

    def margins(self, w: Float[Array, "*m p"]) -> Float[Array, "*m n"]:
        """y_i Phi(w, x_i), for one w or a stack of them."""
        rows = torch.from_numpy(np.atleast_2d(w))
        with torch.no_grad():
            z = torch.stack([self.y * self.phi(row, self.x) for row in rows])
        return z.numpy().reshape(*w.shape[:-1], self.n)

    def log_loss(self, w: Float[Array, "*m p"]) -> Float[Array, "*m"]:
        """log L(w), for one w or a stack of them."""
        return self.log_loss_of(self.margins(w))

    def log_loss_of(self, margins: Float[Array, "*m n"]) -> Float[Array, "*m"]:
        """log L from the label-adjusted outputs."""
        return log_total_loss(torch.from_numpy(margins), self.loss).numpy()

    def gradient(
        self,
        w: Float[Array, " p"],
        pattern: Array | None = None,
        P: Array | float = 1.0,
    ) -> tuple[float, Float[Array, " p"]]:
        """log L(w) and u = grad log L(w), a gradient of page 5 divided by L(w).

        Where ``has_pieces``, a ``pattern`` of kink signs -1, +1 asks for the smooth
        piece of Phi on which they hold, continued to w. Its zeros ask for the element
        of the Clarke subdifferential that keeps w' = -P u on those kinks.
        """
        z, parameters = self._forward(w)
        value, weights = self._weights(z.detach())
        (u,) = torch.autograd.grad(z, parameters, -weights)
        return value, u.numpy()

    def hessian(
        self,
        w: Float[Array, " p"],
        pattern: Array | None = None,
        P: Array | float = 1.0,
    ) -> Float[Array, "p p"]:
        """Derivative of :meth:`gradient` at a w where Phi is twice differentiable.

        With weights q_i = -l'(z_i)/L and s = log(-l'),
            -J^T diag(q s'(z)) J - u u^T - sum_i q_i Hess z_i,   J = dz/dw, u = -J^T q.
        """
        z, parameters = self._forward(w)
        _, weights = self._weights(z.detach())
        at = z.detach().requires_grad_()
        (bend,) = torch.autograd.grad(self.loss.log_slope(at).sum(), at)
        p = len(parameters)
        (u,) = torch.autograd.grad(z, parameters, -weights, create_graph=True)
        curvature = torch.zeros(p, p, dtype=torch.float64)
        if u.requires_grad:
            rows = [
                torch.autograd.grad(
                    u[j], parameters, retain_graph=True, allow_unused=True
                )[0]
                for j in range(p)
            ]
            curvature = torch.stack(
                [torch.zeros_like(parameters) if r is None else r for r in rows]
            )
        jac = torch.autograd.grad(
            z, parameters, torch.eye(len(z), dtype=z.dtype), is_grads_batched=True
        )[0].detach()
        u = u.detach()
        result = curvature.detach() - torch.outer(u, u)
        return (result - jac.T @ ((weights * bend)[:, None] * jac)).numpy()

    def jacobian(self, w: Float[Array, " p"]) -> Float[Array, "n p"]:
        """Rows y_i grad Phi(w, x_i)."""
        z, parameters = self._forward(w)
        eye = torch.eye(len(z), dtype=z.dtype)
        return torch.autograd.grad(z, parameters, eye, is_grads_batched=True)[0].numpy()

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
                that Phi is not positively homogeneous.
        """
        if isinstance(self.network, nn.Module):
            return float(networks.homogeneity_degree(self.network))
        quotients = []
        for factor in (1.0, 2.0):
            z = self.margins(factor * w)
            slopes = self.jacobian(factor * w) @ (factor * w)
            used = np.abs(z) > 1e-12 * np.abs(z).max()
            quotients.append(slopes[used] / z[used])
        quotients = np.concatenate(quotients)
        spread = np.ptp(quotients) if len(quotients) else np.inf
        if not spread <= 1e-8 * np.abs(quotients).max() or quotients[0] <= 0:
            raise ValueError(
                "network is not positively homogeneous in w: <w, grad Phi>/Phi spreads "
                f"over {spread:.2g} on the data, so that Assumption 1 (ii) is violated"
            )
        return float(np.round(np.median(quotients), 8))

    def _forward(self, w: Array) -> tuple[Tensor, Tensor]:
        parameters = torch.tensor(w, dtype=torch.float64, requires_grad=True)
        return self.y * self.phi(parameters, self.x), parameters

    def _weights(self, z: Tensor) -> tuple[float, Tensor]:
        value = torch.logsumexp(self.loss.log_value(z), -1)
        return float(value), torch.exp(self.loss.log_slope(z) - value)


class TwoLayerObjective(Objective):
    """The same in closed form, for Phi(w, x) = <v, s(W x)> with s (Leaky) ReLU.

    Automatic differentiation costs some 0.3 ms a gradient whatever the size, this one
    0.03 ms, and it can continue one smooth piece of Phi beyond its kinks. Tests hold it
    against :class:`Objective`.
    """

    has_pieces = True

    def __init__(
        self, network: nn.Module, x: Array | Tensor, y: Array | Tensor, loss: Loss
    ) -> None:
        super().__init__(network, x, y, loss)
        if self.x.ndim != 2:
            raise ValueError(f"x has shape {tuple(self.x.shape)}; it must be (n, d)")
        self._x, self._y = self.x.numpy(), self.y.numpy()
        d = self._x.shape[1]
        if isinstance(network, networks.LeakyPerceptron):
            self.slope, hidden = network.slope, 1
            self._v, self._W = slice(0, 1), slice(1, 1 + len(network.w))
            inputs = len(network.w)
        else:
            hidden, inputs = network[0].weight.shape
            self.slope = getattr(network[1], "negative_slope", 0.0)
            self._W = slice(0, hidden * inputs)
            self._v = slice(hidden * inputs, hidden * (inputs + 1))
        if inputs != d:
            raise ValueError(
                f"x has {d} columns; the network takes inputs of dimension {inputs}"
            )
        self.hidden, self.d = hidden, d

    @staticmethod
    def covers(network: object) -> bool:
        """Whether ``network`` is a perceptron or a bias-free two-layer (Leaky) ReLU."""
        if isinstance(network, networks.LeakyPerceptron):
            return True
        if not isinstance(network, nn.Sequential) or len(network) != 4:
            return False
        first, middle, last, flat = network
        return (
            isinstance(first, nn.Linear)
            and isinstance(last, nn.Linear)
            and isinstance(middle, nn.ReLU | nn.LeakyReLU)
            and isinstance(flat, nn.Flatten)
            and first.bias is None
            and last.bias is None
            and last.weight.shape[0] == 1
            and all(p.requires_grad for p in network.parameters())
        )

    def margins(self, w: Float[Array, "*m p"]) -> Float[Array, "*m n"]:
        v, W = self._parts(w)
        pre = np.einsum("nd,...hd->...nh", self._x, W)
        act = np.where(pre > 0, pre, self.slope * pre)
        return self._y * np.einsum("...nh,...h->...n", act, v)

    def gradient(
        self,
        w: Float[Array, " p"],
        pattern: Array | None = None,
        P: Array | float = 1.0,
    ) -> tuple[float, Float[Array, " p"]]:
        value, u, _ = self._gradient(w, pattern)
        if pattern is not None and not pattern.all():
            normals, hold = self._hold(pattern, P)
            u = u - (hold @ u) @ normals
        return value, u

    def sliding_slopes(
        self, w: Float[Array, " p"], pattern: Array, P: Array
    ) -> tuple[Array, Float[Array, " k"]]:
        """Kinks with pattern 0, and the slope of s there that keeps w on them.

        Between ``slope`` and 1 it belongs to the Clarke subdifferential; outside, the
        flow leaves the kink.
        """
        where = np.flatnonzero(pattern == 0)
        _, u, pull = self._gradient(w, pattern)
        _, hold = self._hold(pattern, P)
        force = pull[where // self.hidden] * self._parts(w)[0][where % self.hidden]
        with np.errstate(divide="ignore", invalid="ignore"):
            return where, self.slope - (hold @ u) / force

    def normals(self, kinks: Array) -> Float[Array, "k p"]:
        """Gradients of the kink functions <W_j, x_i>, of number i * hidden + j."""
        rows = np.zeros((len(kinks), self.hidden * (self.d + 1)))
        for row, kink in zip(rows, kinks, strict=True):
            i, j = divmod(int(kink), self.hidden)
            first = self._W.start + j * self.d
            row[first : first + self.d] = self._x[i]
        return rows

    def _gradient(self, w: Array, pattern: Array | None):
        """log L, u with kinks at their leaky slope, and -q_i y_i."""
        v, _, pre, side = self._layers(w, pattern)
        act = pre * side
        value, weights = self._loss(self._y * (act @ v))
        pull = -weights * self._y
        u = np.empty(len(w))
        u[self._v] = pull @ act
        u[self._W] = ((pull[:, None] * side * v).T @ self._x).reshape(-1)
        return value, u, pull

    def _hold(self, pattern: Array, P: Array | float) -> tuple[Array, Array]:
        """N and (N P N^T)^+ N P: u - N^T (...) u has N P u = 0, w stays on the kinks.

        Changing s' on kink k changes u by a multiple of the normal N_k, whence the
        form. N repeats directions where more kinks meet than there are dimensions.
        """
        normals = self.normals(np.flatnonzero(pattern == 0))
        metric = normals * P
        return normals, np.linalg.pinv(metric @ normals.T, hermitian=True) @ metric

    def hessian(
        self,
        w: Float[Array, " p"],
        pattern: Array | None = None,
        P: Array | float = 1.0,
    ) -> Float[Array, "p p"]:
        v, _, pre, side = self._layers(w, pattern)
        jac = self._jacobian(v, pre, side)
        _, weights = self._loss(self._y * (pre * side @ v))
        z = self._y * (pre * side @ v)
        u = -weights @ jac
        result = -np.outer(u, u) - jac.T @ ((weights * self._bend(z))[:, None] * jac)
        # The only second derivatives of Phi: d^2 / dv_k dW_k = s'(W_k x) x.
        mixed = ((weights * self._y)[:, None] * side).T @ self._x
        rows = np.arange(self._v.start, self._v.stop)
        for k, row in enumerate(rows):
            first = self._W.start + k * self.d
            result[row, first : first + self.d] -= mixed[k]
            result[first : first + self.d, row] -= mixed[k]
        if pattern is not None and not pattern.all():
            normals, hold = self._hold(pattern, P)
            result -= normals.T @ (hold @ result)
        return result

    def jacobian(self, w: Float[Array, " p"]) -> Float[Array, "n p"]:
        v, _, pre, side = self._layers(w, None)
        return self._jacobian(v, pre, side)

    def kinks(self, w: Float[Array, " p"]) -> Float[Array, " k"]:
        return (self._x @ self._parts(w)[1].T).reshape(-1)

    def _parts(self, w: Array) -> tuple[Array, Array]:
        return w[..., self._v], w[..., self._W].reshape(
            *w.shape[:-1], self.hidden, self.d
        )

    def _layers(self, w: Array, pattern: Array | None):
        v, W = self._parts(w)
        pre = self._x @ W.T
        active = (pre if pattern is None else pattern.reshape(pre.shape)) > 0
        return v, W, pre, np.where(active, 1.0, self.slope)

    def _jacobian(self, v: Array, pre: Array, side: Array) -> Array:
        jac = np.empty((self.n, self.hidden * (self.d + 1)))
        jac[:, self._v] = self._y[:, None] * pre * side
        by_W = (self._y[:, None] * side * v)[:, :, None] * self._x[:, None, :]
        jac[:, self._W] = by_W.reshape(self.n, -1)
        return jac

    def _loss(self, z: Array) -> tuple[float, Array]:
        if self.loss is EXPONENTIAL:
            log_value = log_slope = -z
        elif self.loss is LOGISTIC:
            log_slope = -np.logaddexp(0.0, z)
            tail = -z - 0.5 * np.exp(-np.maximum(z, 0.0))
            log_value = np.where(z > 40.0, tail, np.log(np.logaddexp(0.0, -z)))
        else:
            value, weights = self._weights(torch.from_numpy(z))
            return value, weights.numpy()
        largest = log_value.max()
        value = largest + np.log(np.exp(log_value - largest).sum())
        return float(value), np.exp(log_slope - value)

    def _bend(self, z: Array) -> Array:
        """Derivative of log(-l') at z."""
        if self.loss is EXPONENTIAL:
            return np.full_like(z, -1.0)
        if self.loss is LOGISTIC:
            return np.expm1(-np.logaddexp(0.0, z))
        at = torch.from_numpy(z).requires_grad_()
        return torch.autograd.grad(self.loss.log_slope(at).sum(), at)[0].numpy()


def make_objective(
    network: nn.Module | Phi,
    x: Array | Tensor,
    y: Array | Tensor,
    loss: Loss,
    kinks: Kinks | None = None,
) -> Objective:
    """The closed form where there is one, else automatic differentiation."""
    if kinks is None and TwoLayerObjective.covers(network):
        return TwoLayerObjective(network, x, y, loss)
    return Objective(network, x, y, loss, kinks)


def _data(x: Array | Tensor, y: Array | Tensor) -> tuple[Tensor, Tensor]:
    x = torch.as_tensor(x).detach().to(torch.float64)
    y = torch.as_tensor(y).detach().to(torch.float64)
    if x.ndim < 2 or len(x) == 0 or y.shape != x.shape[:1]:
        raise ValueError(
            f"x, y have shapes {tuple(x.shape)}, {tuple(y.shape)}; they must be "
            "(n, ...) and (n,), with n > 0"
        )
    if not torch.isfinite(x).all():
        raise ValueError("x contains non-finite values; inputs must be finite")
    wrong = y.abs() != 1
    if wrong.any():
        raise ValueError(
            f"y contains {y[wrong][0].item()!r}; Section 2 takes labels -1 and +1"
        )
    return x, y


def _layer_kinks(module: nn.Module) -> Kinks | None:
    """The inputs of all piecewise linear activations, found by forward hooks."""
    if isinstance(module, networks.LeakyPerceptron):
        return lambda w, x: x @ w[1:]
    found: list[Tensor] = []
    layers = [m for m in module.modules() if isinstance(m, nn.ReLU | nn.LeakyReLU)]
    if not layers:
        return None
    copied = copy.deepcopy(module)
    for layer in copied.modules():
        if isinstance(layer, nn.ReLU | nn.LeakyReLU):
            layer.register_forward_pre_hook(
                lambda _, inputs: found.append(inputs[0].reshape(-1))
            )
    named = {k: p for k, p in copied.named_parameters() if p.requires_grad}
    sizes = [p.numel() for p in named.values()]

    def kinks(w: Tensor, x: Tensor) -> Tensor:
        found.clear()
        parts = zip(named.items(), w.split(sizes), strict=True)
        functional_call(copied, {k: s.view(p.shape) for (k, p), s in parts}, (x,))
        return torch.cat(found)

    return kinks
