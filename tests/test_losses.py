"""Losses against mpmath at 60 digits, and against torch where torch gives out."""

from __future__ import annotations

import math
import re

import mpmath as mp
import pytest
import torch
from torch.nn import functional as F

from marginflow.losses import (
    EXPONENTIAL,
    LOGISTIC,
    cross_entropy,
    label_adjusted,
    log_cross_entropy,
    log_total_cross_entropy,
    log_total_loss,
    soft_gap,
    total_loss,
)

mp.mp.dps = 400  # log1p(exp(-750)) needs 326 digits before it differs from 0
EPS = {torch.float32: 2.0**-23, torch.float64: 2.0**-52}
Z = [-1e4, -800.0, -87.5, -20.5, -1.0, -1e-9, 0.0, 1e-9, 0.5, 3.0, 17.0, 36.5, 39.99,
     40.01, 88.9, 104.0, 709.9, 744.0, 750.0, 1e6, 1e300]  # fmt: skip


def exact_log_value(loss, z: float) -> mp.mpf:
    """log l(z); past 1000 the logistic one is -z to far more than 16 digits."""
    if loss is EXPONENTIAL or z > 1000:
        return -mp.mpf(z)
    return mp.log(mp.log1p(mp.exp(-mp.mpf(z))))


def exact_log_value_slope(loss, z: float) -> mp.mpf:
    """d log l / dz."""
    if loss is EXPONENTIAL or z > 1000:
        return mp.mpf(-1)
    r = mp.exp(-mp.mpf(z))
    return -r / (1 + r) / mp.log1p(r)


def relative(found: torch.Tensor, exact: list[mp.mpf]) -> float:
    """Largest error against max(|exact|, 1) (logs) of any entry."""
    return max(
        float(abs(mp.mpf(f) - e) / max(abs(e), 1))
        for f, e in zip(found.tolist(), exact, strict=True)
    )


def tail_error(found: torch.Tensor, exact: list[mp.mpf]) -> float:
    """Largest error against |exact|; a value lost to 0 counts as 1."""
    return max(
        float(abs(mp.mpf(f) - e) / abs(e))
        for f, e in zip(found.tolist(), exact, strict=True)
    )


@pytest.mark.parametrize("loss", [EXPONENTIAL, LOGISTIC], ids=repr)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_log_value_and_its_gradient_are_exact_to_rounding_everywhere(loss, dtype):
    z = torch.tensor([v for v in Z if abs(v) < 1e38 or dtype == torch.float64])
    z = z.to(torch.float64).to(dtype).requires_grad_()
    exact = [exact_log_value(loss, v) for v in z.tolist()]
    found = loss.log_value(z)
    assert relative(found.detach(), exact) <= 4 * EPS[dtype]
    (slope,) = torch.autograd.grad(found.sum(), z)
    assert relative(slope, [exact_log_value_slope(loss, v) for v in z.tolist()]) <= (
        4 * EPS[dtype]
    )
    # The mutated twin: the logarithm of the value, taken after the value underflowed.
    naive = torch.log(loss.value(z.detach()))
    assert naive.isinf().any()


@pytest.mark.parametrize("loss", [EXPONENTIAL, LOGISTIC], ids=repr)
def test_log_slope_is_log_of_minus_the_derivative(loss):
    z = torch.tensor(Z[:-2], dtype=torch.float64)
    # -l'(z) for both losses: exp(-z), and exp(-z) / (1 + exp(-z)).
    one = 1 if loss is LOGISTIC else 0
    exact = [-mp.mpf(v) - one * mp.log1p(mp.exp(-mp.mpf(v))) for v in z.tolist()]
    assert relative(loss.log_slope(z), exact) <= 4 * EPS[torch.float64]
    assert relative(loss.log_value(z), exact) > 1e-3 or loss is EXPONENTIAL


