"""An interactive chart of recorded runs, for the book and for Jupyter alike.

The chart is a Vega-Lite specification made with altair (of the `book` extra).  Jupyter
draws it by itself; on the book's site, a script that the site serves draws it, without
any outside request.
"""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from marginflow.book.figures import PANELS, band
from marginflow.book.style import ALGORITHMS, DASHES, PALETTE

if TYPE_CHECKING:
    import altair

__all__ = ["Interactive", "runs_chart", "runs_table"]


class Interactive:
    """An altair chart that shows itself in Jupyter and on the book's site."""

    def __init__(self, chart: altair.TopLevelMixin, label: str) -> None:
        self.chart, self.label = chart, label

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, object]:
        import altair

        spec = self.chart.to_dict()
        data = html.escape(json.dumps(spec, separators=(",", ":")))
        label = html.escape(self.label)
        box = (
            f'<div class="vega-chart" role="group" aria-label="{label}" '
            f'data-spec="{data}"></div>'
        )
        major = altair.VEGALITE_VERSION.split(".")[0]
        kind = f"application/vnd.vegalite.v{major}+json"
        return {"text/html": box, kind: spec, "text/plain": f"<chart: {self.label}>"}


def runs_table(records: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Medians and bands of all quantities, one row per curve and evaluated epoch.

    Args:
        records: frames of `experiments.records.load_frame`, by the experiment's title.

    Returns:
        Columns runs ("MNIST, finer"), quantity, algorithm, epoch, low, median, high,
        rounds.
    """
    parts = []
    for title, frame in records.items():
        for regime, part in frame.groupby("regime", sort=False):
            for quantity, label in PANELS.items():
                table = band(part, quantity)
                if quantity == "loss":  # spans decades, while the others share an axis
                    label = "Training loss, as log10"
                    numbers = ["low", "median", "high"]
                    table[numbers] = np.log10(table[numbers])
                table.insert(0, "quantity", label)
                table.insert(0, "runs", f"{title}, {regime}")
                parts.append(table)
    return pd.concat(parts, ignore_index=True)


def runs_chart(table: pd.DataFrame) -> Interactive:
    """Choose the runs and the quantity, click algorithms on and off, hover for values.

    Args:
        table: from `runs_table`.
    """
    import altair as alt

    def choose(name: str, title: str) -> alt.Parameter:
        options = list(dict.fromkeys(table[name]))
        menu = alt.binding_select(options=options, name=f"{title} ")
        return alt.param(name=f"choose_{name}", value=options[0], bind=menu)

    runs, quantity = choose("runs", "Runs"), choose("quantity", "Quantity")
    # All are shown at first; a click in the legend takes one away or brings it back.
    shown = alt.selection_point(
        name="shown",
        fields=["algorithm"],
        bind="legend",
        value=[{"algorithm": name} for name in ALGORITHMS],
        toggle="true",
    )
    legend = alt.Legend(
        orient="top",
        title=None,
        columns=2,  # three are cut on a phone
        symbolType="stroke",
        symbolOpacity=1,
        symbolStrokeWidth=2.5,
        symbolSize=300,
    )

    def by_algorithm(channel: type, values: list):
        scale = alt.Scale(domain=list(ALGORITHMS), range=values)
        return channel("algorithm:N", scale=scale, legend=legend)

    colour = by_algorithm(alt.Color, [PALETTE[a] for a in ALGORITHMS])
    dash = by_algorithm(alt.StrokeDash, [list(DASHES[a]) or [1, 0] for a in ALGORITHMS])
    x = alt.X("epoch:Q", title="Epoch", scale=alt.Scale(type="sqrt", nice=False))
    base = (
        alt.Chart(table)
        .transform_filter("datum.runs == choose_runs")
        .transform_filter("datum.quantity == choose_quantity")
        .transform_filter(shown)
        .encode(x=x, color=colour)
    )
    tooltip = [
        alt.Tooltip("algorithm:N"),
        alt.Tooltip("epoch:Q"),
        alt.Tooltip("median:Q", format=".4g"),
        alt.Tooltip("low:Q", format=".4g", title="25 %"),
        alt.Tooltip("high:Q", format=".4g", title="75 %"),
        alt.Tooltip("rounds:Q"),
    ]

    low, high = alt.Y("low:Q"), alt.Y2("high:Q")
    median = alt.Y(
        "median:Q",
        title=None,
        scale=alt.Scale(zero=False),
        # Room for "-1.23e-18": what is cut off would read as another number.
        axis=alt.Axis(format=".3~g", minExtent=64),
    )
    chart = (
        base.mark_area(opacity=0.2).encode(low, high)
        + base.mark_line(strokeWidth=2).encode(median, dash)
        + base.mark_circle(size=46, opacity=0.75).encode(median, tooltip=tooltip)
    ).properties(width="container", height=320)
    return Interactive(
        chart.add_params(runs, quantity, shown),
        "Recorded runs: median and 25-75 % band over rounds, by epoch",
    )
