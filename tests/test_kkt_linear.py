"""The margin problem of linear predictors, against conditions that prove a solution."""

import numpy as np
import pytest
from torch import nn

from marginflow.kkt import max_margin, max_margin_classes, solve_kkt


def conditions(a, chi, point):
    """Violation of the KKT conditions, computed from the rows alone."""
    v = point.w / chi
    z = a @ point.w
    return max(
        1 - z.min(),
        np.linalg.norm(v - (a * chi).T @ point.multipliers) / np.linalg.norm(v),
        point.multipliers @ np.abs(z - 1) / point.multipliers.sum(),
        -point.multipliers.min(),
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_kkt_conditions_hold_and_nothing_near_is_shorter(seed):
    rng = np.random.default_rng(seed)
    truth = rng.standard_normal(6)
    x = rng.standard_normal((40, 6))
    a = x * np.sign(x @ truth)[:, None]
    chi = np.exp(rng.standard_normal(6))
    point = max_margin(a, chi)
    assert conditions(a, chi, point) < 1e-10
    assert point.residual < 1e-10
    # Beside it, they do not: another metric's solution is not this one's.
    assert conditions(a, chi, max_margin(a, 1.0)) > 1e-2
    # Any other w of margin 1 is longer.
    longer = 0
    for _ in range(50):
        other = point.w + 0.1 * rng.standard_normal(6)
        margin = (a @ other).min()
        if margin > 0:
            assert np.linalg.norm(other / margin / chi) > np.linalg.norm(point.w / chi)
            longer += 1
    assert longer > 10


def test_it_is_what_the_general_solver_finds():
    rng = np.random.default_rng(7)
    x = rng.standard_normal((12, 3)) + np.array([2.0, 0.0, 0.0])
    y = np.ones(12)
    delta, epsilon = np.exp(rng.standard_normal((2, 3)))

    chi = (epsilon / delta) ** 0.25
    mine = max_margin(x, chi)
    network = nn.Sequential(nn.Linear(3, 1, bias=False), nn.Flatten(0))
    theirs = solve_kkt(network, mine.direction, x, y, delta, epsilon)
    np.testing.assert_allclose(theirs.w, mine.w, rtol=1e-8, atol=1e-10)


def test_classes_are_pairs_of_the_binary_problem():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((15, 8))
    labels = rng.integers(0, 4, 15)
    chi = np.exp(0.5 * rng.standard_normal((4, 8)))
    rows = []
    for i, label in enumerate(labels):
        for j in range(4):
            if j != label:
                a = np.zeros((4, 8))
                a[label], a[j] = x[i], -x[i]
                rows.append(a.reshape(-1))
    a = np.array(rows)
    point = max_margin_classes(x, labels, chi)
    assert conditions(a, chi.reshape(-1), point) < 1e-10
    binary = max_margin(a, chi.reshape(-1))
    np.testing.assert_allclose(point.w, binary.w, atol=1e-9)


def test_what_cannot_be_separated_is_refused():
    with pytest.raises(ValueError, match="cannot be separated"):
        max_margin(np.array([[1.0, 0.0], [-1.0, 0.0]]))
