"""How far a given w is from a KKT point, for any network."""

from __future__ import annotations

from itertools import product

import numpy as np
from jaxtyping import Float
from scipy.optimize import nnls
from torch import nn

from marginflow import checks
from marginflow.flows.objective import Objective, Phi
from marginflow.flows.two_layer import TwoLayerObjective, make_objective
from marginflow.kkt.points import KKTReport
from marginflow.losses import EXPONENTIAL, Loss
from marginflow.optim import skewing_vector

__all__ = ["alignment", "check_point", "kink_pattern", "kkt_residual"]

Array = np.ndarray

# Kinks of one data point whose sides are tried in all combinations.
_MAX_FREE = 8


def kkt_residual(
    network: nn.Module | Phi,
    w: Float[Array, " p"],
    x: Float[Array, "n d"],
    y: Float[Array, " n"],
    delta: float | Float[Array, " p"] = 1.0,
    epsilon: float | Float[Array, " p"] = 1.0,
    *,
    near: float = 0.1,
    rescale: bool = True,
    on_kink: float = 1e-9,
) -> KKTReport:
    """How well w, scaled to margin 1, satisfies the KKT conditions of (*).

    This is the (epsilon, delta)-KKT test of Dutta et al. (2013) and Lyu and Li (2020):
    multipliers may sit on all nearly active points, and the violations of stationarity
    and complementary slackness that remain are reported side by side. The multipliers
    are the non-negative least-squares fit that makes both small at once, the sum of
    their squares being Dutta et al.'s proximity measure.

    Where a nearly active point lies on a kink of a two-layer (Leaky) ReLU network, the
    extreme points of its Clarke subdifferential all take part, so that the residual is
    that of the equilibrium *inclusion* of page 6.

    Args:
        network, x, y: Phi and the data.
        w: parameters, or their direction.
        delta, epsilon: stability terms; equal ones give problem (4).
        near: points with y_i Phi <= (1 + near) min may carry multipliers.
        rescale: look at the multiple of w that has margin 1.
        on_kink: a kink function counts as 0 up to this multiple of its largest value.

    Returns:
        the report; feasibility and stationarity are inf where rescaling is asked for
        and w does not separate the data.

    Raises:
        ValueError: shapes, labels, stability terms; Phi is not homogeneous at w.
    """
    objective = make_objective(network, x, y, EXPONENTIAL)
    w, chi = check_point(objective, w, delta, epsilon)
    checks.non_negative("near", near)
    degree, margins = objective.degree(w), objective.margins(w)
    if rescale and margins.min() <= 0:
        zeros = np.zeros(objective.n)
        return KKTReport(w, zeros, np.inf, np.inf, 0.0, margins)
    if rescale:
        w = w / margins.min() ** (1.0 / degree)
        margins = objective.margins(w)
    v = w / chi
    allowed = np.flatnonzero(margins <= (1.0 + near) * max(margins.min(), 1.0))
    owners, gradients = _subgradients(objective, w, allowed, on_kink)
    columns, length = (gradients * chi).T, np.linalg.norm(v)
    # Slackness in the units of v: at a KKT point |v|^2 = L sum_i lambda_i.
    slack = np.zeros((objective.n, len(owners)))
    slack[owners, np.arange(len(owners))] = np.abs(margins[owners] - 1.0)
    system = np.vstack([columns, slack * degree / length])
    size = max(np.linalg.norm(system, axis=0).max(initial=0.0), 1e-300)
    target = np.concatenate([v, np.zeros(objective.n)])
    fit, _ = nnls(system / size, target) if len(owners) else (np.zeros(0), 0.0)
    multipliers = np.bincount(owners, fit / size, minlength=objective.n)
    stationarity = np.linalg.norm(v - columns @ (fit / size)) / length
    slackness = multipliers @ np.abs(margins - 1.0)
    return KKTReport(
        w,
        multipliers,
        feasibility=float(max(0.0, 1.0 - margins.min())),
        stationarity=float(stationarity),
        slackness=float(slackness / max(multipliers.sum(), 1e-300)),
        margins=margins,
    )


def alignment(
    network: nn.Module | Phi,
    w: Float[Array, " p"],
    x: Float[Array, "n d"],
    y: Float[Array, " n"],
    loss: Loss = EXPONENTIAL,
    delta: float | Float[Array, " p"] = 1.0,
    epsilon: float | Float[Array, " p"] = 1.0,
    *,
    on_kink: float = 1e-9,
) -> float:
    """Cosine of the angle between v and -grad of the loss in v (Ji and Telgarsky 2020).

    It tends to 1 along a flow of Theorem 2 that converges in direction to a point near
    which Phi is smooth (this companion's Theorem G); the paper does not claim it, and
    on kinks it is open. No tail is lost: grad L/L is formed. On a kink of a two-layer
    network (``on_kink`` as in :func:`kkt_residual`) the gradient is the one with which
    v' = -grad stays there.

    Raises:
        ValueError: as in :func:`kkt_residual`.
    """
    objective = make_objective(network, x, y, loss)
    w, chi = check_point(objective, w, delta, epsilon)
    pattern, _ = kink_pattern(objective, w, on_kink)
    v, force = w / chi, -chi * objective.gradient(w, pattern, chi**2)[1]
    return float(v @ force / (np.linalg.norm(v) * np.linalg.norm(force)))


def check_point(
    objective: Objective, w: Array, delta: float | Array, epsilon: float | Array
) -> tuple[Array, Array]:
    """w and chi, checked."""
    w = checks.vector("w", w, objective.p)
    if not w.any():
        raise ValueError("w is 0; it must be not 0 to have a direction")
    return w, skewing_vector(*checks.stability(delta, epsilon, len(w)))


def kink_pattern(
    objective: Objective, w: Array, on_kink: float
) -> tuple[Array | None, Array]:
    """Signs of the kink functions, 0 on a kink, and the normals of those kinks."""
    if not isinstance(objective, TwoLayerObjective):
        return None, np.zeros((0, len(w)))
    kinks = np.asarray(objective.kinks(w))
    pattern = np.sign(kinks)
    pattern[np.abs(kinks) <= on_kink * np.abs(kinks).max()] = 0
    return pattern, objective.normals(np.flatnonzero(pattern == 0))


def _subgradients(
    objective: Objective, w: Array, allowed: Array, on_kink: float
) -> tuple[Array, Array]:
    """Extreme subgradients of y_i Phi at w for the allowed i: their owners i, rows."""
    pattern, _ = kink_pattern(objective, w, on_kink)
    if pattern is None:
        return allowed, objective.jacobian(w)[allowed]
    pattern = pattern.reshape(objective.n, -1)
    owners, rows = [], []
    for i in allowed:
        free = np.flatnonzero(pattern[i] == 0)
        for signs in product((-1.0, 1.0), repeat=min(len(free), _MAX_FREE)):
            side = pattern.copy()
            side[i, free[: len(signs)]] = signs
            owners.append(i)
            rows.append(objective.jacobian(w, side.reshape(-1))[i])
    return np.array(owners, dtype=int), np.array(rows).reshape(len(owners), len(w))
