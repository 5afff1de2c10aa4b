"""KKT points of the margin problem, residuals and alignment."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from marginflow.data import perceptron_points, seeded_generator
from marginflow.flows import AdaptiveFlow
from marginflow.flows.two_layer import make_objective
from marginflow.kkt import alignment, kkt_residual, perceptron_kkt_points, solve_kkt
from marginflow.kkt.residual import kink_pattern
from marginflow.losses import EXPONENTIAL, LOGISTIC
from marginflow.networks import LeakyPerceptron, flatten, mlp, two_layer

torch.set_num_threads(1)

NETWORK = LeakyPerceptron()
DELTA, EPSILON = np.array([0.5, 1.0, 2.0]), np.array([2.0, 1.0, 0.5])


def points(seed=1, per_class=50):
    return (
        part.numpy() for part in perceptron_points(seeded_generator(seed), per_class)
    )


def phi(w, x):
    pre = x @ w[1:]
    return w[0] * np.where(pre > 0, pre, 0.5 * pre)


def random_stability(rng):
    return 10 ** (-5 + rng.normal(size=3)), 10 ** (-5 + rng.normal(size=3))


class TestPerceptron:
    @pytest.mark.parametrize("seed", range(5))
    def test_conditions_in_plain_terms(self, seed):
        """Feasibility, stationarity and slackness, written out from page 6."""
        x, y = points(seed)
        rng = np.random.default_rng(seed)
        for delta, epsilon in ((np.ones(3), np.ones(3)), random_stability(rng)):
            d = np.sqrt(delta / epsilon)
            for sign, point in zip(
                (1, -1), perceptron_kkt_points(x, y, delta, epsilon), strict=True
            ):
                w, lam = point.w, point.multipliers
                assert np.sign(w[0]) == sign
                z = y * phi(w, x)
                assert z.min() > 1 - 1e-13
                assert (lam >= 0).all()
                assert lam @ np.abs(z - 1) < 1e-12 * lam.sum()
                side = np.where(x @ w[1:] > 0, 1.0, 0.5)
                gradient = np.c_[side * (x @ w[1:]), w[0] * side[:, None] * x]
                balance = d * w - (lam * y) @ gradient
                assert np.linalg.norm(balance) < 1e-12 * np.linalg.norm(d * w)
                wrong = w / d - (lam * y) @ gradient
                assert np.ptp(d) == 0 or np.linalg.norm(wrong) > 1e-3
                assert point.residual < 1e-13
                assert point.normalized_margin == pytest.approx(z.min() / (w @ w))
                assert point.skewed_margin == pytest.approx(z.min() / (w @ (d * w)))
                assert np.linalg.norm(point.direction) == pytest.approx(1)
                assert point.active.tolist() == np.flatnonzero(lam).tolist()

    @pytest.mark.parametrize("sign", [1, -1])
    def test_no_feasible_point_of_its_sign_is_shorter(self, sign):
        x, y = points(2, 8)
        delta, epsilon = DELTA, EPSILON
        target = perceptron_kkt_points(x, y, delta, epsilon)[0 if sign > 0 else 1]
        d = np.sqrt(delta / epsilon)
        best = target.w @ (d * target.w)
        rng = np.random.default_rng(0)
        tried = 0
        for _ in range(4000):
            w = target.w * np.exp(0.2 * rng.normal(size=3)) + 0.05 * rng.normal(size=3)
            margin = (y * phi(w, x)).min()
            if margin > 0 and np.sign(w[0]) == sign:
                w = w / np.sqrt(margin)
                tried += 1
                assert w @ (d * w) >= best * (1 - 1e-12)
        assert tried > 500

    def test_sequential_quadratic_programming_agrees(self):
        x, y = points(4, 10)
        d = np.sqrt(DELTA / EPSILON)
        for point in perceptron_kkt_points(x, y, DELTA, EPSILON):
            found = minimize(
                lambda w: 0.5 * w @ (d * w),
                1.3 * point.w + 0.02,
                constraints={"type": "ineq", "fun": lambda w: y * phi(w, x) - 1},
                method="SLSQP",
                options={"ftol": 1e-14, "maxiter": 500},
            )
            np.testing.assert_allclose(found.x, point.w, atol=1e-5)

    def test_active_sets_by_enumeration(self):
        """All one- and two-point active sets, by brute force."""
        x, y = points(5, 6)
        for delta, epsilon in ((np.ones(3), np.ones(3)), (DELTA, EPSILON)):
            d = np.sqrt(delta / epsilon)
            for sign, point in zip(
                (1, -1), perceptron_kkt_points(x, y, delta, epsilon), strict=True
            ):
                a = (np.where(sign * y > 0, 1.0, 0.5) * y)[:, None] * x
                sizes = []
                for size in (1, 2):
                    for chosen in itertools.combinations(range(len(y)), size):
                        rows = a[list(chosen)] / np.sqrt(d[1:])
                        u = np.linalg.pinv(rows) @ np.ones(size) / np.sqrt(d[1:])
                        if (a @ u >= 1 - 1e-12).all():
                            sizes.append(np.sqrt(d[1:] @ u**2))
                u = point.w[0] * point.w[1:]
                assert np.sqrt(d[1:] @ u**2) == pytest.approx(min(sizes), rel=1e-13)

    def test_only_the_ratio_matters_and_isotropy_does_not(self):
        x, y = points(3)
        for a, b in zip(
            perceptron_kkt_points(x, y, DELTA, EPSILON),
            perceptron_kkt_points(x, y, 7 * DELTA, 7 * EPSILON),
            strict=True,
        ):
            np.testing.assert_allclose(a.w, b.w, rtol=1e-13)
        for a, b in zip(
            perceptron_kkt_points(x, y),
            perceptron_kkt_points(x, y, 1e-5, 1e-7),
            strict=True,
        ):
            np.testing.assert_allclose(a.direction, b.direction, atol=1e-13)

    def test_scaled_inputs(self):
        x, y = points(3)
        for a, b in zip(
            perceptron_kkt_points(x, y),
            perceptron_kkt_points(1e-6 * x, y),
            strict=True,
        ):
            np.testing.assert_allclose(a.direction, b.direction, atol=1e-12)

    def test_linear_unit_in_higher_dimension(self):
        """slope = 1: both signs give the hard-margin classifier (v, w) and -(v, w)."""
        rng = np.random.default_rng(0)
        x = rng.normal(size=(12, 4))
        y = np.sign(x @ np.array([1.0, 2.0, -1.0, 0.5]))
        both = perceptron_kkt_points(x, y, slope=1.0)
        np.testing.assert_allclose(both.positive.w, -both.negative.w, atol=1e-12)
        assert both.nearest(np.r_[-1.0, np.zeros(4)]) is both.negative

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"y": np.array([1.0, 0.0])}, "takes labels -1 and"),
            ({"y": np.ones(3)}, "y has shape"),
            ({"x": np.ones(2)}, "x has shape"),
            ({"x": np.full((2, 2), np.nan)}, "non-finite"),
            ({"delta": 0.0}, "delta contains .*Process 2"),
            ({"epsilon": -1.0}, "epsilon contains .*Process 2"),
            ({"delta": np.ones(4)}, "delta has shape"),
            ({"slope": 0.0}, "slope=0.0"),
            ({"x": np.array([[1.0, 0.0], [1.0, 0.0]])}, r"Assumption 2 \(iii\)"),
        ],
    )
    def test_bad_input(self, change, message):
        arguments = {
            "x": np.array([[1.0, 0.3], [-1.0, 0.2]]),
            "y": np.array([1.0, -1.0]),
        }
        perceptron_kkt_points(**arguments)
        with pytest.raises(ValueError, match=message):
            perceptron_kkt_points(**(arguments | change))


class TestResidual:
    def test_zero_at_kkt_points_at_any_scale(self):
        x, y = points(2)
        for point in perceptron_kkt_points(x, y, DELTA, EPSILON):
            for scale in (1e-8, 1.0, 1e8):
                report = kkt_residual(NETWORK, scale * point.w, x, y, DELTA, EPSILON)
                assert report.residual < 1e-11
                np.testing.assert_allclose(report.w, point.w, rtol=1e-12)
            np.testing.assert_allclose(
                kkt_residual(NETWORK, point.w, x, y, DELTA, EPSILON).multipliers,
                point.multipliers,
                atol=1e-10,
            )

    def test_each_violation_is_seen_by_its_own_number(self):
        x, y = points(2)
        w = perceptron_kkt_points(x, y, DELTA, EPSILON).positive.w
        swapped = kkt_residual(NETWORK, w, x, y, EPSILON, DELTA)
        assert swapped.feasibility < 1e-12
        assert swapped.stationarity > 1e-2
        inside = kkt_residual(NETWORK, 0.9 * w, x, y, DELTA, EPSILON, rescale=False)
        assert inside.feasibility == pytest.approx(1 - 0.81)
        outside = kkt_residual(
            NETWORK, 1.02 * w, x, y, DELTA, EPSILON, rescale=False, near=1e-9
        )
        assert outside.feasibility == 0
        assert outside.slackness == pytest.approx(1.02**2 - 1)
        assert outside.stationarity < 5e-3
        none = kkt_residual(NETWORK, w * [-1, 1, 1], x, y)
        assert none.feasibility == none.stationarity == none.residual == np.inf

    def test_distance_and_residual_are_of_one_order(self):
        x, y = points(2)
        point = perceptron_kkt_points(x, y).positive
        direction = np.array([0.3, -1.0, 0.4])
        found = []
        for step in (1e-3, 1e-5, 1e-7):
            report = kkt_residual(NETWORK, point.w + step * direction, x, y, near=1e-2)
            found.append(report.stationarity / step)
        assert max(found) < 3
        assert min(found) > 0.01

    def test_networks_without_closed_form(self):
        rng = np.random.default_rng(0)
        network = mlp([2, 3, 1], "square_relu", generator=seeded_generator(5))
        x = rng.normal(size=(6, 2))
        phi_, w = flatten(network)
        y = torch.sign(phi_(w, torch.from_numpy(x))).numpy()
        y[y == 0] = 1.0
        report = kkt_residual(network, w.numpy() + 0.01, x, y)
        assert report.residual > 1e-3
        if np.isfinite(report.residual):
            solved = solve_kkt(network, w.numpy() + 0.01, x, y)
            assert solved.residual < 1e-8
            assert (
                solved.skewed_margin
                >= report.margins.min() / np.linalg.norm(report.w) ** 3 - 1e-12
            )

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"w": np.ones(4)}, "w has shape"),
            ({"w": np.zeros(3)}, "not 0"),
            ({"w": np.full(3, np.nan)}, "finite"),
            ({"near": -1.0}, "near is -1.0"),
            ({"delta": -1.0}, "delta contains"),
            ({"y": np.zeros(2)}, "labels"),
        ],
    )
    def test_bad_input(self, change, message):
        arguments = {
            "network": NETWORK,
            "w": np.ones(3),
            "x": np.array([[1.0, 0.3], [-1.0, 0.2]]),
            "y": np.array([1.0, -1.0]),
        }
        kkt_residual(**arguments)
        with pytest.raises(ValueError, match=message):
            kkt_residual(**(arguments | change))

    def test_inhomogeneous(self):
        with pytest.raises(ValueError, match=r"Assumption 1 \(ii\)"):
            kkt_residual(
                lambda w, x: x @ w + 1.0, np.ones(2), np.ones((2, 2)), np.ones(2)
            )


class TestAlignment:
    def test_one_at_the_limit_of_a_flow_alone(self):
        x, y = points(7)
        w0 = np.array([0.6, 0.5, 0.1])
        run = AdaptiveFlow(NETWORK, x, y, LOGISTIC, delta=DELTA, epsilon=EPSILON)
        ends = run.integrate(w0, log_t_end=1e4, rtol=1e-8).at(log_t=[1e2, 1e4]).w
        values = [
            1 - alignment(NETWORK, w, x, y, LOGISTIC, DELTA, EPSILON) for w in ends
        ]
        assert values[1] < 1e-6
        assert values[1] < values[0] / 100
        assert 1 - alignment(NETWORK, ends[1], x, y, LOGISTIC) > 1e-3


class TestSolve:
    @pytest.mark.parametrize("sign", [1, -1])
    def test_finds_the_perceptrons_exact_points(self, sign):
        x, y = points(7)
        exact = perceptron_kkt_points(x, y, DELTA, EPSILON)[0 if sign > 0 else 1]
        start = exact.w * np.array([1.1, 0.9, 1.0]) + 0.02
        for network in (
            NETWORK,
            lambda w, x: w[0] * torch.nn.functional.leaky_relu(x @ w[1:], 0.5),
        ):
            solved = solve_kkt(network, start, x, y, DELTA, EPSILON)
            assert solved.residual < 1e-10
            np.testing.assert_allclose(solved.w, exact.w, atol=1e-9)
            assert solved.skewed_margin == pytest.approx(exact.skewed_margin)
            assert solved.normalized_margin == pytest.approx(exact.normalized_margin)

    def test_small_network_with_a_flow_that_slides(self):
        """Residual <= 1e-3 on the flow at log t = 1000; rounding after Newton."""
        network = two_layer(
            2, 8, "leaky_relu", generator=torch.Generator().manual_seed(0)
        )
        rng = np.random.default_rng(0)
        x = rng.normal(size=(24, 2))
        y = np.where(x[:, 0] + 0.5 * np.abs(x[:, 1]) > 0.3, 1.0, -1.0)
        w0 = flatten(network)[1].numpy()
        flow = AdaptiveFlow(network, x, y, delta=1e-2, epsilon=1e-2)
        run = flow.integrate(
            w0, 0.01, 0.02, log_t_end=1e3, rtol=1e-6, quadratures=False
        )
        report = kkt_residual(network, run.w[-1], x, y)
        assert report.residual < 1e-3
        assert len(np.flatnonzero(report.multipliers)) >= 3
        solved = solve_kkt(network, run.w[-1], x, y)
        assert solved.residual < 1e-8
        direction = run.w[-1] / np.linalg.norm(run.w[-1])
        assert np.linalg.norm(solved.direction - direction) < 2e-3
        # The mutations: one side of the kinks alone, or another direction, will not do.
        sided = kkt_residual(network, run.w[-1], x, y, on_kink=0.0)
        assert sided.residual > 0.01
        assert kkt_residual(network, run.at(log_t=10.0).w[0], x, y).residual > 0.1

    def test_bad_start(self):
        x, y = points(7)
        with pytest.raises(ValueError, match="a direction that separates"):
            solve_kkt(NETWORK, np.array([1.0, -1.0, 0.0]), x, y)
        with pytest.raises(ValueError, match="a direction that separates"):
            solve_kkt(NETWORK, np.array([1.0, 0.0, 0.0]), x, y)  # margins of 0


def test_a_kink_counts_as_zero_up_to_the_multiple_that_is_given():
    labels = np.array([1.0, 1.0])
    objective = make_objective(two_layer(2, 1, "relu"), np.eye(2), labels, EXPONENTIAL)
    w = np.array([1.0, 0.5, 1.0])  # its two kink functions are 1 and 0.5
    for multiple, pattern in ((0.4, [1, 1]), (0.5, [1, 0])):
        np.testing.assert_array_equal(kink_pattern(objective, w, multiple)[0], pattern)


def test_alignment_on_a_kink_projects_in_v():
    """With δ ≠ ε the flow in v stays on the kink by an orthogonal projection there."""
    network = two_layer(2, 3, "leaky_relu", generator=seeded_generator(5))
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(6, 2)), np.array([1.0, -1.0] * 3)
    w = flatten(network)[1].numpy().copy()
    w[:2] = 0.7 * x[0, 1], -0.7 * x[0, 0]  # <W_0, x_0> = 0
    delta, epsilon = rng.uniform(0.1, 10.0, (2, 9))
    chi, normal = (epsilon / delta) ** 0.25, np.r_[x[0], np.zeros(7)]
    # One element of the subdifferential; the others differ by multiples of the normal.
    phi, at = flatten(network)[0], torch.tensor(w, requires_grad=True)
    torch.exp(-torch.tensor(y) * phi(at, torch.tensor(x))).sum().backward()
    force, v = -chi * at.grad.numpy(), w / chi

    def cosine(normal):
        along = force - normal * (normal @ force) / (normal @ normal)
        return v @ along / np.linalg.norm(v) / np.linalg.norm(along)

    found = alignment(network, w, x, y, delta=delta, epsilon=epsilon)
    assert found == pytest.approx(cosine(chi * normal), rel=1e-12)
    # The mutations: the projection of w, or none.
    assert abs(found - cosine(normal)) > 1e-3
    assert abs(found - v @ force / np.linalg.norm(v) / np.linalg.norm(force)) > 1e-3


@pytest.mark.parametrize("skewed", [False, True])
def test_three_classes_reach_the_solution_of_the_quadratic_program(skewed):
    """Several outputs: softmax regression, against SciPy on the problem itself."""
    rng = np.random.default_rng(5)
    labels = np.repeat(np.arange(3), 4)
    centres = np.array([[2.0, 0.3], [-0.8, 1.9], [-1.1, -1.4]])
    x = centres[labels] + 0.4 * rng.normal(size=(12, 2))
    delta = np.geomspace(0.1, 10, 6) if skewed else np.ones(6)
    epsilon = np.ones(6)
    chi = (epsilon / delta) ** 0.25
    rows = np.array(
        [
            np.outer(np.eye(3)[own] - np.eye(3)[other], point).ravel() * chi
            for point, own in zip(x, labels, strict=True)
            for other in range(3)
            if other != own
        ]
    )

    def least(scaled):
        found = minimize(
            lambda v: v @ v / 2,
            np.linalg.lstsq(scaled, np.full(24, 2.0), rcond=None)[0],
            jac=lambda v: v,
            constraints={
                "type": "ineq",
                "fun": lambda v: scaled @ v - 1,
                "jac": lambda v: scaled,
            },
            method="SLSQP",
            options={"ftol": 1e-15, "maxiter": 500},
        )
        assert found.success
        return found.x

    expected = chi * least(rows)
    network = torch.nn.Linear(2, 3, bias=False, dtype=torch.float64)
    start = expected + 0.05 * rng.normal(size=6)
    point = solve_kkt(network, start, x, labels, delta, epsilon)
    assert point.residual < 1e-12
    assert point.multipliers.shape == (24,)
    np.testing.assert_allclose(point.w, expected, rtol=0, atol=1e-7)
    plain = least(rows / chi)
    if skewed:
        assert np.linalg.norm(point.w - plain) > 0.05 * np.linalg.norm(plain)
