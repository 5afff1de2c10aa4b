"""Procedure 1's averages without w: exact, consistent, and equal to the optimizer's."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

from marginflow.data import perceptron_points
from marginflow.discrete import (
    averages_path,
    averages_step,
    defect,
    perceptron_gradient,
    procedure_1_run,
    retention,
)
from marginflow.optim.steps import procedure_1

RHO = Fraction(9, 10)


def points():
    generator = torch.Generator().manual_seed(3)
    return tuple(a.numpy() for a in perceptron_points(generator, 6))


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
    with pytest.raises(ValueError, match=r"squares\[1\]=-1 .*>= 0"):
        averages_path([1, -1], RHO)
    with pytest.raises(ValueError, match=r"rho=2 .*\[0, 1\]"):
        averages_path([1], 2)
    with pytest.raises(ValueError, match=r"H=-1 .*Assumption 2"):
        averages_path([1], RHO, H=-1)


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_perceptron_gradient_is_autograd_s(reduction):
    x, y = points()
    rows = np.random.default_rng(1).normal(size=(4, 3))
    mine = perceptron_gradient(x, y, reduction=reduction)(rows)
    for row, gradient in zip(rows, mine, strict=True):
        w = torch.tensor(row, requires_grad=True)
        unit = torch.nn.functional.leaky_relu(torch.tensor(x) @ w[1:], 0.5)
        loss = torch.exp(-torch.tensor(y) * w[0] * unit)
        (loss.sum() if reduction == "sum" else loss.mean()).backward()
        np.testing.assert_allclose(gradient, w.grad.numpy(), rtol=1e-12, atol=1e-14)


def test_run_is_procedure_1_step_by_step():
    x, y = points()
    gradient = perceptron_gradient(x, y)
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
        far = np.abs(np.sqrt(1 - run.used_gap[k]) - 1)
        np.testing.assert_allclose(run.distance[k], far, rtol=0, atol=1e-15)
        largest = np.maximum(largest, far)
    np.testing.assert_allclose(run.largest, largest, rtol=1e-13)
    assert run.step.tolist() == list(range(41))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"eta": 0.0}, "eta=0.0 must be positive"),
        ({"rho": 1.1}, r"rho=1.1 must lie in \[0, 1\]"),
        ({"steps": 0}, "steps=0 must be an integer >= 1"),
        ({"delta": 0.0}, "delta=0.0 must be > 0"),
        (
            {"epsilon": np.array([1.0, np.inf, 1.0])},
            "epsilon=.* must be > 0",
        ),
        ({"record": [6]}, r"record reaches outside \[1, 5\]"),
        ({"w0": np.zeros(3)}, r"w0 has shape \(3,\)"),
    ],
)
def test_bad_input_is_told(change, message):
    arguments = {"w0": np.ones((1, 3)), "eta": 1.0, "rho": 0.9, "steps": 5} | change
    with pytest.raises(ValueError, match=message):
        procedure_1_run(perceptron_gradient(*points()), **arguments)


def test_bad_data_is_told():
    x, y = points()
    with pytest.raises(ValueError, match="labels must be -1 or 1"):
        perceptron_gradient(x, 2 * y)
    with pytest.raises(ValueError, match=r"x, y have shapes"):
        perceptron_gradient(x[:, 0], y)
    with pytest.raises(ValueError, match="reduction='max' is unknown"):
        perceptron_gradient(x, y, reduction="max")
