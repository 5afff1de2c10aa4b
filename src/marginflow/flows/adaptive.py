"""The adaptive gradient flow of Process 2, integrated up to log t = 10^6."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from scipy.integrate import BDF, LSODA, OdeSolution, OdeSolver, Radau
from torch import Tensor, nn

from marginflow.flows.objective import Objective, Phi
from marginflow.flows.schedules import Decay, as_decay
from marginflow.flows.systems import LOG_ZERO, Clock, System, make_system
from marginflow.flows.trajectory import Crossing, Trajectory
from marginflow.losses import EXPONENTIAL, Loss

__all__ = ["AdaptiveFlow", "FlowError", "NotSeparatedError", "SlidingError"]

Array = np.ndarray
_METHODS: dict[str, type[OdeSolver]] = {"LSODA": LSODA, "Radau": Radau, "BDF": BDF}

# Past log t = 30 a flow that has not separated is not going to within float64: the
# loss then stays above l(0) while t |grad L| grows without bound.
_LOG_T_PATIENCE = 30.0
_MAX_RETURNS = 12


class FlowError(RuntimeError):
    """The flow could not be integrated; ``trajectory`` holds what was (or None)."""

    def __init__(self, message: str, trajectory: Trajectory | None = None) -> None:
        super().__init__(message)
        self.trajectory = trajectory


class NotSeparatedError(FlowError):
    """The flow never reached L(w) < l(0): Assumption 2 (iii) fails for this start."""


class SlidingError(FlowError):
    """The flow stays on a kink of Phi, where its right-hand side is set-valued."""


class AdaptiveFlow:
    """w' = -sqrt((epsilon + h)/(delta + g)) grad L(w), equations (1) to (3).

    The flow can be integrated in t, or in sigma = log(1 + t), in which it reaches
    log t = 10^6. There t grad L is formed as exp(log t + log L) grad log L.

    g and h relax at the rate t (1 - rho) in log time, without bound. The solver never
    sees a rate above ``rate_cap``: it integrates Process 2 with 1 - rho replaced by
    min(1 - rho, rate_cap/t), again a schedule in [0, 1] that Assumption 2 (i) admits.
    Up to t = rate_cap/(1 - rho) nothing is changed. Later the two flows share w to
    within max|1 - beta^2| at that time, since w feels g and h through beta alone; this
    number is ``trajectory.cap_defect``, and :meth:`integrate` refuses to go on when it
    exceeds ``rtol``.

    Args:
        network: a module with scalar outputs, or a torch function phi(w, x) -> "n".
        x: inputs "n d".
        y: labels "n", -1 or +1.
        loss: EXPONENTIAL or LOGISTIC.
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
        self.objective = Objective(network, x, y, loss, kinks)
        self.decay = as_decay(rho)
        self.delta, self.epsilon = delta, epsilon
        self.rule, self.homogeneous = rule, homogeneous
        make_system(rule, "log")
        if self.objective.p is not None:
            self._stability(self.objective.p)
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
        require_separation: bool = False,
        max_steps: int = 100_000,
    ) -> Trajectory:
        """Integrate from t = 0.

        Args:
            w0, g0, h0: start; g0 and h0 are >= 0 (Assumption 2 (ii)).
            t_end, log_t_end: where to end; give one of them.
            clock: the solver's time, "log" (log(1 + t)) or "t".
            variables: "log", or "paper" for equations (1) to (3) as they stand.
            method: "LSODA" (switches between Adams and BDF), "Radau" or "BDF".
            rtol, atol: the solver's tolerances per step, the latter in the units of w0.
            rate_cap: largest rate t (1 - rho) shown to the solver, see above.
            quadratures: also integrate Lemma 5's exponent and Lemma 8's energy.
            locate_kinks: stop at each sign change of the kink functions, found by
                bisection of the solver's interpolant, and restart the solver behind it.
                Without it the step-size control alone takes the kinks.
            require_separation: raise when L(w) < l(0) is never reached.
            max_steps: give up beyond.

        Raises:
            ValueError: an argument violates an assumption; the message says which.
            NotSeparatedError: ``require_separation``, or log t = 30 was passed without
                separation, where the flow in log time makes no sense any more.
            SlidingError: the trajectory stays on a kink.
            FlowError: the solver failed, met a non-finite state or ran out of steps, or
                the rates had to be capped too early.
        """
        system, start, end = self._problem(
            w0, g0, h0, t_end, log_t_end, clock, variables, rate_cap, quadratures
        )
        if method not in _METHODS:
            raise ValueError(f"method={method!r} is unknown; choose {list(_METHODS)}")
        if not (np.isfinite(rtol) and 2.3e-14 <= rtol < 1 and atol > 0):
            raise ValueError(f"rtol={rtol!r}, atol={atol!r}: need 2.3e-14 <= rtol < 1, atol > 0")
        tolerance = np.full(len(start), atol)
        tolerance[system.where["w"]] *= np.abs(start[system.where["w"]]).max()
        run = _Run(system, start, end, locate_kinks, max_steps)
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            trajectory = run.go(_METHODS[method], rtol, tolerance, heard)
        if require_separation and not trajectory.separated.any():
            raise NotSeparatedError(_not_separated(trajectory), trajectory)
        return trajectory

    def _problem(
        self, w0, g0, h0, t_end, log_t_end, clock, variables, rate_cap, quadratures
    ) -> tuple[System, Array, float]:
        w = np.asarray(w0.detach() if isinstance(w0, Tensor) else w0, dtype=np.float64)
        p = self.objective.p
        if w.ndim != 1 or len(w) == 0 or (p is not None and len(w) != p):
            wanted = "(p,)" if p is None else f"({p},)"
            raise ValueError(f"w0 has shape {w.shape}; it must be {wanted}")
        if not np.isfinite(w).all():
            raise ValueError("w0 contains non-finite values; it must be finite")
        p = len(w)
        delta, epsilon = self._stability(p)
        g, h = _average("g0", g0, p), _average("h0", h0, p)
        system_clock = Clock(clock)
        if (t_end is None) == (log_t_end is None):
            raise ValueError("integrate() takes exactly one of t_end and log_t_end")
        if t_end is not None and not (np.isfinite(t_end) and t_end > 0):
            raise ValueError(
                f"t_end={t_end!r} must be finite and beyond t_0 = 0: Process 2 runs on "
                "[0, infinity)"
            )
        log_t_end = np.log(t_end) if log_t_end is None else log_t_end
        end = float(system_clock.sigma(log_t_end))
        if not (np.isfinite(end) and end > 0):
            raise ValueError(
                f"log_t_end={log_t_end!r} must lie beyond t_0 = 0 and, for clock "
                f"{clock!r}, be reachable in float64"
            )
        if not (np.isfinite(rate_cap) and rate_cap > 1):
            raise ValueError(f"rate_cap={rate_cap!r} must be finite and > 1")
        if self.homogeneous:
            self.objective.degree(w)
        try:
            np.broadcast_to(self.decay.log_complement(-np.inf), (p,))
        except ValueError as error:
            if "rho" in str(error):
                raise
            raise ValueError(
                f"rho has another shape than w0; it must be () or ({p},)"
            ) from None
        system = make_system(self.rule, variables)(
            self.objective, self.decay, delta, epsilon, system_clock, rate_cap, quadratures
        )
        return system, system.start(w, g / delta, h / epsilon), end

    def _stability(self, p: int) -> tuple[Array, Array]:
        return (
            check_stability("delta", self.delta, p),
            check_stability("epsilon", self.epsilon, p),
        )


