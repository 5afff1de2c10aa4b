"""Kept weights measured anew: they say what their record says, and how far they are."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from marginflow.data import ImageSet, load_images, seeded_generator
from marginflow.experiments import audit as auditing
from marginflow.experiments import runner
from marginflow.experiments.audit import audit, stationarity
from marginflow.experiments.devices import network
from marginflow.experiments.records import RecordError, read_weights, weights_path
from marginflow.experiments.runner import run_one
from marginflow.experiments.spec import RunSpec

RESULTS = Path(__file__).parents[1] / "results"
SPEC = RunSpec("mnist", "finer", "AdaDeltaN", 0, "smoke")


@pytest.fixture
def sets(data):
    return tuple(
        load_images("mnist", data, train=t, limit=n, dtype=torch.float64)
        for t, n in ((True, 40), (False, 20))
    )


def right(spec, weights, images: ImageSet) -> ImageSet:
    """Those that the network of these weights classifies rightly."""
    module = network(spec).double()
    module.load_state_dict(weights)
    hit = module(images.x).argmax(1) == images.y
    return replace(images, x=images.x[hit], y=images.y[hit])


@pytest.mark.parametrize("algorithm", ["AdaDeltaN", "SGD"])
def test_kept_weights_say_what_the_record_says(
    algorithm, data, sets, tmp_path, monkeypatch
):
    monkeypatch.setattr(runner, "KEPT", [("smoke", 0)])
    spec = replace(SPEC, algorithm=algorithm)
    run_one(spec, tmp_path, data)
    found = audit(spec, sets, tmp_path)
    assert found.margin < 0 < found.plain == math.inf  # after so few steps
    # On the images that it has learnt there is a margin, ...
    whole = read_weights(tmp_path, spec)
    learnt = right(spec, whole, sets[0])
    some = audit(spec, (learnt, sets[1]), tmp_path)
    assert some.margin > 0
    assert 0 < some.plain <= 1
    assert (some.plain == some.skewed) is (algorithm == "SGD")
    # ... and the same network with shorter or longer weights has no other.
    path = weights_path(tmp_path, spec)
    for margin in (0.5, 2.0):
        factor = (margin / some.margin) ** (1 / 4)
        save_file({name: t * factor for name, t in whole.items()}, path)
        scaled = audit(spec, (learnt, sets[1]), tmp_path)
        assert scaled.margin == pytest.approx(margin, rel=1e-4)
        assert scaled.log_normalized_margin == pytest.approx(
            some.log_normalized_margin, abs=1e-4
        )
    save_file(whole, path)
    # Another's weights are told apart.
    other = replace(spec, round=1)
    monkeypatch.setattr(runner, "KEPT", [("smoke", 1)])
    run_one(other, tmp_path, data)
    weights_path(tmp_path, spec).write_bytes(weights_path(tmp_path, other).read_bytes())
    assert audit(spec, sets, tmp_path).margin != pytest.approx(found.margin, rel=1e-3)
    weights_path(tmp_path, spec).write_bytes(b"half of them")
    with pytest.raises(RecordError, match="safetensors cannot be read") as damaged:
        audit(spec, sets, tmp_path)
    assert "not kept" not in str(damaged.value)
    weights_path(tmp_path, spec).unlink()
    with pytest.raises(RecordError, match="weights of this run are not kept"):
        audit(spec, sets, tmp_path)


@pytest.mark.parametrize("skewed", [False, True])
def test_stationarity_is_zero_at_a_combination_and_there_alone(skewed):
    draw = seeded_generator(1)
    gradients = torch.randn(4, 30, dtype=torch.float64, generator=draw)
    chi = torch.rand(30, dtype=torch.float64, generator=draw) + 0.5 if skewed else 1.0
    weights = torch.tensor([0.5, 2.0, 0.0, 1.0], dtype=torch.float64)
    w = (weights[:, None] * gradients).sum(0) * chi * chi  # v = w/χ = Σ λ χ ∇
    assert stationarity(w, gradients, chi) < 1e-12
    assert stationarity(5.0 * w, gradients, chi) < 1e-12
    # Mutated: a negative multiplier, the wrong metric, a direction from outside.
    negative = w - 3.0 * gradients[2] * chi * chi
    assert stationarity(negative, gradients, chi) > 0.1
    outside = torch.randn(30, dtype=torch.float64, generator=draw)
    assert stationarity(outside, gradients, chi) > 0.1
    if skewed:
        assert stationarity(w, gradients) > 0.01


def test_the_books_table_is_of_the_kept_weights():
    rows = json.loads((RESULTS / "audit.json").read_text("utf-8"))
    digests = {spec.name: spec.digest() for spec in auditing.kept(RESULTS)}
    assert {row["run"]: row["spec"] for row in rows}.items() <= digests.items()
    for row in rows:
        gap = row["log_normalized_margin"] - row["recorded"]
        assert abs(gap) < 1e-4  # trained in float32, measured anew in float64
