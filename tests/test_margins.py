"""Margins by hand, in the log domain, and as the released code keeps them."""

from __future__ import annotations

import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from marginflow.losses import cross_entropy, log_total_loss, soft_gap
from marginflow.margins import (
    RunningMargin,
    label_adjusted,
    log_norm,
    log_normalized_margin,
    margin,
    multiclass_gap,
    normalized_margin,
)
from marginflow.networks import flatten, mnist_net, two_layer, vgg_net


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# --- binary -------------------------------------------------------------------------


def test_margin_is_the_smallest_label_adjusted_output():
    outputs = torch.tensor([3.0, -2.0, 0.5])
    z = label_adjusted(outputs, torch.tensor([1, -1, 1]))
    assert margin(z).item() == 0.5
    assert margin(label_adjusted(outputs, torch.tensor([1, -1, -1]))).item() == -0.5
    assert margin(torch.stack([z, -z])).tolist() == [0.5, -3.0]
    assert margin(torch.tensor([1.0, math.nan])).isnan()


def test_normalized_margin_by_hand_in_both_forms():
    z, norm = torch.tensor([6.0, 8.0]), 2.0
    assert normalized_margin(z, norm, 2).item() == pytest.approx(1.5, rel=1e-15)
    log = log_normalized_margin(z, norm, 2)
    assert log.item() == pytest.approx(math.log(1.5), rel=1e-15)
    assert normalized_margin(-z, norm, 2).item() == pytest.approx(-2.0, rel=1e-15)
    assert normalized_margin(z, norm, 3).item() == pytest.approx(0.75)


def test_negative_and_zero_margins_stay_in_the_record():
    z = torch.tensor([[-3.0, 1.0], [0.0, 2.0], [4.0, 5.0], [math.nan, 1.0]])
    values = normalized_margin(z, 10.0, 2)
    assert values[:3].tolist() == pytest.approx([-0.03, 0.0, 0.04])
    logs = log_normalized_margin(z, 10.0, 2)
    assert logs.isnan().tolist() == [True, False, False, True]
    assert logs[1] == -math.inf
    assert values[3].isnan()


def test_python_and_float32_norms_are_not_rounded_on_the_way():
    z = torch.tensor([1.0])
    assert normalized_margin(z, 2.1, 14).item() == pytest.approx(2.1**-14, rel=1e-14)
    assert normalized_margin(z, torch.tensor(2.1), 14).dtype == torch.float64


def test_log_domain_where_the_power_of_the_norm_is_no_float():
    z = torch.tensor([1e-3, 1.0], dtype=torch.float64)
    norm = torch.tensor(1e30, dtype=torch.float64)
    expected = math.log(1e-3) - 14 * math.log(1e30)
    assert log_normalized_margin(z, norm, 14).item() == pytest.approx(expected)
    assert (margin(z) / norm**14).item() == 0.0  # the twin that forms the power


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-300, 300),
    st.sampled_from([1, 2, 4, 14]),
    st.lists(st.floats(-5, 5).filter(lambda v: abs(v) > 1e-6), min_size=1, max_size=5),
)
def test_normalized_margin_does_not_see_the_scale_of_w(log10_power, L, gaps):
    """Scaling w by alpha with alpha^L up to 10^(+-300) changes nothing (page 6)."""
    w = torch.tensor([3.0, -4.0], dtype=torch.float64)
    z = torch.tensor(gaps, dtype=torch.float64)
    alpha_l, alpha = 10.0**log10_power, 10.0 ** (log10_power / L)

    def both(power: float) -> list[float]:
        """log |margin| / |w|^power at w and at alpha w."""
        sizes = margin(z).abs().log(), margin(alpha_l * z).abs().log()
        pairs = zip(sizes, (w, alpha * w), strict=True)
        return [(size - power * log_norm(at)).item() for size, at in pairs]

    at_w, scaled = both(L)
    assert scaled == pytest.approx(at_w, abs=1e-11)
    value = normalized_margin(z, 5.0, L).item()
    assert value == pytest.approx(math.copysign(math.exp(at_w), margin(z)), rel=1e-12)
    # The twin that normalizes by |w|^(L+1) does see it.
    twin = both(L + 1)
    if abs(log10_power) > 1e-3 * L:
        assert twin[0] != pytest.approx(twin[1], abs=1e-4)


