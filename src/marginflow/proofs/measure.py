"""The numbers engine: a small flow of its own, integrated in plain Python.

It shares nothing with `marginflow.flows`, neither code nor solver, so that the two can
check each other. The flow has two parameters, Φ(w, x) = w₁ w₂ x (so L = 2), one datum
x = y = 1 and the exponential loss, δ and ε that differ by component, g(0) and h(0) that
are not zero (with zero averages β ≡ 1 and there would be nothing to see), and a ρ that
varies with time. The classical Runge–Kutta method with a fixed step is enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from marginflow.proofs.statement import Engine, Outcome, Verdict

__all__ = ["SMALL_FLOW", "Measurement", "SmallFlow", "small_flow"]

Pair = tuple[float, float]

SMALL_FLOW = "a flow of two parameters, g(0), h(0) ≠ 0"


@dataclass(frozen=True)
class Measurement:
    """A number measured on a flow, and the bound that the theory puts on it."""

    quantity: str
    measure: Callable[[], float]
    at_most: float
    on: str = SMALL_FLOW

    engine = Engine.NUMBERS

    @property
    def source(self) -> str:
        return self.on

    @property
    def target(self) -> str:
        return f"{self.quantity} ≤ {self.at_most:g}"

    def settle(self) -> Verdict:
        measured = self.measure()
        holds = measured <= self.at_most  # false for NaN
        outcome = Outcome.MEASURED if holds else Outcome.REFUTED
        witness = {"measured": f"{measured:.3g}", "allowed": f"{self.at_most:g}"}
        return Verdict(outcome, self.engine, f"measured {measured:.3g}", witness)


@dataclass(frozen=True)
class SmallFlow:
    """Samples of the flow, each a list over time of one value per component.

    `damping` is ∫(1−ρ)/(1+g/δ), `forgetting` ∫(1−ρ), `squares` ∫∂L², `variation`
    ∫|d log β|, all from 0 to t; `loss` is L(w(t)).
    """

    delta: Pair
    epsilon: Pair
    t: list[float]
    loss: list[float]
    w: list[Pair]
    g: list[Pair]
    h: list[Pair]
    beta: list[Pair]
    damping: list[Pair]
    forgetting: list[Pair]
    squares: list[Pair]
    variation: list[Pair]


def _rho(t: float) -> float:
    return 0.3 + 0.4 * math.sin(t) ** 2


def _velocity(t: float, state: list[float], delta: Pair, epsilon: Pair) -> list[float]:
    """Right-hand sides of eqs. (1)–(3), then the integrands of the four integrals."""
    w, g, h = state[0:2], state[2:4], state[4:6]
    loss = math.exp(-w[0] * w[1])
    grad = (-w[1] * loss, -w[0] * loss)
    decay = 1 - _rho(t)
    out = [0.0] * 14
    for j in (0, 1):
        dw = -math.sqrt((epsilon[j] + h[j]) / (delta[j] + g[j])) * grad[j]
        dg = decay * (grad[j] ** 2 - g[j])
        dh = decay * (dw**2 - h[j])
        out[0 + j], out[2 + j], out[4 + j] = dw, dg, dh
        out[6 + j] = decay / (1 + g[j] / delta[j])
        out[8 + j] = decay
        out[10 + j] = grad[j] ** 2
        # d log β straight from β's definition, not from Lemma 5.
        out[12 + j] = abs(dh / (epsilon[j] + h[j]) - dg / (delta[j] + g[j])) / 2
    return out


@lru_cache(maxsize=8)
def small_flow(
    g0: Pair = (0.9, 0.2),
    h0: Pair = (0.1, 2.5),
    delta: Pair = (0.5, 2.0),
    epsilon: Pair = (1.5, 0.4),
    w0: Pair = (1.2, 0.3),
    t_end: float = 12.0,
    steps: int = 6000,
) -> SmallFlow:
    """Integrate Process 2 from g(0) = g0, h(0) = h0, w(0) = w0 to t_end.

    With the defaults β₁(0) < 1 and β₂(0) > 1. Every 20th step is kept.
    """

    def _beta(gj: float, hj: float, j: int) -> float:
        return math.sqrt((1 + hj / epsilon[j]) / (1 + gj / delta[j]))

    dt = t_end / steps
    state = [*w0, *g0, *h0, *([0.0] * 8)]
    rows = [state]
    for k in range(steps):
        t = k * dt
        k1 = _velocity(t, state, delta, epsilon)
        k2 = _velocity(t + dt / 2, _ahead(state, k1, dt / 2), delta, epsilon)
        k3 = _velocity(t + dt / 2, _ahead(state, k2, dt / 2), delta, epsilon)
        k4 = _velocity(t + dt, _ahead(state, k3, dt), delta, epsilon)
        state = [
            s + dt / 6 * (a + 2 * b + 2 * c + d)
            for s, a, b, c, d in zip(state, k1, k2, k3, k4, strict=True)
        ]
        rows.append(state)
    rows = rows[::20]
    pair = [[(row[i], row[i + 1]) for row in rows] for i in range(0, 14, 2)]
    w, g, h, damping, forgetting, squares, variation = pair
    beta = [
        (_beta(gk[0], hk[0], 0), _beta(gk[1], hk[1], 1))
        for gk, hk in zip(g, h, strict=True)
    ]
    times = [20 * k * dt for k in range(len(rows))]
    loss = [math.exp(-a * b) for a, b in w]
    integrals = damping, forgetting, squares, variation
    return SmallFlow(delta, epsilon, times, loss, w, g, h, beta, *integrals)


def _ahead(state: list[float], velocity: list[float], dt: float) -> list[float]:
    return [s + dt * v for s, v in zip(state, velocity, strict=True)]
