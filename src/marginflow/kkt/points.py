"""What KKT points and reports about them consist of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

__all__ = ["KKTPoint", "KKTReport"]

Array = np.ndarray


@dataclass(frozen=True)
class KKTPoint:
    """One KKT point of (*), with the multipliers that prove it.

    Attributes:
        w: parameters, in the order in which the network flattens them.
        multipliers: lambda_i >= 0, one per data point; zero off the active constraints.
        normalized_margin: min_i y_i Phi(w, x_i) / |w|^L, which problem (4) maximizes.
        skewed_margin: the same with |w/chi| in the place of |w|, which (*) maximizes.
        residual: largest violation of the KKT conditions, see :class:`KKTReport`.
    """

    w: Float[Array, " p"]
    multipliers: Float[Array, " n"]
    normalized_margin: float
    skewed_margin: float
    residual: float

    @property
    def direction(self) -> Float[Array, " p"]:
        """w/|w|, the only part of w that a limit of the flow can tell."""
        return self.w / np.linalg.norm(self.w)

    @property
    def active(self) -> Array:
        """Indices of the support vectors, the points with positive multipliers."""
        return np.flatnonzero(self.multipliers > 0)


@dataclass(frozen=True)
class KKTReport:
    """The KKT conditions of (*) at one w, each with its violation.

    Attributes:
        w: the point looked at, after scaling it to margin 1 if that was asked for.
        multipliers: the lambda >= 0 that fit stationarity best.
        feasibility: max_i (1 - y_i Phi(w, x_i))_+.
        stationarity: |v - sum_i lambda_i chi y_i grad Phi(w, x_i)| / |v|, v = w/chi.
        slackness: sum_i lambda_i |y_i Phi(w, x_i) - 1| / sum_i lambda_i.
        margins: y_i Phi(w, x_i), all n.
    """

    w: Float[Array, " p"]
    multipliers: Float[Array, " n"]
    feasibility: float
    stationarity: float
    slackness: float
    margins: Float[Array, " n"]

    @property
    def residual(self) -> float:
        """The largest of the three violations."""
        return max(self.feasibility, self.stationarity, self.slackness)