# --- norm ---------------------------------------------------------------------------


def test_log_norm_where_squares_overflow_or_vanish():
    for scale in (1e300, 1e-300, 1.0):
        w = torch.tensor([3 * scale, 4 * scale], dtype=torch.float64)
        assert log_norm(w).item() == pytest.approx(math.log(5) + math.log(scale))
    squares = (torch.tensor([3e300, 4e300]).double() ** 2).sum()
    assert squares.isinf()  # the twin that squares first
    assert log_norm(torch.zeros(3)).item() == -math.inf


def test_log_norm_of_a_module_is_that_of_its_flat_vector():
    net = vgg_net(0.1)
    flat = flatten(net)[1]
    expected = math.log(torch.linalg.vector_norm(flat.double()).item())
    assert log_norm(net).item() == pytest.approx(expected, rel=1e-13)
    assert log_norm(flat).item() == pytest.approx(expected, rel=1e-13)
    assert log_norm(p for p in net.parameters()).item() == pytest.approx(expected)
    assert not log_norm(net).requires_grad
    first = math.log(torch.linalg.vector_norm(next(net.parameters())).item())
    assert log_norm(net).item() != pytest.approx(first, abs=1e-3)


def test_log_norm_is_batched_over_leading_axes():
    w = torch.tensor([[3.0, 4.0], [0.0, 0.0], [1e-200, 0.0]], dtype=torch.float64)
    assert log_norm(w).tolist() == pytest.approx(
        [math.log(5), -math.inf, -200 * math.log(10)]
    )


# --- multiclass ---------------------------------------------------------------------


def test_multiclass_gap_by_hand():
    logits = torch.tensor([[5.0, 2.0, 4.0], [1.0, 0.0, 3.0]])
    assert multiclass_gap(logits, torch.tensor([0, 0])).tolist() == [1.0, -2.0]
    assert margin(multiclass_gap(logits, torch.tensor([0, 2]))).item() == 1.0


def test_gap_is_positive_exactly_where_the_argmax_is_right():
    logits = torch.randn(400, 5, generator=seeded(3))
    labels = torch.randint(5, (400,), generator=seeded(4))
    right = logits.argmax(-1) == labels
    assert torch.equal(multiclass_gap(logits, labels) > 0, right)
    assert 0 < right.sum() < 400


def test_soft_gap_lies_within_log_of_the_other_classes_below_the_gap():
    logits = 4 * torch.randn(400, 5, generator=seeded(5)).double()
    labels = torch.randint(5, (400,), generator=seeded(6))
    hard, soft = multiclass_gap(logits, labels), soft_gap(logits, labels)
    assert (soft <= hard).all()
    assert (hard - math.log(4) <= soft + 1e-12).all()
    assert (hard - math.log(2) > soft).any()  # a smaller constant would be wrong


def test_two_classes_give_the_binary_margin_of_the_difference():
    logits = torch.randn(30, 2, generator=seeded(7)).double()
    labels = torch.randint(2, (30,), generator=seeded(8))
    z = label_adjusted(logits[:, 1] - logits[:, 0], 2 * labels - 1)
    assert torch.allclose(multiclass_gap(logits, labels), z, rtol=1e-15)


# --- the released code's running definition -----------------------------------------


def train_epoch(net, optimizer, batches):
    """One epoch; returns the running margin and all the pieces it was made of."""
    running, pieces = RunningMargin(L=4), []
    for x, y in batches:
        logits = net(x)
        optimizer.zero_grad()
        cross_entropy(logits, y, "mean").backward()
        optimizer.step()
        gaps = multiclass_gap(logits.detach(), y)
        norm = math.sqrt(sum(float(p.detach().double().square().sum()) for p in
                             net.parameters()))  # fmt: skip
        running.update(gaps, norm)
        pieces.append((float(gaps.min()), norm))
    return running, pieces


