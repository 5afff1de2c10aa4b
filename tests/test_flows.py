"""Process 2 integrated: Lemma 5, Theorem 2, the clocks, the tail, the relatives."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch import nn

from marginflow.data import perceptron_points, seeded_generator
from marginflow.flows import (
    AdaptiveFlow,
    FlowError,
    NotSeparatedError,
    PowerLaw,
    discrete_run,
    relatives,
    systems,
)
from marginflow.flows.systems import AdaDeltaPaper
from marginflow.kkt import alignment, kkt_residual, perceptron_kkt_points
from marginflow.losses import EXPONENTIAL, LOGISTIC
from marginflow.networks import LeakyPerceptron, two_layer

torch.set_num_threads(1)

NETWORK = LeakyPerceptron()
DELTA, EPSILON = np.array([0.5, 1.0, 2.0]), np.array([2.0, 1.0, 0.5])
# Perceptron data with two support vectors for v > 0: the direction is then determined
# by them, and converges like 1/log t.
X, Y = (part.numpy() for part in perceptron_points(seeded_generator(1), 5))
W0 = np.array([0.6, 0.5, 0.1])
G0, H0 = np.array([0.2, 0.0, 3.0]), np.array([4.0, 1.5, 0.0])


def flow(**options):
    options = {"delta": DELTA, "epsilon": EPSILON, "rho": 0.9} | options
    return AdaptiveFlow(NETWORK, X, Y, **options)


def by_hand(t_end, delta=DELTA, epsilon=EPSILON, rho=lambda t: 0.9):
    """Process 2 for the perceptron as one would write it down, by SciPy's DOP853."""

    def slope(t, state):
        w, g, h = state[:3], state[3:6], state[6:]
        pre = X @ w[1:]
        side = np.where(pre > 0, 1.0, 0.5)
        pull = -np.exp(-Y * w[0] * side * pre) * Y
        gradient = np.r_[pull @ (side * pre), (pull * side * w[0]) @ X]
        speed = -np.sqrt((epsilon + h) / (delta + g)) * gradient
        keep = 1 - rho(t)
        return np.r_[speed, keep * (gradient**2 - g), keep * (speed**2 - h)]

    start = np.r_[W0, G0, H0]
    run = solve_ivp(slope, (0, t_end), start, "DOP853", rtol=1e-11, atol=1e-13)
    return run.y[:, -1].reshape(3, 3)


@pytest.mark.parametrize("clock", ["t", "log"])
@pytest.mark.parametrize("variables", ["paper", "log"])
def test_process_2_is_what_one_would_write_down(clock, variables):
    run = flow().integrate(
        W0, G0, H0, t_end=6.0, clock=clock, variables=variables, rtol=1e-11, atol=1e-13
    )
    end = run.at(t=6.0)
    for ours, theirs in zip((end.w[0], end.g[0], end.h[0]), by_hand(6.0), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-8, atol=1e-10)
    swapped = by_hand(6.0, EPSILON, DELTA)[0]
    assert np.abs(swapped - end.w[0]).max() > 1e-2
    np.testing.assert_allclose(run.t[[0, -1]], [0.0, 6.0], rtol=1e-13)
    np.testing.assert_allclose(run.g[0], G0, rtol=1e-14)
    np.testing.assert_allclose(run.h[0], H0, rtol=1e-14)
    np.testing.assert_allclose(
        run.beta, np.sqrt((1 + run.h / EPSILON) / (1 + run.g / DELTA)), rtol=1e-8
    )
    np.testing.assert_allclose(
        run.adapter, np.sqrt((EPSILON + run.h) / (DELTA + run.g)), rtol=1e-8
    )


