"""The KKT points of the one-unit perceptron, to machine precision."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from marginflow import checks
from marginflow.kkt.linear import least_distance
from marginflow.kkt.points import KKTPoint

__all__ = ["PerceptronKKTPoints", "perceptron_kkt_points"]

Array = np.ndarray


class PerceptronKKTPoints(NamedTuple):
    """The two KKT points of the one-unit perceptron, one for each sign of v."""

    positive: KKTPoint
    negative: KKTPoint

    def nearest(self, w: Float[Array, " p"]) -> KKTPoint:
        """The one on the side of w: the sign of v never changes along a flow's tail."""
        return self.positive if w[0] > 0 else self.negative


def perceptron_kkt_points(
    x: Float[Array, "n d"],
    y: Float[Array, " n"],
    delta: float | Float[Array, " d+1"] = 1.0,
    epsilon: float | Float[Array, " d+1"] = 1.0,
    *,
    slope: float = 0.5,
) -> PerceptronKKTPoints:
    """All KKT points of (*) for Phi((v, w), x) = v s(<w, x>), to machine precision.

    s is the Leaky ReLU with s(z) = z for z >= 0 and slope * z for z < 0 (page 10).

    A feasible point has y_i v s(<w, x_i>) >= 1, so v != 0 and <w, x_i> has the sign of
    y_i v: the points of one class all lie on the unit's active side, the others all on
    its leaky side, and which is which depends on the sign of v alone. With u = v w the
    constraint of point i is therefore linear,

        c_i y_i <u, x_i> >= 1,   c_i = 1 on the active side, slope on the leaky side,

    and minimizing over v for fixed u leaves sqrt(d_v) |sqrt(d_w) u|. The map (v, w) ->
    (v, v w) is a diffeomorphism where v keeps its sign, so the KKT points of (*) on
    that side are those of one convex quadratic program: exactly one for each sign of v.

    Args:
        x: inputs.
        y: labels, -1 or +1.
        delta, epsilon: stability terms > 0, scalars or in the order (v, w_1, ..., w_d).
        slope: of the leaky side, in (0, 1].

    Raises:
        ValueError: shapes, labels, delta or epsilon are wrong, or no (v, w) separates
            the data (Assumption 2 (iii) then fails for this network).
    """
    x = checks.matrix("x", x)
    y = checks.signs("y", y, len(x))
    if not (np.isfinite(slope) and 0 < slope <= 1):
        raise ValueError(f"slope={slope!r} must lie in (0, 1]")
    delta, epsilon = checks.stability(delta, epsilon, x.shape[1] + 1)
    d = np.sqrt(delta / epsilon)
    return PerceptronKKTPoints(
        _perceptron_branch(+1.0, x, y, d, slope),
        _perceptron_branch(-1.0, x, y, d, slope),
    )


def _perceptron_branch(sign: float, x: Array, y: Array, d: Array, slope: float):
    c = np.where(sign * y > 0, 1.0, slope)
    a = (c * y)[:, None] * x
    u, mu = _least_distance(a, d[1:])
    size = np.sqrt(np.sum(d[1:] * u**2))
    v = sign * np.sqrt(size / np.sqrt(d[0]))
    w = np.concatenate([[v], u / v])
    multipliers = mu / v**2
    # The three violations, in v-coordinates; here in the plain terms of this network.
    gradient = np.concatenate([[multipliers @ (a @ w[1:])], v * (multipliers @ a)])
    stationarity = np.linalg.norm((d * w - gradient) / np.sqrt(d))
    objective = np.sum(d * w**2)
    margins = a @ u
    residual = max(
        stationarity / np.sqrt(objective),
        max(0.0, 1.0 - margins.min()),
        float(multipliers @ np.abs(margins - 1.0)) / multipliers.sum(),
    )
    return KKTPoint(
        w,
        multipliers,
        normalized_margin=float(margins.min() / np.sum(w**2)),
        skewed_margin=float(margins.min() / objective),
        residual=float(residual),
    )


def _least_distance(a: Array, d: Array) -> tuple[Array, Array]:
    """Minimize sum_j d_j u_j^2 / 2 subject to a u >= 1; returns u and multipliers.

    The equations on the active set are solved once more by themselves, which leaves
    only rounding errors.
    """
    b = a / np.sqrt(d)
    # The scale of b is divided out, so that what counts as separated does not depend
    # on it.
    active = np.flatnonzero(least_distance(b / np.linalg.norm(b, axis=1).max()))
    z = np.linalg.lstsq(b[active], np.ones(len(active)), rcond=None)[0]
    mu = np.zeros(len(b))
    mu[active] = np.linalg.lstsq(b[active].T, z, rcond=None)[0]
    return z / np.sqrt(d), mu
