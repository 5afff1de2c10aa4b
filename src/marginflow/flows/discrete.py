"""Procedure 1, exactly and in NumPy: what is left of Section 3 at a finite step size.

Divide the averages by their stability terms, G = g/δ, H = h/ε, and the squared gradient
likewise, q = ∂L²/δ. One component of Procedure 1 (page 4) then reads, with c = 1 - ρ,

    1 + G⁺ = ρ (1 + G) + c (1 + q),    u = (1 + H)/(1 + G⁺),    H⁺ = ρ H + c u q,

since Δ²/ε = u q. There is no square root and no w in it, so that it runs in any
number type: floats, NumPy arrays, `fractions.Fraction`, intervals, SymPy symbols.

Two squares of the skewed adapter live here. `u` is that of the adapter which step k + 1
uses, from h_k and g_{k+1}; β_k² = (1 + H)/(1 + G) has both averages at the same step.

`procedure_1_run` makes whole runs, many at once, and keeps 1 - β² without cancellation.
`discrete_run` is the run beside a flow: the flow comes from Procedure 1 with t = k eta
and (1 - rho_k)/eta held constant, a quotient that Process 2 calls 1 - rho(t). So a
flow's schedule fixes, for each eta, 1 - rho_k = eta (1 - rho(k eta)).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from torch import Tensor

from marginflow import checks
from marginflow.flows.adaptive import AdaptiveFlow

__all__ = [
    "AveragesStep",
    "DiscreteRun",
    "averages_path",
    "averages_step",
    "defect",
    "discrete_run",
    "procedure_1_run",
    "retention",
]

Array = np.ndarray
Gradient = Callable[[Float[Array, "*r p"]], Float[Array, "*r p"]]


class AveragesStep(NamedTuple):
    """The averages after a step of Procedure 1, in units of the stability terms."""

    G: Any  # g_{k+1}/δ
    H: Any  # h_{k+1}/ε
    used: Any  # (1 + h_k/ε)/(1 + g_{k+1}/δ): the squared adapter of this step

    @property
    def beta_squared(self) -> Any:
        """β_{k+1}², from g_{k+1} and h_{k+1}."""
        return (1 + self.H) / (1 + self.G)


def averages_step(G: Any, H: Any, q: Any, rho: Any) -> AveragesStep:
    """Step k+1 of Procedure 1 for one component, without w; any number type.

    Args:
        G, H: g_k/δ and h_k/ε.
        q: squared gradient at w_k, divided by δ.
        rho: decay coefficient ρ_k.
    """
    grown = rho * (1 + G) + (1 - rho) * (1 + q)
    used = (1 + H) / grown
    return AveragesStep(grown - 1, rho * H + (1 - rho) * used * q, used)


def averages_path(
    squares: Iterable[Any], rho: Any, G: Any = 0, H: Any = 0
) -> list[AveragesStep]:
    """Procedure 1's averages along a given sequence of squared gradients.

    Args:
        squares: q_0, q_1, ..., each a squared gradient divided by δ.
        rho: decay coefficient, the same in all steps.
        G, H: g_0/δ and h_0/ε.

    Raises:
        ValueError: a square or an initial average is negative, ρ is outside [0, 1].
    """
    # By hand, for numbers of any type: `checks` would turn them into floats.
    if not 0 <= rho <= 1:
        raise ValueError(f"rho is {rho!r}; it must lie in [0, 1] (Procedure 1)")
    for name, value in (("G", G), ("H", H)):
        if not value >= 0:
            raise ValueError(f"{name} is {value!r}; Assumption 2 (ii) needs it >= 0")
    path = []
    for k, q in enumerate(squares):
        if not q >= 0:
            raise ValueError(f"squares[{k}] is {q!r}; a square must be >= 0")
        step = averages_step(G, H, q, rho)
        G, H = step.G, step.H
        path.append(step)
    return path


def retention(G: Any, q: Any, rho: Any) -> Any:
    """f_k, the share of 1 - β_k² that step k+1 keeps: Proposition B's factor."""
    c = 1 - rho
    grown = rho * (1 + G) + c * (1 + q)
    return (1 + G) * (rho * grown + c * q) / grown**2


def defect(G: Any, q: Any, rho: Any) -> Any:
    """d_k, what step k+1 adds to 1 - β_k² f_k: the trace of a finite step.

    Its sign is that of q - G: it pushes β down while the gradient exceeds its average,
    and up once it falls behind.
    """
    c = 1 - rho
    grown = rho * (1 + G) + c * (1 + q)
    return c**2 * q * (q - G) / grown**2


