"""Theorem J3 on random cubic margins: what it promises of every step, it keeps."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import sympy as sp

from marginflow.proofs import THEOREM_J

P, N, STEPS, DEGREE = 3, 2, 200, 3


def cubic_forms(rng, count):
    """Symmetric tensors, ``(count, N, P, P, P)``: zᵢ(w) = T[w, w, w]."""
    t = rng.normal(size=(count, N, P, P, P))
    return sum(t.transpose(0, 1, *(2 + np.array(o))) for o in permutations(range(P)))


def margins(t, w):
    """zᵢ, and their gradients."""
    once = np.einsum("...iabc,...c->...iab", t, w)
    twice = np.einsum("...iab,...b->...ia", once, w)
    return np.einsum("...ia,...a->...i", twice, w), 3 * twice


def constants(t, sphere):
    """B₁ and B₂ of one problem (over a fine sample), and its best start."""
    z, slopes = margins(t, sphere)
    bends = 6 * np.einsum("iabc,sc->siab", t, sphere)
    best = z.min(1).argmax()
    steepest = np.linalg.norm(slopes, axis=-1).max()
    return steepest, abs(np.linalg.eigvalsh(bends)).max(), sphere[best], z[best].min()


def bounds(start, forget, eta, terms):
    """A_j and a_j of the theorem, from the loss at the start."""
    delta, epsilon, g0, h0 = terms
    above, below = (forget * start / (eta * d) for d in (delta, delta + g0))
    return (
        above + np.sqrt(above**2 + (epsilon + h0) / delta),
        -below + np.sqrt(below**2 + epsilon / (delta + g0)),
    )


def kappa(loss, length, eta, highest, b1, b2):
    power = 2 * DEGREE - 2
    steep = b1**2 * length**power + 2 ** (DEGREE - 2) * b2 * length ** (DEGREE - 2)
    return eta * highest * loss * steep


def problem(rng, t, forget, allowed):
    """A start, η and terms that meet J3's condition with κ₀ ≤ ``allowed``, or None."""
    sphere = rng.normal(size=(1500, P))
    b1, b2, unit, margin = constants(
        t, sphere / np.linalg.norm(sphere, axis=1)[:, None]
    )
    delta = 10 ** rng.uniform(-1, 1, P)
    epsilon = delta * 10 ** rng.uniform(-0.3, 0.3, P)
    terms = (
        delta,
        epsilon,
        rng.uniform(0, 0.5, P) * delta,
        rng.uniform(0, 0.5, P) * epsilon,
    )
    for length in np.geomspace(1, 4, 12) * max(margin, 1e-3) ** (-1 / DEGREE):
        loss = np.exp(-margins(t, length * unit)[0]).sum()
        for eta in np.geomspace(10, 1e-4, 30):
            highest, lowest = bounds(loss, forget, eta, terms)
            least = 8 / 3 * (1 - 1 / DEGREE) * highest.max() / lowest.min()
            small = kappa(loss, length, eta, highest.max(), b1, b2) <= allowed
            if -np.log(loss) >= least and small:
                return length * unit, eta, terms, b1, b2
    return None


def promises_kept(seed, allowed):
    """How many random problems, and of them how many keep all of J3 in all steps."""
    rng, rho = np.random.default_rng(seed), np.array([0.0, 0.9, 0.99])
    problems = []
    for t in cubic_forms(rng, 40):
        found = problem(rng, t, 1 - rho, allowed)
        problems += [(t, *found)] if found else []
    t, w, eta, terms, b1, b2 = (np.array(part) for part in zip(*problems, strict=True))
    eta = eta[:, None]
    delta, epsilon, g, h = terms.transpose(1, 0, 2)
    z, slopes = margins(t, w)
    loss = np.exp(-z).sum(1)
    both = bounds(loss[:, None], 1 - rho, eta, terms.transpose(1, 0, 2))
    highest = both[0].max(1)
    condition = kappa(loss, np.linalg.norm(w, axis=1), eta[:, 0], highest, b1, b2)
    kept = np.full(len(t), True)
    with np.errstate(all="ignore"):  # a mutated run may leave the numbers
        for _ in range(STEPS):
            d = -(np.exp(-z)[..., None] * slopes).sum(1)
            g = rho * g + (1 - rho) * d**2
            preconditioner = np.sqrt((epsilon + h) / (delta + g))
            h = rho * h + (1 - rho) * (preconditioner * d) ** 2
            w = w - eta * preconditioner * d
            before, before_condition = loss, condition
            z, slopes = margins(t, w)
            loss = np.exp(-z).sum(1)
            spent = eta[:, 0] / 2 * (preconditioner * d**2).sum(1)
            condition = kappa(
                loss, np.linalg.norm(w, axis=1), eta[:, 0], highest, b1, b2
            )
            for holds in (
                loss <= before - spent * (1 - 1e-12),
                condition <= before_condition * (1 + 1e-12),
                (preconditioner <= both[0] * (1 + 1e-12)).all(1),
                (preconditioner >= both[1] * (1 - 1e-12)).all(1),
            ):
                kept &= holds
    return len(kept), kept.sum()


def test_every_step_keeps_what_the_theorem_promises():
    for seed in range(3):
        problems, kept = promises_kept(seed, allowed=0.5)
        assert kept == problems > 10


def test_a_step_size_forty_times_as_large_does_not():
    problems, kept = promises_kept(0, allowed=20.0)
    assert kept < problems


@pytest.mark.parametrize("tenth", range(1, 6))
def test_what_half_a_descent_rests_on_holds_of_the_exponential(tenth):
    """The premise on E is Taylor's: true of E = exp(−¾y), or the step says nothing."""
    (step,) = (s for s in THEOREM_J.steps if s.name == "half-descent")
    y, E = (
        next(a for a in step.check.then.free_symbols if a.name == name)
        for name in ("y", "E")
    )
    small = sp.Rational(tenth, 10)
    exact = {y: small, E: sp.exp(-3 * small / 4)}
    assert all(given.subs(exact) == sp.true for given in step.check.given)
