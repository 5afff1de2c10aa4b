"""Flows across and along the kinks of (Leaky) ReLU networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from marginflow.data import perceptron_points, seeded_generator
from marginflow.flows import AdaptiveFlow, SlidingError, discrete_run
from marginflow.losses import EXPONENTIAL
from marginflow.networks import LeakyPerceptron, flatten, two_layer

torch.set_num_threads(1)


def two_layer_case(seed=3, activation="leaky_relu"):
    network = two_layer(2, 6, activation, generator=seeded_generator(seed))
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(14, 2))
    y = np.where(x[:, 0] + 0.5 * np.abs(x[:, 1]) > 0.3, 1.0, -1.0)
    return network, x, y, 2 * flatten(network)[1].numpy()


@pytest.fixture(scope="module")
def sliding_run():
    network, x, y, w0 = two_layer_case()
    return AdaptiveFlow(network, x, y).integrate(w0, 0.1, 0.4, t_end=30.0, rtol=1e-10)


def test_crossings_are_where_a_kink_function_is_zero():
    x, y = perceptron_points(seeded_generator(1), 6)
    start = np.array([-0.6, 0.4, -0.7])
    flow = AdaptiveFlow(LeakyPerceptron(), x, y)
    run = flow.integrate(start, 0.2, 1.0, t_end=20.0, rtol=1e-11, atol=1e-13)
    assert len(run.crossings) >= 3
    for crossing in run.crossings:
        at = run.at(log_t=crossing.log_t).w[0]
        kinks = flow.objective.kinks(at)
        assert np.abs(kinks[list(crossing.kinks)]).max() < 1e-11
        assert crossing.sliding == 0
    signs = np.sign([flow.objective.kinks(w) for w in run.w])
    changes = (np.diff(signs, axis=0) != 0).sum()
    assert changes == sum(len(crossing.kinks) for crossing in run.crossings)


def test_located_or_not_the_flow_is_the_same():
    x, y = perceptron_points(seeded_generator(1), 6)
    flow = AdaptiveFlow(LeakyPerceptron(), x, y)
    start = np.array([-0.6, 0.4, -0.7]), 0.2, 1.0
    located = flow.integrate(*start, t_end=20.0, rtol=1e-10)
    plain = flow.integrate(*start, t_end=20.0, rtol=1e-10, locate_kinks=False)
    np.testing.assert_allclose(located.w[-1], plain.w[-1], rtol=1e-7)
    assert plain.crossings == ()
    assert located.evaluations < plain.evaluations


def test_automatic_differentiation_crosses_kinks_too():
    x, y = perceptron_points(seeded_generator(1), 6)
    start = np.array([-0.6, 0.4, -0.7]), 0.2, 1.0
    known = AdaptiveFlow(LeakyPerceptron(), x, y).integrate(
        *start, t_end=3.0, rtol=1e-8
    )
    unknown = AdaptiveFlow(
        lambda w, x: w[0] * torch.nn.functional.leaky_relu(x @ w[1:], 0.5),
        x,
        y,
        kinks=lambda w, x: x @ w[1:],
    ).integrate(*start, t_end=3.0, rtol=1e-8)
    np.testing.assert_allclose(known.w[-1], unknown.w[-1], rtol=1e-5)
    for ours, theirs in zip(known.crossings, unknown.crossings, strict=True):
        assert ours.log_t == pytest.approx(theirs.log_t, abs=1e-5)


class TestSliding:
    def test_the_flow_stays_on_its_kinks(self, sliding_run):
        run = sliding_run
        objective = run.system.objective
        slid = 0
        for sigma, w in zip(run.sigma, run.w, strict=True):
            held = run._pattern(sigma) == 0
            slid += held.any()
            kinks = objective.kinks(w)
            assert (np.abs(kinks[held]) <= 1e-11 * np.abs(kinks).max()).all()
        assert slid > 20

    def test_its_gradient_is_one_of_page_5(self, sliding_run):
        """The slopes on the kinks lie between those of the two sides."""
        run, objective = sliding_run, sliding_run.system.objective
        seen = []
        for sigma, w, P in zip(run.sigma, run.w, run.adapter, strict=True):
            pattern = run._pattern(sigma)
            if not pattern.all():
                seen.append(objective.sliding_slopes(w, pattern, P)[1])
        seen = np.concatenate(seen)
        assert seen.min() > 0.5 - 1e-6
        assert seen.max() < 1.0 + 1e-6
        assert np.ptp(seen) > 0.05

    def test_chain_rule(self, sliding_run):
        """dL/dt = <u, w'> for the chosen u, and for the one-sided ones (Prop. 1)."""
        run, objective = sliding_run, sliding_run.system.objective
        starts = np.array([start for start, _ in run.patterns] + [run.sigma[-1]])
        longest = np.argmax(
            np.diff(starts) * [(pattern == 0).any() for _, pattern in run.patterns]
        )
        log_t = run.system.clock.log_t(0.5 * (starts[longest] + starts[longest + 1]))
        t = np.exp(log_t)
        step = 1e-4 * t
        at = run.at(t=[t - step, t, t + step])
        pattern = run._pattern(at.sigma[1])
        assert (pattern == 0).any()
        velocity = (at.w[2] - at.w[0]) / (2 * step)
        slope = (at.log_loss[2] - at.log_loss[0]) / (2 * step)
        assert at.relative_gradient[1] @ velocity == pytest.approx(slope, rel=1e-5)
        for side in (-1, 1):
            sided = np.where(pattern == 0, side, pattern)
            u = objective.gradient(at.w[1], sided)[1]
            assert u @ velocity == pytest.approx(slope, rel=1e-5)
            # The twin: u is another vector; only along w' does it not matter.
            assert np.abs(u - at.relative_gradient[1]).max() > 1e-3
        np.testing.assert_allclose(
            velocity,
            -at.adapter[1] * np.exp(at.log_loss[1]) * at.relative_gradient[1],
            rtol=1e-4,
            atol=1e-7,
        )

    def test_loss_falls(self, sliding_run):
        assert (np.diff(sliding_run.log_loss) <= 1e-12).all()

    def test_lemma_5_holds_along_kinks(self, sliding_run):
        assert sliding_run.identity_defect().max() < 1e-8

    def test_it_is_the_limit_of_small_steps(self):
        """Procedure 1 chatters around the kink; its limit slides (page 5)."""
        network, x, y, w0 = two_layer_case()
        flow = AdaptiveFlow(network, x, y)
        run = flow.integrate(w0, 0.1, 0.4, t_end=4.0, rtol=1e-9)
        assert any(crossing.sliding for crossing in run.crossings)
        errors = [
            np.abs(
                discrete_run(flow, w0, 0.1, 0.4, eta=eta, t_end=4.0).w[-1] - run.w[-1]
            ).max()
            for eta in (0.004, 0.001)
        ]
        assert errors[1] < 0.5 * errors[0]
        assert errors[1] < 0.05

    def test_unknown_pieces_are_told(self):
        network, x, y, w0 = two_layer_case()
        phi, _ = flatten(network)
        kinks = AdaptiveFlow(network, x, y).objective._kinks
        flow = AdaptiveFlow(phi, x, y, EXPONENTIAL, kinks=kinks)
        with pytest.raises(SlidingError, match="slides along kinks") as caught:
            flow.integrate(w0, 0.1, 0.4, t_end=30.0, rtol=1e-6)
        assert len(caught.value.trajectory) > 1


