"""One integration: the solver's steps, located kinks, restarts, the tail."""

from __future__ import annotations

import warnings

import numpy as np
from jaxtyping import Bool, Float
from scipy.integrate import (
    BDF,
    LSODA,
    DenseOutput,
    OdeSolution,
    OdeSolver,
    Radau,
)

from marginflow.flows.errors import FlowError, NotSeparatedError, SlidingError
from marginflow.flows.objective import Objective
from marginflow.flows.systems import LOG_ZERO, System
from marginflow.flows.tail import Tail
from marginflow.flows.trajectory import Crossing, Trajectory
from marginflow.flows.two_layer import TwoLayerObjective

__all__ = ["METHODS", "Run", "not_separated"]

Array = np.ndarray

METHODS = ("LSODA", "Radau", "BDF")
_SOLVERS: dict[str, type[OdeSolver]] = {"LSODA": LSODA, "Radau": Radau, "BDF": BDF}

# A flow that has not separated by e^30 of its own times, the time in which w moves by
# its own length at the start, is given up.
_LOG_T_PATIENCE = 30.0

# Below this share of its terms the gradient cannot be told from zero.
_AT_REST = 1e-10

# A kink function this small, relative to the largest one, is on its kink.
_ON_KINK = 1e-13

# Crossing the same kink this often at practically one time is sliding along it.
_MAX_RETURNS = 12


