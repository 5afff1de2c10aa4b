"""Proposition B: every step stands, every mutation is refuted."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from marginflow.flows.discrete import averages_step
from marginflow.proofs.proposition_b import PROPOSITION_B
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