@pytest.mark.parametrize("loss", [EXPONENTIAL, LOGISTIC], ids=repr)
@pytest.mark.parametrize(
    ("dtype", "last"), [(torch.float32, 87.0), (torch.float64, 708.0)]
)
def test_value_and_gradient_keep_full_precision_while_normal(loss, dtype, last):
    z = torch.linspace(-5.0, last, 400, dtype=dtype, requires_grad=True)
    value = loss.value(z)
    exact = [mp.exp(exact_log_value(loss, v)) for v in z.tolist()]
    # exp(-z) carries the rounding of z: relative error eps * z.
    assert tail_error(value.detach(), exact) <= 4 * EPS[dtype]
    (slope,) = torch.autograd.grad(value.sum(), z)
    slopes = [
        mp.exp(exact_log_value(loss, v)) * exact_log_value_slope(loss, v)
        for v in z.tolist()
    ]
    assert tail_error(slope, slopes) <= 8 * EPS[dtype]


def test_tail_reaches_into_the_subnormal_numbers_where_logaddexp_does_not():
    """At gap 744 the loss is two of the smallest float64 numbers; 745 is the end."""
    z = torch.tensor([720.0, 744.0], dtype=torch.float64, requires_grad=True)
    value = LOGISTIC.value(z)
    (slope,) = torch.autograd.grad(value.sum(), z)
    assert value.tolist() == pytest.approx([math.exp(-720.0), math.exp(-744.0)])
    assert slope.tolist() == pytest.approx([-math.exp(-720.0), -math.exp(-744.0)])
    twin = torch.logaddexp(-z, torch.zeros_like(z))
    (dead,) = torch.autograd.grad(twin.sum(), z)
    assert (dead == 0).all()


