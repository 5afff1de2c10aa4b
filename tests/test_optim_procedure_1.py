"""Procedure 1 in its generality: ρ_k, δ and ε per component, against a NumPy loop.

The loop below is written from the paper, component by component in Python floats, and
shares nothing with the package.  Every way to run the step is held to it, and mutated
loops (one wrong letter each) are refuted by the same comparison.
"""

import math
import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from per_component import groups

from marginflow.optim import (
    GeneralizedAdadelta,
    fused,
    harmonic_decay,
    procedure_1,
    stability_terms,
)
from marginflow.optim.steps import foreach_step

WAYS = {
    "default": {},
    "plain": {"foreach": False},
    "foreach": {"foreach": True},
    "fused": {"fused": True},
}


def paper(w, g, h, grad, *, eta, rho, delta, epsilon):
    """One component of Procedure 1 (p. 4)."""
    g_next = rho * g + (1 - rho) * grad**2
    moved = math.sqrt((epsilon + h) / (delta + g_next)) * grad
    h_next = rho * h + (1 - rho) * moved**2
    return w - eta * moved, g_next, h_next


# Each has one thing wrong.
def h_before_use(w, g, h, grad, *, eta, rho, delta, epsilon):
    g_next = rho * g + (1 - rho) * grad**2
    moved = math.sqrt((epsilon + h) / (delta + g_next)) * grad
    h_next = rho * h + (1 - rho) * moved**2
    moved = math.sqrt((epsilon + h_next) / (delta + g_next)) * grad
    return w - eta * moved, g_next, h_next


def g_from_before(w, g, h, grad, *, eta, rho, delta, epsilon):
    g_next = rho * g + (1 - rho) * grad**2
    moved = math.sqrt((epsilon + h) / (delta + g)) * grad
    h_next = rho * h + (1 - rho) * moved**2
    return w - eta * moved, g_next, h_next


def delta_and_epsilon_swapped(w, g, h, grad, *, eta, rho, delta, epsilon):
    return paper(w, g, h, grad, eta=eta, rho=rho, delta=epsilon, epsilon=delta)


def rho_for_one_minus_rho(w, g, h, grad, *, eta, rho, delta, epsilon):
    return paper(w, g, h, grad, eta=eta, rho=1 - rho, delta=delta, epsilon=epsilon)


def eta_inside_h(w, g, h, grad, *, eta, rho, delta, epsilon):
    g_next = rho * g + (1 - rho) * grad**2
    moved = eta * math.sqrt((epsilon + h) / (delta + g_next)) * grad
    return w - moved, g_next, rho * h + (1 - rho) * moved**2


def no_square_in_h(w, g, h, grad, *, eta, rho, delta, epsilon):
    w_next, g_next, _ = paper(
        w, g, h, grad, eta=eta, rho=rho, delta=delta, epsilon=epsilon
    )
    moved = math.sqrt((epsilon + h) / (delta + g_next)) * grad
    return w_next, g_next, rho * h + (1 - rho) * abs(moved)


MUTANTS = [
    h_before_use,
    g_from_before,
    delta_and_epsilon_swapped,
    rho_for_one_minus_rho,
    eta_inside_h,
    no_square_in_h,
]


