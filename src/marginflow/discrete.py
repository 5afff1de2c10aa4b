"""Procedure 1 seen through its skewed adapter, exactly: what is left of Section 3.

Divide the averages by their stability terms, G = g/δ, H = h/ε, and the squared gradient
likewise, q = ∂L²/δ. One component of Procedure 1 (page 4) then reads, with c = 1 - ρ,

    1 + G⁺ = ρ (1 + G) + c (1 + q),    u = (1 + H)/(1 + G⁺),    H⁺ = ρ H + c u q,

since Δ²/ε = u q. There is no square root and no w in it, so that it runs in any
number type: floats, NumPy arrays, `fractions.Fraction`, intervals, SymPy symbols.

Two squares of the skewed adapter live here. `u` is that of the adapter which step k + 1
uses, from h_k and g_{k+1}; β_k² = (1 + H)/(1 + G) has both averages at the same step.

`procedure_1_run` makes whole runs, many at once, and keeps 1 - β² without cancellation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

__all__ = [
    "AveragesStep",
    "DiscreteRun",
    "averages_path",
    "averages_step",
    "defect",
    "perceptron_gradient",
    "procedure_1_run",
    "retention",
]

Array = np.ndarray
Gradient = Callable[[Float[Array, "r p"]], Float[Array, "r p"]]


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
    if not 0 <= rho <= 1:
        raise ValueError(f"rho={rho!r} must lie in [0, 1] (Procedure 1)")
    for name, value in (("G", G), ("H", H)):
        if not value >= 0:
            raise ValueError(f"{name}={value!r} must be >= 0 (Assumption 2 (ii))")
    path = []
    for k, q in enumerate(squares):
        if not q >= 0:
            raise ValueError(f"squares[{k}]={q!r} must be >= 0: it is a square")
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
    """Runs of Procedure 1 in lockstep; m recorded steps, r runs, p components.

    Attributes:
        step: k of each record, the first being 0.
        t: k η, the flow's time.
        w: parameters w_k.
        gap: 1 - β_k², from g_k and h_k.
        used_gap: 1 minus the squared adapter, over χ², that made step k, from g_k and
            h_{k-1}; NaN at k = 0.
        largest: max over all steps, recorded or not, of |β - 1| for the used adapter.
    """

    step: Array
    t: Float[Array, " m"]
    w: Float[Array, "m r p"]
    gap: Float[Array, "m r p"]
    used_gap: Float[Array, "m r p"]
    largest: Float[Array, "r p"]

    @property
    def used_beta(self) -> Float[Array, "m r p"]:
        """The adapter in use over its limit χ²."""
        return np.sqrt(1 - self.used_gap)

    @property
    def distance(self) -> Float[Array, "m r p"]:
        """|β - 1| for the adapter in use, without cancellation."""
        return np.abs(self.used_gap) / (1 + np.sqrt(1 - self.used_gap))


def procedure_1_run(
    gradient: Gradient,
    w0: Float[Array, "r p"],
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
        gradient: w "r p" -> gradients "r p".
        w0: starts, one row for each run.
        eta: learning rate.
        rho: decay coefficient ρ.
        steps: how many steps to make, at least 1.
        delta, epsilon: stability terms.
        record: steps k to keep, in [1, steps]; the start and the last step are kept
            anyway.

    Raises:
        ValueError: a hyperparameter is out of its range, w0 is not a matrix.
    """
    w, eta, rho = np.array(w0, dtype=np.float64), float(eta), float(rho)
    if w.ndim != 2 or w.size == 0:
        raise ValueError(f"w0 has shape {w.shape}; it must be (runs, parameters)")
    if not (np.isfinite(eta) and eta > 0):
        raise ValueError(f"eta={eta!r} must be positive and finite")
    if not 0 <= rho <= 1:
        raise ValueError(f"rho={rho!r} must lie in [0, 1] (Procedure 1)")
    if not isinstance(steps, int) or steps < 1:
        raise ValueError(f"steps={steps!r} must be an integer >= 1")
    for name, value in (("delta", delta), ("epsilon", epsilon)):
        if not (np.isfinite(value).all() and np.greater(value, 0).all()):
            raise ValueError(f"{name}={value!r} must be > 0 and finite (Procedure 1)")
    keep = np.unique([*record, steps]).astype(int)
    if keep[0] < 1 or keep[-1] > steps:
        raise ValueError(f"record reaches outside [1, {steps}], where the steps are")

    c, chi_squared = 1.0 - rho, np.sqrt(np.divide(epsilon, delta))
    stride, over_delta = -eta * chi_squared, np.divide(1.0, delta)
    # D = G - H by its own recursion: the difference of G and H would cancel.
    G, D = np.zeros_like(w), np.zeros_like(w)
    largest = np.zeros_like(w)
    rows = [(0, w, np.zeros_like(w), np.full_like(w, np.nan))]
    due = iter(keep)
    next_due = next(due)
    for k in range(1, steps + 1):
        slope = gradient(w)
        q = slope * slope * over_delta
        rise = c * (q - G)
        G = G + rise
        grown = 1.0 + G
        used_gap = (D + rise) / grown
        D = rho * D + c * q * used_gap
        beta = np.sqrt(1.0 - used_gap)
        w = w + stride * beta * slope
        np.maximum(largest, np.abs(beta - 1.0), out=largest)
        if k == next_due:
            rows.append((k, w, D / grown, used_gap))
            next_due = next(due, 0)
    step, w_all, gap, used = zip(*rows, strict=True)
    step = np.array(step)
    return DiscreteRun(
        step, step * eta, np.stack(w_all), np.stack(gap), np.stack(used), largest
    )


def perceptron_gradient(
    x: Float[Array, "n d"],
    y: Float[Array, " n"],
    *,
    slope: float = 0.5,
    reduction: str = "sum",
) -> Gradient:
    """Gradients of the leaky perceptron's exponential loss, written out in NumPy.

    Φ = v s(<w, x>), parameters (v, w_1, ..., w_d), s the Leaky ReLU of page 10.

    Raises:
        ValueError: shapes or labels are wrong; unknown reduction.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.ndim != 2 or len(x) == 0 or y.shape != (len(x),):
        raise ValueError(
            f"x, y have shapes {x.shape}, {y.shape}; they must be (n, d) and (n,), "
            "with n > 0"
        )
    if (np.abs(y) != 1).any():
        raise ValueError(f"y contains {y[np.abs(y) != 1][0]!r}; labels must be -1 or 1")
    if reduction not in ("sum", "mean"):
        raise ValueError(f'reduction={reduction!r} is unknown; choose "sum" or "mean"')
    share = 1.0 if reduction == "sum" else 1.0 / len(x)
    transposed = np.ascontiguousarray(x.T)
    active, inactive = y, slope * y
    scaled = -share * x

    def gradient(w: Array) -> Array:
        v = w[:, :1]
        u = w[:, 1:] @ transposed
        weight = np.where(u > 0, active, inactive)  # y s'(u); y s(u) = weight u
        u *= weight
        loss = u * v
        np.exp(np.negative(loss, out=loss), out=loss)
        out = np.empty_like(w)
        weight *= loss
        np.matmul(weight, scaled, out=out[:, 1:])
        u *= loss
        out[:, 0] = u.sum(1)
        out[:, 0] *= -share
        out[:, 1:] *= v
        return out

    return gradient
