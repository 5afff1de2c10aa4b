"""What Theorem 2 and its lemmas say, measured on four flows of the perceptron."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from marginflow.claims.claim import Claim, Result, finite

__all__ = [
    "along_the_flow",
    "direction",
    "direction_rate",
    "identity",
    "last_gap",
    "loss_rate",
    "monotone",
    "norm_rate",
]

LOG_T_END = 1e6


@lru_cache(maxsize=1)
def _flows():
    """Four perceptron flows to log t = 10^6, and the KKT direction each should take."""
    from marginflow.data import perceptron_points, seeded_generator
    from marginflow.flows import AdaptiveFlow
    from marginflow.kkt import perceptron_kkt_points
    from marginflow.losses import EXPONENTIAL, LOGISTIC
    from marginflow.networks import LeakyPerceptron

    x, y = (t.numpy() for t in perceptron_points(seeded_generator(0, 0)))
    skew = np.array([4.0, 1.0, 0.25])
    flows = []
    for loss in (EXPONENTIAL, LOGISTIC):
        for delta, epsilon in ((np.ones(3), np.ones(3)), (skew, 1 / skew)):
            run = AdaptiveFlow(
                LeakyPerceptron(), x, y, loss=loss, delta=delta, epsilon=epsilon
            ).integrate(
                np.array([0.6, 0.5, 0.1]),
                np.array([0.2, 0.5, 3.0]),
                np.array([4.0, 1.5, 0.1]),
                log_t_end=LOG_T_END,
                rtol=1e-12,
            )
            limit = perceptron_kkt_points(x, y, delta, epsilon).nearest(run.w[-1]).w
            flows.append((run, limit / np.linalg.norm(limit)))
    return flows


def _slope(log_t, values, low: float = 1e2) -> float:
    """Slope of ``values`` against log log t, over the last four decades."""
    late = log_t >= low
    return float(np.polyfit(np.log(log_t[late]), values[late], 1)[0])


def along_the_flow(claim: Claim, _: Path) -> list[Result]:
    """Hold the number that is farthest off, of the four flows, to the tolerance."""
    numbers = claim.quantity()
    if claim.holds == "within":
        worst = max(numbers, key=lambda number: abs(number - claim.limit))
        found = f"{worst:.4f}"
    else:
        worst = max(numbers)
        found = f"{worst:.1e}"
    kept = claim.kept_by(worst)
    verdict = "reproduced" if kept else "not reproduced"
    return [Result(verdict, found, *finite(worst, min(numbers), max(numbers)))]


def loss_rate() -> list[float]:
    """Slope of log(t L) against log log t for log t from 10^2 to 10^6; L = 2."""
    return [_slope(run.log_t, run.log_loss + run.log_t) for run, _ in _flows()]


def norm_rate() -> list[float]:
    """Slope of log ‖w‖ against log log t for log t from 10^2 to 10^6."""
    return [
        _slope(run.log_t, np.log(np.linalg.norm(run.w, axis=1))) for run, _ in _flows()
    ]


def _distances(run, limit):
    w = run.w / np.linalg.norm(run.w, axis=1, keepdims=True)
    return np.linalg.norm(w - limit, axis=1)


def direction() -> list[float]:
    """Distance to the exact KKT direction at log t = 10^6, over that at 10^2."""
    shrunk = []
    for run, limit in _flows():
        distance = _distances(run, limit)
        shrunk.append(distance[-1] / np.interp(100.0, run.log_t, distance))
    return shrunk


def direction_rate() -> list[float]:
    """Distance of the slope of its logarithm from the nearer of -1 and -1/2."""
    slopes = [
        _slope(run.log_t, np.log(_distances(run, limit))) for run, limit in _flows()
    ]
    return [min(abs(slope + 0.5), abs(slope + 1.0)) for slope in slopes]


def identity() -> list[float]:
    """Largest relative defect of the integrated form."""
    return [float(np.nanmax(run.identity_defect())) for run, _ in _flows()]


def _gaps() -> list[np.ndarray]:
    """1 - β² at the recorded times at which g and h are integrated."""
    return [run.gap[~np.isnan(run.gap).any(axis=1)] for run, _ in _flows()]


def last_gap() -> list[float]:
    """Largest |1 - β²| at the last time at which g and h are integrated."""
    return [float(np.abs(gap[-1]).max()) for gap in _gaps()]


def monotone() -> list[float]:
    """Largest relative rise of |1 - β²| between times; infinite if its sign changes."""
    rises = []
    for gap in _gaps():
        size = np.abs(gap)
        rise = float((np.diff(size, axis=0) / size.max(axis=0)).max())
        crossed = bool((np.sign(gap) * np.sign(gap[0]) < 0).any())
        rises.append(float("inf") if crossed else max(0.0, rise))
    return rises
