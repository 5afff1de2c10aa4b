"""Procedure 1's averages without w: exact, consistent, and equal to the optimizer's."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

from marginflow.flows.discrete import (
    averages_path,
    averages_step,
    defect,
    procedure_1_run,
    retention,
)
from marginflow.optim.steps import procedure_1

RHO = Fraction(9, 10)


def gradient(w):
    """Of exp(-w_0 w_1) + exp(w_1 - w_2), row by row."""
    a, b = np.exp(-w[..., 0] * w[..., 1]), np.exp(w[..., 1] - w[..., 2])
    return np.stack([-a * w[..., 1], b - a * w[..., 0], -b], -1)


def test_averages_step_is_procedure_1():
    """Against the paper's three lines, with δ and ε of very different sizes."""
    w, slope = torch.tensor([0.3, 1.0]).double(), torch.tensor([0.2, -3.0]).double()
    delta, epsilon = (
        torch.tensor([1e-5, 2.0]).double(),
        torch.tensor([3.0, 0.1]).double(),
    )
    g, h = torch.tensor([0.1, 4.0]).double(), torch.tensor([2.0, 0.5]).double()
    step = procedure_1(w, slope, g, h, eta=0.7, rho=0.9, delta=delta, epsilon=epsilon)
    mine = averages_step(g / delta, h / epsilon, slope**2 / delta, 0.9)
    torch.testing.assert_close(mine.G * delta, step.g, rtol=1e-13, atol=0)
    torch.testing.assert_close(mine.H * epsilon, step.h, rtol=1e-13, atol=0)
    made = (w - step.w) / 0.7
    expected = torch.sqrt(mine.used * epsilon / delta) * slope
    torch.testing.assert_close(made, expected, rtol=1e-13, atol=1e-15)


def test_the_identity_is_exact_in_rationals():
    rng = np.random.default_rng(0)
    for _ in range(50):
        G, H, q = (Fraction(int(n), 7) for n in rng.integers(0, 60, 3))
        rho = Fraction(int(rng.integers(0, 11)), 10)
        after = averages_step(G, H, q, rho)
        gap = 1 - (1 + H) / (1 + G)
        kept, push = retention(G, q, rho), defect(G, q, rho)
        assert 1 - after.beta_squared == kept * gap + push
        if push:
            assert 1 - after.beta_squared != kept * gap - push


def test_path_is_its_steps_and_refuses_what_is_no_square():
    path = averages_path([Fraction(1, 2), Fraction(0)], RHO)
    first = averages_step(0, 0, Fraction(1, 2), RHO)
    assert path == [first, averages_step(first.G, first.H, Fraction(0), RHO)]
    with pytest.raises(ValueError, match=r"squares\[1\] is -1; .*>= 0"):
        averages_path([1, -1], RHO)
    with pytest.raises(ValueError, match=r"rho is 2; .*\[0, 1\]"):
        averages_path([1], 2)
    with pytest.raises(ValueError, match=r"H is -1; Assumption 2"):
        averages_path([1], RHO, H=-1)


def test_run_is_procedure_1_step_by_step():
    starts = np.random.default_rng(2).uniform(-1, 1, (3, 3))
    delta, epsilon = np.array([1e-3, 0.5, 2.0]), np.array([0.1, 1e-2, 3.0])
    run = procedure_1_run(
        gradient,
        starts,
        eta=0.3,
        rho=0.8,
        steps=40,
        delta=delta,
        epsilon=epsilon,
        record=range(1, 41),
    )
    w = torch.tensor(starts)
    g = h = torch.zeros_like(w)
    terms = dict(delta=torch.tensor(delta), epsilon=torch.tensor(epsilon))
    largest = 0.0
    for k in range(1, 41):
        slope = torch.tensor(gradient(w.numpy()))
        before = h
        w, g, h = procedure_1(w, slope, g, h, eta=0.3, rho=0.8, **terms)
        np.testing.assert_allclose(run.w[k], w, rtol=1e-11, atol=1e-13)
        for gap, top in ((run.gap[k], h), (run.used_gap[k], before)):
            quotient = (1 + top / terms["epsilon"]) / (1 + g / terms["delta"])
            np.testing.assert_allclose(gap, 1 - quotient, rtol=0, atol=1e-12)
        for mine, average in ((run.g[k], g), (run.h[k], h)):
            np.testing.assert_allclose(mine, average, rtol=1e-11)
        far = np.abs(np.sqrt(1 - run.used_gap[k]) - 1)
        np.testing.assert_allclose(run.distance[k], far, rtol=0, atol=1e-15)
        largest = np.maximum(largest, far)
    np.testing.assert_allclose(run.largest, largest, rtol=1e-13)
    assert run.step.tolist() == list(range(41))


def test_one_run_is_a_row_of_many():
    options = dict(eta=0.3, rho=0.8, steps=20, record=[7])
    starts = np.random.default_rng(2).uniform(-1, 1, (3, 3))
    many = procedure_1_run(gradient, starts, **options)
    one = procedure_1_run(gradient, starts[1], **options)
    np.testing.assert_array_equal(one.w, many.w[:, 1])
    np.testing.assert_array_equal(one.gap, many.gap[:, 1])
    assert one.step.tolist() == [0, 7, 20]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"eta": 0.0}, "eta is 0.0; .* > 0"),
        ({"rho": 1.1}, r"rho is 1.1; .* \[0, 1\]"),
        ({"steps": 0}, "steps is 0; .* positive integer"),
        ({"delta": 0.0}, "delta contains 0.0; .* > 0"),
        (
            {"epsilon": np.array([1.0, np.inf, 1.0])},
            "epsilon contains inf",
        ),
        ({"record": [6]}, r"record reaches outside \[1, 5\]"),
        ({"w0": np.zeros((1, 2, 3))}, r"w0 has shape \(1, 2, 3\)"),
    ],
)
def test_bad_input_is_told(change, message):
    arguments = {"w0": np.ones((1, 3)), "eta": 1.0, "rho": 0.9, "steps": 5} | change
    with pytest.raises(ValueError, match=message):
        procedure_1_run(gradient, **arguments)