@pytest.mark.parametrize("method", ["LSODA", "Radau", "BDF"])
def test_solvers_agree(method):
    run = flow().integrate(W0, G0, H0, t_end=20.0, method=method, rtol=1e-8)
    reference = flow().integrate(W0, G0, H0, t_end=20.0, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(run.w[-1], reference.w[-1], rtol=1e-5)


class TestLemma5:
    @pytest.mark.parametrize("variables", ["paper", "log"])
    @pytest.mark.parametrize("rho", [0.9, [0.9, 0.5, 0.99], PowerLaw(0.5, 1.0, 1.0)])
    def test_integrated_form(self, rho, variables):
        run = flow(rho=rho).integrate(
            W0,
            G0,
            H0,
            t_end=30.0 if variables == "log" else 8.0,
            variables=variables,
            rtol=1e-12,
            atol=1e-14,
        )
        assert np.abs(run.gap[0]).min() > 0.1
        assert run.identity_defect().max() < 1e-10

    def test_tiny_gaps_keep_their_digits(self):
        run = flow().integrate(W0, G0, H0, log_t_end=8.0, rtol=1e-12, atol=1e-14)
        assert run.log_gap[-1].max() < -150
        assert run.identity_defect().max() < 1e-10

    def test_a_wrong_exponent_is_refuted(self):
        run = flow().integrate(W0, G0, H0, t_end=30.0, rtol=1e-12, atol=1e-14)
        wrong = 0.1 * run.t[:, None]  # int (1 - rho), without 1 + g/delta
        defect = np.abs(np.expm1(run.log_gap - run.log_gap[0] + wrong))
        assert defect[-1].max() > 1e-2

    @pytest.mark.parametrize(
        "mutation",
        {
            "sign in (2)": lambda rate, beta2, q, H: rate * (beta2 * q + H),
            "w' not squared in (2)": lambda rate, beta2, q, H: (
                rate * (np.sqrt(beta2 * q) - H)
            ),
            "gradient for w' in (2)": lambda rate, beta2, q, H: rate * (q - H),
        }.items(),
        ids=lambda item: item[0],
    )
    def test_a_wrong_equation_is_refuted(self, mutation, monkeypatch):
        class Mutant(AdaDeltaPaper):
            def slopes(self, terms, Y):
                q, beta2 = np.exp(terms.log_q), self.beta(Y) ** 2
                changed = mutation[1](terms.rate, beta2, q, Y["H"])
                return super().slopes(terms, Y) | {"H": changed}

        monkeypatch.setitem(relatives._SYSTEMS, ("adadelta", "paper"), Mutant)
        run = flow().integrate(W0, G0, H0, t_end=5.0, variables="paper")
        assert run.identity_defect().max() > 1e-3

    def test_zero_averages_give_beta_1(self):
        """Corollary A: then the flow is preconditioned gradient flow."""
        run = flow().integrate(W0, t_end=20.0)
        assert (run.beta == 1.0).all()
        assert (run.identity_defect() == 0.0).all()
        assert (run.g[0] == 0).all()
        assert (run.h[0] == 0).all()
        assert run.g[-1].min() > 0
        np.testing.assert_allclose(run.h * DELTA, run.g * EPSILON, rtol=1e-6)
        other = flow(rho=0.2).integrate(W0, t_end=20.0)
        np.testing.assert_allclose(other.at(t=7.0).w, run.at(t=7.0).w, rtol=1e-7)
        gradient = flow(delta=1.0, epsilon=1.0, rule="gradient").integrate(
            W0, t_end=20.0
        )
        adadelta = flow(delta=3.0, epsilon=3.0).integrate(W0, t_end=20.0)
        np.testing.assert_allclose(gradient.w[-1], adadelta.w[-1], rtol=1e-7)
        assert np.abs(gradient.w[-1] - run.w[-1]).max() > 0.1


class TestTheorem2:
    DECADES = 10.0 ** np.arange(2, 7)

    @pytest.mark.parametrize(
        ("delta", "epsilon"),
        [(np.ones(3), np.ones(3)), (DELTA, EPSILON)],
        ids=["isotropic", "anisotropic"],
    )
    @pytest.mark.parametrize(
        "loss", [EXPONENTIAL, LOGISTIC], ids=lambda loss: loss.name
    )
    def test_limits(self, delta, epsilon, loss):
        run = flow(loss=loss, delta=delta, epsilon=epsilon).integrate(
            W0, G0, H0, log_t_end=1e6, rtol=1e-9
        )
        tail = run.at(log_t=self.DECADES)
        points = perceptron_kkt_points(X, Y, delta, epsilon)
        target = points.nearest(tail.w[-1])
        assert len(target.active) == 2
        length = np.linalg.norm(tail.w, axis=1)
        distance = np.linalg.norm(tail.w / length[:, None] - target.direction, axis=1)
        assert distance[-1] < 1e-6
        slope = np.polyfit(np.log(self.DECADES[1:]), np.log(distance[1:]), 1)[0]
        assert slope == pytest.approx(-1.0, abs=0.02)
        # The twins: the other sign of v, and delta and epsilon interchanged.
        direction = tail.w[-1] / length[-1]
        other = points.negative if target is points.positive else points.positive
        assert np.linalg.norm(direction - other.direction) > 0.1
        swapped = perceptron_kkt_points(X, Y, epsilon, delta).nearest(direction)
        if not np.array_equal(delta, epsilon):
            assert np.linalg.norm(direction - swapped.direction) > 1e-2
        # Rates: L t log t and |w|/sqrt(log t) settle (L = 2).
        constant = tail.log_loss + self.DECADES + np.log(self.DECADES)
        assert np.abs(np.diff(constant)[-1]) < 1e-3
        ratio = length / np.sqrt(self.DECADES)
        assert np.abs(np.diff(ratio)[-1]) < 1e-3 * ratio[-1]
        report = kkt_residual(NETWORK, tail.w[-1], X, Y, delta, epsilon)
        assert report.residual < 1e-5
        assert 1 - alignment(NETWORK, tail.w[-1], X, Y, loss, delta, epsilon) < 1e-10

    def test_residual_1e_8(self):
        """The distance is about 1/log t, so 1e-8 takes log t = 10^9."""
        run = flow().integrate(W0, G0, H0, log_t_end=1e9, rtol=1e-9)
        report = kkt_residual(NETWORK, run.w[-1], X, Y, DELTA, EPSILON)
        assert report.residual < 1e-8
        assert kkt_residual(NETWORK, run.w[-1], X, Y).residual > 1e-3


class TestTail:
    def test_averages_in_the_tail(self, monkeypatch):
        """The expansion of g agrees with g integrated; so does w."""
        short = flow().integrate(W0, G0, H0, log_t_end=12.0)
        assert short.log_t_tail < 10
        monkeypatch.setattr(systems, "FAST", 1e300)
        full = flow().integrate(W0, G0, H0, log_t_end=12.0, rate_cap=1e7)
        assert full.log_t_tail == np.inf
        for log_t in (10.0, 11.5):
            a, b = short.at(log_t=log_t), full.at(log_t=log_t)
            np.testing.assert_allclose(a.w, b.w, rtol=1e-7)
            np.testing.assert_allclose(a.g, b.g, rtol=3e-6)
            np.testing.assert_allclose(a.h, b.h, rtol=3e-6)
            squared = np.exp(2 * a.log_loss[:, None]) * a.relative_gradient**2
            assert np.abs(a.g / squared - 1).max() > 1e-5  # the lag is there
        assert (short.at(log_t=11.0).beta == 1.0).all()
        assert (short.at(log_t=11.0).gap == 0.0).all()
        assert np.isnan(short.at(log_t=11.0).exponent).all()

    def test_a_cap_that_would_be_felt_is_refused(self, monkeypatch):
        with pytest.raises(FlowError, match="choose a larger rate_cap") as caught:
            flow().integrate(W0, G0, H0, log_t_end=12.0, rate_cap=10.0)
        assert caught.value.trajectory.cap_defect > 1e-6
        monkeypatch.setattr(systems, "FAST", 1e300)
        capped = flow().integrate(W0, G0, H0, log_t_end=14.0, rate_cap=1e3)
        assert np.isfinite(capped.log_t_capped).all()
        assert capped.cap_defect < 1e-10
        usual = flow().integrate(W0, G0, H0, log_t_end=14.0)
        np.testing.assert_allclose(capped.w[-1], usual.w[-1], rtol=1e-7)

    def test_slow_schedules_never_settle(self):
        run = flow(rho=PowerLaw(0.1, 1.0, 1.0)).integrate(W0, G0, H0, log_t_end=120.0)
        assert run.log_t_tail == np.inf
        # g falls like t^-0.1 and 1 - beta^2 with it, by Lemma 5.
        late = run.at(log_t=[100.0, 120.0])
        np.testing.assert_allclose(np.diff(late.log_gap[:, 0]), -2.0, atol=1e-3)
        assert run.identity_defect().max() < 1e-8

    def test_assumption_2_i_is_needed(self):
        run = flow(rho=PowerLaw(0.1, 1.0, 2.0)).integrate(W0, G0, H0, log_t_end=60.0)
        late = run.at(log_t=[50.0, 60.0])
        assert np.abs(late.gap[-1]).min() > 0.05
        np.testing.assert_allclose(late.gap[0], late.gap[1], rtol=1e-8)


class TestRelatives:
    def test_preconditioners_as_one_would_write_them_down(self):
        for rule, keep in (("rmsprop", 1.0), ("adagrad", 0.0)):
            gain = 0.1 if keep else 1.0

            def slope(t, state, keep=keep, gain=gain):
                w, g = state[:3], state[3:]
                pre = X @ w[1:]
                side = np.where(pre > 0, 1.0, 0.5)
                pull = -np.exp(-Y * w[0] * side * pre) * Y
                gradient = np.r_[pull @ (side * pre), (pull * side * w[0]) @ X]
                rate = gain * (gradient**2 - keep * g)
                return np.r_[-gradient / np.sqrt(DELTA + g), rate]

            end = solve_ivp(
                slope, (0, 6), np.r_[W0, G0], "DOP853", rtol=1e-11, atol=1e-13
            ).y[:, -1]
            run = flow(rule=rule).integrate(W0, G0, t_end=6.0, rtol=1e-10)
            np.testing.assert_allclose(run.w[-1], end[:3], rtol=1e-7)
            np.testing.assert_allclose(run.g[-1], end[3:], rtol=1e-7)
            np.testing.assert_allclose(run.adapter[-1], (DELTA + end[3:]) ** -0.5, 1e-7)
            assert (run.h == 0).all()

    def test_adam_corrects_the_bias(self):
        run = flow(rule="adam").integrate(W0, t_end=6.0)
        plain = flow(rule="rmsprop").integrate(W0, t_end=6.0)
        start = np.exp(2 * run.log_loss[0]) * run.relative_gradient[0] ** 2
        np.testing.assert_allclose(run.g[0], start, rtol=1e-12)
        assert (plain.g[0] == 0).all()
        assert np.abs(run.w[-1] - plain.w[-1]).max() > 1e-2

    @pytest.mark.parametrize("corrected", [True, False])
    def test_adam_is_what_one_would_write_down(self, corrected):
        """The mutation: g is not divided by 1 - e^-K, and starts at grad L^2."""

        def slope(t, state):
            w, g = state[:3], state[3:]
            pre = X @ w[1:]
            side = np.where(pre > 0, 1.0, 0.5)
            pull = -np.exp(-Y * w[0] * side * pre) * Y
            gradient = np.r_[pull @ (side * pre), (pull * side * w[0]) @ X]
            rest = -np.expm1(-0.1 * t) if corrected else 1.0
            change = 0.1 * (gradient**2 - g)
            return np.r_[-gradient / np.sqrt(DELTA + g / rest), change]

        run = flow(rule="adam").integrate(W0, t_end=6.0)
        begin = 1e-7
        g = -np.expm1(-0.1 * begin) * run.g[0] if corrected else run.g[0]
        end = solve_ivp(
            slope, (begin, 6), np.r_[W0, g], "DOP853", rtol=1e-11, atol=1e-14
        ).y[:, -1]
        rest = -np.expm1(-0.6) if corrected else 1.0
        agree = np.allclose(run.w[-1], end[:3], rtol=1e-4)
        assert agree == np.allclose(run.g[-1], end[3:] / rest, rtol=1e-4) == corrected

    def test_limits(self):
        """RMSProp ends at the KKT point for chi^4 = 1/delta, AdaGrad elsewhere."""
        ends = {}
        for rule in ("rmsprop", "adam", "adagrad"):
            start = {} if rule == "adam" else {"g0": G0}
            run = flow(rule=rule).integrate(W0, **start, log_t_end=1e4, rtol=1e-8)
            ends[rule] = run.w[-1] / np.linalg.norm(run.w[-1])
        target = perceptron_kkt_points(X, Y, DELTA, 1.0).nearest(W0).direction
        assert np.linalg.norm(ends["rmsprop"] - target) < 2e-3
        assert np.linalg.norm(ends["adam"] - target) < 2e-3
        assert np.linalg.norm(ends["adagrad"] - target) > 1e-2
        # AdaGrad's is the KKT point for the preconditioner that it froze.
        frozen = perceptron_kkt_points(X, Y, run.adapter[-1] ** -2.0, 1.0).nearest(W0)
        assert np.linalg.norm(ends["adagrad"] - frozen.direction) < 2e-3


class TestProcedure1:
    ETAS = (0.02, 0.01, 0.005)

    def errors(self, run_of):
        options = {"delta": 1.0, "epsilon": 1.0}
        smooth = flow(**options).integrate(W0, G0, H0, t_end=2.0, rtol=1e-11)
        found = []
        for eta in self.ETAS:
            run = run_of(flow(**options), eta)
            at = smooth.at(t=run.t)
            found.append(
                [np.abs(a - b).max() for a, b in ((run.w, at.w), (run.beta, at.beta))]
            )
        return np.array(found)

    def test_first_order(self):
        errors = self.errors(
            lambda flow, eta: discrete_run(flow, W0, G0, H0, eta=eta, t_end=2.0)
        )
        order = np.log2(errors[:-1] / errors[1:])
        np.testing.assert_allclose(order[-1], 1.0, atol=0.15)

    def test_rho_must_move_with_eta(self):
        """The twin: rho_k = 0.9 held fixed does not tend to the flow with 0.9."""
        errors = self.errors(
            lambda _, eta: discrete_run(
                flow(delta=1.0, epsilon=1.0, rho=1 - 0.1 / eta if eta > 0.1 else 0.0),
                W0,
                G0,
                H0,
                eta=eta,
                t_end=2.0,
            )
        )
        assert errors[:, 1].min() > 0.1

    def test_every_keeps_the_same_iterates(self):
        whole = discrete_run(flow(), W0, G0, H0, eta=0.1, t_end=2.0)
        part = discrete_run(flow(), W0, G0, H0, eta=0.1, t_end=2.0, every=5)
        np.testing.assert_array_equal(part.w, whole.w[::5])
        np.testing.assert_allclose(part.t, [0.0, 0.5, 1.0, 1.5, 2.0])

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"eta": 0.0, "t_end": 1.0}, "eta is 0.0"),
            ({"eta": 0.3, "t_end": 1.0}, "multiple of eta"),
            ({"eta": 0.1, "t_end": -1.0}, "t_end is -1.0"),
            ({"eta": 0.1, "t_end": 1.0, "every": 3}, "every is 3"),
            ({"eta": 20.0, "t_end": 20.0}, r"rho_k in \[0, 1\]"),
        ],
    )
    def test_bad_input(self, options, message):
        with pytest.raises(ValueError, match=message):
            discrete_run(flow(), W0, G0, H0, **options)

    def test_only_adadelta(self):
        with pytest.raises(ValueError, match="Procedure 1 is AdaDelta's"):
            discrete_run(flow(rule="adagrad"), W0, eta=0.1, t_end=1.0)