class Run:
    """State of one integration; :meth:`go` carries it out.

    Args:
        system: the flow.
        start: its state at solver time 0.
        end: solver time to reach.
        locate_kinks: stop and restart at kinks.
        max_steps: give up beyond.
    """

    def __init__(
        self,
        system: System,
        start: Float[Array, " k"],
        end: float,
        locate_kinks: bool,
        max_steps: int,
    ) -> None:
        self.system, self.objective = system, system.objective
        self.end, self.max_steps = end, max_steps
        self.evaluations = 0  # grows with each solver that ends
        # What an accepted step changes, in `_append`.
        self.sigma, self.state = 0.0, start
        self.times, self.states = [0.0], [start]
        self.pieces: list[DenseOutput] = []
        # Signs of the kink functions, none where kinks are not located, and since when;
        # they change at a kink.
        kinks = self._kinks(start) if locate_kinks else None
        self.pattern = np.zeros(0) if kinks is None else np.where(kinks > 0, 1, -1)
        # The objective, if it can be continued beyond the kinks of its smooth pieces.
        self.known: TwoLayerObjective | None = None
        if locate_kinks and isinstance(self.objective, TwoLayerObjective):
            self.known = self.objective
        self.patterns = [(0.0, None if self.known is None else self.pattern)]
        self.crossings: list[Crossing] = []
        self.returns, self.last_crossing = 0, -np.inf
        # What is found out once, in `_watch` and `_settles`.
        self.separated = False
        self.patience = _LOG_T_PATIENCE + self._log_own_time()
        self.log_t_capped = np.full(system.p, np.inf)
        self.tail: Tail | None = None

    def go(self, method: str, rtol: float, atol: float) -> Trajectory:
        """Integrate to the end; the trajectory.

        Raises:
            FlowError, NotSeparatedError, SlidingError: see there.
        """
        self._leave_zero()
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            while self.sigma < self.end:
                solver = self._solver(method, rtol, atol)
                try:
                    self._smooth_piece(solver, heard)
                finally:
                    self.evaluations += solver.nfev
        trajectory = self.trajectory()
        if trajectory.cap_defect > rtol:
            raise FlowError(
                f"the rates t (1 - rho) reached rate_cap while |1 - beta^2| was still "
                f"{trajectory.cap_defect:.2g} > rtol; choose a larger rate_cap",
                trajectory,
            )
        return trajectory

    def so_far(self) -> Trajectory | None:
        """What has been integrated, for an error to carry."""
        return self.trajectory() if self.pieces else None

    def trajectory(self) -> Trajectory:
        """What has been integrated, one step at least."""
        sigma, state = np.array(self.times), np.array(self.states)
        return Trajectory(
            sigma,
            state,
            self.system,
            OdeSolution(sigma, self.pieces),
            tuple(self.crossings),
            tuple(self.patterns),
            self.tail,
            self._zero_until(sigma, state),
            self.log_t_capped,
            self.evaluations,
        )

    def _leave_zero(self) -> None:
        sigma, state = self.system.first_step(self.state)
        if 0.0 < sigma < self.end:
            self._append(sigma, state, _Chord(0.0, self.state, sigma, state))

    def _solver(self, method: str, rtol: float, atol: float) -> OdeSolver:
        """A solver for the next smooth piece, or for the tail."""
        self.system.pattern = self.patterns[-1][1]
        equation: System | Tail = self.system
        state, jacobian = self.state, None
        tolerance = np.full(len(state), atol)
        part = self.system.where["w"]
        tolerance[part] *= np.abs(self.states[0][part]).max() or 1.0
        if self.tail is not None:
            # LSODA would stay with its non-stiff method at the edge of stability.
            method = "Radau" if method == "LSODA" else method
            equation, jacobian = self.tail, self.tail.jacobian
            state = self.tail.shrink(state)
            tolerance = self.tail.shrink(tolerance)
        return _SOLVERS[method](
            equation,
            self.sigma,
            state,
            self.end,
            rtol=rtol,
            atol=tolerance,
            jac=jacobian,
        )

    def _smooth_piece(self, solver: OdeSolver, heard: list) -> None:
        """Step until the end, until behind the next kink, or until the tail begins."""
        while solver.status == "running":
            message = solver.step()
            if solver.status == "failed":
                told = "; ".join(str(w.message) for w in heard) or message
                raise FlowError(
                    f"the solver failed at {self._when(solver.t)}: {told}",
                    self.so_far(),
                )
            if not np.isfinite(solver.y).all():
                raise FlowError(
                    f"non-finite state at {self._when(solver.t)}: the flow left what "
                    "float64 can hold",
                    self.so_far(),
                )
            piece = solver.dense_output()
            if self.tail is not None:
                piece = _Expanded(piece, self.tail)
            crossed = self._crossed(piece)
            sigma = solver.t if crossed is None else crossed
            self._append(sigma, piece(sigma), piece)
            self._watch()
            if crossed is not None or self._settles():
                return

    def _append(self, sigma: float, state: Array, piece: DenseOutput) -> None:
        self.sigma, self.state = sigma, state
        self.times.append(sigma)
        self.states.append(state)
        self.pieces.append(piece)

    def _crossed(self, piece: DenseOutput) -> float | None:
        """The time just behind the first kink met or left in this step, if any."""
        if not self.pattern.size or not self._violated(piece(piece.t)).any():
            return None
        low, high = piece.t_old, piece.t
        while low < (middle := 0.5 * (low + high)) < high:
            if self._violated(piece(middle)).any():
                high = middle
            else:
                low = middle
        state = piece(high)
        changed = self._violated(state)
        if self.known is not None:
            self.pattern = self._next_pattern(self.known, high, state, changed)
            self.patterns.append((high, self.pattern))
        else:
            self.pattern = np.where(changed, -self.pattern, self.pattern)
        self._note(high, np.flatnonzero(changed))
        return high

    def _violated(self, state: Array) -> Bool[Array, " k"]:
        """Kinks whose sign in the pattern no longer fits the state.

        The threshold keeps the rounding of a kink function that starts at 0 apart from
        a crossing.
        """
        kinks = np.asarray(self._kinks(state))
        violated = self.pattern * kinks < -_ON_KINK * np.abs(kinks).max()
        if self.known is not None and not self.pattern.all():
            where, slopes = self._sliding(self.known, state, self.pattern)
            low, high = self.known.slope, 1.0
            violated[where] = ~((slopes > low - 1e-9) & (slopes < high + 1e-9))
        return violated

    def _sliding(
        self, known: TwoLayerObjective, state: Array, pattern: Array
    ) -> tuple[Array, Array]:
        blocks = self.system.split(state)
        P = self._preconditioner(blocks)
        return known.sliding_slopes(blocks["w"], pattern, P)

    def _preconditioner(self, blocks: dict[str, Array]) -> Array:
        if self.tail is not None:
            return self.system.chi2 * self.tail.beta
        return self.system.preconditioner(blocks)

    def _next_pattern(
        self, known: TwoLayerObjective, sigma: float, state: Array, changed: Array
    ) -> Array:
        """Cross or slide? The pattern whose field agrees with itself (Filippov).

        A kink reached with sign s is crossed when the field behind it leads away from
        it, and otherwise the flow slides along it, held by a gradient between the two.
        It slides until that gradient leaves the Clarke subdifferential, and leaves on
        the side on which it did.
        """
        blocks = self.system.split(state)
        P = self._preconditioner(blocks)
        before, pattern = self.pattern, self.pattern.copy()
        reached = np.flatnonzero(changed & (before != 0))
        pattern[reached] *= -1
        for _ in range(4 + 2 * self.system.p):
            settled = pattern.copy()
            _, u = self.objective.gradient(blocks["w"], pattern, P)
            heading = known.normals(reached) @ (-P * u)
            back = (heading * pattern[reached] < 0) & (
                pattern[reached] != before[reached]
            )
            pattern[reached[back]] = 0
            if not pattern.all():
                where, slopes = self._sliding(known, state, pattern)
                pattern[where[slopes >= 1.0 + 1e-9]] = 1
                pattern[where[~(slopes > known.slope - 1e-9)]] = -1
            if np.array_equal(pattern, settled):
                return pattern
        raise SlidingError(
            "no gradient of page 5 continues the flow from kinks "
            f"{np.flatnonzero(changed).tolist()} at {self._when(sigma)}; choose "
            "another start",
            self.so_far(),
        )

    def _note(self, sigma: float, kinks: Array) -> None:
        """Record a crossing; one kink again and again at one time is chattering."""
        sliding = int(np.sum(self.pattern == 0))
        now = Crossing(
            float(self.system.clock.log_t(sigma)), tuple(kinks.tolist()), sliding
        )
        close = sigma - self.last_crossing < 1e-6 * max(sigma, 1e-3)
        again = close and bool(set(now.kinks) & set(self.crossings[-1].kinks))
        self.returns = self.returns + 1 if again else 0
        self.last_crossing = sigma
        self.crossings.append(now)
        if self.returns >= _MAX_RETURNS:
            raise SlidingError(
                f"the flow slides along kinks {now.kinks} from {self._when(sigma)} on: "
                "both sides push it there, and this network's pieces are not known "
                "apart; choose another start",
                self.so_far(),
            )

    def _watch(self) -> None:
        """Look at the accepted step: separation, caps, number of steps."""
        log_t = float(self.system.clock.log_t(self.sigma))
        if not self.separated:
            blocks = self.system.split(self.state)
            w, P = blocks["w"], self._preconditioner(blocks)
            log_loss, u = self.objective.gradient(w, self.patterns[-1][1], P)
            self.separated = bool(log_loss < np.log(self.objective.loss.at_zero))
            at_rest = (
                not self.separated
                and np.linalg.norm(u) * np.linalg.norm(w) < _AT_REST
                and cancels(self.objective, w, u)
            )
            if not self.separated and (at_rest or log_t > self.patience):
                trajectory = self.trajectory()
                raise NotSeparatedError(not_separated(trajectory), trajectory)
        if self.tail is None and self.system.forgets:
            new = self.system.capped(self.sigma) & np.isinf(self.log_t_capped)
            self.log_t_capped = np.where(new, log_t, self.log_t_capped)
        if len(self.times) > self.max_steps:
            raise FlowError(
                f"max_steps={self.max_steps} steps were used up at "
                f"{self._when(self.sigma)}",
                self.so_far(),
            )

    def _settles(self) -> bool:
        """Whether the tail begins here."""
        if self.tail is not None or not self.separated:
            return False
        beta = self.system.settled(self.sigma, self.state)
        if beta is None:
            return False
        frozen = None
        if not np.array_equal(beta, np.ones(self.system.p)):
            frozen = self.state[self.system.where["log_G"]].copy()
        self.tail = Tail(self.system, self.sigma, beta, frozen)
        return True

    def _zero_until(self, sigma: Array, state: Array) -> Array | None:
        """Until when log g and log h stand for averages that started at zero."""
        until = np.zeros((2, self.system.p))
        for row, name in enumerate(("log_G", "log_H")):
            if name not in self.system.where:
                continue
            left = state[:, self.system.where[name]] > LOG_ZERO
            first = np.where(left.any(0), sigma[left.argmax(0)], np.inf)
            until[row] = np.where(left[0], 0.0, first)
        return until

    def _log_own_time(self) -> float:
        """log of the time in which w moves by its own length, at the start's speed."""
        blocks = self.system.split(self.state)
        w, P = blocks["w"], self.system.preconditioner(blocks)
        log_loss, u = self.objective.gradient(w, None, P)
        speed, length = np.linalg.norm(P * u), np.linalg.norm(w)
        if speed == 0 or length == 0:
            return 0.0
        return max(0.0, float(np.log(length) - np.log(speed) - log_loss))

    def _kinks(self, state: Array) -> Array | None:
        return self.objective.kinks(state[self.system.where["w"]])

    def _when(self, sigma: float) -> str:
        return f"log t = {float(self.system.clock.log_t(sigma)):.6g}"


