"""KKT points of small networks, from a direction near one."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize
from torch import nn

from marginflow import checks
from marginflow.flows.objective import Objective, Phi
from marginflow.flows.two_layer import make_objective
from marginflow.kkt.points import KKTPoint, KKTReport
from marginflow.kkt.residual import check_point, kink_pattern, kkt_residual
from marginflow.losses import EXPONENTIAL

__all__ = ["solve_kkt"]

Array = np.ndarray


def solve_kkt(
    network: nn.Module | Phi,
    w: Float[Array, " p"],
    x: Float[Array, "n d"],
    y: Float[Array, " n"],
    delta: float | Float[Array, " p"] = 1.0,
    epsilon: float | Float[Array, " p"] = 1.0,
    *,
    on_kink: float = 1e-6,
    rounds: int = 8,
) -> KKTPoint:
    """A KKT point of (*) near the direction w, for small networks.

    w is scaled to margin 1. Kinks of a two-layer network that w lies on are kept as
    equations, all others keep their sides, so that Phi is smooth; sequential quadratic
    programming then finds the active set, and Newton's method on the equations of that
    set leaves rounding errors. A kink that changes its side starts another round.

    Args:
        network, x, y, delta, epsilon: as in :func:`kkt_residual`.
        w: a direction that separates the data.
        on_kink: a kink function counts as 0 up to this multiple of its largest value.
        rounds: at most this many rounds.

    Returns:
        the point with its residual, which the caller should look at: nothing promises
        that there is a KKT point near an arbitrary direction.

    Raises:
        ValueError: as in :func:`kkt_residual`, or w does not separate the data.
    """
    checks.positive_integer("rounds", rounds)
    objective = make_objective(network, x, y, EXPONENTIAL)
    w, chi = check_point(objective, w, delta, epsilon)
    margins = objective.margins(w)
    if margins.min() <= 0:
        raise ValueError(
            f"w has margin {margins.min():.3g} <= 0; a direction that separates the "
            "data is needed (Assumption 2 (iii))"
        )
    degree = objective.degree(w)
    w = w / margins.min() ** (1.0 / degree)
    found: list[tuple[KKTReport, Array]] = []
    for _ in range(rounds):
        pattern, normals = kink_pattern(objective, w, on_kink)
        w = _Smooth(objective, chi, pattern, normals).solve(w)
        report = kkt_residual(
            network, w, x, y, delta, epsilon, near=1e-9, rescale=False
        )
        found.append((report, w))
        if report.residual < 1e-12:
            break
    report, w = min(found, key=lambda one: one[0].residual)
    margin = report.margins.min()
    return KKTPoint(
        w,
        report.multipliers,
        normalized_margin=float(margin / np.linalg.norm(w) ** degree),
        skewed_margin=float(margin / np.linalg.norm(w / chi) ** degree),
        residual=report.residual,
    )


class _Smooth:
    """(*) on one smooth piece of Phi: minimize |v|^2/2, z(chi v) >= 1, N chi v = 0."""

    def __init__(
        self, objective: Objective, chi: Array, pattern: Array | None, normals: Array
    ) -> None:
        self.objective, self.chi, self.pattern = objective, chi, pattern
        self.normals = normals * chi

    def solve(self, w: Array) -> Array:
        v = self._approach(w / self.chi)
        return self.chi * self._polish(v)

    def _z(self, v: Array) -> Array:
        return self.objective.margins(self.chi * v, self.pattern)

    def _jacobian(self, v: Array) -> Array:
        return self.objective.jacobian(self.chi * v, self.pattern) * self.chi

    def _approach(self, v: Array) -> Array:
        """Sequential quadratic programming, to about 1e-8."""
        constraints = [
            {"type": "ineq", "fun": lambda v: self._z(v) - 1.0, "jac": self._jacobian}
        ]
        # Scaled rows without repetition: SLSQP wants independent equations.
        _, values, rows = np.linalg.svd(self.normals, full_matrices=False)
        rows = rows[values > 1e-10 * values.max(initial=0.0)]
        if len(rows):
            constraints.append(
                {"type": "eq", "fun": lambda v: rows @ v, "jac": lambda v: rows}
            )
        result = minimize(
            lambda v: 0.5 * v @ v,
            v,
            jac=lambda v: v,
            constraints=constraints,
            method="SLSQP",
            options={"ftol": 1e-15, "maxiter": 300},
        )
        good = np.isfinite(result.x).all() and self._z(result.x).min() > 0.5
        return result.x if good else v

    def _polish(self, v: Array) -> Array:
        """Newton on v = J_A^T lambda + N^T nu, z_A = 1, N v = 0; A by its signs."""
        z = self._z(v)
        active = np.flatnonzero(z < 1.0 + 1e-5)
        for _ in range(20):
            new, multipliers = self._newton(v, active)
            if new is None:
                return v
            v = new
            kept = active[multipliers > 0]
            missed = np.flatnonzero(self._z(v) < 1.0 - 1e-10)
            chosen = np.union1d(kept, missed)
            if np.array_equal(chosen, active):
                break
            active = chosen
        return v

    def _newton(self, v: Array, active: Array) -> tuple[Array | None, Array]:
        p, a, k = len(v), len(active), len(self.normals)
        jac = self._jacobian(v)[active]
        dual = np.linalg.lstsq(np.vstack([jac, self.normals]).T, v, rcond=None)[0]
        for _ in range(30):
            weights = np.zeros(self.objective.n)
            weights[active] = dual[:a]
            bend = self.objective.curvature(self.chi * v, weights, self.pattern)
            rows = np.vstack([self._jacobian(v)[active], self.normals])
            matrix = np.zeros((p + a + k, p + a + k))
            matrix[:p, :p] = np.eye(p) - self.chi[:, None] * bend * self.chi
            matrix[:p, p:], matrix[p:, :p] = -rows.T, rows
            defect = np.concatenate(
                [v - rows.T @ dual, self._z(v)[active] - 1.0, self.normals @ v]
            )
            step = np.linalg.lstsq(matrix, -defect, rcond=1e-13)[0]
            v, dual = v + step[:p], dual + step[p:]
            if not np.isfinite(v).all() or np.linalg.norm(step[:p]) > 1e3:
                return None, dual[:a]
            if np.linalg.norm(step[:p]) < 1e-15 * np.linalg.norm(v):
                break
        return v, dual[:a]
