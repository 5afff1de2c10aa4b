"""Experiment 1 in lockstep against the same experiment, one model at a time."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from marginflow.claims.sentences import PERCEPTRON
from marginflow.data import perceptron_points
from marginflow.experiments import perceptron
from marginflow.experiments.perceptron import ALGORITHMS, PerceptronSpec, run_perceptron
from marginflow.optim import GeneralizedAdadelta, harmonic_decay

SPEC = PerceptronSpec(rounds=3, epochs=200, reduction="mean")


@pytest.fixture(scope="module")
def run():
    return run_perceptron(SPEC)


def plainly(run, algorithm: str, r: int, **changes) -> torch.Tensor:
    """w_K of one model, by a module, autograd and a torch optimizer."""
    a = ALGORITHMS.index(algorithm)
    start = run_perceptron(dataclasses.replace(run.spec, epochs=1, lr_sgd=1e-300))
    w = start.w[0, r].clone().requires_grad_()
    if algorithm == "SGD":
        optimizer = torch.optim.SGD([w], lr=run.spec.lr_sgd)
    else:
        options = {
            "lr": run.spec.lr_adadelta,
            "rho": 0.9 if "S" not in algorithm else harmonic_decay(run.spec.epochs),
            "delta": run.delta[a, r],
            "epsilon": run.epsilon[a, r],
        }
        optimizer = GeneralizedAdadelta([w], **(options | changes))
    for _ in range(run.spec.epochs):
        optimizer.zero_grad()
        sigma = torch.nn.functional.leaky_relu(run.x @ w[1:], 0.5)
        torch.exp(-run.y * w[0] * sigma).mean().backward()
        optimizer.step()
    return w.detach()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_lockstep_equals_one_model_at_a_time(run, algorithm: str) -> None:
    for r in range(SPEC.rounds):
        expected = plainly(run, algorithm, r)
        actual = run.w[ALGORITHMS.index(algorithm), r]
        torch.testing.assert_close(actual, expected, rtol=1e-9, atol=0)


def test_lockstep_differs_from_a_wrong_decay(run) -> None:
    wrong = plainly(run, "AdaDelta", 0, rho=0.91)
    assert (run.w[1, 0] - wrong).norm() > 1e-4


def test_the_gradient_is_autograds() -> None:
    generator = torch.Generator().manual_seed(7)
    x, y = perceptron_points(generator)
    w = torch.randn(4, 2, 3, generator=generator, dtype=torch.float64)
    w.requires_grad_()
    sigma = torch.nn.functional.leaky_relu(w[..., 1:] @ x.T, 0.5)
    torch.exp(-y * w[..., :1] * sigma).sum().backward()
    models = w.detach().reshape(-1, 3)
    gradient_at = perceptron.PerceptronGradient(x, y, len(models))
    gradient, right = gradient_at(models.T.contiguous())
    expected = w.grad.reshape(-1, 3)
    torch.testing.assert_close(gradient.T, expected, rtol=1e-12, atol=1e-12)
    z = (y * w[..., :1] * sigma).detach().reshape(-1, len(y))
    assert right.tolist() == (z > 0).sum(-1).tolist()
    # The check can fail: a slope of 0.49 has another gradient.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(perceptron, "SLOPE", 0.49)
        other, _ = gradient_at(models.T.contiguous())
    assert (other.T - expected).abs().max() > 1e-3


def test_sgd_is_procedure_1_with_rho_1(run) -> None:
    assert (run.g[0] == 0).all()
    assert (run.h[0] == 0).all()
    assert (run.reciprocal_root()[0] == 1).all()


def test_rounds_do_not_depend_on_how_many_there_are(run) -> None:
    one = run_perceptron(dataclasses.replace(SPEC, rounds=1))
    assert torch.equal(one.epsilon[:, 0], run.epsilon[:, 0])
    torch.testing.assert_close(one.w[:, 0], run.w[:, 0], rtol=1e-12, atol=0)


def test_the_five_algorithms_share_a_rounds_draws(run) -> None:
    assert torch.equal(run.delta[3], run.delta[4])
    assert torch.equal(run.epsilon[3], run.epsilon[4])
    assert not torch.equal(run.delta[3], run.epsilon[3])
    assert (run.delta[:3] == 1e-5).all()


def test_same_spec_same_bits(run) -> None:
    again = run_perceptron(SPEC)
    assert torch.equal(again.w, run.w)
    assert torch.equal(again.accuracy, run.accuracy)


def test_margin_is_the_smallest_label_adjusted_output(run) -> None:
    v, w1, w2 = run.w[1, 2]
    z = [
        y * v * (s if (s := w1 * a + w2 * b) > 0 else 0.5 * s)
        for (a, b), y in zip(run.x.tolist(), run.y.tolist(), strict=True)
    ]
    assert run.margin[1, 2].item() == pytest.approx(min(z).item(), rel=1e-12)
    norm2 = (v**2 + w1**2 + w2**2).item()
    expected = min(z).item() / norm2
    assert run.normalized_margin[1, 2].item() == pytest.approx(expected, rel=1e-12)


def test_the_two_readings_of_the_adapter_differ(run) -> None:
    paper, released = run.reciprocal_root(), run.reciprocal_root("released")
    expected = ((run.delta + run.g) / (run.epsilon + run.h_before)) ** 0.25
    torch.testing.assert_close(paper, expected)
    assert not torch.equal(paper[1:], released[1:])
    with pytest.raises(ValueError, match="reading is 'other'"):
        run.reciprocal_root("other")


def test_a_diverged_round_is_told_and_harms_no_other() -> None:
    # A sum over the examples makes SGD's learning rate 0.1 too large for many rounds.
    summed = run_perceptron(PerceptronSpec(rounds=40, epochs=300))
    diverged = summed.diverged[0]
    assert 0 < diverged.sum() < 40
    assert summed.margin[0][diverged].isnan().all()
    assert summed.margin[0][~diverged].isfinite().all()
    assert not summed.diverged[1:].any()
    assert (summed.separated_at[0][diverged] == 301).all()
    # The rounds that are left are as if the diverged ones had never been there.
    kept = int((~diverged).nonzero()[0])
    alone = run_perceptron(PerceptronSpec(rounds=kept + 1, epochs=300))
    torch.testing.assert_close(alone.w[:, kept], summed.w[:, kept], rtol=1e-9, atol=0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("data_seed", -1),
        ("rounds", 0),
        ("epochs", 2.5),
        ("reduction", "median"),
        ("dtype", "float16"),
        ("lr_sgd", math.nan),
        ("lr_adadelta", -1.0),
        ("rho", 1.5),
        ("stability", 0.0),
        ("stability_std", -1.0),
    ],
)
def test_a_wrong_spec_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"{field} is {value!r}"):
        PerceptronSpec(**{field: value})


def test_points_lie_in_their_squares() -> None:
    x, y = perceptron_points(torch.Generator().manual_seed(0))
    centre = torch.tensor([math.cos(0.5), math.sin(0.5)], dtype=torch.float64)
    assert (x - y[:, None] * centre).abs().max() <= 0.6
    assert (y[:50] == 1).all()
    assert (y[50:] == -1).all()
    with pytest.raises(ValueError, match="per_class is 0"):
        perceptron_points(torch.Generator(), per_class=0)


def test_observations_can_fail() -> None:
    frame = run_perceptron(dataclasses.replace(SPEC, rounds=5, epochs=5000)).frame()
    # Swapping the names of the isotropic and the skewed algorithms turns them round.
    swapped = frame.replace(
        {"algorithm": {"AdaDelta": "AdaDeltaN", "AdaDeltaN": "AdaDelta"}}
    )
    (direction,) = [claim for claim in PERCEPTRON if claim.name.endswith("direction")]
    assert direction.kept_by(direction.quantity(frame))
    assert not direction.kept_by(direction.quantity(swapped))
    for claim in PERCEPTRON:
        assert isinstance(float(claim.quantity(frame)), float)


def test_divergence_is_dated_alike_however_seldom_one_looks(monkeypatch) -> None:
    spec = PerceptronSpec(rounds=12, epochs=103)  # the sum, on which SGD diverges
    run = run_perceptron(spec)
    assert run.diverged.any()
    assert not run.diverged.all()
    monkeypatch.setattr(perceptron, "LOOK_BACK", 1)
    assert torch.equal(run_perceptron(spec).diverged_at, run.diverged_at)