class TestTrajectory:
    def test_interpolation(self):
        run = flow().integrate(W0, G0, H0, t_end=20.0, rtol=1e-11, atol=1e-13)
        again = run.at(log_t=run.log_t)
        np.testing.assert_allclose(again.w, run.w, rtol=1e-12)
        between = run.at(t=[1.234, 7.5])
        for k, t in enumerate(between.t):
            end = flow().integrate(W0, G0, H0, t_end=t, rtol=1e-11, atol=1e-13)
            np.testing.assert_allclose(between.w[k], end.w[-1], rtol=1e-8)
            np.testing.assert_allclose(between.log_loss[k], end.log_loss[-1], rtol=1e-8)
        assert len(between) == 2
        assert between.start.w[0] == pytest.approx(W0)
        np.testing.assert_allclose(run.v * run.chi, run.w)
        np.testing.assert_allclose(run.chi, (EPSILON / DELTA) ** 0.25)

    def test_energy_is_lemma_8s_integral(self):
        run = flow().integrate(W0, G0, H0, t_end=20.0, rtol=1e-11)
        t = np.linspace(0, 20, 20001)
        fine = run.at(t=t)
        squares = (np.exp(fine.log_loss)[:, None] * fine.relative_gradient) ** 2
        integral = np.trapezoid(squares, t, axis=0)
        np.testing.assert_allclose(run.energy[-1], integral, rtol=1e-4)
        bound = np.sqrt(DELTA / EPSILON) * np.exp(run.log_loss[0])
        assert (run.energy[-1] < bound / np.minimum(run.beta[0], 1.0)).all()

    def test_separation_time(self):
        run = flow().integrate(W0, G0, H0, t_end=20.0)
        before = run.at(log_t=run.log_t_separation - 0.5)
        assert not before.separated.any()
        assert run.separated[-1]

    @pytest.mark.parametrize(
        ("times", "message"),
        [
            ({}, "exactly one"),
            ({"t": 1.0, "log_t": 0.0}, "exactly one"),
            ({"t": 21.0}, "outside"),
            ({"log_t": np.nan}, "outside"),
            ({"t": -1.0}, "outside"),
        ],
    )
    def test_bad_times(self, times, message):
        run = flow().integrate(W0, G0, H0, t_end=20.0, rtol=1e-6)
        with pytest.raises(ValueError, match=message):
            run.at(**times)

    def test_what_was_not_integrated_is_not_invented(self):
        run = flow().integrate(W0, G0, H0, t_end=1.0, quadratures=False)
        with pytest.raises(ValueError, match="quadratures=True"):
            _ = run.exponent
        with pytest.raises(ValueError, match="exponent was not integrated"):
            _ = flow(rule="rmsprop").integrate(W0, t_end=1.0).exponent


