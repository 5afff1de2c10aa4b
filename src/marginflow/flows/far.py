"""The flow from zero averages, followed to log t = 10^6 on whole networks.

From zero averages Process 2 is preconditioned gradient flow (Corollary A of this
companion), so that its curve can be followed in the clock of the log-loss,

    dw/ds = -χ² ∂ log L(w),      dt = ds / L,      χ = (ε/δ)^(1/4).

In v = w/χ, with gaps z and the rows J = dz/dv, one step is linear in the network and
implicit in the weights p of the gaps:

    v₊ = v + s J'p,    p = softmax((log c − z − s J J'p)/T).

That is the proximal step argmin |v₊ − v|²/(2s) + f(z + J (v₊ − v)) of the blurred
f(z) = T log Σ c exp(−z/T), which is log L for T = 1.  For the exponential loss c = 1;
for cross-entropy c_ij = 1/(1 + Σ_k exp(−z_ik)), frozen over the step.  The problem for
p is convex, and has as many unknowns as there are gaps that matter: a few hundred.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from marginflow import checks, networks
from marginflow.flows.errors import FlowError
from marginflow.flows.objective import Phi
from marginflow.flows.rows import Gaps
from marginflow.losses import EXPONENTIAL, Loss

__all__ = ["FarState", "far_flow"]

_SUPPORT = 1e-3
"""Gaps whose weight is at least this share of the largest one count as supporting."""

_SLACK = 0.02
"""Share of |log L| by which the linear model of a step may err in such a gap."""

_LEFT_OUT = 1e-4
"""Weight of the gaps that together have no part in a step."""

_MAY_ENTER = 0.05
"""Weight that gaps without a part in a step may have at its end."""

_LEAST_H = 1e-9

_MOST_ROUNDS = 100
"""Of Newton's method; some five are usual."""


@dataclass(frozen=True)
class FarState:
    """Where the flow is after a step, and how the step went."""

    w: Float[Tensor, " p"]
    log_t: float
    log_loss: float
    gaps: Float[Tensor, "n k"]
    """z(w): k = 1 with labels ±1, else the gaps to the c − 1 other classes."""
    force: Float[Tensor, " p"]
    """J'p, the step's own -∂ log L in w: w − w_before is a multiple of χ² times it."""
    h: float
    """|v − v_before| / |v_before|."""
    error: float
    """Largest error of the linear model of the step, over supporting gaps."""
    pairs: int
    """How many gaps had a part in the step."""
    support: int
    """How many of them were supporting."""
    rejected: int
    """How often the step was tried with a larger h."""


def far_flow(
    network: nn.Module | Phi,
    x: Float[Tensor, "n d"],
    y: Float[Tensor, " n"],
    w0: Float[Tensor, " p"],
    loss: Loss = EXPONENTIAL,
    delta: float | Float[Tensor, " p"] = 1.0,
    epsilon: float | Float[Tensor, " p"] = 1.0,
    *,
    log_t: float = -math.inf,
    until: float = 1e6,
    h: float = 0.01,
    blur: float = 3e-4,
) -> Iterator[FarState]:
    """Follow w' = -χ² grad L(w); one state a step, until -log L reaches ``until``.

    The caller may stop at any time, and go on from a state by its w and log t.

    Args:
        network: a module, or a torch function phi(w, x), with outputs "n" or "n c";
            each example's outputs are its own.
        x: inputs, one row or image an example.
        y: labels, -1 or +1; with c outputs the classes 0, ..., c - 1.
        w0: start.
        loss: EXPONENTIAL or LOGISTIC; with c outputs the exponential loss over pairs of
            classes, or cross-entropy; summed over the examples.
        delta, epsilon: stability terms > 0, scalars or per component.
        log_t: the time at w0.
        until: -log L at the end.
        h: |v₊ − v| = h |v| at most.  The method is of first order in h.
        blur: T is -blur log L, once that exceeds 1: each gap is then blurred by that
            share of itself.  With T = 1 the problem for p becomes too ill-conditioned
            for float64 beyond -log L = 3·10^4.

    Raises:
        ValueError: an argument is out of its range, or violates Assumption 1 or
            Process 2.
        FlowError: no step size is small enough.
    """
    if not isinstance(loss, Loss):
        raise ValueError(
            f"loss is {loss!r}; it must be losses.EXPONENTIAL or losses.LOGISTIC"
        )
    if isinstance(network, nn.Module):
        networks.homogeneity_degree(network)
    w = torch.from_numpy(checks.vector("w0", w0))
    d, e = checks.stability(delta, epsilon, len(w))
    if not log_t < math.inf:
        raise ValueError(f"log_t is {log_t!r}; it must be a number, or -inf for t = 0")
    flow = _Flow(
        Gaps(network, x, y, w),
        loss,
        torch.from_numpy((e / d) ** 0.25),
        checks.positive("h", h),
        checks.positive("blur", blur),
    )
    return flow.states(w, float(log_t), checks.real("until", until))


