"""Proposition B: every step stands, every mutation is refuted."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from marginflow.flows.discrete import averages_step
from marginflow.optim import GeneralizedAdadelta
from marginflow.proofs.proposition_b import PROPOSITION_B, _final_distance
from marginflow.proofs.statement import Outcome


@pytest.mark.parametrize("step", PROPOSITION_B.steps, ids=lambda s: s.name)
def test_step_stands_and_can_fall(step):
    verdict = step.settle()
    assert verdict.outcome.stands, verdict
    assert bool(step.mutations) == step.check.engine.by_machine


@pytest.mark.parametrize(
    "mutation",
    [m for step in PROPOSITION_B.steps for m in step.mutations],
    ids=lambda m: m.name,
)
def test_mutation_is_refuted_with_a_witness(mutation):
    verdict = mutation.check.settle()
    assert verdict.outcome is Outcome.REFUTED, verdict
    assert verdict.witness


def test_overshoot_is_bounded_and_the_bound_is_nearly_met():
    """Part (iv) in rationals, at random and at its worst."""
    rng = np.random.default_rng(1)
    for _ in range(200):
        G = Fraction(int(rng.integers(0, 1000)), 3)
        H = G * Fraction(int(rng.integers(0, 8)), 7)  # β ≤ 1
        q = Fraction(int(rng.integers(0, 1000)), 5)
        rho = Fraction(int(rng.integers(1, 10)), 10)
        after = averages_step(G, H, q, rho).beta_squared
        assert after <= 1 + (1 - rho) ** 2 / (4 * rho)
    rho, G = Fraction(9, 10), Fraction(10**9)
    worst = averages_step(G, G, G * rho / (1 + rho), rho).beta_squared
    bound = (1 - rho) ** 2 / (4 * rho)
    assert 0.999 < (worst - 1) / bound < 1


@pytest.mark.parametrize("power", [0, 2])
def test_the_run_that_is_measured_is_procedure_1(power):
    """Its β, by the optimizer: w = 0, g = δ, h = 0, the loss e^−w, 3000 steps."""
    delta = 0.01
    w = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = GeneralizedAdadelta(
        [w],
        lr=1.0,
        rho=lambda k: 1 - 0.1 / (k + 1.0) ** power,
        delta=delta,
        epsilon=delta,
    )
    optimizer.set_averages(w, torch.full_like(w, delta), torch.zeros_like(w))
    for _ in range(3000):
        w.grad = -torch.exp(-w.detach())
        optimizer.step()
    g, h = (float(average) for average in optimizer.averages(w))
    beta = math.sqrt((1 + h / delta) / (1 + g / delta))
    assert _final_distance(power) == pytest.approx(abs(beta - 1), rel=1e-9)