class _Run:
    """One integration: steps, located kinks, restarts."""

    def __init__(
        self, system: System, start: Array, end: float, locate: bool, max_steps: int
    ) -> None:
        self.system, self.end, self.max_steps = system, end, max_steps
        self.objective = system.objective
        self.times, self.states = [0.0], [start]
        self.pieces: list = []
        self.crossings: list[Crossing] = []
        self.evaluations = self.jacobians = 0
        kinks = self._kinks(start) if locate else None
        self.pattern = None if kinks is None else np.sign(kinks)
        self.returns = 0
        self.threshold = np.log(self.objective.loss.at_zero)
        self.log_t_capped = np.full(system.p, np.inf)
        self.separated = False

    def go(self, method, rtol: float, atol: Array, heard: list) -> Trajectory:
        while self.times[-1] < self.end:
            solver = method(
                self.system,
                self.times[-1],
                self.states[-1],
                self.end,
                rtol=rtol,
                atol=atol,
                jac=self.system.jacobian,
            )
            self._smooth_piece(solver, heard)
            self.evaluations += solver.nfev
            self.jacobians += solver.njev
            self._check_cap(rtol)
        return self._trajectory()

    def _smooth_piece(self, solver: OdeSolver, heard: list) -> None:
        """Step until the end or until behind the next kink."""
        while solver.status == "running":
            message = solver.step()
            if solver.status == "failed":
                told = "; ".join(str(w.message) for w in heard) or message
                raise FlowError(
                    f"the solver failed at {self._when(solver.t)}: {told}",
                    self._trajectory(),
                )
            if not np.isfinite(solver.y).all():
                raise FlowError(
                    f"non-finite state at {self._when(solver.t)}: the flow left what "
                    "float64 can hold",
                    self._trajectory(),
                )
            dense = solver.dense_output()
            crossed = self._crossed(dense, solver)
            self.times.append(solver.t if crossed is None else crossed)
            self.states.append(dense(crossed) if crossed is not None else solver.y)
            self.pieces.append(dense)
            self._watch()
            if crossed is not None:
                return

    def _crossed(self, dense, solver: OdeSolver) -> float | None:
        """The time just behind the first kink crossed in this step, if any."""
        if self.pattern is None:
            return None
        kinks = self._kinks(solver.y)
        if not (np.sign(kinks) * self.pattern < 0).any():
            self.pattern = np.where(kinks == 0, self.pattern, np.sign(kinks))
            return None
        low, high = dense.t_old, dense.t
        while True:
            middle = 0.5 * (low + high)
            if not low < middle < high:
                break
            if (np.sign(self._kinks(dense(middle))) * self.pattern < 0).any():
                high = middle
            else:
                low = middle
        sign = np.sign(self._kinks(dense(high)))
        changed = tuple(int(k) for k in np.flatnonzero(sign * self.pattern < 0))
        self._note(Crossing(float(self.system.clock.log_t(high)), changed), high)
        self.pattern = np.where(sign == 0, self.pattern, sign)
        return high

    def _note(self, crossing: Crossing, sigma: float) -> None:
        """Record a crossing; the same kink again and again at once is sliding."""
        again = (
            self.crossings
            and set(crossing.kinks) & set(self.crossings[-1].kinks)
            and sigma - self.last_crossing < 1e-6 * max(sigma, 1e-3)
        )
        self.returns = self.returns + 1 if again else 0
        self.last_crossing = sigma
        self.crossings.append(crossing)
        if self.returns >= _MAX_RETURNS:
            raise SlidingError(
                f"the flow slides along kink {crossing.kinks} from "
                f"{self._when(sigma)} on: both sides push it there, and which gradient "
                "of page 5 is taken matters; choose another start",
                self._trajectory(),
            )

    def _watch(self) -> None:
        """Look at the accepted step: separation, caps, number of steps."""
        sigma, w = self.times[-1], self.states[-1][self.system.where["w"]]
        log_t = float(self.system.clock.log_t(sigma))
        if not self.separated:
            self.separated = bool(self.objective.log_loss(w) < self.threshold)
            if not self.separated and log_t > _LOG_T_PATIENCE:
                trajectory = self._trajectory()
                raise NotSeparatedError(_not_separated(trajectory), trajectory)
        if self.system.clock.kind == "log" and np.isinf(self.log_t_capped).any():
            rate = np.broadcast_to(self.system.log_rate(sigma), (self.system.p,))
            capped = (rate > self.system.log_cap) & np.isinf(self.log_t_capped)
            if capped.any() and "log_G" in self.system.where:
                self.log_t_capped = np.where(capped, log_t, self.log_t_capped)
                self.check = True
        if len(self.times) > self.max_steps:
            raise FlowError(
                f"max_steps={self.max_steps} steps were used up at {self._when(sigma)}",
                self._trajectory(),
            )

    def _trajectory(self) -> Trajectory | None:
        if not self.pieces:
            return None
        sigma, state = np.array(self.times), np.array(self.states)
        return Trajectory(
            sigma,
            state,
            self.system,
            OdeSolution(sigma, self.pieces),
            tuple(self.crossings),
            self._zero_until(sigma, state),
            self.log_t_capped,
            self.evaluations,
            self.jacobians,
        )

    def _zero_until(self, sigma: Array, state: Array) -> Array | None:
        """Until when log g and log h stand for averages that started at zero."""
        names = [n for n in ("log_G", "log_H") if n in self.system.where]
        if not names:
            return None
        until = np.zeros((2, self.system.p))
        for row, name in enumerate(names):
            left = state[:, self.system.where[name]] > LOG_ZERO
            first = np.where(left.any(0), sigma[left.argmax(0)], np.inf)
            until[row] = np.where(left[0], 0.0, first)
        return until

    def _check_cap(self, rtol: float) -> None:
        """Refuse to go on if capping the rates could be felt by w."""
        if not np.isfinite(self.log_t_capped).any():
            return
        trajectory = self._trajectory()
        defect = trajectory.cap_defect
        if defect > rtol:
            raise FlowError(
                f"rate_cap={np.exp(self.system.log_cap):.3g} was reached while "
                f"|1 - beta^2| was still {defect:.2g} > rtol; choose a larger rate_cap",
                trajectory,
            )

    def _kinks(self, state: Array) -> Array | None:
        return self.objective.kinks(state[self.system.where["w"]])

    def _when(self, sigma: float) -> str:
        return f"log t = {float(self.system.clock.log_t(sigma)):.6g}"


