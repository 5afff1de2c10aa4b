"""Properties that hold for whatever hypothesis thinks of, each beside one that fails.

The margins' invariance under scaling is in `test_margins`, the optimizer's three ways
against each other in `test_optim_procedure_1`; here are the ones that lie across.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from marginflow.data import perceptron_points, seeded_generator
from marginflow.flows import AdaptiveFlow
from marginflow.kkt import alignment, kkt_residual, perceptron_kkt_points
from marginflow.losses import EXPONENTIAL, LOGISTIC
from marginflow.margins import log_norm, margin, multiclass_gap
from marginflow.networks import LeakyPerceptron
from marginflow.optim import GeneralizedAdadelta

torch.set_num_threads(1)

NETWORK = LeakyPerceptron()
X, Y = (part.numpy() for part in perceptron_points(seeded_generator(1), 5))
W0 = np.array([0.6, 0.5, 0.1])

few = settings(max_examples=12, deadline=None, derandomize=True)
many = settings(max_examples=50, deadline=None, derandomize=True)

terms = st.lists(st.floats(-1.0, 1.0), min_size=3, max_size=3).map(
    lambda exponents: 10.0 ** np.array(exponents)
)
averages = st.lists(st.floats(0.05, 4.0), min_size=3, max_size=3).map(np.array)


# ---- the optimizer against the paper's three lines, in plain Python ------------------


def paper_step(w, g, h, grad, *, eta, rho, delta, epsilon):
    """Procedure 1 on one real number (page 4)."""
    g = rho * g + (1 - rho) * grad**2
    moved = math.sqrt((epsilon + h) / (delta + g)) * grad
    return w - eta * moved, g, rho * h + (1 - rho) * moved**2


TERMS = ("delta", "epsilon")


@st.composite
def optimizer_problems(draw):
    """Groups of parameters with options of their own, and some steps of gradients."""
    seed = draw(st.integers(0, 2**32 - 1))
    groups = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "shapes": st.lists(
                        st.lists(st.integers(0, 3), max_size=3).map(tuple),
                        min_size=1,
                        max_size=3,
                    ),
                    "lr": st.floats(0, 3),
                    "rho": st.floats(0, 1),
                    "delta": st.floats(-8, 1).map(lambda e: 10.0**e),
                    "epsilon": st.floats(-8, 1).map(lambda e: 10.0**e),
                    "weight_decay": st.sampled_from([0.0, 0.3]),
                    "maximize": st.booleans(),
                    "per component": st.booleans(),
                    "lr in a tensor": st.booleans(),
                }
            ),
            min_size=1,
            max_size=3,
        )
    )
    return seed, groups


def distance_to_paper(problem, dtype, **way) -> float:
    """Largest relative error of w, g, h after three steps, over all real components."""
    seed, groups = problem
    random = np.random.default_rng(seed)
    pair = (2,) if dtype.is_complex else ()
    real = torch.zeros((), dtype=dtype).real.dtype

    def tensor(numbers):
        numbers = torch.tensor(numbers, dtype=real)
        return torch.complex(numbers[..., 0], numbers[..., 1]) if pair else numbers

    def numbers(tensor):
        return (
            (torch.view_as_real(tensor) if tensor.is_complex() else tensor)
            .double()
            .numpy()
        )

    options, followed = [], []
    for group in groups:
        shapes = [(*shape, *pair) for shape in group["shapes"]]
        params = [tensor(random.normal(size=s)).requires_grad_() for s in shapes]
        option = {k: group[k] for k in ("lr", "rho", "weight_decay", "maximize")}
        terms = {k: [np.full(s, group[k]) for s in shapes] for k in TERMS}
        if group["per component"]:
            terms = {
                k: [term * 10.0 ** random.uniform(-2, 2, term.shape) for term in each]
                for k, each in terms.items()
            }
        if group["lr in a tensor"]:
            option["lr"] = torch.tensor(group["lr"], dtype=torch.float64)
        if group["per component"]:  # then each parameter has a group of its own
            options += [
                {
                    "params": [p],
                    **{k: torch.tensor(terms[k][i]) for k in TERMS},
                    **option,
                }
                for i, p in enumerate(params)
            ]
        else:
            options.append({"params": params, **{k: group[k] for k in TERMS}, **option})
        for i, p in enumerate(params):
            states = np.array([numbers(p.detach())] * 3)
            states[1:] = 0.0
            followed.append((group, p, states, *(terms[k][i] for k in TERMS)))
    optimizer = GeneralizedAdadelta(options, **way)
    for _ in range(3):
        for group, p, states, delta, epsilon in followed:
            p.grad = tensor(random.normal(size=states.shape[1:]))
            grads = numbers(p.grad)
            for c in np.ndindex(*grads.shape):
                w, g, h = (float(part[c]) for part in states)
                grad = -grads[c] if group["maximize"] else grads[c]
                states[(slice(None), *c)] = paper_step(
                    w,
                    g,
                    h,
                    float(grad + group["weight_decay"] * w),
                    eta=group["lr"],
                    rho=group["rho"],
                    delta=delta[c],
                    epsilon=epsilon[c],
                )
        optimizer.step()
    worst = 0.0
    for _, p, states, *_ in followed:
        if states.size:
            got = np.array([numbers(t) for t in (p.detach(), *optimizer.averages(p))])
            scale = np.abs(states).max(axis=0) + 1e-30
            worst = max(worst, float((np.abs(got - states) / scale).max()))
    return worst


@given(
    optimizer_problems(),
    st.sampled_from([torch.float64, torch.complex128]),
    st.sampled_from([None, True, False]),
)
@many
def test_optimizer_is_procedure_1(problem, dtype, foreach):
    assert distance_to_paper(problem, dtype, foreach=foreach) < 1e-11


@given(optimizer_problems(), st.sampled_from([None, True, False]))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_optimizer_is_procedure_1_in_float32(problem, foreach):
    assert distance_to_paper(problem, torch.float32, foreach=foreach) < 2e-3


def test_the_comparison_with_procedure_1_can_fail():
    group = {
        "shapes": [(2, 2)],
        "lr": 0.5,
        "rho": 0.5,
        "delta": 1.0,
        "epsilon": 0.1,
        "weight_decay": 0.0,
        "maximize": False,
        "per component": False,
        "lr in a tensor": False,
    }
    step = GeneralizedAdadelta.step

    def swapped(self):
        for each in self.param_groups:
            each["delta"], each["epsilon"] = each["epsilon"], each["delta"]
        step(self)

    with torch.no_grad():
        assert distance_to_paper((0, [group]), torch.float64) < 1e-12
        try:
            GeneralizedAdadelta.step = swapped
            assert distance_to_paper((0, [group]), torch.float64) > 1e-2
        finally:
            GeneralizedAdadelta.step = step


# ---- flows ---------------------------------------------------------------------------


def flow(delta, epsilon, **options):
    return AdaptiveFlow(NETWORK, X, Y, delta=delta, epsilon=epsilon, **options)


def ends(run, t) -> np.ndarray:
    return run.at(t=t).w[0]


@given(terms, terms, averages, averages, st.floats(0.3, 0.97))
@few
def test_lemma_5_whatever_the_terms_and_averages(delta, epsilon, g0, h0, rho):
    run = flow(delta, epsilon, rho=rho).integrate(
        W0, g0, h0, t_end=20.0, rtol=1e-12, atol=1e-14
    )
    assert np.nanmax(run.identity_defect()) < 1e-9
    # Without the denominator 1 + g/delta the same numbers refute the exponent.
    some = run.gap[0] != 0  # where beta(0) = 1 there is nothing to refute it by
    wrong = (1 - rho) * run.t[:, None]
    drift = run.log_gap[:, some] - run.log_gap[0, some] + wrong
    assert not some.any() or np.nanmax(np.abs(np.expm1(drift))) > 1e-4


@given(terms, terms, averages, averages, st.sampled_from([EXPONENTIAL, LOGISTIC]))
@few
def test_skewing_the_variables_undoes_the_skew(delta, epsilon, g0, h0, loss):
    """v = w/chi follows the flow of the network v -> Phi(chi v) with equal terms.

    In v the gradient is chi dL/dw, so g scales by chi^2 and so does delta; h by
    chi^-2 and so does epsilon: both terms become sqrt(delta epsilon).
    """
    chi = (epsilon / delta) ** 0.25
    scale = torch.from_numpy(chi)

    def in_v(v, x):
        w = scale * v
        pre = x @ w[1:]
        return w[0] * torch.where(pre >= 0, pre, 0.5 * pre)

    both = np.sqrt(delta * epsilon)
    options = {"t_end": 5.0, "rtol": 1e-10, "atol": 1e-12}
    in_w = flow(delta, epsilon, loss=loss).integrate(W0, g0, h0, **options)
    kinked = AdaptiveFlow(in_v, X, Y, loss=loss, delta=both, epsilon=both)
    moved = kinked.integrate(W0 / chi, g0 * chi**2, h0 / chi**2, **options)
    np.testing.assert_allclose(
        ends(in_w, 5.0) / chi, ends(moved, 5.0), rtol=1e-6, atol=1e-8
    )
    np.testing.assert_allclose(in_w.at(t=5.0).beta, moved.at(t=5.0).beta, rtol=1e-6)
    # Averages that are carried over unscaled belong to another flow.
    other = kinked.integrate(W0 / chi, g0, h0, **options)
    if np.abs(np.log(chi)).max() > 0.2:
        assert np.abs(ends(other, 5.0) - ends(moved, 5.0)).max() > 1e-6


@given(st.floats(-1, 1), averages, averages, st.floats(0.5, 0.95))
@few
def test_scaling_the_terms_is_a_change_of_time(exponent, g0, h0, rho):
    """Multiply epsilon and h(0) by c^2: w runs c times as fast, if 1 - rho does too.

    w' becomes c w', so w~(t) = w(c t); g~(t) = g(c t) needs 1 - rho~ = c (1 - rho), and
    then h~ = c^2 h.
    """
    c = min(10.0**exponent, 0.99 / (1 - rho))
    slow = flow(1.0, 1.0, rho=rho).integrate(W0, g0, h0, t_end=4.0 * c)
    fast = flow(1.0, c**2, rho=1 - c * (1 - rho))
    same = fast.integrate(W0, g0, c**2 * h0, t_end=4.0)
    for share in (0.25, 1.0):
        np.testing.assert_allclose(
            ends(slow, 4.0 * c * share), ends(same, 4.0 * share), rtol=1e-6, atol=1e-8
        )
    other = fast.integrate(W0, g0, h0, t_end=4.0)
    if abs(math.log(c)) > 0.1:
        assert np.abs(ends(other, 4.0) - ends(same, 4.0)).max() > 1e-7


# ---- margins -------------------------------------------------------------------------


@given(
    st.floats(-300, 300),
    st.sampled_from([1, 2, 4, 14]),
    st.integers(2, 6),
    st.integers(0, 2**32 - 1),
)
@many
def test_multiclass_margin_does_not_see_the_scale_of_w(log10_power, L, classes, seed):
    """alpha^L up to 10^(+-300) in the logits, alpha in w: the same number."""
    random = torch.Generator().manual_seed(seed)
    logits = torch.randn(7, classes, generator=random, dtype=torch.float64)
    labels = torch.randint(0, classes, (7,), generator=random)
    w = torch.randn(5, generator=random, dtype=torch.float64)
    alpha = 10.0 ** (log10_power / L)

    def of(factor, w, degree):
        gap = margin(multiclass_gap(factor * logits, labels))
        return gap.sign(), gap.abs().log() - degree * log_norm(w)

    plain, scaled = of(1.0, w, L), of(10.0**log10_power, alpha * w, L)
    assert plain[0] == scaled[0]
    assert abs(plain[1] - scaled[1]) < 1e-9
    if abs(log10_power) > 1:
        twin = of(10.0**log10_power, alpha * w, L + 1)
        assert abs(of(1.0, w, L + 1)[1] - twin[1]) > 1e-3


# ---- KKT points ----------------------------------------------------------------------


@st.composite
def separable(draw):
    """Points that the perceptron separates: each label on its side of some line."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(2, 12))
    angle = random.uniform(0, 2 * np.pi)
    towards = np.array([np.cos(angle), np.sin(angle)])
    y = np.where(np.arange(n) % 2 == 0, 1.0, -1.0)
    across = np.array([-towards[1], towards[0]])
    x = (
        y[:, None] * random.uniform(0.3, 2.0, (n, 1)) * towards
        + random.uniform(-1, 1, (n, 1)) * across
    )
    return x, y


