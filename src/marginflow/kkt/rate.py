"""How fast directions converge to a KKT point (Proposition R, this companion's own)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import null_space
from torch import nn

from marginflow.flows.objective import Phi
from marginflow.flows.two_layer import make_objective
from marginflow.kkt.points import KKTPoint
from marginflow.kkt.residual import check_point, kink_pattern
from marginflow.losses import EXPONENTIAL

__all__ = ["DirectionRate", "direction_rate"]

Array = np.ndarray

# Eigenvalues and differences of multipliers below this are rounding errors.
_ZERO = 1e-6


@dataclass(frozen=True)
class DirectionRate:
    """What is left of the start near a KKT point, and how fast it dies.

    Attributes:
        degree: L.
        eigenvalues: of H = I - sum_i lambda_i Hess z_i(v*), rising, on the directions
            that change no active margin and leave no kink that v* lies on.
        multipliers: those of the active constraints.
    """

    degree: float
    eigenvalues: Float[Array, " k"]
    multipliers: Float[Array, " m"]

    @property
    def mu(self) -> float:
        """The least eigenvalue that is not 0; inf without any.

        An eigenvalue 0 is no rate: with it the point is one of a family of KKT points,
        of which the flow chooses one, or else it is degenerate.
        """
        moving = self.eigenvalues[np.abs(self.eigenvalues) > _ZERO]
        return float(moving.min(initial=np.inf))

    @property
    def exponent(self) -> float:
        """a, where the distance of directions falls like (log t)^-a from most starts.

        mu/L, or 1 if that is less and not all multipliers are equal: unequal ones hold
        the active margins apart by constants, a part 1/log t of their size. Not
        positive at a point to which most flows do not go.
        """
        apart = np.ptp(self.multipliers) > _ZERO * self.multipliers.max()
        return min(self.mu / self.degree, 1.0 if apart else np.inf)


def direction_rate(
    network: nn.Module | Phi,
    point: KKTPoint,
    x: Float[Array, "n d"],
    y: Float[Array, " n"],
    delta: float | Float[Array, " p"] = 1.0,
    epsilon: float | Float[Array, " p"] = 1.0,
    *,
    on_kink: float = 1e-6,
) -> DirectionRate:
    """The rate at which flows of Theorem 2 near ``point`` converge in direction.

    Args:
        network, x, y, delta, epsilon: as in :func:`kkt_residual`.
        point: a KKT point of (*), as from :func:`solve_kkt`, with active constraints
            whose multipliers are all positive.
        on_kink: a kink function counts as 0 up to this multiple of its largest value.

    Raises:
        ValueError: as in :func:`kkt_residual`; ``point`` is not a KKT point of this
            problem; or it is degenerate: an active constraint has multiplier 0, or
            the gradients of the active ones are dependent. No rate is known there.
    """
    objective = make_objective(network, x, y, EXPONENTIAL)
    w, chi = check_point(objective, point.w, delta, epsilon)
    pattern, normals = kink_pattern(objective, w, on_kink)
    margins = objective.margins(w, pattern)
    active = np.flatnonzero(margins < 1.0 + _ZERO)
    jacobian = objective.jacobian(w, pattern)[active]
    v, rows = w / chi, np.vstack([jacobian, normals]) * chi
    # On kinks the point leans on their normals as well.
    fit, *_ = np.linalg.lstsq(rows.T, v, rcond=None)
    multipliers = fit[: len(active)]
    off = np.linalg.norm(v - rows.T @ fit) / np.linalg.norm(v)
    if off > 1e-6 or margins.min() < 1 - _ZERO:
        raise ValueError(
            f"point has smallest margin {margins.min():.6g} and misses stationarity by "
            f"{off:.2g}; a KKT point of this problem is needed, as from solve_kkt"
        )
    positive = (multipliers > _ZERO * multipliers.max()).all()
    if not positive or np.linalg.matrix_rank(jacobian, 1e-8) < len(active):
        told = "dependent gradients" if positive else "one with multiplier 0"
        raise ValueError(
            f"point is degenerate, its active constraints have {told}; a rate is known "
            "for positive multipliers and independent gradients only"
        )
    tangent = null_space(rows, rcond=1e-8)
    weights = np.zeros(objective.n)
    weights[active] = multipliers
    bend = objective.curvature(w, weights, pattern)
    bend = np.eye(len(w)) - chi[:, None] * bend * chi
    return DirectionRate(
        objective.degree(w),
        np.linalg.eigvalsh(tangent.T @ bend @ tangent),
        multipliers,
    )
