"""One style for every figure of the book, and one colour and marker per algorithm.

Figures are SVG with a transparent background, and all ink is a grey that reads on a
white page as well as on the dark theme's near-black one, because an embedded SVG cannot
know which of the two it lies on.  The colours are close to those of Okabe and Ito, for
readers with a colour vision deficiency, and darkened or lightened to stand out from
both backgrounds; markers and dashes repeat the distinction without colour.
"""

from __future__ import annotations

from typing import Any

from marginflow.book.figure_csv import offer_csv
from marginflow.experiments.spec import ALGORITHMS

__all__ = [
    "ACCENTS",
    "ALGORITHMS",
    "DASHES",
    "INK",
    "MARKERS",
    "PALETTE",
    "line_style",
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


def line_style(algorithm: str) -> dict[str, Any]:
    """Colour, dashes and label of an algorithm's line, for ``ax.plot``."""
    dash = DASHES[algorithm]
    return {
        "color": PALETTE[algorithm],
        "linestyle": (0, dash) if dash else "-",
        "label": algorithm,
    }