class Problem:
    """Random parameters, averages, gradients and coefficients, in NumPy."""

    def __init__(self, seed, shapes=((4, 3), (5,), ()), steps=6):
        rng = np.random.default_rng(seed)
        self.shapes, self.steps = shapes, steps
        self.w = [rng.normal(size=s) for s in shapes]
        self.g0 = [rng.exponential(size=s) * 1e-2 for s in shapes]
        self.h0 = [rng.exponential(size=s) * 1e-3 for s in shapes]
        self.delta = [10 ** (-3 + rng.normal(size=s)) for s in shapes]
        self.epsilon = [10 ** (-4 + rng.normal(size=s)) for s in shapes]
        self.rho = [rng.uniform(0.3, 0.99, size=s) for s in shapes]
        self.grads = [
            [rng.normal(size=s) * 10 ** rng.uniform(-3, 1) for s in shapes]
            for _ in range(steps)
        ]

    def loop(self, rule, kind, eta):
        """(w, g, h) after all steps, by `rule` on each component alone."""
        results = []
        for i, shape in enumerate(self.shapes):
            out = np.empty((3, *shape))
            for c in np.ndindex(*shape):
                w, g, h = self.w[i][c], self.g0[i][c], self.h0[i][c]
                for k in range(self.steps):
                    rho, delta, epsilon = self.coefficients(kind, i, c, k)
                    w, g, h = rule(
                        w,
                        g,
                        h,
                        self.grads[k][i][c],
                        eta=eta,
                        rho=rho,
                        delta=delta,
                        epsilon=epsilon,
                    )
                out[(slice(None), *c)] = w, g, h
            results.append(out)
        return results

    def coefficients(self, kind, i, c, k):
        if kind == "scalar":
            return 0.9, 1e-3, 1e-4
        if kind == "schedule":
            return 1 - 0.1 / (1 + math.floor(100 * k / 60)), 1e-3, 1e-4
        rho = self.rho[i][c] if kind == "all per component" else 0.9
        return rho, self.delta[i][c], self.epsilon[i][c]

    def groups(self, kind, params):
        numbers = {"params": params, "delta": 1e-3, "epsilon": 1e-4}
        if kind == "scalar":
            return [numbers]
        if kind == "schedule":
            return [numbers | {"rho": harmonic_decay(60)}]
        tensors = {
            name: [torch.tensor(value) for value in getattr(self, name)]
            for name in ("delta", "epsilon", "rho")
        }
        if kind != "all per component":
            del tensors["rho"]
        return groups(params, **tensors)

    def run(self, kind, eta, **way):
        """(w, g, h) after all steps, by the optimizer."""
        params = [torch.tensor(w, requires_grad=True) for w in self.w]
        optimizer = GeneralizedAdadelta(self.groups(kind, params), lr=eta, **way)
        for p, g, h in zip(params, self.g0, self.h0, strict=True):
            optimizer.set_averages(p, torch.tensor(g), torch.tensor(h))
        for grads in self.grads:
            for p, grad in zip(params, grads, strict=True):
                p.grad = torch.tensor(grad)
            optimizer.step()
        return [
            np.stack([p.detach().numpy(), *(a.numpy() for a in optimizer.averages(p))])
            for p in params
        ]


def distance(results, others):
    """Largest |a − b| / |b| over w, g and h of all parameters."""
    return max(
        np.max(np.abs(a - b) / np.abs(b)) for a, b in zip(results, others, strict=True)
    )


