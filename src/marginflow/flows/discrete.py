"""Procedure 1 with a step that can go to zero, beside the flow (pages 4 and 5).

The flow comes from Procedure 1 with t = k eta and (1 - rho_k)/eta held constant; that
quotient is what Process 2 calls 1 - rho(t). So a flow's schedule fixes, for each eta,

    1 - rho_k = eta (1 - rho(k eta)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor

from marginflow.flows.adaptive import AdaptiveFlow

__all__ = ["DiscreteRun", "discrete_run"]

Array = np.ndarray


@dataclass(frozen=True)
class DiscreteRun:
    """Iterates of Procedure 1 at the times t = k eta, k a multiple of ``every``.

    Attributes:
        eta: the learning rate.
        t: times, shape (m,).
        w, g, h: iterates, shape (m, p).
        beta: sqrt((1 + h_k/epsilon)/(1 + g_k/delta)).
    """

    eta: float
    t: Float[Array, " m"]
    w: Float[Array, "m p"]
    g: Float[Array, "m p"]
    h: Float[Array, "m p"]
    beta: Float[Array, "m p"]


def discrete_run(
    flow: AdaptiveFlow,
    w0: Float[Array, " p"] | Tensor,
    g0: float | Float[Array, " p"] = 0.0,
    h0: float | Float[Array, " p"] = 0.0,
    *,
    eta: float,
    t_end: float,
    every: int = 1,
) -> DiscreteRun:
    """Run Procedure 1 with learning rate eta up to time t_end = K eta.

    Args:
        flow: the AdaDelta flow whose network, data, loss, schedule and stability terms
            to take.
        w0, g0, h0: start, as for :meth:`AdaptiveFlow.integrate`.
        eta: learning rate > 0, with eta (1 - rho) <= 1.
        t_end: a positive multiple of eta, up to rounding.
        every: keep each ``every``-th iterate; it must divide the number of steps.

    Raises:
        ValueError: as in :meth:`AdaptiveFlow.integrate`; eta, t_end or every do not
            fit; eta (1 - rho) > 1, so that rho_k would leave [0, 1].
    """
    if flow.rule != "adadelta":
        raise ValueError(f"flow has rule {flow.rule!r}; Procedure 1 is AdaDelta's")
    if not (np.isfinite(eta) and eta > 0):
        raise ValueError(f"eta={eta!r} must be finite and > 0 (Procedure 1)")
    steps = round(t_end / eta) if np.isfinite(t_end) else 0
    if steps < 1 or abs(steps * eta - t_end) > 1e-9 * t_end:
        raise ValueError(f"t_end={t_end!r} must be a positive multiple of eta={eta!r}")
    if every < 1 or steps % every:
        raise ValueError(f"every={every!r} must divide the number of steps, {steps}")
    w, g, h, delta, epsilon = flow.start(w0, g0, h0)
    objective = flow.objective
    kept = [(w, g, h)]
    for k in range(steps):
        log_t = np.log(k * eta) if k else -np.inf
        forget = eta * np.exp(flow.decay.log_complement(log_t))
        if np.max(forget) > 1.0:
            raise ValueError(
                f"eta={eta!r} is too large: eta (1 - rho) = {np.max(forget):.3g} > 1, "
                "and Procedure 1 needs rho_k in [0, 1]"
            )
        log_loss, u = objective.gradient(w)
        gradient = np.exp(log_loss) * u
        g = (1.0 - forget) * g + forget * gradient**2
        step = np.sqrt((epsilon + h) / (delta + g)) * gradient
        h = (1.0 - forget) * h + forget * step**2
        w = w - eta * step
        if (k + 1) % every == 0:
            kept.append((w, g, h))
    w, g, h = (np.array(part) for part in zip(*kept, strict=True))
    t = eta * every * np.arange(len(w))
    beta = np.sqrt((1.0 + h / epsilon) / (1.0 + g / delta))
    return DiscreteRun(eta, t, w, g, h, beta)
