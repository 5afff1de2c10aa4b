"""Kept weights measured anew: they say what their record says, and how far they are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from marginflow.data import load_images, seeded_generator
from marginflow.experiments import audit as auditing
from marginflow.experiments import runner
from marginflow.experiments.audit import audit, stationarity
from marginflow.experiments.records import RecordError, weights_path
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


@pytest.mark.parametrize("algorithm", ["AdaDeltaN", "SGD"])
def test_kept_weights_say_what_the_record_says(
    algorithm, data, sets, tmp_path, monkeypatch
):
    monkeypatch.setattr(runner, "KEPT", [("smoke", 0)])
    spec = replace(SPEC, algorithm=algorithm)
    run_one(spec, tmp_path, data)
    found = audit(spec, sets, tmp_path)
    if found.margin > 0:
        assert found.log_normalized_margin == pytest.approx(found.recorded, abs=1e-4)
        assert 0 < found.plain <= 1
        assert (found.plain == found.skewed) is (algorithm == "SGD")
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
