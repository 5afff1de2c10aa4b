"""A trajectory of the flow: states at the solver's steps, and in between."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float
from scipy.integrate import OdeSolution

from marginflow.flows.systems import LOG_ZERO, System
from marginflow.flows.tail import Tail

__all__ = ["Crossing", "Trajectory"]

Array = np.ndarray


@dataclass(frozen=True)
class Crossing:
    """A moment at which the trajectory passed from one smooth piece of Phi to another.

    Attributes:
        log_t: when.
        kinks: numbers of the kink functions that changed sign or role.
        sliding: how many kinks the flow slides along from here on.
    """

    log_t: float
    kinks: tuple[int, ...]
    sliding: int = 0


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
        crossings: moments at which the flow met, crossed or left kinks.
        patterns: (solver time, signs of the kink functions) from that time on; 0 where
            the flow slides along the kink; None where pieces are not told apart.
        tail: the flow of w alone that the integration ended with, if it did.
        zero_until: solver times until which log g (first row) and log h (second row)
            stand for averages that started at zero.
        log_t_capped: log of the time from which rates t(1 - rho) were capped, per
            component; inf if never (see :class:`marginflow.flows.AdaptiveFlow`).
        evaluations: of the right-hand side, the work done by the solver.
    """

    sigma: Float[Array, " m"]
    state: Float[Array, "m k"]
    system: System
    interpolant: OdeSolution
    crossings: tuple[Crossing, ...]
    patterns: tuple[tuple[float, Array | None], ...]
    tail: Tail | None
    zero_until: Float[Array, "2 p"] | None
    log_t_capped: Float[Array, " p"]
    evaluations: int

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
            asked = np.log(np.asarray(t, float)) if log_t is None else log_t
        asked = np.atleast_1d(np.asarray(asked, dtype=np.float64))
        sigma = self.system.clock.sigma(asked)
        low, high = self.interpolant.t_min, self.interpolant.t_max
        # Times written as log t come back with a rounding error.
        slack = 1e-12 * max(1.0, abs(high))
        outside = ~((sigma >= low - slack) & (sigma <= high + slack))
        if outside.any():
            first, last = self.system.clock.log_t(np.array([low, high]))
            raise ValueError(
                f"log_t={float(asked[outside][0])!r} lies outside the trajectory, "
                f"log t in [{first:.6g}, {last:.6g}]"
            )
        sigma = np.clip(sigma, low, high)
        return replace(self, sigma=sigma, state=self.interpolant(sigma).T)

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
                return np.expm1(np.expm1(self.sigma))
            return self.sigma.copy()

    @property
    def in_tail(self) -> Bool[Array, " m"]:
        """Where w was integrated alone, because beta no longer moves in float64."""
        if self.tail is None:
            return np.zeros(len(self), dtype=bool)
        return self.sigma > self.tail.since

    @property
    def log_t_tail(self) -> float:
        """log of the time from which w was integrated alone; inf if never."""
        if self.tail is None:
            return np.inf
        return float(self.system.clock.log_t(self.tail.since))

    # States ---------------------------------------------------------------------

    @cached_property
    def _seen(self) -> dict[str, Array]:
        """All variables; NaN in the tail for those that are not integrated there."""
        blocks = self.system.split(self.state)
        seen = blocks | self.system.observe(blocks)
        if self.zero_until is not None:
            early = self.sigma[:, None, None] < self.zero_until
            for i, name in enumerate(("log_G", "log_H")):
                zero = early[:, i] & (seen[name] <= LOG_ZERO)
                seen[name] = np.where(zero, -np.inf, seen[name])
        return seen

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
        return self.system.delta * _exp(self._averages[0])

    @property
    def h(self) -> Float[Array, "m p"]:
        """Decaying average of squared adapted gradients (2); 0 for other rules."""
        if "H" in self.system.where:
            return self.system.epsilon * self._seen["H"]
        return self.system.epsilon * _exp(self._averages[1])

    @cached_property
    def _averages(self) -> tuple[Array, Array]:
        log_G, log_H = self._seen["log_G"].copy(), self._seen["log_H"].copy()
        if self.tail is None:
            return log_G, log_H
        for i in np.flatnonzero(self.in_tail):
            pattern = self._pattern(self.sigma[i])
            log_G[i] = self.tail.log_average(self.sigma[i], self.w[i], pattern)
            log_H[i] = log_G[i] if "log_H" in self.system.where else -np.inf
        return log_G, log_H

    @property
    def beta(self) -> Float[Array, "m p"]:
        """The skewed adapter, sqrt((1 + h/epsilon)/(1 + g/delta)).

        For the other rules, their preconditioner divided by its value at g = 0.
        """
        with np.errstate(invalid="ignore"):
            beta = self.system.beta(self._seen)
        if self.tail is not None:
            beta = np.where(self.in_tail[:, None], self.tail.beta, beta)
        return beta

    @property
    def gap(self) -> Float[Array, "m p"]:
        """1 - beta^2, signed, without cancellation in the "log" variables.

        0 in the tail, where it is below 1e-17 and not followed any further.
        """
        if self.tail is None:
            return self._seen["gap"]
        settled = 1.0 - self.tail.beta**2
        return np.where(self.in_tail[:, None], settled, self._seen["gap"])

    @property
    def log_gap(self) -> Float[Array, "m p"]:
        """log|1 - beta^2|, also where 1 - beta^2 underflows; NaN in the tail."""
        return self._seen["log_gap"]

    @property
    def adapter(self) -> Float[Array, "m p"]:
        """P in w' = -P grad L: sqrt((epsilon + h)/(delta + g)) for AdaDelta."""
        return self.system.chi2 * self.beta

    @property
    def exponent(self) -> Float[Array, "m p"]:
        """int_0^t (1 - rho)/(1 + g/delta), Lemma 5's exponent; NaN in the tail."""
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
        """grad L(w)/L(w) = grad log L(w), the gradient that the flow took.

        Where the flow slides along a kink that is the element of the Clarke
        subdifferential that keeps it there.
        """
        gradient = self.system.objective.gradient
        rows = zip(self.sigma, self.w, self.adapter, strict=True)
        return np.stack([gradient(w, self._pattern(s), P)[1] for s, w, P in rows])

    def _pattern(self, sigma: float) -> Array | None:
        starts = [start for start, _ in self.patterns]
        index = int(np.searchsorted(starts, sigma, side="right")) - 1
        return self.patterns[max(index, 0)][1]

    @property
    def separated(self) -> Bool[Array, " m"]:
        """Where L(w) < l(0), the condition of Assumption 2 (iii)."""
        return self.log_loss < np.log(self.system.objective.loss.at_zero)

    @property
    def log_t_separation(self) -> float:
        """log of the first recorded time with L(w) < l(0); inf if there is none."""
        found = np.flatnonzero(self.separated)
        return float(self.log_t[found[0]]) if len(found) else np.inf

    # Checks ---------------------------------------------------------------------

    def identity_defect(self) -> Float[Array, "m p"]:
        """Relative defect of Lemma 5's integrated form, between integrated quantities:

            |(1 - beta^2) / ((1 - beta(0)^2) exp(-exponent)) - 1|,

        formed from logarithms; 0 where both sides are exactly 0 (beta(0) = 1), inf
        where their signs differ, NaN in the tail.
        """
        start = self.start
        with np.errstate(invalid="ignore", over="ignore"):
            defect = np.abs(np.expm1(self.log_gap - start.log_gap + self.exponent))
        opposite = np.sign(self._seen["gap"]) * np.sign(start.gap) < 0
        defect = np.where(opposite, np.inf, defect)
        both_zero = (self._seen["gap"] == 0) & (start.gap == 0)
        return np.where(both_zero, 0.0, defect)

    @cached_property
    def start(self) -> Trajectory:
        """The trajectory at its first time, m = 1."""
        return self.at(log_t=self.system.clock.log_t(self.interpolant.t_min))

    @property
    def cap_defect(self) -> float:
        """max|1 - beta^2| over the components whose rate was capped, at that moment.

        Capping changes w by less than this (relatively); 0 when nothing was capped.
        """
        worst = 0.0
        for j in np.flatnonzero(np.isfinite(self.log_t_capped)):
            moment = self.at(log_t=self.log_t_capped[j])
            worst = max(worst, float(np.abs(moment.gap[0, j])))
        return worst


def _exp(log_value: Array) -> Array:
    with np.errstate(under="ignore", over="ignore"):
        return np.exp(log_value)
