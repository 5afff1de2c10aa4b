"""Softmax regression against its predicted directions, on small made-up images."""

import numpy as np
import pandas as pd
import pytest
import torch

from marginflow.data import ImageSet
from marginflow.experiments.softmax import COLUMNS, SoftmaxSpec, predictions, train
from marginflow.optim import skewing_vector


@pytest.fixture(scope="module")
def images():
    generator = torch.Generator().manual_seed(3)
    y = torch.arange(30) % 10
    x = torch.rand(30, 1, 28, 28, dtype=torch.float64, generator=generator)
    return ImageSet("mnist", x * (x > 0.8), y, "made up")


@pytest.fixture(scope="module")
def runs(images):
    return {
        name: pd.DataFrame(
            train(SoftmaxSpec(name, steps=3000), images), columns=COLUMNS
        )
        for name in ("SGD", "AdaDelta", "AdaDeltaN")
    }


@pytest.mark.parametrize(
    ("name", "own", "other"),
    [
        ("SGD", "plain", "skewed"),
        ("AdaDelta", "plain", "skewed"),
        ("AdaDeltaN", "skewed", "plain"),
    ],
)
def test_each_run_nears_its_own_prediction_and_not_the_other(runs, name, own, other):
    frame = runs[name]
    assert frame.gap.iloc[-1] > 0
    late = frame[frame.step >= 100]
    assert (late[f"{own}_angle"].diff().dropna() < 0).all()
    assert late[f"{own}_angle"].iloc[-1] < 0.6 * late[f"{other}_angle"].iloc[-1]
    assert late[f"{own}_margin"].iloc[-1] > late[f"{other}_margin"].iloc[-1]
    # No w has more than the greatest margin.
    assert frame[["plain_margin", "skewed_margin"]].to_numpy().max() <= 1 + 1e-9


def test_measured_angles_and_margins_are_those_of_the_predictions(images):
    delta, epsilon = SoftmaxSpec("AdaDeltaN").terms()
    chi = skewing_vector(delta, epsilon)
    plain, skewed = predictions(images, chi)
    assert max(plain.residual, skewed.residual) < 1e-9
    x, y = images.x.reshape(30, -1).numpy(), images.y.numpy()
    for point in (plain, skewed):
        scores = x @ point.w.reshape(10, -1).T
        gaps = scores[np.arange(30), y][:, None] - scores
        gaps[np.arange(30), y] = np.inf
        assert abs(gaps.min() - 1) < 1e-9
    # Each is the better one in its own metric.
    assert plain.normalized_margin > skewed.normalized_margin
    assert skewed.skewed_margin > plain.skewed_margin


def test_an_unknown_algorithm_is_named():
    with pytest.raises(ValueError, match="algorithm is 'Adam'"):
        SoftmaxSpec("Adam")
