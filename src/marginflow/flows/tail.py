"""The tail of a flow: w alone, once the preconditioner has stopped moving.

When |1 - beta^2| < 1e-17 in every component, beta is 1 in float64, and w no longer
feels g and h. D = g/delta - h/epsilon then only shrinks further, because it grows
nowhere except where grad L^2/delta > 1 + g/delta, and the tail starts below 1. So
w' = -chi^2 grad L(w) carries on alone, stiff, with p unknowns. g and h are still known:
they relax towards grad L^2 and w'^2 at the rate t(1 - rho) > 1000 in log t, and follow
them with a lag that is expanded in the inverse rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from marginflow.flows.systems import System

__all__ = ["Tail"]

Array = np.ndarray


@dataclass(frozen=True)
class Tail:
    """w' = -chi^2 beta grad L(w) with a constant beta, from solver time ``since`` on.

    Attributes:
        system: the whole flow.
        since: solver time of the switch.
        beta: the constant beta, 1 for AdaDelta.
        frozen: log(g/delta) where g keeps its value for good (AdaGrad), or None.
    """

    system: System
    since: float
    beta: Float[Array, " p"]
    frozen: Float[Array, " p"] | None = None

    @property
    def kept(self) -> list[str]:
        """Blocks of the whole system's state that are still integrated."""
        return ["w", "energy"] if self.system.quadratures else ["w"]

    def shrink(self, state: Float[Array, " k"]) -> Float[Array, " j"]:
        """The tail's state out of the whole one."""
        return np.concatenate([state[self.system.where[name]] for name in self.kept])

    def expand(self, state: Float[Array, " j *m"]) -> Float[Array, " k *m"]:
        """The whole state, NaN where a variable is no longer integrated."""
        size = self.system.p * len(self.system.blocks)
        whole = np.full((size, *state.shape[1:]), np.nan)
        for i, name in enumerate(self.kept):
            part = state[i * self.system.p : (i + 1) * self.system.p]
            whole[self.system.where[name]] = part
        return whole

    def __call__(self, sigma: float, state: Float[Array, " j"]) -> Float[Array, " j"]:
        system, w = self.system, state[: self.system.p]
        with np.errstate(all="ignore"):
            P = system.chi2 * self.beta
            log_loss, u = system.objective.gradient(w, system.pattern, P)
            speed = system.clock.log_speed(sigma)
            slope = -np.exp(speed + log_loss) * P * u
            if not system.quadratures:
                return slope
            return np.concatenate([slope, np.exp(speed + 2.0 * log_loss) * u**2])

    def jacobian(self, sigma: float, state: Array) -> Float[Array, "j j"]:
        system, w = self.system, state[: self.system.p]
        with np.errstate(all="ignore"):
            P = system.chi2 * self.beta
            log_loss, u = system.objective.gradient(w, system.pattern, P)
            hessian = system.objective.hessian(w, system.pattern, P)
            speed = system.clock.log_speed(sigma)
            gain = -np.exp(speed + log_loss) * P
            jac = np.zeros((len(state), len(state)))
            jac[: system.p, : system.p] = gain[:, None] * (np.outer(u, u) + hessian)
            if system.quadratures:
                power = 2.0 * np.exp(speed + 2.0 * log_loss)
                jac[system.p :, : system.p] = power * (
                    (u**2)[:, None] * u + u[:, None] * hessian
                )
            return jac

    def log_average(
        self, sigma: float, w: Array, pattern: Array | None = None
    ) -> Float[Array, " p"]:
        """log(g/delta) = log(h/epsilon), to second order in the inverse rate.

        G' = r (q - G) has G = q - q'/r + O(1/r^2), q = grad L^2/delta.
        """
        if self.frozen is not None:
            return self.frozen
        system = self.system
        with np.errstate(all="ignore"):
            P = system.chi2 * self.beta
            log_loss, u = system.objective.gradient(w, pattern, P)
            bend = system.objective.hessian(w, pattern, P)
            slope = -np.exp(system.clock.log_speed(sigma) + log_loss) * P * u
            log_q = 2.0 * (log_loss + np.log(np.abs(u))) - np.log(system.delta)
            log_q_slope = 2.0 * (u @ slope + bend @ slope / np.where(u == 0, np.inf, u))
            lag = log_q_slope * np.exp(-system.log_rate(sigma))
            return log_q + np.log1p(-np.clip(lag, -1.0, 0.5))