class _Chord(DenseOutput):
    """Linear interpolation between two states."""

    def __init__(self, t_old: float, old: Array, t: float, new: Array) -> None:
        super().__init__(t_old, t)
        self.old, self.new = old, new

    def _call_impl(self, t: Array) -> Array:
        part = (t - self.t_old) / (self.t - self.t_old)
        return (self.old + np.multiply.outer(part, self.new - self.old)).T


class _Expanded(DenseOutput):
    """The tail's interpolant, in the variables of the whole flow."""

    def __init__(self, piece: DenseOutput, tail: Tail) -> None:
        super().__init__(piece.t_old, piece.t)
        self.piece, self.tail = piece, tail

    def _call_impl(self, t: Array) -> Array:
        return self.tail.expand(self.piece(t))


def cancels(objective: Objective, w: Array, u: Array) -> bool:
    """Whether the gradient u of log L is 0 as far as float64 can tell.

    Its terms q_i grad z_i then cancel, or vanish all: that they are small, as near
    w = 0, is not enough.
    """
    terms = objective.pulls(w) * np.linalg.norm(objective.jacobian(w), axis=1)
    return bool(np.linalg.norm(u) <= _AT_REST * terms.sum())


def not_separated(trajectory: Trajectory) -> str:
    """The message of :class:`NotSeparatedError`."""
    w, u = trajectory.w[-1], trajectory.relative_gradient[-1]
    told = (
        f"L(w(t)) never fell below l(0) up to log t = {trajectory.log_t[-1]:.4g} "
        f"(smallest log L {trajectory.log_loss.min():.4g})"
    )
    if cancels(trajectory.system.objective, w, u):
        return (
            f"{told}; the flow came to rest at a critical point: the terms of the "
            "gradient cancel there to ten digits, so that Assumption 2 (iii) does not "
            "hold for this start, as far as float64 can tell"
        )
    return f"{told}. Whether it does later, as Assumption 2 (iii) asks, is not known"