def check_stability(
    name: str, value: float | Float[Array, " p"], p: int
) -> Float[Array, " p"]:
    """``value`` as p stability terms; Process 2 needs each of them to be > 0.

    Raises:
        ValueError: not a scalar or p numbers, or one that is not positive and finite.
    """
    array = np.asarray(value, dtype=np.float64)
    if array.shape not in ((), (p,)):
        raise ValueError(f"{name} has shape {array.shape}; it must be () or ({p},)")
    wrong = ~(np.isfinite(array) & (array > 0))
    if wrong.any():
        raise ValueError(
            f"{name} contains {array[wrong].flat[0]!r}; Process 2 needs stability "
            f"terms {name} > 0, all finite"
        )
    return np.broadcast_to(array, (p,)).copy()


def _average(name: str, value: float | Array, p: int) -> Float[Array, " p"]:
    array = np.asarray(value, dtype=np.float64)
    if array.shape not in ((), (p,)):
        raise ValueError(f"{name} has shape {array.shape}; it must be () or ({p},)")
    wrong = ~(np.isfinite(array) & (array >= 0))
    if wrong.any():
        raise ValueError(
            f"{name} contains {array[wrong].flat[0]!r}; Assumption 2 (ii) needs "
            f"{name} >= 0, all finite"
        )
    return np.broadcast_to(array, (p,)).copy()


def _not_separated(trajectory: Trajectory) -> str:
    return (
        f"L(w(t)) never fell below l(0) up to log t = {trajectory.log_t[-1]:.4g} "
        f"(smallest log L {trajectory.log_loss.min():.4g}): Assumption 2 (iii) does not "
        "hold for this start"
    )