@given(separable(), terms, terms)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_kkt_points_have_no_residual_and_their_neighbours_do(data, delta, epsilon):
    x, y = data
    for point in perceptron_kkt_points(x, y, delta, epsilon):
        assert point.residual < 1e-9
        report = kkt_residual(NETWORK, point.w, x, y, delta, epsilon, near=1e-6)
        assert report.residual < 1e-7
        # Its multiples have the same direction, and hence the same residual.
        scaled = kkt_residual(NETWORK, 7.0 * point.w, x, y, delta, epsilon, near=1e-6)
        assert scaled.residual < 1e-7
        # Half of v, the rest as it was: not a KKT point, whatever the data.
        beside = point.w * np.array([0.5, 1.0, 1.0])
        off = kkt_residual(NETWORK, beside, x, y, delta, epsilon, near=1e-6)
        assert off.residual > 0.05


@given(separable(), terms, terms)
@settings(max_examples=20, deadline=None, derandomize=True)
def test_far_out_at_a_kkt_point_the_gradient_points_along_w(data, delta, epsilon):
    """With one support vector alone counting, v and -grad align (Theorem 2's limit)."""
    x, y = data
    point = perceptron_kkt_points(x, y, delta, epsilon).positive
    if len(point.active) == 1:
        w = 1e4 * point.w
        there = alignment(NETWORK, w, x, y, EXPONENTIAL, delta=delta, epsilon=epsilon)
        assert there > 1 - 1e-9
    turned = 1e4 * point.w * np.array([0.2, 1.0, 1.0])
    assert alignment(NETWORK, turned, x, y, delta=delta, epsilon=epsilon) < 1 - 1e-3