def test_a_relu_that_dies_stays_dead():
    network, x, y, _ = two_layer_case(activation="relu")
    w0 = np.full(18, 0.5)
    w0[:12] = np.random.default_rng(0).normal(size=12)
    w0[-1] = 0.0
    w0[10:12] = 0.0
    run = AdaptiveFlow(network, x, y).integrate(w0, t_end=5.0, rtol=1e-7)
    assert (run.w[:, 10:12] == 0).all()
    assert (run.w[:, -1] == 0).all()
    assert (run.g[:, 10:12] == 0).all()


def test_a_network_that_is_dead_on_all_data_is_named_as_such():
    """Its only ReLU unit gives 0 on every example: there is nothing to measure."""

    def one_unit(w, x):
        return w[0] * torch.relu(x @ w[1:])

    flow = AdaptiveFlow(
        one_unit, np.abs(np.random.default_rng(0).normal(size=(3, 2))), np.ones(3)
    )
    with pytest.raises(
        ValueError, match=r"0 on every example.*dead on all data.*Choose"
    ):
        flow.integrate(np.array([1.0, -1.0, -1.0]), t_end=1.0)
    alive = flow.integrate(np.array([1.0, 1.0, 1.0]), t_end=1.0)
    assert flow.objective.degree(alive.w[-1]) == 2
    # One dead unit of two does no harm: it stays where it is.
    both = AdaptiveFlow(
        lambda w, x: one_unit(w[:3], x) + one_unit(w[3:], x),
        flow.objective.x,
        np.ones(3),
    )
    run = both.integrate(np.array([1.0, 1.0, 1.0, 2.0, -1.0, -1.0]), t_end=1.0)
    assert run.w[-1][3:].tolist() == [2.0, -1.0, -1.0]
    assert run.w[-1][0] > 1.0
