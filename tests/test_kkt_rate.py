"""The exponent of the direction, against closed forms and against flows."""

import numpy as np
import pytest

from marginflow.data import perceptron_points, seeded_generator
from marginflow.flows import AdaptiveFlow
from marginflow.kkt import (
    direction_rate,
    max_margin_classes,
    perceptron_kkt_points,
    solve_kkt,
)
from marginflow.networks import LeakyPerceptron

ONES = np.ones(2)


def squares(w, x):
    return x @ w**2


def rate(network, w, x, y, **terms):
    return direction_rate(network, solve_kkt(network, w, x, y, **terms), x, y, **terms)


def measured(network, w0, x, y, **terms):
    """The local exponent of a flow's distance from the KKT point, log t = 1e5, 1e6."""
    run = AdaptiveFlow(network, x, y, **terms).integrate(
        w0, log_t_end=1e6, rtol=1e-7, quadratures=False
    )
    target = solve_kkt(network, run.w[-1], x, y, **terms)
    far = run.at(log_t=[1e5, 1e6]).w
    far /= np.linalg.norm(far, axis=1)[:, None]
    near, nearer = np.linalg.norm(far - target.direction, axis=1)
    return np.log10(near / nearer), direction_rate(network, target, x, y, **terms)


@pytest.mark.parametrize("seed", range(4))
def test_sums_of_squares_have_a_closed_form(seed):
    """One example, Phi = sum x_j w_j^2: w_j' = 2 q chi_j^2 x_j w_j, so that
    w_j = C w_1^(r_j), r_j = chi_j^2 x_j/(chi_1^2 x_1)."""
    rng = np.random.default_rng(seed)
    x, epsilon = rng.uniform(-3, 1, (1, 4)), np.exp(rng.normal(size=4))
    x[0, 0] = 2 / np.sqrt(epsilon[0])
    r = np.sqrt(epsilon) * x[0] / 2
    w = np.array([1, 1e-6, 0, 0])
    assert r[1:].max() < 0.999  # or another component would win
    found = rate(squares, w, x, ONES[:1], epsilon=epsilon)
    np.testing.assert_allclose(found.eigenvalues, np.sort(1 - r[1:]), atol=1e-9)
    assert found.degree == 2
    assert found.exponent == pytest.approx((1 - r[1:].max()) / 2)


def test_perceptrons_with_one_and_with_two_support_vectors():
    for data, expected in ((0, [1.0, 2.0]), (8, [2.0])):
        x, y = (part.numpy() for part in perceptron_points(seeded_generator(data)))
        for point in perceptron_kkt_points(x, y, ONES[0], 4.0):
            if len(point.active) != 3 - len(expected):
                continue
            found = direction_rate(LeakyPerceptron(), point, x, y, 1.0, 4.0)
            np.testing.assert_allclose(found.eigenvalues, expected, atol=1e-9)
            assert found.exponent == pytest.approx(expected[0] / 2)


@pytest.mark.parametrize(
    ("x", "w0", "expected"),
    [
        ([[1.0, 0.6]], [1.0, 1.0], 0.2),
        # One support vector, or equal multipliers: faster than 1/log t.
        ([[1.0, -3.0]], [1.0, 0.5], 2.0),
        ([[1.0, 0.0, -1.0], [0.0, 1.0, -1.0]], [1.0, 0.7, 0.5], 1.5),
        # Unequal ones: 1/log t, whatever mu is.
        ([[1.0, 0.0, -1.0], [0.0, 2.0, -1.0]], [1.0, 0.7, 0.5], 1.0),
    ],
)
def test_flows_keep_to_it(x, w0, expected):
    x = np.array(x)
    slope, found = measured(squares, np.array(w0), x, np.ones(len(x)))
    assert found.exponent == pytest.approx(expected)
    assert slope == pytest.approx(expected, abs=0.01)


def test_stability_terms_change_the_speed():
    x, y = np.array([[1.0, 0.6]]), ONES[:1]
    slope, found = measured(squares, ONES, x, y, epsilon=np.array([1.0, 0.25]))
    assert found.exponent == pytest.approx(0.35)
    assert slope == pytest.approx(0.35, abs=0.01)
    other = rate(squares, [1.0, 0.0], x, y, delta=np.array([1.0, 0.25]))
    assert abs(other.exponent - slope) > 0.3  # mutation: delta and epsilon swapped


def test_classes():
    """L = 1: Phi does not bend, so that H = I."""
    rng = np.random.default_rng(0)
    labels = np.arange(6) % 3
    x = rng.normal(size=(6, 3)) + 2 * np.eye(3)[labels]
    start = max_margin_classes(x, labels, np.ones((3, 3))).w

    def linear(w, x):
        return x @ w.view(3, 3).T

    found = rate(linear, start, x, labels)
    np.testing.assert_allclose(found.eigenvalues, 1.0)
    assert found.exponent == pytest.approx(1.0)


def test_without_directions_to_die_in_only_the_margins_are_left():
    x = np.array([[1.0, 0.0], [0.0, 2.0]])
    found = rate(lambda w, x: x @ w, ONES, x, ONES)
    assert found.mu == np.inf
    assert found.exponent == 1.0
    equal = rate(lambda w, x: x @ w, ONES, np.eye(2), ONES)
    assert equal.exponent == np.inf


def test_what_is_no_kkt_point_or_degenerate_is_named():
    def linear(w, x):
        return x @ w

    x = np.array([[1.0, 0.0, 0.5], [0.0, 2.0, 0.5]])
    point = solve_kkt(linear, np.ones(3), x, ONES)
    with pytest.raises(ValueError, match="a KKT point of this problem is needed"):
        direction_rate(linear, point, x, ONES, epsilon=np.array([1, 4, 9]))
    with pytest.raises(ValueError, match=r"smallest margin 0\.5"):
        direction_rate(linear, point, x / 2, ONES)
    twice = np.vstack([x, x[:1]])
    with pytest.raises(ValueError, match=r"degenerate, .* (dependent|multiplier 0)"):
        rate(linear, np.ones(3), twice, np.ones(3))
    touching = np.array([[1.0, 0.0], [1.0, 1.0]])  # (1, 0) solves it, and is on both
    with pytest.raises(ValueError, match="multiplier 0"):
        rate(linear, np.array([1.0, 0.0]), touching, ONES)