KINDS = ["scalar", "schedule", "delta and epsilon per component", "all per component"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_equals_the_loop_from_the_paper(way, kind):
    for seed in range(3):
        problem = Problem(seed)
        expected = problem.loop(paper, kind, eta=0.3)
        assert distance(problem.run(kind, 0.3, **WAYS[way]), expected) < 2e-14


@pytest.mark.parametrize("mutant", MUTANTS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_comparison_refutes_mutants(mutant, kind):
    problem = Problem(0)
    assert distance(problem.run(kind, 0.3), problem.loop(mutant, kind, 0.3)) > 1e-4


def test_the_steps_own_function_is_the_loop_too():
    problem = Problem(4, shapes=((3, 2),), steps=1)
    expected = problem.loop(paper, "all per component", 0.3)[0]
    step = procedure_1(
        *(torch.tensor(a[0]) for a in (problem.w, problem.grads[0])),
        *(torch.tensor(a[0]) for a in (problem.g0, problem.h0)),
        eta=0.3,
        rho=torch.tensor(problem.rho[0]),
        delta=torch.tensor(problem.delta[0]),
        epsilon=torch.tensor(problem.epsilon[0]),
    )
    assert distance([np.stack([t.numpy() for t in step])], [expected]) < 1e-15


@given(
    seed=st.integers(0, 2**32 - 1),
    shapes=st.lists(
        st.lists(st.integers(0, 4), max_size=3).map(tuple), min_size=1, max_size=4
    ),
    eta=st.floats(0, 10),
    decay=st.sampled_from([0.0, 0.1]),
    maximize=st.booleans(),
    kind=st.sampled_from(KINDS[:2] + KINDS[3:]),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_all_ways_agree_on_anything(seed, shapes, eta, decay, maximize, kind):
    problem = Problem(seed, tuple(shapes), steps=3)
    common = {"weight_decay": decay, "maximize": maximize}
    expected = problem.run(kind, eta, foreach=False, **common)
    for way in ({}, {"foreach": True}, {"fused": True}):
        results = problem.run(kind, eta, **way, **common)
        for a, b in zip(results, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


# ---- forms in which a coefficient may be given ---------------------------------------


def stepped(params, optimizer):
    for p in params:
        p.grad = torch.ones_like(p)
    optimizer.step()
    return [p.detach().clone() for p in params]


def test_numbers_tensors_and_constant_tensors_mean_the_same():
    results = []
    for value in (0.25, torch.tensor(0.25), np.float32(0.25), "tensors", "eps"):
        params = [
            torch.ones(3, dtype=torch.float64),
            torch.ones((), dtype=torch.float64),
        ]
        given = {"delta": value, "epsilon": value}
        alone = [{"params": p} for p in params]
        if value == "tensors":
            given = {}
            terms = [torch.full_like(p, 0.25) for p in params]
            alone = groups(params, delta=terms, epsilon=terms)
        elif value == "eps":
            given = {"eps": 0.25}
        for p in params:
            p.requires_grad_()
        results.append(stepped(params, GeneralizedAdadelta(alone, **given)))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-15, atol=0)


def test_coefficients_are_copies():
    p = torch.nn.Parameter(torch.ones(3))
    terms = torch.full((3,), 1e-3)
    optimizer = GeneralizedAdadelta([p], delta=terms, epsilon=terms)
    terms.fill_(-1)
    (moved,) = stepped([p], optimizer)
    assert (moved < 1).all()


def test_a_schedule_counts_the_steps_in_which_its_group_had_a_gradient():
    seen = []

    def rho(k):
        seen.append(k)
        return 0.5

    params = [torch.nn.Parameter(torch.ones(3)), torch.nn.Parameter(torch.ones(2))]
    optimizer = GeneralizedAdadelta(params, rho=rho)
    assert seen == [0]  # called once to check what it returns
    optimizer.step()
    stepped(params, optimizer)
    # Parameters that take turns make steps of the group all the same.
    for turn in (0, 1, 0, 1):
        for p in params:
            p.grad = None
        params[turn].grad = torch.ones_like(params[turn])
        optimizer.step()
    assert seen == [0, 0, 1, 2, 3, 4]


@pytest.mark.parametrize("way", [*WAYS, "capturable"])
def test_a_schedule_goes_on_where_float32_no_longer_counts(way, monkeypatch):
    """k is past 2^24 in any run of weeks; float32 steps stand still there."""
    name = "marginflow.optim.generalized_adadelta.CAPTURABLE_DEVICES"
    monkeypatch.setattr(name, ("cpu",))  # the same code without a device that has it
    options = {"capturable": True} if way == "capturable" else WAYS[way]
    p = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
    schedule = harmonic_decay(100 * (2**24 + 3))
    optimizer = GeneralizedAdadelta([p], rho=schedule, **options)
    optimizer.param_groups[0]["k"].fill_(2**24 + 1)
    for k in range(2**24 + 1, 2**24 + 6):
        before = optimizer.averages(p).g
        p.grad = torch.ones_like(p)
        optimizer.step()
        rho = schedule(k)
        expected = rho * before + (1 - rho)
        torch.testing.assert_close(optimizer.averages(p).g, expected)
    assert schedule(2**24 + 5) != schedule(2**24 + 2)


def test_the_numerators_term_is_a_learning_rate_per_component():
    """(ε, h_0, η) → (c²ε, c²h_0, η/c) leaves Procedure 1 as it is, bit for bit."""

    def final(c, epsilon_factor):
        problem = Problem(11)
        params = [torch.tensor(w, requires_grad=True) for w in problem.w]
        terms = {
            "delta": [torch.tensor(d) for d in problem.delta],
            "epsilon": [torch.tensor(e) * epsilon_factor for e in problem.epsilon],
        }
        optimizer = GeneralizedAdadelta(groups(params, **terms), lr=0.25 / c)
        for p, h in zip(params, problem.h0, strict=True):
            optimizer.set_averages(p, h=torch.tensor(h) * epsilon_factor)
        for grads in problem.grads:
            for p, grad in zip(params, grads, strict=True):
                p.grad = torch.tensor(grad)
            optimizer.step()
        return torch.cat([p.detach().reshape(-1) for p in params])

    plain = final(1.0, 1.0)
    for c in (2.0, 0.25, 1024.0):
        assert torch.equal(final(c, c * c), plain)
        assert not torch.allclose(final(c, c), plain, rtol=1e-3)


# ---- the fused step ------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:fused=True")  # it may leave the transposed alone
@pytest.mark.parametrize("layout", ["channels last", "transposed", "mixed gradient"])
def test_fused_serves_every_memory_layout(layout):
    gen = torch.Generator().manual_seed(2)
    shape = (4, 3, 2, 5)
    value = torch.randn(shape, generator=gen, dtype=torch.float64)
    grads = torch.randn((5, *shape), generator=gen, dtype=torch.float64)
    if layout == "transposed":
        value = value.transpose(0, 1).contiguous().transpose(0, 1)
    else:
        value = value.to(memory_format=torch.channels_last)
    results = []
    for way in ({"fused": True}, {"foreach": False}):
        p = value.clone(memory_format=torch.preserve_format).requires_grad_()
        delta = stability_terms(p, generator=torch.Generator().manual_seed(3))
        optimizer = GeneralizedAdadelta([p], delta=delta, epsilon=delta, **way)
        assert optimizer.param_groups[0]["delta"].stride() == p.stride()
        for grad in grads:
            p.grad = torch.empty_like(p).copy_(grad)
            if layout == "mixed gradient":
                p.grad = grad.clone()
            optimizer.step()
        assert p.stride() == value.stride()
        results.append(p.detach())
    torch.testing.assert_close(*results, rtol=1e-14, atol=1e-14)


def test_fused_is_compiled_once_for_all_sizes_and_values():
    """Another shape, learning rate, ρ, or option must not wait for a compiler again.

    Another number of tensors must, up to the number that one call takes together.
    """
    from torch._dynamo.utils import counters

    def step(shapes, **options):
        params = [torch.ones(s, dtype=torch.float64).requires_grad_() for s in shapes]
        stepped(params, GeneralizedAdadelta(params, fused=True, **options))

    step([(5,)])
    before = counters["stats"]["unique_graphs"]
    assert before > 0
    step([(2, 3), (1,), (), (0,)], lr=torch.tensor(0.5))
    step([(300, 400)])
    step([(5,)], lr=0.1, rho=0.3, delta=1e-3, epsilon=1e-4)
    step([(6, 2)], weight_decay=0.1, maximize=True, eps=2.0)
    step([(6, 2)], rho=harmonic_decay(10))
    assert counters["stats"]["unique_graphs"] == before
    step([(5,), (6,), (7,)])
    step([(300, 400), (2, 3), (9,)], lr=0.2)
    assert counters["stats"]["unique_graphs"] == before + 1


def test_fused_steps_many_tensors_in_chunks(monkeypatch):
    monkeypatch.setattr(fused, "TOGETHER", 2)
    gen = torch.Generator().manual_seed(6)
    results = []
    for options in ({"fused": True}, {"foreach": False}):
        gen.manual_seed(6)
        params = [
            torch.randn(n, dtype=torch.float64, generator=gen).requires_grad_()
            for n in (3, 40, 5, 60, 7)
        ]
        results.append(stepped(params, GeneralizedAdadelta(params, **options)))
    for mine, plain in zip(*results, strict=True):
        torch.testing.assert_close(mine, plain, rtol=1e-14, atol=1e-14)


def test_fused_in_half_precision_rounds_once():
    """bfloat16 in, bfloat16 out, float32 between: at most one rounding from float64."""
    gen = torch.Generator().manual_seed(5)
    p = torch.randn(64, generator=gen).bfloat16().requires_grad_()
    exact = p.detach().double().requires_grad_()
    p.grad = torch.randn(64, generator=gen).bfloat16()
    exact.grad = p.grad.double()
    GeneralizedAdadelta([p], eps=1e-3, fused=True).step()
    GeneralizedAdadelta([exact], eps=1e-3, foreach=False).step()
    torch.testing.assert_close(p.detach().double(), exact.detach(), rtol=2**-8, atol=0)


WITHOUT_COMPILER = """
import warnings, torch
from marginflow.optim import GeneralizedAdadelta
runs = []
for fused in (True, None):
    p = torch.nn.Parameter(torch.ones(5, dtype=torch.float64))
    optimizer = GeneralizedAdadelta([p], fused=fused)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            p.grad = torch.full_like(p, 0.3)
            optimizer.step()
    runs.append((p.detach(), [str(w.message) for w in caught]))
(fused, said), (plain, nothing) = runs
assert torch.equal(fused, plain) and not nothing
assert len(said) == 1, said
assert "cannot make the fused step" in said[0] and "C++ compiler" in said[0], said
"""


def test_without_a_compiler_the_step_says_so_once_and_goes_on(tmp_path):
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TORCHINDUCTOR_CACHE_DIR": str(tmp_path),
        "CXX": str(tmp_path / "no-such-compiler"),
    }
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_COMPILER],
        capture_output=True,
        text=True,
        env=env,
    )
    assert done.returncode == 0, done.stderr


def test_the_step_over_lists_takes_its_numbers_as_tensors_too():
    """As a device graph and a compiler give them: also the learning rate's sign."""
    numbers = {"eta": 0.3, "rho": 0.9, "delta": 1e-3, "epsilon": 1e-4}
    drawn = torch.rand(4, 5, dtype=torch.float64, generator=torch.manual_seed(3))
    results = []
    for kind in (float, partial(torch.tensor, dtype=torch.float64)):
        w, gradient, g, h = ([part.clone()] for part in drawn)
        foreach_step(
            w, gradient, g, h, **{name: kind(c) for name, c in numbers.items()}
        )
        results.append(torch.stack([*w, *g, *h]))
    torch.testing.assert_close(*results, rtol=1e-15, atol=0)
