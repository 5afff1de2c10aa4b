"""Figures 1, 2 and 3 of the paper, drawn from runs and records.

The book's style (:mod:`marginflow.book.style`) can be had from here too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from marginflow.book.style import (
    ACCENTS,
    DASHES,
    INK,
    MARKERS,
    PALETTE,
    line_style,
    use_book_style,
)
from marginflow.experiments.spec import ALGORITHMS, REGIMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from mpl_toolkits.mplot3d import Axes3D

    from marginflow.experiments.perceptron import PerceptronRun
    from marginflow.kkt import PerceptronKKTPoints

__all__ = [
    "ACCENTS",
    "ALGORITHMS",
    "BAND",
    "DASHES",
    "INK",
    "MARKERS",
    "PALETTE",
    "PANELS",
    "band",
    "epoch_axis",
    "figure_1",
    "line_style",
    "regimes_figure",
    "single_round_figure",
    "use_book_style",
]

# ---- Experiment 1 --------------------------------------------------------------------


def epoch_axis(ax: Axes, last: int) -> None:
    """Give ``ax`` the paper's epoch axis: log2-scaled, ticked at even powers of 2."""
    ax.set_xscale("log", base=2)
    ax.set_xlim(1, last)
    ax.set_xticks([2**k for k in range(0, last.bit_length(), 2)])
    ax.set_xlabel("Epoch")