@dataclass(frozen=True)
class _Point:
    """The loss at w, and how its gaps weigh."""

    w: Float[Tensor, " p"]
    gaps: Float[Tensor, "n k"]
    log_loss: float
    logits: Float[Tensor, " m"]
    """log(c exp(−z)) for all m gaps; -∂ log L/∂z = exp(logits − log L)."""

    @property
    def log_mass(self) -> float:
        """log Σ (-∂ log L/∂z); 0 for the exponential loss."""
        return float(torch.logsumexp(self.logits, 0)) - self.log_loss


@dataclass(frozen=True)
class _Flow:
    """One flow, and how finely to follow it; see :func:`far_flow`."""

    z: Gaps
    loss: Loss
    chi: Float[Tensor, " p"]
    h: float
    blur: float

    def states(self, w: Tensor, log_t: float, until: float) -> Iterator[FarState]:
        point, h, error = self._point(w), self.h, 0.0
        while -point.log_loss < until:
            before = point
            point, state, log_t = self._step(before, log_t, h, error)
            yield state
            error = state.error
            better = 0.9 * math.sqrt(self._limit(before) / max(error, 1e-12))
            h = min(self.h, state.h * min(1.5, max(0.5, better)))

    def _point(self, w: Tensor) -> _Point:
        z = self.z(w)
        soft = -torch.logsumexp(-z, 1)  # L is the loss of these, summed
        log_c = self.loss.log_slope(soft) + soft
        log_loss = float(torch.logsumexp(self.loss.log_value(soft), 0))
        return _Point(w, z, log_loss, (log_c[:, None] - z).reshape(-1))

    def _step(self, start: _Point, log_t: float, h: float, error: float):
        """A step of length h, or less: the point behind it, and the state there."""
        T = max(1.0, -self.blur * start.log_loss)
        part = self._part(start, T, h, error)
        rows = self.z.rows(start.w, part)
        gram, logits = rows.gram(self.chi), start.logits[part] / T
        length, rejected = float((start.w / self.chi).norm()), 0
        while True:
            s, p = _weights(gram / T, logits, h * length / math.sqrt(T))
            force = rows.pull(p)
            end = self._point(start.w + s * self.chi**2 * force)
            linear = start.gaps.reshape(-1)[part] + s * (gram @ p)
            supporting = p >= _SUPPORT * p.max()
            wrong = linear - end.gaps.reshape(-1)[part]
            error = float(wrong[supporting].abs().max())
            if error <= 2 * self._limit(start) and self._closed(end, part, T):
                break
            h, rejected = h / 2, rejected + 1
            if h < _LEAST_H:
                raise FlowError(
                    f"no step is small enough at log L = {start.log_loss:.6g}: the "
                    "gaps jump there, or leave what float64 can hold"
                )
        log_t = _log_add(log_t, math.log(s) + _log_speed(start, end))
        took = float(((end.w - start.w) / self.chi).norm()) / length
        told = (error, len(part), int(supporting.sum()), rejected)
        state = FarState(end.w, log_t, end.log_loss, end.gaps, force, took, *told)
        return end, state, log_t

    def _limit(self, point: _Point) -> float:
        """What the linear model may err by; h is halved where it errs by twice that."""
        return 0.3 + _SLACK * abs(point.log_loss)

    def _part(
        self, point: _Point, T: float, h: float, error: float
    ) -> Int[Tensor, " r"]:
        """The gaps that matter, or may come to matter in a step of length h."""
        logits, order = point.logits.sort(descending=True)
        mass = torch.softmax(logits / T, 0).flip(0).cumsum(0).flip(0)
        least = logits[mass > _LEFT_OUT][-1]
        # Gaps grow by L h |log L| in a step, and may fall as much behind each other.
        reach = 12 * h * abs(point.log_loss) + 3 * error
        return order[logits >= least - reach].sort().values

    def _closed(self, point: _Point, part: Int[Tensor, " r"], T: float) -> bool:
        """Whether the gaps that had no part in a step have no weight behind it."""
        p = torch.softmax(point.logits / T, 0)
        return bool(1 - p[part].sum() <= _MAY_ENTER)


