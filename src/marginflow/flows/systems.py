"""Process 2 and its relatives as first-order systems.

Two choices of variables for Process 2, for G = g/delta, H = h/epsilon, D = G - H:

"paper"  (w, G, H): equations (1), (2), (3) as they stand.
"log"    (w, log G, log H, log|D|): the same equations, rewritten so that relative
         accuracy survives. (1) and (2) divided by delta, epsilon give, with
         q = grad L^2 / delta and w'^2 / epsilon = beta^2 q from (3),

             (log G)' = (1 - rho)(q/G - 1),    (log H)' = (1 - rho)(beta^2 q/H - 1),
             D' = (1 - rho)(q - beta^2 q - D), beta^2 = (1 + H)/(1 + G)
                                                      = 1 - D/(1 + G),

         so that log|D|' = -(1 - rho)(1 - q/(1 + G)) and 1 - beta^2 = D/(1 + G) keeps
         all its digits however small it is. Lemma 5 is not used: its exponent
         int (1 - rho)/(1 + g/delta) is integrated beside the flow, for comparison.

Both are written for a clock sigma with dt = T dsigma, T = exp(log_speed), see `Clock`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from marginflow import checks
from marginflow.flows.objective import Objective
from marginflow.flows.schedules import Decay

__all__ = ["LOG_ZERO", "AdaDeltaLog", "AdaDeltaPaper", "Clock", "System", "Terms"]

Array = np.ndarray

LOG_ZERO = -80.0
"""Stands for log 0 in the "log" variables: 18 orders below the rounding of 1 + G."""

ROUNDING = 1e-17
"""|1 - beta^2| below which beta is 1 in float64."""

FAST = 1e3
"""Rate t (1 - rho) from which g and h follow the gradient adiabatically."""


@dataclass(frozen=True)
class Clock:
    """The solver's time: sigma = t ("t"), or sigma = log(1 + log(1 + t)) ("log").

    The second starts at t = 0 without a singularity. It is one logarithm further than
    log t because that is the scale on which the tail moves (w grows like a power of
    log t): steps then neither shrink nor grow, and a stiff solver sees the stiffness
    grow with sigma instead of sitting at the edge of its stability region.
    """

    kind: str

    def __post_init__(self) -> None:
        checks.one_of("clock", self.kind, ("t", "log"))

    def log_speed(self, sigma: float) -> float:
        """log dt/dsigma."""
        return np.expm1(sigma) + sigma if self.kind == "log" else 0.0

    def log_t(self, sigma: float | Array) -> Array:
        """log t; -inf at t = 0."""
        with np.errstate(divide="ignore"):
            if self.kind == "t":
                return np.log(sigma)
            inner = np.expm1(np.asarray(sigma, dtype=np.float64))  # log(1 + t)
            return inner + np.log(-np.expm1(-inner))

    def sigma(self, log_t: float | Array) -> Array:
        """Inverse of :meth:`log_t`."""
        with np.errstate(over="ignore", invalid="ignore"):
            if self.kind == "t":
                return np.exp(log_t)
            return np.log1p(np.logaddexp(0.0, log_t))

    def log_stretch(self, sigma: float) -> float:
        """log of dsigma-rates per rates in log(1 + t), in which caps are stated."""
        return sigma if self.kind == "log" else 0.0


@dataclass
class Terms:
    """What every right-hand side at (sigma, w) is made of."""

    speed: float  # log T
    beta: Array
    log_loss: float
    u: Array  # grad log L
    log_q: Array  # log(grad L^2 / delta); -inf where the gradient is 0
    rate: Array  # T (1 - rho), never above the cap


class System(ABC):
    """A flow as d Y/d sigma = F(sigma, Y), Y a concatenation of named blocks of p."""

    blocks: tuple[str, ...]
    sign: Array | float = 1.0
    """Of D = G - H, which it keeps for good."""
    forgets = True
    """Whether averages decay, at rates that may have to be capped."""

    def __init__(
        self,
        objective: Objective,
        decay: Decay,
        delta: Float[Array, " p"],
        epsilon: Float[Array, " p"],
        clock: Clock,
        rate_cap: float,
        quadratures: bool,
    ) -> None:
        self.objective, self.decay, self.clock = objective, decay, clock
        self.delta, self.epsilon, self.p = delta, epsilon, len(delta)
        self.log_cap = np.log(rate_cap) if clock.kind == "log" else np.inf
        self.quadratures = quadratures
        self.pattern: Array | None = None  # piece of Phi, set by the integrator
        self.chi2 = self._chi2()
        if quadratures:
            self.blocks = (*self.blocks, *self.integrals)
        self.where = {
            name: slice(i * self.p, (i + 1) * self.p)
            for i, name in enumerate(self.blocks)
        }

    integrals: tuple[str, ...] = ("energy",)

    def _chi2(self) -> Float[Array, " p"]:
        """The preconditioner's value for zero averages."""
        return 1.0 / np.sqrt(self.delta)

    @abstractmethod
    def start(self, w: Array, G: Array, H: Array) -> Float[Array, " k"]:
        """The state at t = 0."""

    @abstractmethod
    def slopes(self, terms: Terms, Y: dict[str, Array]) -> dict[str, Array]:
        """F, block by block."""

    def observe(self, Y: dict[str, Array]) -> dict[str, Array]:
        """log_G, log_H, 1 - beta^2 and its log modulus from blocks of shape (m, p)."""
        zero = np.full_like(Y["w"], -np.inf)
        log_G = Y.get("log_G", zero)
        with np.errstate(under="ignore", invalid="ignore"):
            # 1 - beta^2 = D/(1 + G), where D = G without an average h.
            log_gap = Y.get("log_D", log_G) - np.logaddexp(0.0, log_G)
            log_gap = np.where(self.sign == 0, -np.inf, log_gap)
            return {
                "log_G": log_G,
                "log_H": Y.get("log_H", zero),
                "gap": self.sign * np.exp(log_gap),
                "log_gap": log_gap,
            }

    def state(self, **known: Array) -> Float[Array, " k"]:
        """A state from its blocks; those that are not named are 0."""
        parts = [known.get(name, np.zeros(self.p)) for name in self.blocks]
        return np.concatenate(parts)

    def split(self, Y: Array) -> dict[str, Array]:
        """The blocks of a state (k,) or of a stack of states (m, k)."""
        return {name: Y[..., part] for name, part in self.where.items()}

    def log_rate(self, sigma: float) -> float | Array:
        """log(T (1 - rho)), before the cap."""
        log_t = float(self.clock.log_t(sigma))
        return self.clock.log_speed(sigma) + self.decay.log_complement(log_t)

    def capped(self, sigma: float) -> Array:
        """Which rates stand at the cap, shape (p,)."""
        cap = self.log_cap + self.clock.log_stretch(sigma)
        return np.broadcast_to(self.log_rate(sigma) > cap, (self.p,))

    def fast(self, sigma: float) -> bool:
        """Whether all rates, per unit of log(1 + t), have passed FAST."""
        rate = self.log_rate(sigma) - self.clock.log_stretch(sigma)
        return bool(np.all(rate > np.log(FAST)))

    def settled(self, sigma: float, Y: Array) -> Array | None:
        """beta, once it will not change any more in float64; None before that."""
        if self.clock.kind != "log" or not self.fast(sigma):
            return None
        blocks = self.split(Y)
        if np.abs(self.observe(blocks)["gap"]).max() >= ROUNDING:
            return None
        with np.errstate(divide="ignore"):
            # D = G - H shrinks wherever q < 1 + G, so that the gap stays this small.
            shrinking = self.terms(sigma, blocks).log_q.max() < 0
        return np.ones(self.p) if shrinking else None

    def first_step(self, Y: Array) -> tuple[float, Array]:
        """A tiny Euler step off averages that are zero: its end in sigma and Y."""
        return 0.0, Y

    def preconditioner(self, Y: dict[str, Array]) -> Array:
        """P in w' = -P grad L."""
        return self.chi2 * self.beta(Y)

    def terms(self, sigma: float, Y: dict[str, Array]) -> Terms:
        beta = self.beta(Y)
        log_loss, u = self.objective.gradient(Y["w"], self.pattern, self.chi2 * beta)
        log_q = 2.0 * (log_loss + np.log(np.abs(u))) - np.log(self.delta)
        cap = self.log_cap + self.clock.log_stretch(sigma)
        rate = np.exp(np.minimum(self.log_rate(sigma), cap))
        rate = np.broadcast_to(rate, (self.p,))
        return Terms(self.clock.log_speed(sigma), beta, log_loss, u, log_q, rate)

    def __call__(self, sigma: float, Y: Array) -> Array:
        with np.errstate(all="ignore"):
            blocks = self.split(Y)
            terms = self.terms(sigma, blocks)
            slopes = self.slopes(terms, blocks)
            if self.quadratures:
                slopes["energy"] = self.delta * np.exp(terms.speed + terms.log_q)
            return np.concatenate([slopes[name] for name in self.blocks])

    @abstractmethod
    def beta(self, Y: dict[str, Array]) -> Array:
        """The preconditioner divided by chi^2, component by component."""

    def w_slope(self, terms: Terms) -> Array:
        """-T P(t) grad L(w), P the preconditioner."""
        gain = np.exp(terms.speed + terms.log_loss) * (self.chi2 * terms.beta)
        return -gain * terms.u


