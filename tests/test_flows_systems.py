"""The pieces of the flow: closed forms, Jacobians, clocks, schedules."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from marginflow.flows import Clock, Constant, Objective, Plain, PowerLaw, as_decay
from marginflow.flows.relatives import make_system
from marginflow.flows.tail import Tail
from marginflow.flows.two_layer import TwoLayerObjective, make_objective
from marginflow.losses import EXPONENTIAL, LOGISTIC
from marginflow.networks import LeakyPerceptron, mlp, two_layer

NETWORKS = {
    "perceptron": (LeakyPerceptron(), 2),
    "relu": (two_layer(3, 5, "relu"), 3),
    "leaky_relu": (two_layer(2, 6, "leaky_relu"), 2),
}


def data(d: int, n: int = 12, seed: int = 0):
    x = np.random.default_rng(seed).normal(size=(n, d))
    return x, np.where(x[:, 0] > 0, 1.0, -1.0)


def slopes_of(function, at, step=1e-6):
    """Central differences, column by column."""
    columns = [
        (function(at + step * e) - function(at - step * e)) / (2 * step)
        for e in np.eye(len(at))
    ]
    return np.array(columns).T


@pytest.mark.parametrize("loss", [EXPONENTIAL, LOGISTIC], ids=lambda loss: loss.name)
@pytest.mark.parametrize("name", NETWORKS)
class TestObjective:
    def test_closed_form_is_automatic_differentiation(self, name, loss):
        network, d = NETWORKS[name]
        x, y = data(d)
        plain = Objective(network, x, y, loss)
        closed = make_objective(network, x, y, loss)
        assert type(closed) is TwoLayerObjective
        w = np.random.default_rng(1).normal(size=plain.p)
        for method in ("margins", "hessian", "jacobian", "kinks"):
            a, b = getattr(plain, method)(w), getattr(closed, method)(w)
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13, err_msg=method)
        for a, b in zip(plain.gradient(w), closed.gradient(w), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)
        weights = np.random.default_rng(2).random(len(y))
        np.testing.assert_allclose(
            plain.curvature(w, weights), closed.curvature(w, weights), atol=1e-13
        )

    def test_derivatives_are_difference_quotients(self, name, loss):
        network, d = NETWORKS[name]
        objective = make_objective(network, *data(d), loss)
        w = np.random.default_rng(1).normal(size=objective.p)
        quotient = slopes_of(lambda w: np.atleast_1d(objective.gradient(w)[0]), w)[0]
        np.testing.assert_allclose(objective.gradient(w)[1], quotient, atol=1e-8)
        quotient = slopes_of(lambda w: objective.gradient(w)[1], w)
        np.testing.assert_allclose(objective.hessian(w), quotient, atol=1e-7)
        assert not np.allclose(-objective.hessian(w), quotient, atol=1e-3)

    def test_nothing_underflows(self, name, loss):
        network, d = NETWORKS[name]
        x, y = data(d, n=2)
        objective = make_objective(network, x, y, loss)
        w = np.random.default_rng(1).normal(size=objective.p)
        value, u = objective.gradient(3000.0 * w)
        margins = objective.margins(3000.0 * w)
        assert abs(margins.min()) > 1e4
        if loss is LOGISTIC and margins.min() < 0:  # which is linear there
            assert value == pytest.approx(np.log(-margins[margins < 0].sum()), rel=1e-6)
        else:
            assert value == pytest.approx(-margins.min(), rel=1e-6)
        assert np.isfinite(u).all()
        assert u.any()


def test_a_kink_is_held_by_the_projection():
    """N P u = 0, and u differs from a one-sided gradient by the slope on the kink."""
    objective = make_objective(two_layer(2, 6, "leaky_relu"), *data(2), EXPONENTIAL)
    rng = np.random.default_rng(3)
    w, P = rng.normal(size=objective.p), rng.uniform(0.5, 2.0, objective.p)
    pattern = np.where(objective.kinks(w) > 0, 1, -1)
    pattern[[7, 20]] = 0
    held, normals = objective.gradient(w, pattern, P)[1], objective.normals([7, 20])
    np.testing.assert_allclose(normals @ (P * held), 0.0, atol=1e-13)
    assert np.abs(normals @ held).max() > 1e-3  # the twin: P left out
    where, slopes = objective.sliding_slopes(w, pattern, P)
    assert where.tolist() == [7, 20]
    _, lower, pull = objective._gradient(w, pattern)
    hidden = objective.hidden
    v = objective._parts(w)[0]
    for k, slope in zip(where, slopes, strict=True):
        force = pull[k // hidden] * v[k % hidden]
        lower = lower + (slope - objective.slope) * force * objective.normals([k])[0]
    np.testing.assert_allclose(lower, held, atol=1e-13)


def test_the_tail_has_the_right_jacobian():
    objective = make_objective(NETWORKS["relu"][0], *data(3), EXPONENTIAL)
    p = objective.p
    system = make_system("adadelta", "log")(
        objective, Constant(0.9), np.ones(p), np.full(p, 2.0), Clock("log"), 1e4, True
    )
    tail = Tail(system, 0.0, np.ones(p))
    state = np.random.default_rng(5).normal(size=2 * p)
    quotient = slopes_of(lambda Y: tail(0.5, Y), state)
    scale = np.abs(quotient).max()
    jacobian = tail.jacobian(0.5, state)
    np.testing.assert_allclose(jacobian / scale, quotient / scale, atol=1e-8)
    jacobian[0, 0] *= 1.01
    assert not np.allclose(jacobian / scale, quotient / scale, atol=1e-8)
    whole = tail.expand(state)
    np.testing.assert_array_equal(tail.shrink(whole), state)
    assert np.isnan(whole[system.where["log_G"]]).all()


def test_averages_leave_zero_by_eulers_step():
    """Slopes of G and H over the first step are those of equations (1) and (2)."""
    x, y = data(3)
    objective = make_objective(NETWORKS["relu"][0], x / 50, y, EXPONENTIAL)
    p = objective.p
    delta, epsilon = np.full(p, 0.5), np.full(p, 2.0)
    system = make_system("adadelta", "log")(
        objective, Constant(0.9), delta, epsilon, Clock("t"), 1e4, True
    )
    w = np.random.default_rng(6).normal(size=p)
    G, H = np.linspace(0.2, 2.0, p), np.zeros(p)
    G[0], H[1] = 0.0, 0.7
    step, after = system.first_step(system.start(w, G, H))
    blocks = system.split(after)
    squares = np.exp(objective.gradient(w)[0]) * objective.gradient(w)[1]
    q = squares**2 / delta
    used = (1 + H) / (1 + G)
    for name, before, towards in (("log_G", G, q), ("log_H", H, used * q)):
        moved = (np.exp(blocks[name]) - before) / step
        np.testing.assert_allclose(
            moved, 0.1 * (towards - before), rtol=1e-3, atol=1e-4
        )


@pytest.mark.parametrize("kind", ["t", "log"])
def test_clocks(kind):
    clock = Clock(kind)
    top = 5.0 if kind == "t" else 1e6
    for log_t in (-3.0, 0.0, 2.0, top):
        sigma = clock.sigma(log_t)
        assert clock.log_t(sigma) == pytest.approx(log_t, rel=1e-13, abs=1e-13)
        if log_t > 2.0 or kind == "t":
            continue
        step = 1e-6
        late, early = (np.exp(clock.log_t(sigma + s)) for s in (step, -step))
        speed = np.exp(clock.log_speed(sigma))
        assert speed == pytest.approx((late - early) / (2 * step), 1e-7)
    assert clock.log_t(0.0) == -np.inf
    with pytest.raises(ValueError, match="clock is 'days'"):
        Clock("days")


class TestDecay:
    def test_power_law_is_its_formula_and_exact_where_that_is_not(self):
        decay = PowerLaw(0.1, 2.0, 1.5)
        for t in (0.0, 1.0, 30.0):
            with np.errstate(divide="ignore"):
                log_t = np.log(t)
            expected = 0.1 / (1 + t / 2.0) ** 1.5
            assert np.exp(decay.log_complement(log_t)) == pytest.approx(expected, 1e-14)
            assert decay(t) == pytest.approx(1 - expected, 1e-14)
        far = np.log(0.1) - 1.5 * (1e6 - np.log(2.0))
        assert decay.log_complement(1e6) == pytest.approx(far, 1e-14)

    def test_assumption_2_i(self):
        assert Constant(0.9).meets_assumption_2
        assert not Constant((0.9, 1.0)).meets_assumption_2
        assert PowerLaw(power=1.0).meets_assumption_2
        assert not PowerLaw(power=1.01).meets_assumption_2
        assert not PowerLaw(complement=0.0).meets_assumption_2
        assert Plain(lambda t: 0.9).meets_assumption_2 is None

    def test_all_kinds_are_taken(self):
        assert as_decay(0.9).log_complement(3.0) == pytest.approx(np.log(0.1))
        np.testing.assert_allclose(
            as_decay(np.array([0.9, 1.0])).log_complement(0.0), [np.log(0.1), -np.inf]
        )
        assert as_decay(lambda t: 1 / (1 + t)).log_complement(0.0) == np.log(0.5)
        assert as_decay(lambda t: 0.5).log_complement(1e5) == np.log(0.5)
        decay = PowerLaw()
        assert as_decay(decay) is decay

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: as_decay(1.1), r"rho contains .*1\.1.*Process 2"),
            (lambda: as_decay([0.5, -0.1]), r"rho contains .*-0\.1.*Process 2"),
            (lambda: as_decay(np.nan), "rho contains"),
            (lambda: as_decay(np.zeros((2, 2))), "rho has shape"),
            (lambda: as_decay(lambda t: 2.0).log_complement(0.0), r"at t=1"),
            (lambda: PowerLaw(1.5), "complement is 1.5; it must be a number in"),
            (lambda: PowerLaw(0.1, 0.0), "horizon is 0.0"),
            (lambda: PowerLaw(0.1, 1.0, -1.0), "power is -1.0"),
        ],
    )
    def test_outside_the_unit_interval(self, make, message):
        with pytest.raises(ValueError, match=message):
            make()


class TestBadObjectives:
    def test_data(self):
        x, y = data(2)
        network = LeakyPerceptron()
        for bad_x, bad_y, message in (
            (x, y[:-1], r"y has shape \(11,\); it must be \(12,\)"),
            (x[0], y[:1], "x has shape"),
            (x, np.zeros(len(y)), "labels"),
            (x * np.inf, y, "non-finite"),
            (x[:, :1], y, "columns"),
        ):
            with pytest.raises(ValueError, match=message):
                make_objective(network, bad_x, bad_y, EXPONENTIAL)

    def test_network(self):
        with pytest.raises(ValueError, match="network is a int"):
            Objective(3, *data(2), EXPONENTIAL)

    def test_degree_by_euler(self):
        x, y = data(2)
        w = np.random.default_rng(0).normal(size=3)
        square = Objective(lambda w, x: torch.relu(x @ w[:2]) ** 2, x, y, EXPONENTIAL)
        assert square.degree(w) == 2.0
        affine = Objective(lambda w, x: x @ w[:2] + 1.0, x, y, EXPONENTIAL)
        with pytest.raises(ValueError, match=r"Assumption 1 \(ii\)"):
            affine.degree(w)

    def test_other_networks_are_differentiated_automatically(self):
        x, y = data(2)
        deep = mlp([2, 4, 3, 1], "relu")
        objective = make_objective(deep, x, y, EXPONENTIAL)
        assert type(objective) is Objective
        assert len(objective.kinks(np.ones(objective.p))) == len(x) * 7
        smooth = nn.Sequential(nn.Linear(2, 1, bias=False), nn.Flatten(0)).double()
        assert make_objective(smooth, x, y, EXPONENTIAL).kinks(np.ones(2)) is None
