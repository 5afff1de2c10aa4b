"""Figures 2 and 3 of the paper, drawn from recorded runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from marginflow.book.figures import ALGORITHMS, DASHES, INK, PALETTE
from marginflow.experiments.spec import REGIMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["BAND", "PANELS", "band", "regimes_figure", "single_round_figure"]

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
    """L, by which the margin is normalized: 4 on MNIST, 14 on CIFAR-10."""
    return frame.experiment.map({"mnist": 4, "cifar10": 14})


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
            dash = DASHES[algorithm]
            ax.plot(
                mine.epoch,
                mine.value,
                color=PALETTE[algorithm],
                linestyle=(0, dash) if dash else "-",
                marker=".",
                label=algorithm,
            )
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
    last = 1.0
    for algorithm in ALGORITHMS:
        mine = frame[(frame.algorithm == algorithm) & (frame.epoch > 0)]
        if mine.empty:
            continue
        curve = band(mine, quantity)
        last = max(last, curve.epoch.max())
        if quantity == "test_accuracy":
            curve = curve[curve.epoch >= 0.2 * last]
        low, middle, high = curve.low, curve["median"], curve.high
        if quantity == "normalized_margin":
            shown = middle > 0
            low, middle, high = low.where(shown), middle.where(shown), high.where(shown)
        colour = PALETTE[algorithm]
        ax.fill_between(curve.epoch, low, high, color=colour, alpha=0.18, linewidth=0)
        dash = DASHES[algorithm]
        ax.plot(
            curve.epoch,
            middle,
            color=colour,
            linestyle=(0, dash) if dash else "-",
            label=algorithm,
        )
    if last == 1.0:  # nothing to draw
        return
    if quantity in ("loss", "train_accuracy"):
        ax.set_xscale("log", base=2)
        ax.set_xlim(1, last)
    else:
        ax.set_xlim(0, last)
    if quantity == "loss":
        ax.set_yscale("log", base=2)
    if quantity == "normalized_margin":
        ax.set_ylim(bottom=0)
