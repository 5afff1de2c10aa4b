"""The adaptive gradient flow of Process 2, integrated up to log t = 10^6."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn

from marginflow import checks
from marginflow.flows.objective import Phi
from marginflow.flows.relatives import make_system
from marginflow.flows.run import METHODS, Run
from marginflow.flows.schedules import Decay, as_decay
from marginflow.flows.systems import Clock
from marginflow.flows.trajectory import Trajectory
from marginflow.flows.two_layer import make_objective
from marginflow.losses import EXPONENTIAL, Loss

__all__ = ["AdaptiveFlow"]

Array = np.ndarray


class AdaptiveFlow:
    """w' = -sqrt((epsilon + h)/(delta + g)) grad L(w), equations (1) to (3).

    The flow can be integrated in t, or in a logarithm of it (:class:`Clock`), in which
    it reaches log t = 10^6 and t grad L is formed as exp(log t + log L) grad log L.

    In log time g and h relax at the rate t (1 - rho), without bound. This singular
    limit is left to the solver as long as w can feel it:

    - Once |1 - beta^2| < 1e-17 in all components and all rates are above 1000, beta is
      1 in float64, and w is integrated alone (:class:`Tail`).
    - Should a rate reach ``rate_cap`` before that (some components may forget much
      faster than others), it stays there: the solver sees Process 2 with 1 - rho
      replaced by min(1 - rho, rate_cap/t), again a schedule in [0, 1] that Assumption
      2 (i) admits. Nothing changes up to t = rate_cap/(1 - rho), and from then on the
      two flows share w to within the |1 - beta^2| of that moment, since w feels g and
      h through beta alone. This number is ``trajectory.cap_defect``; the run fails
      when it exceeds ``rtol``.

    Where Phi has kinks the right-hand side jumps. Two-layer (Leaky) ReLU networks are
    integrated piece by piece, and slide along a kink to which both sides push them
    (Filippov's solution; the gradient is then the element of Clarke's subdifferential
    that keeps w on the kink). For other networks crossings are located as well, but
    sliding ends in a :class:`SlidingError`.

    Args:
        network: a module, or a torch function phi(w, x), with outputs "n" or "n c".
        x: inputs "n d".
        y: labels "n", -1 or +1; with c outputs the classes 0, ..., c - 1.
        loss: EXPONENTIAL or LOGISTIC; with c outputs the exponential loss over pairs of
            classes, or cross-entropy (see :class:`Objective`).
        rho: decay coefficients: a number, one per component, a function of t, or a
            :class:`marginflow.flows.Decay`, which alone is exact as rho tends to 1.
        delta, epsilon: stability terms > 0, scalars or per component.
        rule: "adadelta", or a relative: "gradient", "rmsprop", "adam" (without
            momentum), "adagrad".
        homogeneous: check Assumption 1 (ii). Switch off to see what it is needed for.
        kinks: see :class:`Objective`.

    Raises:
        ValueError: an argument violates Assumption 1 or Process 2; the message says
            which.
    """

    def __init__(
        self,
        network: nn.Module | Phi,
        x: Float[Array, "n d"] | Tensor,
        y: Float[Array, " n"] | Tensor,
        loss: Loss = EXPONENTIAL,
        rho: float | Array | Callable[[float], float | Array] | Decay = 0.9,
        delta: float | Float[Array, " p"] = 1.0,
        epsilon: float | Float[Array, " p"] = 1.0,
        *,
        rule: str = "adadelta",
        homogeneous: bool = True,
        kinks: Callable[[Tensor, Tensor], Tensor] | None = None,
    ) -> None:
        if not isinstance(loss, Loss):
            raise ValueError(
                f"loss is {loss!r}; the paper's theory covers losses.EXPONENTIAL and "
                "losses.LOGISTIC"
            )
        self.objective = make_objective(network, x, y, loss, kinks)
        self.decay = as_decay(rho)
        self.delta, self.epsilon = delta, epsilon
        self.rule, self.homogeneous = rule, homogeneous
        make_system(rule, "log")
        if self.objective.p is not None:
            checks.stability(delta, epsilon, self.objective.p)
        if homogeneous and isinstance(network, nn.Module):
            self.objective.degree(np.empty(0))

    def integrate(
        self,
        w0: Float[Array, " p"] | Tensor,
        g0: float | Float[Array, " p"] = 0.0,
        h0: float | Float[Array, " p"] = 0.0,
        *,
        t_end: float | None = None,
        log_t_end: float | None = None,
        clock: str = "log",
        variables: str = "log",
        method: str = "LSODA",
        rtol: float = 1e-10,
        atol: float = 1e-12,
        rate_cap: float = 1e4,
        quadratures: bool = True,
        locate_kinks: bool = True,
        max_steps: int = 30_000,
    ) -> Trajectory:
        """Integrate from t = 0.

        Args:
            w0, g0, h0: start; g0 and h0 are >= 0 (Assumption 2 (ii)).
            t_end, log_t_end: where to end; give one of them.
            clock: the solver's time, "log" (log(1 + log(1 + t))) or "t".
            variables: "log", or "paper" for equations (1) to (3) as they stand.
            method: "LSODA" (switches between Adams and BDF), "Radau" or "BDF".
            rtol, atol: the solver's tolerances per step, the latter in the units of w0.
            rate_cap: largest rate t (1 - rho) shown to the solver, see above.
            quadratures: also integrate Lemma 5's exponent and Lemma 8's energy.
            locate_kinks: stop at each sign change of the kink functions, found by
                bisection of the solver's interpolant, and restart the solver behind it.
                Without it the step-size control alone takes the kinks, at the price of
                many small steps, and cannot slide.
            max_steps: give up beyond.

        Raises:
            ValueError: an argument violates an assumption; the message says which.
            NotSeparatedError: the flow came to rest, or passed log t = 30, without
                separation.
            SlidingError: the trajectory stays on a kink of a network whose pieces are
                not known.
            FlowError: the solver failed, met a non-finite state or ran out of steps, or
                the rates had to be capped too early.
        """
        checks.one_of("method", method, METHODS)
        if not 2.3e-14 <= rtol < 1 or not 0 < atol < 1:
            raise ValueError(
                f"rtol={rtol!r}, atol={atol!r} must lie in [2.3e-14, 1) and (0, 1)"
            )
        w, g, h, delta, epsilon = self.start(w0, g0, h0)
        system_clock = Clock(clock)
        if (t_end is None) == (log_t_end is None):
            raise ValueError("integrate() takes exactly one of t_end and log_t_end")
        if log_t_end is None:
            end = checks.positive("t_end", t_end)
            if end < 1e-100:
                raise ValueError(
                    f"t_end is {t_end!r}, too near 0 for steps in float64; it must be "
                    "at least 1e-100"
                )
            log_t_end = np.log(end)
        end = float(system_clock.sigma(log_t_end))
        if not (np.isfinite(end) and end > 0):
            raise ValueError(
                f"log_t_end={float(log_t_end)!r} must lie beyond t_0 = 0 and, for "
                f"clock {clock!r}, be reachable in float64"
            )
        if not (np.isfinite(rate_cap) and rate_cap > 1):
            raise ValueError(f"rate_cap={rate_cap!r} must be finite and > 1")
        system = make_system(self.rule, variables)(
            self.objective,
            self.decay,
            delta,
            epsilon,
            system_clock,
            rate_cap,
            quadratures,
        )
        run = Run(
            system,
            system.start(w, g / delta, h / epsilon),
            end,
            locate_kinks,
            max_steps,
        )
        return run.go(method, rtol, atol)

    def start(
        self,
        w0: Float[Array, " p"] | Tensor,
        g0: float | Float[Array, " p"] = 0.0,
        h0: float | Float[Array, " p"] = 0.0,
    ) -> tuple[Array, Array, Array, Array, Array]:
        """w0, g0, h0, delta, epsilon as float64 vectors of one length, checked.

        Raises:
            ValueError: shapes; g0 or h0 < 0 (Assumption 2 (ii)); Phi is not homogeneous
                at w0 (Assumption 1 (ii)); rho(0) outside [0, 1] (Process 2).
        """
        w = checks.vector("w0", w0, self.objective.p)
        p = len(w)
        delta, epsilon = checks.stability(self.delta, self.epsilon, p)
        g, h = (
            checks.terms(name, value, p, "Assumption 2 (ii) needs", zero=True)
            for name, value in (("g0", g0), ("h0", h0))
        )
        if self.homogeneous:
            self.objective.degree(w)
        shape = np.shape(self.decay.log_complement(-np.inf))
        if shape not in ((), (p,)):
            raise ValueError(f"rho has shape {shape}; it must be () or ({p},)")
        return w, g, h, delta, epsilon