class TestBadInput:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"delta": 0.0}, "delta contains .*Process 2"),
            ({"epsilon": [1.0, -1.0, 1.0]}, "epsilon contains .*Process 2"),
            ({"delta": np.ones(2)}, "delta has shape"),
            ({"epsilon": np.inf}, "epsilon contains"),
            ({"rho": 1.5}, "rho contains .*Process 2"),
            ({"rho": lambda t: -1.0}, "rho contains .*Process 2"),
            ({"rho": [0.9, 0.9]}, "rho has shape"),
            ({"loss": "exponential"}, "loss is 'exponential'"),
            ({"rule": "sgd"}, "rule='sgd'"),
        ],
    )
    def test_flow(self, options, message):
        with pytest.raises(ValueError, match=message):
            flow(**options).integrate(W0, t_end=1.0)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"g0": -1.0}, r"g0 contains .*Assumption 2 \(ii\)"),
            ({"h0": [0.0, 0.0, -1e-9]}, r"h0 contains .*Assumption 2 \(ii\)"),
            ({"g0": np.nan}, "g0 contains"),
            ({"h0": np.ones(2)}, "h0 has shape"),
            ({"w0": np.ones(4)}, "w0 has shape"),
            (
                {"w0": np.array([np.nan, 1.0, 1.0])},
                "w0 contains nan, which is non-finite",
            ),
            ({"t_end": 0.0}, "t_end is 0.0; it must be a finite number > 0"),
            ({"t_end": -1.0}, "t_end is -1.0"),
            ({"t_end": np.inf}, "t_end is inf"),
            ({"log_t_end": 1.0}, "exactly one of t_end and log_t_end"),
            ({"t_end": None}, "exactly one of t_end and log_t_end"),
            ({"t_end": None, "log_t_end": -np.inf}, "log_t_end=-inf"),
            ({"t_end": None, "log_t_end": 1e4, "clock": "t"}, "reachable in float64"),
            ({"clock": "minutes"}, "clock is 'minutes'; choose one of t, log"),
            ({"variables": "other"}, "variables='other'"),
            ({"method": "Euler"}, "method is 'Euler'"),
            ({"rtol": 1e-20}, "rtol=1e-20"),
            ({"atol": 0.0}, "atol=0.0"),
            ({"rate_cap": 0.5}, "rate_cap=0.5"),
        ],
    )
    def test_integrate(self, options, message):
        arguments = {"w0": W0, "t_end": 1.0} | options
        with pytest.raises(ValueError, match=message):
            flow().integrate(**arguments)

    def test_networks_without_a_degree(self):
        biased = nn.Sequential(
            nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1), nn.Flatten(0)
        ).double()
        with pytest.raises(ValueError, match="ssumption 1"):
            AdaptiveFlow(biased, X, Y)
        with pytest.raises(ValueError, match=r"Assumption 1 \(ii\)"):
            AdaptiveFlow(lambda w, x: x @ w + 1.0, X, Y).integrate(
                np.ones(2), t_end=1.0
            )
        allowed = AdaptiveFlow(lambda w, x: x @ w + 1.0, X, Y, homogeneous=False)
        assert allowed.integrate(np.ones(2), t_end=50.0).separated[-1]

    def test_labels(self):
        with pytest.raises(ValueError, match="labels"):
            AdaptiveFlow(NETWORK, X, 0 * Y)

    def test_stability_terms_before_any_flow(self):
        with pytest.raises(ValueError, match="delta"):
            flow(delta=np.ones(2))
        with pytest.raises(ValueError, match="epsilon"):
            flow(epsilon=0.0)

    def test_a_failure_says_its_message_alone(self):
        run = flow().integrate(W0, t_end=1.0)
        failed = FlowError("no step is small enough", run)
        assert str(failed) == "no step is small enough"
        assert failed.trajectory is run

    def test_adam_cannot_start_from_averages(self):
        with pytest.raises(ValueError, match="bias correction"):
            flow(rule="adam").integrate(W0, G0, t_end=1.0)


