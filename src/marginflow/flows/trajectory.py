"""A trajectory of the flow: states at the solver's steps, and in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float
from scipy.integrate import OdeSolution

from marginflow.flows.systems import LOG_ZERO, System

__all__ = ["Crossing", "Trajectory"]

Array = np.ndarray


@dataclass(frozen=True)
class Crossing:
    """A moment at which the trajectory passed from one smooth piece of Phi to another.

    Attributes:
        log_t: when.
        kinks: indices of the kink functions that changed sign.
    """

    log_t: float
    kinks: tuple[int, ...]


@dataclass(frozen=True)
class Trajectory:
    """w, g, h, beta and the loss along a flow, at m times; interpolates.

    ``trajectory.at(t=...)`` and ``trajectory.at(log_t=...)`` give a trajectory at other
    times within the same span, from the solver's own interpolants.

    Attributes:
        sigma: solver time, shape (m,); see :class:`marginflow.flows.Clock`.
        state: solver state, shape (m, k).
        system: the differential equation.
        interpolant: sigma -> state.
        crossings: located kinks.
        zero_until: solver times until which log g (first row) and log h (second row)
            stand for averages that started at zero.
        log_t_capped: log of the time from which rates t(1 - rho) were capped, per
            component; inf if never (see :class:`marginflow.flows.AdaptiveFlow`).
        evaluations, jacobians: work done by the solver.
    """

    sigma: Float[Array, " m"]
    state: Float[Array, "m k"]
    system: System
    interpolant: OdeSolution
    crossings: tuple[Crossing, ...] = ()
    zero_until: Float[Array, "2 p"] = field(default=None)
    log_t_capped: Float[Array, " p"] = field(default=None)
    evaluations: int = 0
    jacobians: int = 0

    def __len__(self) -> int:
        return len(self.sigma)

    def at(
        self, *, t: float | Array | None = None, log_t: float | Array | None = None
    ) -> Trajectory:
        """The trajectory at the given times (shape () or (m,)), from interpolation.

        Raises:
            ValueError: not exactly one of t, log_t, or a time outside the span.
        """
        if (t is None) == (log_t is None):
            raise ValueError("at() takes exactly one of t and log_t")
        with np.errstate(divide="ignore", invalid="ignore"):
            log_t = np.log(np.atleast_1d(t)) if log_t is None else np.atleast_1d(log_t)
        log_t = np.asarray(log_t, dtype=np.float64)
        sigma = self.system.clock.sigma(log_t)
        low, high = self.interpolant.t_min, self.interpolant.t_max
        # Times written as log t come back with a rounding error.
        slack = 1e-12 * max(1.0, abs(high))
        outside = ~((sigma >= low - slack) & (sigma <= high + slack))
        if outside.any():
            first, last = self.system.clock.log_t(np.array([low, high]))
            raise ValueError(
                f"log_t={log_t[outside][0]!r} lies outside the trajectory, "
                f"log t in [{first:.6g}, {last:.6g}]"
            )
        sigma = np.clip(sigma, low, high)
        fields = {k: v for k, v in self.__dict__.items() if k in _CARRIED}
        return Trajectory(sigma, self.interpolant(sigma).T, **fields)

    # Times ----------------------------------------------------------------------

    @cached_property
    def log_t(self) -> Float[Array, " m"]:
        """log t; -inf at t = 0."""
        return self.system.clock.log_t(self.sigma)

    @property
    def t(self) -> Float[Array, " m"]:
        """t; inf where it is no float, from log t = 709.8 on."""
        with np.errstate(over="ignore"):
            if self.system.clock.kind == "log":
                return np.expm1(self.sigma)
            return self.sigma.copy()

    # States ---------------------------------------------------------------------

    @cached_property
    def _seen(self) -> dict[str, Array]:
        blocks = self.system.split(self.state)
        seen = self.system.observe(blocks)
        if self.zero_until is not None:
            early = self.sigma[:, None, None] < self.zero_until
            for i, name in enumerate(("log_G", "log_H")):
                zero = early[:, i] & (seen[name] <= LOG_ZERO)
                seen[name] = np.where(zero, -np.inf, seen[name])
        return blocks | seen

    @property
    def w(self) -> Float[Array, "m p"]:
        """The parameters."""
        return self._seen["w"]

    @property
    def v(self) -> Float[Array, "m p"]:
        """w / chi, the variables of Theorem 4."""
        return self.w / self.chi

    @property
    def chi(self) -> Float[Array, " p"]:
        """(epsilon/delta)^(1/4); the square root of the limiting preconditioner."""
        return np.sqrt(self.system.chi2)

    @property
    def g(self) -> Float[Array, "m p"]:
        """Decaying average of squared gradients (1)."""
        if "G" in self.system.where:
            return self.system.delta * self._seen["G"]
        return self.system.delta * _exp(self._seen["log_G"])

    @property
    def h(self) -> Float[Array, "m p"]:
        """Decaying average of squared adapted gradients (2); 0 for other rules."""
        if "H" in self.system.where:
            return self.system.epsilon * self._seen["H"]
        return self.system.epsilon * _exp(self._seen["log_H"])

    @property
    def log_g(self) -> Float[Array, "m p"]:
        """log g, also where g itself underflows."""
        return self._seen["log_G"] + np.log(self.system.delta)

    @property
    def log_h(self) -> Float[Array, "m p"]:
        """log h, also where h itself underflows."""
        return self._seen["log_H"] + np.log(self.system.epsilon)

    @property
    def beta(self) -> Float[Array, "m p"]:
        """The skewed adapter, sqrt((1 + h/epsilon)/(1 + g/delta)).

        For the other rules, their preconditioner divided by its value at g = 0.
        """
        return self.system.beta(self._seen)

    @property
    def gap(self) -> Float[Array, "m p"]:
        """1 - beta^2, signed, without cancellation in the "log" variables."""
        return self._seen["gap"]

    @property
    def log_gap(self) -> Float[Array, "m p"]:
        """log|1 - beta^2|, also where 1 - beta^2 underflows."""
        return self._seen["log_gap"]

    @property
    def adapter(self) -> Float[Array, "m p"]:
        """P in w' = -P grad L: sqrt((epsilon + h)/(delta + g)) for AdaDelta."""
        return self.system.chi2 * self.beta

    @property
    def exponent(self) -> Float[Array, "m p"]:
        """int_0^t (1 - rho)/(1 + g/delta), Lemma 5's exponent (AdaDelta only)."""
        return self._integral("exponent")

    @property
    def energy(self) -> Float[Array, "m p"]:
        """int_0^t grad L^2 per component, which Lemma 8 bounds by C_j."""
        return self._integral("energy")

    def _integral(self, name: str) -> Array:
        if name not in self.system.where:
            raise ValueError(
                f"{name} was not integrated; integrate an AdaDelta flow with "
                "quadratures=True"
            )
        return self._seen[name]

    # Loss and margins -----------------------------------------------------------

    @cached_property
    def margins(self) -> Float[Array, "m n"]:
        """y_i Phi(w, x_i)."""
        return self.system.objective.margins(self.w)

    @cached_property
    def log_loss(self) -> Float[Array, " m"]:
        """log L(w(t))."""
        return self.system.objective.log_loss_of(self.margins)

    @cached_property
    def relative_gradient(self) -> Float[Array, "m p"]:
        """grad L(w)/L(w) = grad log L(w)."""
        return np.stack([self.system.objective.gradient(row)[1] for row in self.w])

    @property
    def separated(self) -> Array:
        """Where L(w) < l(0), the condition of Assumption 2 (iii), shape (m,)."""
        return self.log_loss < np.log(self.system.objective.loss.at_zero)

    @property
    def log_t_separation(self) -> float:
        """log of the first recorded time with L(w) < l(0); inf if there is none."""
        found = np.flatnonzero(self.separated)
        return float(self.log_t[found[0]]) if len(found) else np.inf

    def identity_defect(self) -> Float[Array, "m p"]:
        """Relative defect of Lemma 5's integrated form, between integrated quantities:

            |(1 - beta^2) / ((1 - beta(0)^2) exp(-exponent)) - 1|,

        formed from logarithms; 0 where both sides are exactly 0 (beta(0) = 1).
        """
        log_gap, start = self.log_gap, self._start.log_gap
        with np.errstate(invalid="ignore", over="ignore"):
            defect = np.abs(np.expm1(log_gap - start + self.exponent))
            kept_sign = np.sign(self.gap) * np.sign(self._start.gap) >= 0
        both_zero = np.isneginf(log_gap) & np.isneginf(start)
        return np.where(both_zero, 0.0, np.where(kept_sign, defect, np.inf))

    @cached_property
    def _start(self) -> Trajectory:
        return self.at(log_t=self.system.clock.log_t(self.interpolant.t_min))

    @property
    def cap_defect(self) -> float:
        """max|1 - beta^2| over the components whose rate was capped, at that moment.

        Capping changes w by less than this (relatively); 0 when nothing was capped.
        """
        if self.log_t_capped is None or not np.isfinite(self.log_t_capped).any():
            return 0.0
        worst = 0.0
        for j in np.flatnonzero(np.isfinite(self.log_t_capped)):
            moment = self.at(log_t=self.log_t_capped[j])
            worst = max(worst, float(np.abs(moment.gap[0, j])))
        return worst


_CARRIED = (
    "system",
    "interpolant",
    "crossings",
    "zero_until",
    "log_t_capped",
    "evaluations",
    "jacobians",
)


def _exp(log_value: Array) -> Array:
    with np.errstate(under="ignore", over="ignore"):
        return np.exp(log_value)
