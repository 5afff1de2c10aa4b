"""Relatives of AdaDelta as flows of the same form, w' = -P(t) grad L(w).

They share Process 2's interface, so that the companion can set AdaDelta beside gradient
flow and the algorithms of Wang et al. (2021). P is 1/sqrt(delta + g) for all but the
first; beta stands for P divided by its value at g = 0.
"""

from __future__ import annotations

import numpy as np

from marginflow.flows.systems import (
    LOG_ZERO,
    ROUNDING,
    AdaDeltaLog,
    AdaDeltaPaper,
    System,
    Terms,
    to_log,
)

__all__ = ["RULES", "make_system"]

Array = np.ndarray

RULES = ("adadelta", "gradient", "rmsprop", "adam", "adagrad")
"""AdaDelta (Process 2), gradient flow, RMSProp, Adam without momentum, AdaGrad."""


class _Gradient(System):
    """w' = -grad L(w)."""

    blocks = ("w",)
    forgets = False

    def _chi2(self) -> Array:
        return np.ones(self.p)

    def start(self, w: Array, G: Array, H: Array) -> Array:
        return self.state(w=w)

    def beta(self, Y: dict[str, Array]) -> Array:
        return np.ones_like(Y["w"])

    def slopes(self, terms: Terms, Y: dict[str, Array]) -> dict[str, Array]:
        return {"w": self.w_slope(terms)}

    def settled(self, sigma: float, Y: Array) -> Array | None:
        return np.ones(self.p) if self.clock.kind == "log" else None


class _RMSProp(System):
    """g' = (1 - rho)(grad L^2 - g), w' = -grad L / sqrt(delta + g)."""

    blocks: tuple[str, ...] = ("w", "log_G")

    def start(self, w: Array, G: Array, H: Array) -> Array:
        return self.state(w=w, log_G=to_log(G))

    def beta(self, Y: dict[str, Array]) -> Array:
        return 1.0 / np.sqrt(1.0 + np.exp(Y["log_G"]))

    def forgetting(self, terms: Terms, Y: dict[str, Array]) -> tuple[Array, float]:
        """(rate, keep) in (log G)' = rate (q/G - keep)."""
        return terms.rate, 1.0

    def slopes(self, terms: Terms, Y: dict[str, Array]) -> dict[str, Array]:
        rate, keep = self.forgetting(terms, Y)
        return {
            "w": self.w_slope(terms),
            "log_G": rate * (np.exp(terms.log_q - Y["log_G"]) - keep),
        }


class _AdaGrad(_RMSProp):
    """g' = grad L^2: nothing is forgotten."""

    forgets = False

    def forgetting(self, terms: Terms, Y: dict[str, Array]) -> tuple[Array, float]:
        return np.full(self.p, np.exp(terms.speed)), 0.0

    def settled(self, sigma: float, Y: Array) -> Array | None:
        """Once int q, at most q t from here on, is lost in the rounding of 1 + G."""
        blocks = self.split(Y)
        with np.errstate(divide="ignore"):
            terms = self.terms(sigma, blocks)
        rest = terms.log_q + self.clock.log_t(sigma)
        if self.clock.kind != "log" or rest.max() > np.log(ROUNDING):
            return None
        return self.beta(blocks)


class _Adam(_RMSProp):
    """RMSProp with g replaced by G = g/(1 - e^-K), K = int (1 - rho): bias corrected.

    G' = (1 - rho)(q - G)/(1 - e^-K), which at t = 0 asks for G = q. Its rate, about 1/t
    there, is capped like all others.
    """

    blocks = ("w", "log_G", "K")

    def start(self, w: Array, G: Array, H: Array) -> Array:
        if G.any():
            raise ValueError(
                f"g0 is not 0 (g0/delta contains {float(G[G != 0][0])!r}); Adam's bias "
                "correction divides by zero at t = 0 and needs g0 = 0"
            )
        with np.errstate(divide="ignore"):
            log_q = self.terms(0.0, {"w": w, "log_G": to_log(G)}).log_q
        return self.state(w=w, log_G=np.maximum(log_q, LOG_ZERO))

    def forgetting(self, terms: Terms, Y: dict[str, Array]) -> tuple[Array, float]:
        rate = terms.rate / -np.expm1(-Y["K"])
        return np.fmin(rate, np.exp(min(self.log_cap, np.log(1e4)))), 1.0

    def slopes(self, terms: Terms, Y: dict[str, Array]) -> dict[str, Array]:
        return super().slopes(terms, Y) | {"K": terms.rate}


_SYSTEMS: dict[tuple[str, str], type[System]] = {
    ("adadelta", "log"): AdaDeltaLog,
    ("adadelta", "paper"): AdaDeltaPaper,
    ("gradient", "log"): _Gradient,
    ("rmsprop", "log"): _RMSProp,
    ("adam", "log"): _Adam,
    ("adagrad", "log"): _AdaGrad,
}


def make_system(rule: str, variables: str) -> type[System]:
    """The system of a rule in the chosen variables.

    Raises:
        ValueError: no such rule, or no such variables for it.
    """
    if (rule, variables) not in _SYSTEMS:
        raise ValueError(
            f"rule={rule!r} with variables={variables!r} is unknown; choose a rule "
            f'from {RULES} and variables "log", or "paper" for rule "adadelta"'
        )
    return _SYSTEMS[rule, variables]