class TestFailures:
    def test_a_start_that_never_separates(self):
        """x and -x with one label: Phi cannot have the sign of both."""
        x, y = np.array([[1.0, 0.0], [-1.0, 0.0]]), np.ones(2)
        network = LeakyPerceptron(slope=1.0)
        with pytest.raises(NotSeparatedError, match=r"Assumption 2 \(iii\)") as caught:
            AdaptiveFlow(network, x, y).integrate(W0, log_t_end=1e3)
        assert not caught.value.trajectory.separated.any()
        assert "came to rest" in str(caught.value)

    def test_running_out_of_steps(self):
        with pytest.raises(FlowError, match="max_steps=20") as caught:
            flow().integrate(W0, G0, H0, log_t_end=1e3, max_steps=20)
        assert len(caught.value.trajectory) == 21

    def test_solver_failure_is_told(self):
        """A slope that is not a number beyond some point."""
        bad = AdaptiveFlow(
            lambda w, x: torch.where(w[0] < 0.7, x @ w[:2], torch.nan), X, Y
        )
        with pytest.raises(FlowError, match=r"failed|non-finite|max_steps"):
            bad.integrate(np.array([0.6, 0.5]), t_end=1e3, max_steps=500)

    def test_no_warning_escapes(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            run = flow().integrate(W0, G0, H0, log_t_end=1e3, rtol=1e-7)
            for name in ("g", "h", "beta", "gap", "log_gap", "log_loss", "adapter"):
                getattr(run, name)
            run.identity_defect()


def test_small_network():
    """Some 24 parameters to log t = 1000, with kinks crossed and slid along."""
    network = two_layer(2, 8, "leaky_relu", generator=seeded_generator(3))
    rng = np.random.default_rng(0)
    x = rng.normal(size=(16, 2))
    y = np.where(x[:, 0] + 0.5 * np.abs(x[:, 1]) > 0.3, 1.0, -1.0)
    w0 = torch.nn.utils.parameters_to_vector(network.parameters()).detach().numpy()
    run = AdaptiveFlow(network, x, y, LOGISTIC).integrate(
        3 * w0, 0.1, 0.2, log_t_end=1e3, rtol=1e-7, quadratures=False
    )
    assert run.separated[-1]
    assert run.log_loss[-1] == pytest.approx(-1e3, abs=20)
    assert len(run.crossings) > 10