class _AdaDelta(System):
    integrals = ("exponent", "energy")

    def _chi2(self) -> Array:
        return np.sqrt(self.epsilon / self.delta)


class AdaDeltaPaper(_AdaDelta):
    """Equations (1) to (3) as they stand, in units of delta and epsilon."""

    blocks = ("w", "G", "H")

    def start(self, w: Array, G: Array, H: Array) -> Array:
        return self.state(w=w, G=G, H=H)

    def beta(self, Y: dict[str, Array]) -> Array:
        return np.sqrt((1.0 + Y["H"]) / (1.0 + Y["G"]))

    def slopes(self, terms: Terms, Y: dict[str, Array]) -> dict[str, Array]:
        q, beta2 = np.exp(terms.log_q), terms.beta**2
        return {
            "w": self.w_slope(terms),
            "G": terms.rate * (q - Y["G"]),
            "H": terms.rate * (beta2 * q - Y["H"]),
            "exponent": terms.rate / (1.0 + Y["G"]),
        }

    def observe(self, Y: dict[str, Array]) -> dict[str, Array]:
        with np.errstate(divide="ignore", invalid="ignore"):
            gap = (Y["G"] - Y["H"]) / (1.0 + Y["G"])
            return {
                "log_G": np.log(Y["G"]),
                "log_H": np.log(Y["H"]),
                "gap": gap,
                "log_gap": np.log(np.abs(gap)),
            }