@dataclass(frozen=True)
class DiscreteRun:
    """Runs of Procedure 1 in lockstep; m recorded steps, p components, and r runs.

    The axis r is there if the starts had it.

    Attributes:
        step: k of each record, the first being 0.
        t: k η, the flow's time.
        w, g, h: the iterates w_k, g_k, h_k.
        gap: 1 - β_k², from g_k and h_k.
        used_gap: 1 minus the squared adapter, over χ², that made step k, from g_k and
            h_{k-1}; NaN at k = 0.
        largest: max over all steps, recorded or not, of |β - 1| for the used adapter.
    """

    step: Array
    t: Float[Array, " m"]
    w: Float[Array, "m *r p"]
    g: Float[Array, "m *r p"]
    h: Float[Array, "m *r p"]
    gap: Float[Array, "m *r p"]
    used_gap: Float[Array, "m *r p"]
    largest: Float[Array, "*r p"]

    @property
    def beta(self) -> Float[Array, "m *r p"]:
        """The skewed adapter β_k, sqrt((1 + h_k/ε)/(1 + g_k/δ))."""
        return np.sqrt(1 - self.gap)

    @property
    def used_beta(self) -> Float[Array, "m *r p"]:
        """The adapter in use over its limit χ²."""
        return np.sqrt(1 - self.used_gap)

    @property
    def distance(self) -> Float[Array, "m *r p"]:
        """|β - 1| for the adapter in use, without cancellation."""
        return np.abs(self.used_gap) / (1 + np.sqrt(1 - self.used_gap))


def procedure_1_run(
    gradient: Gradient,
    w0: Float[Array, "*r p"],
    *,
    eta: float,
    rho: float,
    steps: int,
    delta: float | Float[Array, " p"] = 1e-5,
    epsilon: float | Float[Array, " p"] = 1e-5,
    record: Iterable[int] = (),
) -> DiscreteRun:
    """Procedure 1 from zero averages, for a whole batch gradient.

    Args:
        gradient: w "*r p" -> gradients "*r p".
        w0: a start, or one row for each run.
        eta: learning rate.
        rho: decay coefficient ρ.
        steps: how many steps to make, at least 1.
        delta, epsilon: stability terms.
        record: steps k to keep, in [1, steps]; the start and the last step are kept
            anyway.

    Raises:
        ValueError: a hyperparameter is out of its range, w0 is no vector or matrix.
    """
    w, eta = checks.real_array("w0", w0), checks.positive("eta", eta)
    if w.ndim not in (1, 2) or w.size == 0:
        raise ValueError(f"w0 has shape {w.shape}; it must be (p,) or (runs, p)")
    p = w.shape[-1]
    delta, epsilon = checks.stability(delta, epsilon, p, "Procedure 1 needs")
    forget = 1.0 - checks.probability("rho", rho)
    keep = np.unique([*record, checks.positive_integer("steps", steps)]).astype(int)
    if keep[0] < 1 or keep[-1] > steps:
        raise ValueError(f"record reaches outside [1, {steps}], where the steps are")
    zero = np.zeros_like(w)
    return _run(gradient, w, zero, zero, eta, lambda _: forget, delta, epsilon, keep)


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
    eta, t_end = checks.positive("eta", eta), checks.positive("t_end", t_end)
    steps = round(t_end / eta)
    if steps < 1 or abs(steps * eta - t_end) > 1e-9 * t_end:
        raise ValueError(f"t_end is {t_end!r}; it must be a multiple of eta, {eta!r}")
    if steps % checks.positive_integer("every", every):
        raise ValueError(f"every is {every!r}; it must divide the {steps} steps")

    def forget(k: int) -> Float[Array, "*p"]:
        log_t = np.log(k * eta) if k else -np.inf
        share = eta * np.exp(flow.decay.log_complement(log_t))
        if np.max(share) > 1.0:
            raise ValueError(
                f"eta is {eta!r}, which is too large: eta (1 - rho) = "
                f"{np.max(share):.3g} > 1, and Procedure 1 needs rho_k in [0, 1]"
            )
        return share

    keep = np.arange(every, steps + 1, every)
    w, g, h, delta, epsilon = flow.start(w0, g0, h0)
    gradient = flow.objective.loss_gradient
    return _run(gradient, w, g / delta, h / epsilon, eta, forget, delta, epsilon, keep)


def _run(
    gradient: Gradient,
    w: Float[Array, "*r p"],
    G: Float[Array, "*r p"],
    H: Float[Array, "*r p"],
    eta: float,
    forget: Callable[[int], float | Array],
    delta: Float[Array, " p"],
    epsilon: Float[Array, " p"],
    keep: Array,
) -> DiscreteRun:
    """The loop of both: ``forget`` is k -> 1 - ρ_k, ``keep`` ends with the last k."""
    stride, over_delta = -eta * np.sqrt(epsilon / delta), 1.0 / delta
    # D = G - H by its own recursion: the difference of G and H would cancel.
    D, grown, largest = G - H, 1.0 + G, np.zeros_like(w)
    rows = [(0, w, G, H, D / grown, np.full_like(w, np.nan))]
    due = iter(keep)
    next_due = next(due)
    for k in range(1, int(keep[-1]) + 1):
        c = forget(k - 1)
        slope = gradient(w)
        q = slope * slope * over_delta
        rise = c * (q - G)
        G = G + rise
        grown = 1.0 + G
        used_gap = (D + rise) / grown
        pushed = c * q
        D = (1.0 - c) * D + pushed * used_gap
        H = (1.0 - c) * H + pushed * (1.0 - used_gap)
        beta = np.sqrt(1.0 - used_gap)
        w = w + stride * beta * slope
        np.maximum(largest, np.abs(beta - 1.0), out=largest)
        if k == next_due:
            rows.append((k, w, G, H, D / grown, used_gap))
            next_due = next(due, 0)
    step, w, G, H, gap, used = (np.array(part) for part in zip(*rows, strict=True))
    return DiscreteRun(step, step * eta, w, delta * G, epsilon * H, gap, used, largest)
