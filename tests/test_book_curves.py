"""Figures 2 and 3 from records: what the lines and bands are."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from marginflow.book.figures import (
    PALETTE,
    PANELS,
    band,
    figure_1,
    regimes_figure,
    single_round_figure,
)
from marginflow.experiments.perceptron import (
    ALGORITHMS,
    PerceptronSpec,
    run_perceptron,
)
from marginflow.kkt import perceptron_kkt_points


@pytest.fixture
def frame():
    """Four rounds of two algorithms in one regime, with known numbers."""
    rows = []
    for algorithm, size in (("SGD", 1.0), ("AdaDeltaN", 2.0)):
        for r in range(4):
            for epoch in (0, 1, 5, 10):
                rows.append(
                    {
                        "experiment": "mnist",
                        "regime": "finer",
                        "algorithm": algorithm,
                        "round": r,
                        "epoch": float(epoch),
                        "log_loss": np.log(size * (r + 1)) - epoch,
                        "train_accuracy": 0.5,
                        "test_accuracy": 0.9 if epoch in (5, 10) else np.nan,
                        "margin": epoch - 2.0,
                        "log_norm": np.log(2.0),
                    }
                )
    return pd.DataFrame(rows)


def test_band_is_median_and_quartiles(frame):
    losses = band(frame, "loss")
    row = losses[(losses.algorithm == "AdaDeltaN") & (losses.epoch == 0)].iloc[0]
    assert (row["low"], row["median"], row["high"]) == (3.5, 5.0, 6.5)
    assert row["rounds"] == 4
    assert list(band(frame, "test_accuracy").epoch.unique()) == [5, 10]


def test_margin_is_normalized_by_the_degree(frame):
    margins = band(frame, "normalized_margin")
    assert margins[margins.epoch == 10]["median"].tolist() == pytest.approx([0.5, 0.5])
    assert margins[margins.epoch == 0]["median"].tolist() == pytest.approx([-0.125] * 2)
    deep = band(frame.assign(experiment="cifar10"), "normalized_margin")
    assert deep[deep.epoch == 10]["median"].iloc[0] == pytest.approx(8 / 2**14)


def test_unknown_quantity_is_refused(frame):
    with pytest.raises(ValueError, match="quantity is 'speed'; choose one of loss"):
        band(frame, "speed")


def test_figure_draws_what_is_there(frame):
    figure = regimes_figure(frame)
    axes = np.array(figure.axes).reshape(len(PANELS), 2)
    for row in axes:
        assert [line.get_color() for line in row[0].get_lines()] == [
            PALETTE["SGD"],
            PALETTE["AdaDeltaN"],
        ]
        assert row[1].get_lines() == []  # nothing recorded in the coarser regime
    line = axes[0, 0].get_lines()[0]
    assert list(line.get_xdata()) == [1, 5, 10]
    assert line.get_ydata()[0] == pytest.approx(2.5 * np.exp(-1))
    assert axes[0, 0].get_xscale() == axes[0, 0].get_yscale() == "log"
    assert axes[2, 0].get_xscale() == "linear"
    shown = axes[3, 0].get_lines()[0].get_ydata()
    assert np.isnan(shown).tolist() == [True, False, False]  # where it is positive
    plt.close(figure)
    figure = regimes_figure(frame.assign(test_accuracy=np.nan))  # never measured
    assert np.array(figure.axes).reshape(len(PANELS), 2)[2, 0].get_lines() == []
    plt.close(figure)


def test_regimes_share_an_axis_only_if_equally_long(frame):
    longer = frame.assign(regime="coarser", epoch=2 * frame.epoch)
    for other, limits in (
        (longer, [10, 20]),
        (frame.assign(regime="coarser"), [10] * 2),
    ):
        figure = regimes_figure(pd.concat([frame, other]))
        axes = np.array(figure.axes).reshape(len(PANELS), 2)
        assert [ax.get_xlim()[1] for ax in axes[0]] == limits
        plt.close(figure)


def test_single_round_is_drawn_as_recorded(frame):
    one = frame[frame["round"] == 3]
    figure = single_round_figure(one)
    loss, accuracy, margin = figure.axes
    lines = {line.get_label(): line for line in loss.get_lines()}
    assert list(lines["SGD"].get_xdata()) == [1, 5, 10]
    assert lines["SGD"].get_ydata()[1] == pytest.approx(4 * np.exp(-5))
    assert list(lines["AdaDelta"].get_xdata()) == []  # not recorded
    assert list(margin.get_lines()[0].get_xdata()) == [1, 5, 10]
    assert margin.get_lines()[0].get_ydata()[0] < 0  # not separated yet
    assert accuracy.get_xscale() == "log"
    assert accuracy.get_yscale() == "linear"
    assert (loss.get_yscale(), margin.get_yscale()) == ("log", "linear")
    plt.close(figure)


def test_figure_1_is_drawn_from_its_run():
    run = run_perceptron(PerceptronSpec(rounds=4, epochs=60, reduction="mean"))
    points = perceptron_kkt_points(run.x.numpy(), run.y.numpy())
    figure = figure_1(run, points)
    accuracy, margins, *adapters = figure.axes
    for i, line in enumerate(accuracy.get_lines()):
        assert line.get_color() == PALETTE[ALGORITHMS[i]]
        np.testing.assert_array_equal(
            line.get_ydata(), run.accuracy[line.get_xdata(), i].numpy()
        )
    lines = {line.get_ydata()[0] for line in margins.get_lines()}
    assert lines == {p.normalized_margin for p in (points.positive, points.negative)}
    drawn = margins.collections[0].get_offsets()
    assert sorted(drawn[:, 1]) == pytest.approx(
        sorted(run.frame().normalized_margin), nan_ok=True
    )
    left, right = margins.get_xlim()
    assert left < drawn[:, 0].min() <= drawn[:, 0].max() < right
    assert margins.get_ylim()[0] == 0  # so that heights can be compared
    assert margins.get_xlabel() == "Round"
    assert margins.get_ylabel() == "Normalized margin"
    roots = run.reciprocal_root().double()
    for root, name, ax in zip(roots[1:], ALGORITHMS[1:], adapters, strict=True):
        assert ax.get_title() == name
        tips = np.stack([p.get_data_3d() for p in ax.get_lines()[: len(root)]])[..., 1]
        unit = (root / root.norm(dim=-1, keepdim=True)).numpy()
        np.testing.assert_allclose(tips, unit, rtol=1e-12)
        isotropic = np.ravel(ax.get_lines()[len(root)].get_data_3d())[1::2]
        assert isotropic == pytest.approx([isotropic[0]] * 3)
    plt.close(figure)
