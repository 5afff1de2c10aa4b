"""One style for every figure of the book, and one colour and marker per algorithm.

Figures are SVG with a transparent background, and all ink is a grey that reads on a
white page as well as on the dark theme's near-black one, because an embedded SVG cannot
know which of the two it lies on.  The colours are close to those of Okabe and Ito, for
readers with a colour vision deficiency, and darkened or lightened to stand out from
both backgrounds; markers and dashes repeat the distinction without colour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from marginflow.book.figure_csv import offer_csv
from marginflow.experiments.spec import ALGORITHMS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from mpl_toolkits.mplot3d import Axes3D

    from marginflow.experiments.perceptron import PerceptronRun
    from marginflow.kkt import PerceptronKKTPoints

__all__ = [
    "ACCENTS",
    "ALGORITHMS",
    "DASHES",
    "INK",
    "MARKERS",
    "PALETTE",
    "epoch_axis",
    "figure_1",
    "use_book_style",
]

INK = "#797979"
"""Grey of axes, text and reference lines; legible on light and dark pages."""

PALETTE = dict(
    zip(
        ALGORITHMS,
        ("#009E73", "#0085CA", "#D55E00", "#C77CA8", "#B8860B"),
        strict=True,
    )
)
"""Colour of each algorithm, the same in the whole book."""

MARKERS = dict(zip(ALGORITHMS, ("o", "s", "^", "X", "P"), strict=True))
"""Marker of each algorithm."""

DASHES = dict(
    zip(ALGORITHMS, ("", (4, 1.5), (1, 1), (6, 2, 1, 2), (3, 1, 1, 1)), strict=True)
)
"""Dash pattern of each algorithm's line ("" is solid), for seaborn's ``dashes=``."""

ACCENTS = ["#0085CA", "#D55E00", "#009E73", "#C77CA8", "#B8860B", "#7B6FD0"]
"""Colours for series that are not algorithms, in order of use."""


def use_book_style() -> None:
    """Set seaborn and matplotlib to the book's style; call it once per notebook.

    In a notebook, figures become SVG, and each brings along what it draws as CSV.
    """
    import matplotlib as mpl
    import seaborn as sns
    from cycler import cycler

    sns.set_theme(
        context="notebook",
        style="ticks",
        rc={
            "figure.figsize": (7.0, 3.6),
            "figure.facecolor": "none",
            "figure.constrained_layout.use": True,
            "axes.facecolor": "none",
            "savefig.facecolor": "none",
            "savefig.transparent": True,
            "axes.edgecolor": INK,
            "axes.labelcolor": INK,
            "axes.titlecolor": INK,
            "axes.titlesize": 12,
            "axes.labelsize": 11,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": cycler(color=ACCENTS),
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "xtick.labelsize": 10,
            "ytick.labelsize": 10,
            "grid.color": INK,
            "grid.alpha": 0.25,
            "legend.frameon": False,
            "legend.fontsize": 10,
            "lines.linewidth": 1.6,
            "mathtext.fontset": "dejavusans",
            # Reproducible files: the same figure gives the same bytes.
            "svg.hashsalt": "marginflow",
            "svg.fonttype": "path",
        },
    )
    mpl.rcParams["axes.formatter.use_mathtext"] = True
    _prefer_svg()
    offer_csv()


def _prefer_svg() -> None:
    """Ask a running IPython kernel for SVG output; do nothing elsewhere."""
    try:
        from IPython import get_ipython
    except ImportError:
        return
    if get_ipython() is not None:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("svg", metadata={"Date": None})


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
        style = (0, DASHES[name]) if DASHES[name] else "-"
        values = run.accuracy[shown, i].numpy()
        ax.plot(shown, values, color=PALETTE[name], linestyle=style, label=name)
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
    ax.set(xlim=(0, 1), ylim=(0, 1), zlim=(0, 1), title=name)
    ax.set(xticks=[0, 0.5, 1], yticks=[0, 0.5, 1], zticks=[0, 0.5, 1])
    ax.tick_params(labelsize=8, pad=-1)
    for letter, axis in (("v", ax.xaxis), ("w_1", ax.yaxis), ("w_2", ax.zaxis)):
        axis.set_pane_color((0, 0, 0, 0))
        axis.line.set_color(INK)
        axis._axinfo["grid"].update(color=(0.47, 0.47, 0.47, 0.25), linewidth=0.5)
        axis.set_label_text(f"${letter}$", fontsize=10)
    ax.view_init(elev=18, azim=-58)
    ax.set_box_aspect(None, zoom=0.95)