def _weights(
    gram: Float[Tensor, "r r"], logits: Float[Tensor, " r"], length: float
) -> tuple[float, Float[Tensor, " r"]]:
    """s and p = softmax(logits − s K p) with s √(p'Kp) = length, to a fifth of it."""
    p = torch.softmax(logits, 0)
    for _ in range(3):
        s = length / math.sqrt(max(float(p @ gram @ p), 1e-300))
        p = _implicit_softmax(s * gram, logits, p)
        if abs(s * math.sqrt(float(p @ gram @ p)) / length - 1) < 0.2:
            break
    return s, p


def _implicit_softmax(
    K: Float[Tensor, "r r"], logits: Float[Tensor, " r"], p: Float[Tensor, " r"]
) -> Float[Tensor, " r"]:
    """p = softmax(logits − K p), the least point of p'Kp/2 − p'logits + Σ p log p.

    Newton's method on the simplex in θ = log p, damped.  A weight may come from e^−30
    to the top within a few rounds; to where it falls is no concern.

    Args:
        K: positive semidefinite.
        p: where to start.

    Returns:
        p, or NaN where the method does not converge.
    """

    def value(theta: Tensor) -> Tensor:
        p = theta.exp()
        return p @ (K @ p / 2 - logits + theta)

    theta = torch.log_softmax(p.log().clamp(min=-30), 0)
    at = value(theta)
    for _ in range(_MOST_ROUNDS):
        p = theta.exp()
        gradient = K @ p - logits + theta
        gradient = gradient - p @ gradient
        if p @ gradient**2 < 1e-8:
            return p
        change = _newton(K, p, gradient)
        if not bool(change.isfinite().all()):
            break
        slope = (p * change) @ gradient
        size = 1 / max(1.0, float(change.max()) / 8)
        while size > 1e-6:
            new = torch.log_softmax(theta + size * change, 0)
            then = value(new)
            if then <= at + 1e-4 * size * slope + 1e-12 * at.abs():
                break
            size /= 2
        theta, at = new, then
    return torch.full_like(p, math.nan)


def _newton(
    K: Float[Tensor, "r r"], p: Float[Tensor, " r"], gradient: Float[Tensor, " r"]
) -> Float[Tensor, " r"]:
    """dθ with (1 + K P) dθ = λ − gradient, P = diag p, and λ such that <p, dθ> = 0.

    Solved by Cholesky for √P dθ, among those p that can be told from 0; NaN where K is
    too ill-conditioned for that.
    """
    alive = p > 1e-12 * p.max()
    root = p[alive].sqrt()
    A = root[:, None] * K[alive][:, alive] * root
    A.diagonal().add_(1.0)
    sides = torch.stack([-root * gradient[alive], root], 1)
    factor, failed = torch.linalg.cholesky_ex(A)
    if failed:
        return torch.full_like(p, math.nan)
    sides = torch.cholesky_solve(sides, factor)
    multiplier = -(root @ sides[:, 0]) / (root @ sides[:, 1])
    dp = torch.zeros_like(p)
    dp[alive] = root * (sides[:, 0] + multiplier * sides[:, 1])
    return multiplier - gradient - K @ dp


def _log_speed(start: _Point, end: _Point) -> float:
    """log of the t that passes for one s in a step, with log L linear in s over it."""
    low, high = sorted((-start.log_loss, -end.log_loss))
    change = max(high - low, 1e-9)
    return high + math.log(-math.expm1(-change) / change) - start.log_mass


def _log_add(a: float, b: float) -> float:
    low, high = sorted((a, b))
    return high + math.log1p(math.exp(low - high))