def test_running_margin_is_what_the_released_code_logs():
    net = mnist_net(0.05, "released", generator=seeded(1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    x = torch.rand(40, 1, 28, 28, generator=seeded(2))
    y = torch.randint(10, (40,), generator=seeded(3))
    batches = list(zip(x.split(10), y.split(10), strict=True))
    running, pieces = train_epoch(net, optimizer, batches)
    by_hand = min(gap / norm**4 for gap, norm in pieces)
    assert running.value().item() == pytest.approx(by_hand, rel=1e-10)
    # The paper's definition: one w, the whole data set. It differs.
    with torch.no_grad():
        fixed = normalized_margin(multiclass_gap(net(x), y), log_norm(net).exp(), 4)
    assert fixed.item() != pytest.approx(by_hand, rel=1e-3)
    # With w held still the two agree.
    frozen = torch.optim.SGD(net.parameters(), lr=0.0)
    still, _ = train_epoch(net, frozen, batches)
    assert still.value().item() == pytest.approx(fixed.item(), rel=1e-5)


def test_running_margin_normalizes_each_batch_by_its_own_norm():
    running = RunningMargin(L=2)
    running.update(torch.tensor([4.0, 6.0]), 2.0)
    running.update(torch.tensor([8.0]), 4.0)
    assert running.value().item() == pytest.approx(0.5)
    assert running.value().item() != pytest.approx(4.0 / 4.0**2)  # last norm for all
    running.update(torch.tensor([-8.0]), 2.0)
    assert running.value().item() == pytest.approx(-2.0)


# --- bad input ----------------------------------------------------------------------

Z = torch.ones(3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: margin(torch.ones(0)), ["z", "(0,)", "one example"]),
        (lambda: margin(torch.ones(3, dtype=torch.int32)), ["z", "int32"]),
        (lambda: normalized_margin(Z, 0.0, 2), ["w_norm", "0.0", "> 0"]),
        (lambda: normalized_margin(Z, torch.tensor([1.0, -2.0]), 2), ["w_norm", "-2"]),
        (lambda: log_normalized_margin(Z, 1.0, 0), ["L", "0", "> 0"]),
        (lambda: log_normalized_margin(Z, 1.0, math.inf), ["L", "inf", "finite"]),
        (lambda: RunningMargin(L=math.nan), ["L", "nan"]),
        (lambda: RunningMargin(L=2).value(), ["update before value"]),
        (lambda: log_norm([]), ["w", "no parameters"]),
        (lambda: log_norm(torch.nn.ReLU()), ["w", "no parameters"]),
        (lambda: log_norm(torch.ones(2, 0)), ["w", "(2, 0)"]),
        (lambda: label_adjusted(Z, torch.tensor([1, -1, 3])), ["y", "3", "-1 and +1"]),
        (lambda: multiclass_gap(Z[:, None], Z.long()), ["logits", "(3, 1)"]),
        (lambda: multiclass_gap(torch.ones(3, 2), 5 * Z.long()), ["labels", "5"]),
    ],
)
def test_bad_input_names_argument_value_and_remedy(call, words):
    every = "".join(f"(?=.*{re.escape(word)})" for word in words)
    with pytest.raises(ValueError, match=every):
        call()


def test_a_trained_small_net_has_a_positive_normalized_margin():
    """End to end: separate two clouds, then the margin is positive and scale free."""
    x = torch.randn(20, 2, generator=seeded(1)).double() * 0.3
    y = torch.tensor([1, -1] * 10)
    x[:, 0] -= 1.5 * y
    net = two_layer(2, 6, "leaky_relu", generator=seeded(2))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    before = normalized_margin(label_adjusted(net(x), y), log_norm(net).exp(), 2)
    for _ in range(200):
        optimizer.zero_grad()
        log_total_loss(label_adjusted(net(x), y)).backward()
        optimizer.step()
    z = label_adjusted(net(x), y).detach()
    after = normalized_margin(z, log_norm(net).exp(), 2)
    assert before < 0 < after
    assert torch.equal(torch.sign(net(x)).detach(), y.double())