def figure_1(run: PerceptronRun, points: PerceptronKKTPoints) -> Figure:
    """The paper's Figure 1 from one run: accuracy, margins, adapters.

    Args:
        run: Experiment 1 on one data set.
        points: the exact KKT points of that data set; their normalized margins are the
            two dashed lines of the upper right panel.
    """
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(8.0, 9.0))
    grid = figure.add_gridspec(3, 2, height_ratios=[1, 1.15, 1.15])
    _accuracy(figure.add_subplot(grid[0, 0]), run)
    _margins(figure.add_subplot(grid[0, 1]), run, points)
    for i, name in enumerate(ALGORITHMS[1:]):
        ax = figure.add_subplot(grid[1 + i // 2, i % 2], projection="3d")
        _adapter_directions(ax, run, name)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=5)
    return figure


def _accuracy(ax: Axes, run: PerceptronRun) -> None:
    epochs = np.arange(1, len(run.accuracy))
    # Every epoch up to 64, then some 40 a factor of two: the eye sees no more.
    shown = np.unique(np.geomspace(1, epochs[-1], 400).astype(int))
    for i, name in enumerate(ALGORITHMS):
        ax.plot(shown, run.accuracy[shown, i].numpy(), **line_style(name))
    epoch_axis(ax, 2**12)
    ax.set(ylim=(0.48, 1.02), ylabel="Average accuracy")


def _margins(ax: Axes, run: PerceptronRun, points: PerceptronKKTPoints) -> None:
    import seaborn as sns

    sns.scatterplot(
        run.frame(),
        x="round",
        y="normalized_margin",
        hue="algorithm",
        style="algorithm",
        palette=PALETTE,
        markers=MARKERS,
        s=14,
        linewidth=0,
        alpha=0.8,
        legend=False,
        ax=ax,
    )
    for point, sign in ((points.positive, ">"), (points.negative, "<")):
        ax.axhline(point.normalized_margin, color=INK, linestyle="--", linewidth=1)
        ax.annotate(
            f"KKT point, $v {sign} 0$",
            (1, point.normalized_margin),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            fontsize=9,
            va="center",
        )
    ax.set(xlim=(-2, 101), ylim=(0, None), xlabel="Round", ylabel="Normalized margin")


def _adapter_directions(ax: Axes3D, run: PerceptronRun, name: str) -> None:
    root = run.reciprocal_root()[ALGORITHMS.index(name)].double().numpy()
    unit = root / np.linalg.norm(root, axis=-1, keepdims=True)
    lines = np.stack([np.zeros_like(unit), unit], axis=1)
    for tail, tip in lines:
        ax.plot(*np.stack([tail, tip], -1), color=PALETTE[name], lw=0.7, alpha=0.6)
    ax.scatter(*unit.T, color=PALETTE[name], s=6, depthshade=False)
    isotropic = np.full(3, 1.25 / np.sqrt(3))
    ax.plot(*zip((0, 0, 0), isotropic, strict=True), color="#E69F00", ls="--", lw=2.2)
    ax.scatter(*isotropic, color="#E69F00", marker="^", s=40, depthshade=False)
    ax.set(xlim=(0, 1), ylim=(0, 1), zlim=(0, 1))
    ax.set_title(name, y=0.93)
    # Where two axes meet one number is enough; two would lie on each other.
    ax.set(xticks=[0, 0.5, 1], yticks=[0.5], zticks=[0.5, 1])
    ax.tick_params(labelsize=8, pad=-1)
    for letter, axis in (("v", ax.xaxis), ("w_1", ax.yaxis), ("w_2", ax.zaxis)):
        axis.set_pane_color((0, 0, 0, 0))
        axis.line.set_color(INK)
        axis._axinfo["grid"].update(color=(0.47, 0.47, 0.47, 0.25), linewidth=0.5)
        axis.set_label_text(f"${letter}$", fontsize=10)
    ax.view_init(elev=18, azim=-58)
    ax.set_box_aspect(None, zoom=1.05)


# ---- Experiments 2 and 3 -------------------------------------------------------------

BAND = (0.25, 0.75)
"""Quantiles over the rounds between which the band lies, as in the paper."""

PANELS = {
    "loss": "Training loss",
    "train_accuracy": "Training accuracy",
    "test_accuracy": "Test accuracy",
    "normalized_margin": "Normalized margin",
}
"""The four rows of Figures 2 and 3: quantity and label."""


def band(frame: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Median and band over rounds, for each algorithm and evaluated epoch.

    Args:
        frame: records of one experiment and regime.
        quantity: a key of :data:`PANELS`, or a column of the records.

    Returns:
        Columns algorithm, epoch, low, median, high, rounds.  Epochs at which no run was
        measured in this quantity are left out.

    Raises:
        ValueError: the quantity is unknown.
    """
    values = _quantity(frame, quantity)
    table = frame[["algorithm", "epoch"]].assign(value=values).dropna()
    grouped = table.groupby(["algorithm", "epoch"], sort=True).value
    return pd.DataFrame(
        {
            "low": grouped.quantile(BAND[0]),
            "median": grouped.median(),
            "high": grouped.quantile(BAND[1]),
            "rounds": grouped.size(),
        }
    ).reset_index()


def _quantity(frame: pd.DataFrame, name: str) -> pd.Series:
    if name == "loss":
        return np.exp(frame.log_loss)
    if name == "normalized_margin":
        sign = np.sign(frame.margin)
        size = np.log(frame.margin.abs()) - _degree(frame) * frame.log_norm
        return sign * np.exp(size)
    if name in frame.columns:
        return frame[name]
    raise ValueError(
        f"quantity is {name!r}; choose one of {', '.join(PANELS)} or a column"
    )


def _degree(frame: pd.DataFrame) -> pd.Series:
    """L, by which the margin is normalized, read off each experiment's network."""
    from marginflow.networks import homogeneity_degree, mnist_net, vgg_net

    degrees = {
        name: int(homogeneity_degree(make(1 / 32)))
        for name, make in (("mnist", mnist_net), ("cifar10", vgg_net))
    }
    return frame.experiment.map(degrees)


def regimes_figure(frame: pd.DataFrame, *, height: float = 2.0) -> Figure:
    """The paper's Figure 2 or 3: four quantities × two regimes, median and band.

    Loss and training accuracy have log2-scaled epochs, test accuracy and margin linear
    ones, as in the paper; test accuracy begins after a fifth of the training, and the
    margin where it is positive.

    Args:
        frame: records of one experiment in one or both regimes.
        height: of a row, in inches.
    """
    import matplotlib.pyplot as plt

    lengths = frame.groupby("regime").epoch.max()
    figure, axes = plt.subplots(
        len(PANELS),
        2,
        figsize=(7.6, height * len(PANELS)),
        sharex="row" if lengths.nunique() == 1 else False,
        sharey="row",
    )
    for (quantity, label), row in zip(PANELS.items(), axes, strict=True):
        for regime, ax in zip(REGIMES, row, strict=True):
            mine = frame[frame.regime == regime]
            _draw(ax, mine, quantity)
            if quantity == "loss":
                ax.set_title(f"{regime} regime")
        row[0].set_ylabel(label)
    for ax in axes[-1]:
        ax.set_xlabel("Epoch")
    figure.align_ylabels(axes[:, 0])
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=5)
    return figure


def single_round_figure(frame: pd.DataFrame) -> Figure:
    """Loss, training accuracy and margin of one run of each algorithm, epochs log2.

    The normalized margin is negative while some example is misclassified.

    Args:
        frame: records of one experiment, regime and round.
    """
    import matplotlib.pyplot as plt

    quantities = ("loss", "train_accuracy", "normalized_margin")
    figure, axes = plt.subplots(1, 3, figsize=(7.6, 2.8))
    for quantity, ax in zip(quantities, axes, strict=True):
        values = frame.assign(value=_quantity(frame, quantity))
        for algorithm in ALGORITHMS:
            mine = values[(values.algorithm == algorithm) & (values.epoch > 0)]
            ax.plot(mine.epoch, mine.value, marker=".", **line_style(algorithm))
        ax.set_xscale("log", base=2)
        ax.set_title(PANELS[quantity])
        ax.set_xlabel("Epoch")
    axes[0].set_yscale("log", base=2)
    axes[2].axhline(0, color=INK, linewidth=1, zorder=0)
    axes[2].ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=5)
    return figure


def _draw(ax: Axes, frame: pd.DataFrame, quantity: str) -> None:
    frame = frame[frame.epoch > 0]
    curves = frame if frame.empty else band(frame, quantity)
    if curves.empty:
        return
    last = curves.epoch.max()
    if quantity == "test_accuracy":
        curves = curves[curves.epoch >= 0.2 * last]
    if quantity == "normalized_margin":
        curves.loc[curves["median"] <= 0, ["low", "median", "high"]] = np.nan
    for algorithm in ALGORITHMS:
        curve = curves[curves.algorithm == algorithm]
        if curve.empty:
            continue
        colour = PALETTE[algorithm]
        ax.fill_between(
            curve.epoch, curve.low, curve.high, color=colour, alpha=0.18, linewidth=0
        )
        ax.plot(curve.epoch, curve["median"], **line_style(algorithm))
    if quantity in ("loss", "train_accuracy"):
        ax.set_xscale("log", base=2)
        ax.set_xlim(1, last)
    else:
        ax.set_xlim(0, last)
    if quantity == "loss":
        ax.set_yscale("log", base=2)
    if quantity == "normalized_margin":
        ax.set_ylim(bottom=0)
