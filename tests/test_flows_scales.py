"""Flows on scales, networks and schedules that are not the book's own."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.integrate import solve_ivp
from torch import nn

from marginflow.flows import AdaptiveFlow, NotSeparatedError, PowerLaw
from marginflow.flows.run import not_separated
from marginflow.kkt import kkt_residual, max_margin_classes, solve_kkt
from marginflow.losses import EXPONENTIAL, LOGISTIC
from marginflow.margins import log_norm, normalized_margin
from marginflow.networks import LeakyPerceptron

X, Y = np.eye(2), np.array([1.0, -1.0])
START = np.array([0.5, 0.3, -0.2])


@pytest.mark.parametrize("scale", [1e-5, 1e-6, 1e-8])
def test_a_small_start_is_no_critical_point(scale):
    """It separates when an integration of the bare equations in t says so."""
    run = AdaptiveFlow(LeakyPerceptron(), X, Y).integrate(
        START * scale, log_t_end=4, rtol=1e-8
    )

    def parts(w):
        bends = np.where(w[1:] > 0, 1.0, 0.5)
        return bends, np.exp(-Y * w[0] * bends * w[1:])

    def descent(t, w):  # from zero averages the flow is gradient flow
        bends, q = parts(w)
        return np.array([(q * Y) @ (bends * w[1:]), *(q * Y * w[0] * bends)])

    def separated(t, w):
        return parts(w)[1].sum() - 1

    bare = solve_ivp(
        descent, (0, 30), START * scale, events=separated, rtol=1e-9, atol=1e-14
    )
    moment = np.log(bare.t_events[0][0])
    before, after = run.at(log_t=np.array([moment - 0.01, moment + 0.01])).log_loss
    assert before > 0 > after


def test_a_start_far_off_is_waited_for():
    flow = AdaptiveFlow(lambda w, x: x @ w, np.array([[1e-8]]), np.array([1.0]))
    run = flow.integrate(np.array([-5e8]), log_t_end=40, rtol=1e-8)
    # w' = 1e-8 exp(-z) with z = 1e-8 w, so exp(z) = exp(-5) + 1e-16 t, and z > 0.
    moment = np.log((1 - np.exp(-5)) * 1e16)
    before, after = run.at(log_t=np.array([moment - 0.01, moment + 0.01])).log_loss
    assert before > 0 > after


def test_what_is_at_rest_is_told_from_what_has_not_separated_yet():
    x, y = np.array([[1.0], [1.0]]), np.array([1.0, -1.0])
    flow = AdaptiveFlow(lambda w, x: x @ w, x, y)
    with pytest.raises(NotSeparatedError, match="cancel there to ten digits"):
        flow.integrate(np.array([0.7]), log_t_end=20)
    three = AdaptiveFlow(
        lambda w, x: x @ w, np.array([[1.0], [0.5]]), np.array([1, -1])
    )
    told = not_separated(three.integrate(np.array([0.7]), log_t_end=1))
    assert "is not known" in told
    assert "does not hold" not in told


def test_a_schedule_that_loses_its_digits_says_so():
    flow = AdaptiveFlow(LeakyPerceptron(), X, Y, rho=lambda t: 1 - 1 / (1 + t))
    with pytest.raises(ValueError, match=r"fewer than five digits.*PowerLaw\(1\.0\)"):
        flow.integrate(START, 0.1, 0.2, log_t_end=40)
    exact = AdaptiveFlow(LeakyPerceptron(), X, Y, rho=PowerLaw(1.0))
    assert exact.integrate(START, 0.1, 0.2, log_t_end=40).log_t[-1] > 39.9
    with pytest.raises(ValueError, match=r"rho\(0\) cannot be computed"):
        AdaptiveFlow(LeakyPerceptron(), X, Y, rho=lambda t: 1 - 1 / t).integrate(
            START, t_end=1.0
        )


def test_outputs_of_another_shape_are_named_at_construction():
    net = nn.Sequential(
        nn.Linear(2, 3, bias=False), nn.ReLU(), nn.Linear(3, 1, bias=False)
    )
    for use in (
        lambda: AdaptiveFlow(net, X, Y),
        lambda: kkt_residual(net, np.ones(9), X, Y),
    ):
        with pytest.raises(ValueError, match=r"\(2, 1\).*Flatten\(0\)"):
            use()


def test_natural_inputs_are_taken_and_others_named():
    flow = AdaptiveFlow(LeakyPerceptron(), X, Y).integrate(START, log_t_end=1)
    same = AdaptiveFlow(
        LeakyPerceptron(), pd.DataFrame(X, index=[3, 4]), pd.Series(Y, index=[3, 4])
    ).integrate(START, log_t_end=1)
    assert np.array_equal(flow.w[-1], same.w[-1])
    AdaptiveFlow(LeakyPerceptron(), X[::-1], Y)  # negative strides
    with pytest.raises(ValueError, match="x "):
        AdaptiveFlow(LeakyPerceptron(), X * (1 + 1j), Y)
    with pytest.raises(ValueError, match="y "):
        AdaptiveFlow(LeakyPerceptron(), X, ["a", "b"])
    with pytest.raises(ValueError, match="rounds is 0"):
        solve_kkt(LeakyPerceptron(), START, X, Y, rounds=0)
    assert normalized_margin(torch.ones(3).double(), 1.0, np.int64(2)) == 1
    assert log_norm(torch.tensor([float("inf"), 1.0])) == float("inf")


@pytest.mark.parametrize("loss", [EXPONENTIAL, LOGISTIC])
@pytest.mark.parametrize("skewed", [False, True])
def test_three_classes_go_to_their_predicted_point(loss, skewed):
    rng = np.random.default_rng(0)
    labels = np.arange(6) % 3
    x = rng.normal(size=(6, 3)) + 2 * np.eye(3)[labels]
    epsilon = np.exp(rng.normal(size=9)) if skewed else np.ones(9)
    chi = epsilon.reshape(3, 3) ** 0.25
    flow = AdaptiveFlow(
        lambda w, x: x @ w.view(3, 3).T, x, labels, loss, epsilon=epsilon
    )
    run = flow.integrate(0.1 * rng.normal(size=9), 0.3, 0.2, log_t_end=300, rtol=1e-7)
    w = run.w[-1] / np.linalg.norm(run.w[-1])
    own = max_margin_classes(x, labels, chi).direction
    other = max_margin_classes(x, labels, chi if not skewed else chi**0).direction
    assert np.linalg.norm(w - own) < 0.02
    if skewed:
        assert np.linalg.norm(w - other) > 0.05


def test_ends_starts_and_slopes_out_of_range_are_named():
    with pytest.raises(ValueError, match="t_end is 1e-300, too near 0"):
        AdaptiveFlow(LeakyPerceptron(), X, Y).integrate(START, t_end=1e-300)
    with pytest.raises(NotSeparatedError, match="at a critical point"):
        AdaptiveFlow(LeakyPerceptron(), X, Y).integrate(np.zeros(3), log_t_end=4)
    with pytest.raises(ValueError, match=r"slope is 3; .*give inputs="):
        LeakyPerceptron(3)
    # A linear predictor may start at 0: its gradient is not 0 there.
    linear = AdaptiveFlow(lambda w, x: x @ w, X, Y, homogeneous=False)
    assert linear.integrate(np.zeros(2), log_t_end=4).separated[-1]


@pytest.mark.parametrize(
    ("outputs", "labels"),
    [(0, [0, 1]), (4, [0, 2]), (2, [0, 2])],
    ids=["one output", "a class that no example has", "a class too many"],
)
def test_a_function_whose_outputs_do_not_fit_the_labels_is_named(outputs, labels):
    """No class is dropped in silence, and labels 0 and 1 are not +-1."""

    def phi(w, x):
        return x @ w if not outputs else x @ w.view(2, outputs)

    flow = AdaptiveFlow(phi, X, labels)
    with pytest.raises(ValueError, match="with these y it must be"):
        flow.integrate(np.ones(2 * max(outputs, 1)), log_t_end=1)


@pytest.mark.parametrize("delta", [1e-8, 1e-10, 1e-12])
def test_an_adapter_near_zero_keeps_its_digits(delta):
    """beta = 1e-5 and less: 1 - (1 - beta^2) would be noise."""
    flow = AdaptiveFlow(LeakyPerceptron(), X, Y, delta=delta, epsilon=1.0)
    own, bare = (
        flow.integrate(START, 0.1, 0.3, log_t_end=8, rtol=1e-9, variables=variables)
        for variables in ("log", "paper")
    )
    np.testing.assert_allclose(own.w[-1], bare.w[-1], rtol=1e-6)