def test_derivative_at_zero_is_a_half_twice_differentiated_a_quarter():
    z = torch.zeros((), dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(LOGISTIC.value(z), z, create_graph=True)
    (second,) = torch.autograd.grad(first, z)
    assert (first.item(), second.item()) == (-0.5, 0.25)
    assert LOGISTIC.at_zero == LOGISTIC.value(z).item()
    assert EXPONENTIAL.at_zero == EXPONENTIAL.value(z).item()


def test_torch_softplus_drops_a_term_that_ours_keeps():
    z = torch.tensor(-20.5, dtype=torch.float64)
    exact = float(mp.log1p(mp.exp(mp.mpf(20.5))))
    assert LOGISTIC.value(z).item() == exact
    assert F.softplus(-z).item() < exact


def test_the_logistic_inverse_is_exact_where_the_loss_is_large():
    """For a loss v it is −log(e^v − 1), here by multiple precision."""
    for u in (2.9, 3.01, 3.1, 3.5, 6.0):
        exact = -mp.log(mp.expm1(mp.exp(u)))
        found = float(LOGISTIC.inverse(torch.tensor(u, dtype=torch.float64)))
        assert found == pytest.approx(float(exact), rel=1e-14)


@pytest.mark.parametrize("loss", [EXPONENTIAL, LOGISTIC], ids=repr)
def test_inverse_undoes_log_value(loss):
    z = torch.tensor([-700.0, -3.0, 0.0, 0.3, 39.9, 40.1, 1e3, 1e9])
    z = z.double().requires_grad_()
    back = loss.inverse(loss.log_value(z))
    assert torch.allclose(back, z, rtol=1e-13, atol=1e-13)
    (slope,) = torch.autograd.grad(back.sum(), z)
    assert torch.allclose(slope, torch.ones_like(z), rtol=1e-9)
    other = EXPONENTIAL if loss is LOGISTIC else LOGISTIC
    assert not torch.allclose(other.inverse(loss.log_value(z)), z, rtol=1e-6)


@pytest.mark.parametrize("loss", [EXPONENTIAL, LOGISTIC], ids=repr)
def test_nan_stays_and_infinities_go_where_they_should(loss):
    z = torch.tensor([math.nan, math.inf, -math.inf], dtype=torch.float64)
    log = loss.log_value(z)
    assert log[0].isnan()
    assert log[1:].tolist() == [-math.inf, math.inf]
    assert loss.value(z)[1:].tolist() == [0.0, math.inf]


@pytest.mark.parametrize("loss", [EXPONENTIAL, LOGISTIC], ids=repr)
def test_total_loss_sums_and_its_log_survives_a_million(loss):
    z = torch.tensor([[0.0, 1.0, 2.0], [1e6, 1e6 + 1, 1e6 + 2]], dtype=torch.float64)
    log_total = log_total_loss(z, loss)
    assert log_total[0].item() == pytest.approx(math.log(total_loss(z[0], loss)))
    shift = math.log(1 + math.exp(-1) + math.exp(-2))
    assert log_total[1].item() == pytest.approx(-1e6 + shift, rel=1e-15)
    assert total_loss(z, loss)[1] == 0.0  # the twin that takes no logarithm
    mean = log_total_loss(z, loss, reduction="mean")
    assert torch.allclose(log_total - mean, torch.tensor(math.log(3.0)).double())
    assert total_loss(z[0], loss, "mean") * 3 == pytest.approx(total_loss(z[0], loss))


def test_gradient_of_log_total_loss_is_exact_at_log_time_a_million():
    z = torch.tensor([1e6, 1e6 + 1.0], dtype=torch.float64, requires_grad=True)
    (weights,) = torch.autograd.grad(log_total_loss(z, LOGISTIC), z)
    share = 1 / (1 + math.exp(-1.0))
    assert weights.tolist() == pytest.approx([-share, share - 1], rel=1e-9)


# --- cross-entropy ------------------------------------------------------------------


def gap_rows(gaps: list[float], dtype: torch.dtype) -> torch.Tensor:
    """Logits whose true class 0 leads class 1 by the gap and class 2 by 1 more."""
    return torch.tensor([[g, 0.0, -1.0] for g in gaps], dtype=dtype)


def exact_cross_entropy(row: list[float]) -> tuple[mp.mpf, list[mp.mpf]]:
    """Value and gradient for true class 0."""
    r = [mp.exp(mp.mpf(u) - mp.mpf(row[0])) for u in row[1:]]
    others = [q / (1 + sum(r)) for q in r]
    return mp.log1p(sum(r)), [-sum(others), *others]


CASES = [
    (torch.float32, [1.0, 16.0, 18.0, 25.0, 60.0, 86.0]),
    (torch.float64, [1.0, 36.0, 38.0, 100.0, 500.0, 706.0]),
]


@pytest.mark.parametrize(("dtype", "gaps"), CASES)
def test_cross_entropy_keeps_value_and_every_gradient(dtype, gaps):
    logits = gap_rows(gaps, dtype).requires_grad_()
    labels = torch.zeros(len(gaps), dtype=torch.long)
    exact = [exact_cross_entropy(row) for row in logits.tolist()]

    def errors(function):
        value = function(logits, labels, reduction="none")
        (gradient,) = torch.autograd.grad(value.sum(), logits)
        flat = [g for _, row in exact for g in row]
        return (
            tail_error(value.detach(), [v for v, _ in exact]),
            tail_error(gradient.flatten(), flat),
        )

    value_error, gradient_error = errors(cross_entropy)
    assert value_error <= 8 * EPS[dtype]
    assert gradient_error <= 8 * EPS[dtype]
    # torch's own loses whole samples: relative error 1.
    assert errors(F.cross_entropy) == (1.0, 1.0)


def test_where_torch_float32_cross_entropy_dies():
    """Reference: value and own-class gradient from 17-20, the others near 104."""
    gaps = [float(g) for g in range(10, 120)]
    logits = torch.tensor([[g, 0.0] for g in gaps], requires_grad=True)
    labels = torch.zeros(len(gaps), dtype=torch.long)

    def ends(function):
        value = function(logits, labels, reduction="none")
        (gradient,) = torch.autograd.grad(value.sum(), logits)
        return [
            gaps[int((column == 0).nonzero()[0])]
            for column in (value.detach(), gradient[:, 0], gradient[:, 1])
        ]

    assert ends(F.cross_entropy) == [17.0, 17.0, 104.0]
    assert ends(cross_entropy) == [104.0, 104.0, 104.0]


def test_log_cross_entropy_goes_on_after_every_float_has_ended():
    labels = torch.zeros(2, dtype=torch.long)
    logits = gap_rows([750.0, 1e6], torch.float64).requires_grad_()
    log_value = log_cross_entropy(logits, labels)
    shift = math.log1p(math.exp(-1.0))
    expected = [-750.0 + shift, -1e6 + shift]
    assert log_value.tolist() == pytest.approx(expected, rel=1e-15)
    (gradient,) = torch.autograd.grad(log_value.sum(), logits)
    share = 1 / (1 + math.exp(-1.0))
    for row in gradient.tolist():
        assert row == pytest.approx([-1.0, share, 1 - share], rel=1e-9)
    assert (cross_entropy(logits, labels, "none") == 0).all()


def test_cross_entropy_agrees_with_torch_where_torch_is_right():
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(50, 10, generator=generator, dtype=torch.float64) * 3
    labels = torch.randint(10, (50,), generator=generator)
    for reduction in ("sum", "mean", "none"):
        ours = cross_entropy(logits, labels, reduction)
        torchs = F.cross_entropy(logits, labels, reduction=reduction)
        assert torch.allclose(ours, torchs, rtol=1e-13)
    assert not torch.allclose(
        cross_entropy(logits, labels), F.cross_entropy(logits, labels)
    )  # the paper sums, torch averages
    for reduction in ("sum", "mean"):
        assert log_total_cross_entropy(logits, labels, reduction).exp().item() == (
            pytest.approx(cross_entropy(logits, labels, reduction).item(), rel=1e-13)
        )


def test_two_class_cross_entropy_is_the_logistic_loss_of_the_gap():
    logits = torch.tensor([[2.0, -1.0], [0.5, 3.0]], dtype=torch.float64)
    labels = torch.tensor([0, 1])
    gap = torch.tensor([3.0, 2.5], dtype=torch.float64)
    assert torch.equal(soft_gap(logits, labels), gap)
    assert torch.equal(cross_entropy(logits, labels, "none"), LOGISTIC.value(gap))
    assert not torch.equal(
        cross_entropy(logits, labels, "none"), EXPONENTIAL.value(gap)
    )


def test_losses_work_batched_and_under_vmap_and_grad():
    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(4, 5, 3, generator=generator, dtype=torch.float64)
    labels = torch.tensor([0, 1, 2, 1, 0])
    stacked = torch.stack([cross_entropy(one, labels) for one in logits])
    assert torch.allclose(cross_entropy(logits, labels), stacked, rtol=1e-14)

    def one(u):
        return cross_entropy(u, labels, validate=False)

    mapped = torch.func.vmap(torch.func.grad(one))(logits)
    looped = torch.stack([torch.func.grad(one)(u) for u in logits])
    assert torch.allclose(mapped, looped, rtol=1e-14)


def test_label_adjusted_multiplies():
    outputs = torch.tensor([[1.0, -2.0], [3.0, 4.0]])
    assert label_adjusted(outputs, torch.tensor([1, -1])).tolist() == [[1, 2], [3, -4]]


# --- bad input ----------------------------------------------------------------------

U = torch.zeros(3, 2)
K = torch.zeros(3, dtype=torch.long)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: log_total_loss(torch.zeros(2, 0)), ["z", "(2, 0)", "one example"]),
        (lambda: log_total_loss(torch.tensor(1.0)), ["z", "()", "one example"]),
        (lambda: total_loss(torch.ones(3, dtype=torch.long)), ["z", "int64"]),
        (lambda: total_loss([1.0]), ["z", "list"]),
        (lambda: total_loss(torch.ones(3), reduction="max"), ["max", "sum", "mean"]),
        (lambda: label_adjusted(torch.ones(2), torch.tensor([1, 0])), ["y", "0", "-1"]),
        (lambda: label_adjusted(torch.ones(2), torch.ones(3)), ["y", "(3,)", "(2,)"]),
        (lambda: cross_entropy(U, K + 2), ["labels", "2", "[0, 2)"]),
        (lambda: cross_entropy(U, K - 1), ["labels", "-1", "[0, 2)"]),
        (lambda: cross_entropy(U, K[:2]), ["labels", "(2,)", "(3,)"]),
        (lambda: cross_entropy(U, K.float()), ["labels", "float32", "integer"]),
        (lambda: cross_entropy(U[:, :1], K), ["logits", "(3, 1)", "two classes"]),
        (lambda: cross_entropy(U[:0], K[:0]), ["logits", "(0, 2)", "one example"]),
        (lambda: cross_entropy(U.long(), K), ["logits", "int64"]),
        (lambda: cross_entropy(U, K, "avg"), ["avg", "mean"]),
    ],
)
def test_bad_input_names_argument_value_and_remedy(call, words):
    every = "".join(f"(?=.*{re.escape(word)})" for word in words)
    with pytest.raises(ValueError, match=every):
        call()
