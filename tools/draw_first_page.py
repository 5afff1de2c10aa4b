#!/usr/bin/env python3
"""Draw the picture of the first page and of the README: two lines that separate.

    python tools/draw_first_page.py

Writes book/_static/first-page.svg.  The data are the explorer's; both directions are
solutions of the margin problem (4) of the paper for linear predictors, computed by the
package, one for equal stability terms and one for the skewed pair of the caption.
"""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib as mpl
import numpy as np

from marginflow.book.style import ACCENTS, INK
from marginflow.kkt import max_margin

PICTURE = Path(__file__).resolve().parent.parent / "book/_static/first-page.svg"
POINTS = np.array(
    [[2.3, 1.2, 1], [1.5, 2.2, 1], [0.7, 2.6, 1], [2.7, 2.0, 1],
     [-1.1, -1.3, -1], [-2.6, -1.1, -1], [-1.5, -2.6, -1], [-2.2, -1.9, -1]]
)  # fmt: skip
DELTA, EPSILON = np.array([16.0, 1.0]), np.ones(2)
BOTH = (
    (1.0, "equal stability terms: the widest margin, as gradient descent has it"),
    ((EPSILON / DELTA) ** 0.25, "δ/ε = 16 across, 1 upwards: a skewed margin"),
)


def draw() -> str:
    """The picture as SVG, the same text each time."""
    mpl.use("svg")
    from matplotlib import pyplot as plt

    style = {"svg.hashsalt": "first-page", "svg.fonttype": "path", "font.size": 11}
    with mpl.rc_context(style):
        figure, ax = plt.subplots(figsize=(5.6, 4.0))
        x, y = POINTS[:, :2], POINTS[:, 2]
        for sign, marker in ((1, "o"), (-1, "s")):
            ax.plot(*x[y == sign].T, marker, color=INK, ms=8, mfc="none", mew=1.8)
        for colour, (chi, label) in zip(ACCENTS, BOTH, strict=False):
            w = max_margin(y[:, None] * x, chi).w
            along = np.array([-w[1], w[0]]) / np.linalg.norm(w)
            ends = np.outer([-6, 6], along)
            ax.plot(*ends.T, color=colour, lw=3, label=label)
        ax.set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), aspect="equal", xticks=[], yticks=[])
        ax.spines[:].set_color(INK)
        legend = ax.legend(
            loc="upper center", bbox_to_anchor=(0.5, -0.02), frameon=False
        )
        plt.setp(legend.get_texts(), color=INK)
        text = io.StringIO()
        figure.savefig(
            text, format="svg", transparent=True, bbox_inches="tight",
            metadata={"Date": None},
        )  # fmt: skip
        plt.close(figure)
    return text.getvalue()


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
