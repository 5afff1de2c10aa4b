"""The engines: what they prove, what they refute, and what they leave undecided."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp

from marginflow.flows import AdaptiveFlow
from marginflow.proofs import (
    Argument,
    Citation,
    Identity,
    Implication,
    LimitOf,
    Measurement,
    Outcome,
    read,
    small_flow,
)

x, y = sp.symbols("x y")
u, v = sp.symbols("u v", real=True)
p, q = sp.symbols("p q", positive=True)


# --- algebra ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right", "given"),
    [
        ((u + v) ** 2, u**2 + 2 * u * v + v**2, ()),
        (sp.sqrt(p / q), sp.sqrt(p) / sp.sqrt(q), ()),
        (u**2 / p, v**2 / p, (sp.Eq(u, -v),)),
        (sp.log(p * q), sp.log(p) + sp.log(q), ()),
    ],
)
def test_identity_is_proven(left, right, given):
    assert Identity(left, right, given).settle().outcome is Outcome.PROVEN
    assert Identity(left, right + 1, given).settle().outcome is Outcome.REFUTED


def test_refuted_identity_has_an_exact_counterexample():
    verdict = Identity((u + v) ** 2, u**2 + v**2).settle()
    assert verdict.outcome is Outcome.REFUTED
    point = {sp.Symbol(k, real=True): sp.Rational(verdict.witness[k]) for k in "uv"}
    assert str(((u + v) ** 2).subs(point)) == verdict.witness["left"]
    assert str((u**2 + v**2).subs(point)) == verdict.witness["right"]
    assert verdict.witness["left"] != verdict.witness["right"]


def test_root_of_a_square_keeps_its_sign():
    assert Identity(sp.sqrt(u**2), u).settle().outcome is Outcome.REFUTED
    assert Identity(sp.sqrt(p**2), p).settle().outcome is Outcome.PROVEN


def test_true_identity_beyond_simplify_is_undecided():
    check = Identity(sp.atan(p) + sp.atan(1 / p), sp.pi / 2)
    assert check.settle().outcome is Outcome.UNDECIDED


def test_given_equations_reach_derivatives():
    t = sp.Symbol("t", nonnegative=True)
    f = sp.Function("f", real=True)(t)
    check = Identity(sp.Derivative(f**2, t), -2 * f**2, (sp.Eq(f.diff(t), -f),))
    assert check.settle().outcome is Outcome.PROVEN
    check = Identity(sp.Derivative(f**2, t), -2 * f**2, (sp.Eq(f.diff(t), f),))
    assert check.settle().outcome is Outcome.REFUTED


def test_limits():
    decays = LimitOf(sp.exp(-p), p, sp.oo, sp.S.Zero)
    assert decays.settle().outcome is Outcome.PROVEN
    refuted = LimitOf(sp.exp(-p), p, sp.oo, sp.S.One).settle()
    assert refuted.outcome is Outcome.REFUTED
    assert refuted.witness == {"limit": "0", "claimed": "1"}
    assert read(decays.source) == "exp(−p) as p → ∞"


# --- solver ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "then"),
    [
        ((x > 0, y > 0), x * y > 0),
        ((x > 0,), x + 1 / x >= 2),
        ((sp.Eq(x, y),), sp.Eq(x**2, y**2)),
        ((), sp.Abs(x + y) <= sp.Abs(x) + sp.Abs(y)),
        ((), sp.And(sp.Min(x, y) <= x, sp.Max(x, y) >= x)),
        ((sp.Or(x > 1, x < -1),), x**2 > 1),
        ((sp.Not(sp.Eq(x, 0)),), x**2 > 0),
    ],
)
def test_implication_is_proven(given, then):
    assert Implication(given, then).settle().outcome is Outcome.PROVEN
    assert Implication(given, sp.Not(then)).settle().outcome is Outcome.REFUTED


def test_counterexample_satisfies_the_hypotheses_exactly():
    verdict = Implication((x > 0, y < x), y**2 < x**2).settle()
    assert verdict.outcome is Outcome.REFUTED
    a, b = (sp.Rational(verdict.witness[name]) for name in "xy")
    assert a > 0
    assert b < a
    assert b**2 >= a**2


def test_irrational_counterexample_is_exact():
    verdict = Implication((sp.Eq(x**2, 2), x > 0), x < 0).settle()
    assert verdict.outcome is Outcome.REFUTED
    assert verdict.witness == {"x": "sqrt(2)"}


def test_contradicting_hypotheses_prove_nothing():
    verdict = Implication((x > 0, x < 0), y > 0).settle()
    assert verdict.outcome is Outcome.UNDECIDED
    assert "contradict" in verdict.detail


def test_vanishing_denominator_is_refuted():
    verdict = Implication((x >= 0,), (y / x) ** 2 >= 0).settle()
    assert verdict.outcome is Outcome.REFUTED
    assert "denominator" in verdict.detail
    assert verdict.witness["x"] == "0"
    assert Implication((x > 0,), (y / x) ** 2 >= 0).settle().outcome is Outcome.PROVEN


def test_timeout_is_undecided_and_never_proven():
    names = sp.symbols("a:8")
    hard = sum(s**7 for s in names[:4]) - sum(s**5 for s in names[4:])
    given = (sp.Eq(hard * names[0] * names[5], 3 + names[2] ** 3 * names[7] ** 4),)
    then = sp.Ne(sum(s**3 for s in names), sp.Rational(7, 3) * names[1] ** 2)
    verdict = Implication(given, then, timeout=0.001).settle()
    assert verdict.outcome is Outcome.UNDECIDED
    assert not verdict.outcome.stands


def test_without_z3_nothing_is_proven(monkeypatch):
    monkeypatch.setitem(sys.modules, "z3", None)
    verdict = Implication((x > 0,), x >= 0).settle()
    assert verdict.outcome is Outcome.UNDECIDED
    assert "z3-solver" in verdict.detail


def test_solver_refuses_what_it_cannot_translate():
    with pytest.raises(ValueError, match=r"but got sin\(x\) of type sin"):
        Implication((), sp.sin(x) <= 1).settle()


# --- paper and citation ----------------------------------------------------------


def test_arguments_and_citations_never_come_out_as_proven():
    assert Argument("a", "b", "because").settle().outcome is Outcome.ARGUED
    assert Citation("a", "b", "key", "p. 1").settle().outcome is Outcome.CITED


# --- numbers ---------------------------------------------------------------------


def test_measurement_compares_and_refuses_nan():
    assert Measurement("m", lambda: 1.0, 1.0).settle().outcome is Outcome.MEASURED
    assert Measurement("m", lambda: 1.1, 1.0).settle().outcome is Outcome.REFUTED
    assert Measurement("m", lambda: math.nan, 1.0).settle().outcome is Outcome.REFUTED


def test_small_flow_agrees_with_scipy():
    """The same three equations, written for NumPy and solved by another method."""
    flow = small_flow()
    delta, epsilon = np.array(flow.delta), np.array(flow.epsilon)

    def velocity(t, state):
        w, g, h = state.reshape(3, 2)
        gradient = -w[::-1] * np.exp(-w[0] * w[1])
        decay = 0.7 - 0.4 * np.sin(t) ** 2
        dw = -np.sqrt((epsilon + h) / (delta + g)) * gradient
        dg, dh = decay * (gradient**2 - g), decay * (dw**2 - h)
        return np.concatenate([dw, dg, dh])

    start = np.concatenate([flow.w[0], flow.g[0], flow.h[0]])
    solved = solve_ivp(
        velocity, (0, flow.t[-1]), start, method="DOP853", rtol=1e-12, atol=1e-13
    )
    end = np.concatenate([flow.w[-1], flow.g[-1], flow.h[-1]])
    np.testing.assert_allclose(end, solved.y[:, -1], rtol=1e-10)


def test_small_flow_agrees_with_the_package_s_flow():
    """Two implementations of Process 2 that share no code."""
    flow = small_flow()
    theirs = AdaptiveFlow(
        lambda w, x: w[0] * w[1] * x[:, 0],
        np.ones((1, 1)),
        np.ones(1),
        rho=lambda t: 0.3 + 0.4 * np.sin(t) ** 2,
        delta=np.array(flow.delta),
        epsilon=np.array(flow.epsilon),
    ).integrate(
        np.array(flow.w[0]),
        np.array(flow.g[0]),
        np.array(flow.h[0]),
        t_end=flow.t[-1],
        rtol=1e-12,
    )
    for name in ("w", "g", "h", "beta"):
        ours = getattr(flow, name)[-1]
        np.testing.assert_allclose(getattr(theirs, name)[-1], ours, rtol=1e-8)
    np.testing.assert_allclose(theirs.exponent[-1], flow.damping[-1], rtol=1e-8)
    np.testing.assert_allclose(theirs.energy[-1], flow.squares[-1], rtol=1e-8)


def test_small_flow_converges_at_fourth_order():
    ends = [small_flow(t_end=2.0, steps=n).w[-1][0] for n in (40, 80, 160)]
    order = math.log2(abs((ends[0] - ends[1]) / (ends[1] - ends[2])))
    assert order == pytest.approx(4, abs=0.2)


def test_small_flow_starts_on_both_sides_of_one():
    beta = small_flow().beta[0]
    assert beta[0] < 1 < beta[1]


# --- reading ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (-(1 - u) * (v**2 - u), "−(1 − u)·(v² − u)"),
        (u / (1 + v), "u/(1 + v)"),
        (1 / (u * v), "1/(u·v)"),
        (sp.sqrt(1 + u**2), "√(1 + u²)"),
        (sp.Rational(3, 2) * u, "3·u/2"),
        (sp.Eq(u, v), "u = v"),
        (sp.And(u > 0, v <= 1), "u > 0 and v ≤ 1"),
        (sp.Abs(u), "|u|"),
        (u - v, "u − v"),
        (-u - v, "−u − v"),
        (u**-2, "1/u²"),
        (p ** sp.Rational(1, 3), "p^(1/3)"),
    ],
)
def test_plain_text(expression, text):
    assert read(expression) == text