class AdaDeltaLog(_AdaDelta):
    """The same flow in (w, log G, log H, log|D|)."""

    blocks = ("w", "log_G", "log_H", "log_D")

    def start(self, w: Array, G: Array, H: Array) -> Array:
        self.sign = np.sign(G - H)
        D = np.abs(G - H)
        return self.state(w=w, log_G=to_log(G), log_H=to_log(H), log_D=to_log(D))

    def first_step(self, Y: Array) -> tuple[float, Array]:
        """Zero has no logarithm, so averages that start there leave it by Euler's step.

        The step is 1e-11 of the shortest time scale, hence its relative error: 1e-11
        in the averages that were zero, 1e-22 in all else.
        """
        blocks = self.split(Y)
        low = (blocks["log_G"] <= LOG_ZERO) | (blocks["log_H"] <= LOG_ZERO)
        if not low.any():
            return 0.0, Y
        w, G, H = blocks["w"], np.exp(blocks["log_G"]), np.exp(blocks["log_H"])
        with np.errstate(divide="ignore"):
            terms = self.terms(0.0, blocks)
        slopes, q = self.slopes(terms, blocks), np.exp(terms.log_q)
        beta2, rate = terms.beta**2, terms.rate
        swiftness = np.abs(slopes["w"]).max() * np.abs(terms.u).max()
        swiftness += (rate * (1.0 + q)).max()
        step = 1e-11 / max(1.0, swiftness)
        G = np.where(blocks["log_G"] <= LOG_ZERO, 0.0, G)
        H = np.where(blocks["log_H"] <= LOG_ZERO, 0.0, H)
        return step, self.state(
            w=w + step * slopes["w"],
            log_G=to_log(G + step * rate * (q - G)),
            log_H=to_log(H + step * rate * (beta2 * q - H)),
            log_D=to_log(np.exp(blocks["log_D"] + step * slopes["log_D"])),
            exponent=step * slopes["exponent"],
            energy=step * self.delta * q,
        )

    def beta(self, Y: dict[str, Array]) -> Array:
        one_G = 1.0 + np.exp(Y["log_G"])
        difference = self.sign * np.exp(np.where(self.sign == 0, 0.0, Y["log_D"]))
        gap = difference / one_G
        # Where beta is near 0, 1 - gap would have lost its digits.
        near_zero = (1.0 + np.exp(Y["log_H"])) / one_G
        return np.sqrt(np.where(gap > 0.999, near_zero, 1.0 - gap))

    def slopes(self, terms: Terms, Y: dict[str, Array]) -> dict[str, Array]:
        one_G, beta2 = 1.0 + np.exp(Y["log_G"]), terms.beta**2
        log_q, rate = terms.log_q, terms.rate
        moving = np.abs(self.sign)
        return {
            "w": self.w_slope(terms),
            "log_G": rate * (np.exp(log_q - Y["log_G"]) - 1.0),
            "log_H": rate * (beta2 * np.exp(log_q - Y["log_H"]) - 1.0),
            "log_D": -moving * rate * (1.0 - np.exp(log_q) / one_G),
            "exponent": rate / one_G,
        }


def to_log(value: Array) -> Array:
    """log of averages, LOG_ZERO for 0."""
    with np.errstate(divide="ignore"):
        return np.where(value > 0, np.log(value), LOG_ZERO)
