"""The margin problem of linear predictors, solved with a certificate.

For z_i(w) = <a_i, w> the problem (*) of Theorem 2 is convex and has one solution,

    min ½‖v‖²   subject to   <χ a_i, v> >= 1 for all i,      w = χ v,

a least-distance problem, which Lawson and Hanson turn into nonnegative least squares.
SciPy solves that exactly up to rounding, multipliers included; here, constraints are
brought in as they are found violated, so that thousands of them stay affordable.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import nnls

from marginflow.kkt.points import KKTPoint

__all__ = ["least_distance", "max_margin", "max_margin_classes"]

Array = np.ndarray


def max_margin(
    a: Float[Array, "n p"], chi: float | Float[Array, " p"] = 1.0
) -> KKTPoint:
    """The KKT point of linear predictors z_i(w) = <a_i, w>.

    Args:
        a: y_i x_i, one row for each example.
        chi: skewing vector (ε/δ)^(1/4); 1 for the plain problem (4).

    Returns:
        w scaled to margin 1, and its multipliers.  Its residual is small only if the
        conditions hold, which for this convex problem proves that it is the solution.

    Raises:
        ValueError: no w separates the examples.
    """
    a = np.asarray(a, dtype=np.float64)
    scaled = a * chi
    v, multipliers = _least_norm(
        len(a), a.shape[1], lambda s: scaled[s], lambda v: scaled @ v
    )
    return _point(v, multipliers, np.broadcast_to(chi, v.shape), scaled @ v)


def max_margin_classes(
    x: Float[Array, "n d"],
    labels: Int[Array, " n"],
    chi: Float[Array, "c d"],
) -> KKTPoint:
    """The same for softmax regression: Φ_j(w, x) = <w_j, x>, and one constraint
    Φ_y − Φ_j >= 1 for each example and each class j other than its own.

    Args:
        x: inputs.
        labels: classes 0 … c−1.
        chi: skewing vector, shaped as the weights w.

    Returns:
        w, row by row, and a multiplier for each of the n·(c−1) pairs, example by
        example.

    Raises:
        ValueError: as in :func:`max_margin`.
    """
    x = np.asarray(x, dtype=np.float64)
    classes, d = chi.shape
    example, other = np.nonzero(np.arange(classes) != labels[:, None])
    own = labels[example]

    def rows(pairs: Array) -> Array:
        i, k = example[pairs], np.arange(len(pairs))
        a = np.zeros((len(pairs), classes, d))
        a[k, own[pairs]] = x[i] * chi[own[pairs]]
        a[k, other[pairs]] = -x[i] * chi[other[pairs]]
        return a.reshape(len(pairs), -1)

    def margins(v: Array) -> Array:
        scores = x @ (v.reshape(classes, d) * chi).T
        return scores[example, own] - scores[example, other]

    v, multipliers = _least_norm(len(example), classes * d, rows, margins)
    return _point(v, multipliers, chi.reshape(-1), margins(v))


def _least_norm(
    count: int,
    p: int,
    rows: Callable[[Array], Array],
    margins: Callable[[Array], Array],
    batch: int = 200,
) -> tuple[Array, Array]:
    """Shortest v with margins(v) >= 1, and the multipliers of all constraints."""
    active = np.zeros(0, dtype=int)
    dual = np.zeros(0)
    v, length = np.zeros(p), -1.0
    while True:
        z = margins(v)
        worst = np.argsort(z)[:batch]
        worst = np.setdiff1d(worst[z[worst] < 1 - 1e-10], active)
        # ‖v‖ grows with each constraint that counts, until rounding decides.
        if not len(worst) or v @ v <= length:
            multipliers = np.zeros(count)
            multipliers[active] = dual
            return v, multipliers
        length = float(v @ v)
        active = np.concatenate([active, worst])
        a = rows(active)
        dual = least_distance(a)
        active, dual = active[dual > 0], dual[dual > 0]
        v = rows(active).T @ dual


def least_distance(a: Float[Array, "k p"]) -> Float[Array, " k"]:
    """Multipliers of min ½‖v‖², a v >= 1, by Lawson and Hanson's nnls."""
    # Only inner products of the rows matter, so k columns stand for the p.
    root = np.linalg.qr(a.T, mode="r")
    matrix = np.vstack([root, np.ones(len(a))])
    target = np.zeros(len(matrix))
    target[-1] = 1.0
    u, distance = nnls(matrix, target, maxiter=50 * len(a))
    if distance < 1e-12:
        raise ValueError(
            "x, y cannot be separated: no w has y_i Phi(w, x_i) > 0 for all i, so that "
            "Assumption 2 (iii) fails and problem (*) has no feasible point"
        )
    return u / (1.0 - u.sum())


def _point(v: Array, multipliers: Array, chi: Array, z: Array) -> KKTPoint:
    length = float(v @ v)
    # At a solution ‖v‖² = Σλ_i, and v is the sum of the λ_i χ a_i by construction.
    gap = abs(length - float(multipliers.sum())) / length
    w = v * chi
    return KKTPoint(
        w,
        multipliers,
        normalized_margin=float(z.min() / np.linalg.norm(w)),
        skewed_margin=float(z.min() / np.sqrt(length)),
        residual=float(max(gap, 1 - z.min())),
    )
