"""Loads the chart library, served by the site itself, on pages that have a chart.

Where scripts are off, a sentence stands in the chart's place, and so it does on paper.
"""

from __future__ import annotations

import re

from sphinx.application import Sphinx

LIBRARIES = ("vega/vega.min.js", "vega/vega-lite.min.js", "vega/vega-embed.min.js")

CHART = re.compile(r'(<div class="vega-chart"[^>]*></div>)')
STILL = (
    "<noscript><p>Here a script draws a chart of all runs. Its curves are also in the "
    'pictures of <a href="experiment-2.html">Experiment 2</a> and '
    '<a href="experiment-3.html">Experiment 3</a>, and their last points in the table '
    "below.</p></noscript>"
)


def add_scripts(app: Sphinx, pagename, templatename, context, doctree) -> None:
    if 'class="vega-chart"' not in context.get("body", ""):
        return
    context["body"] = CHART.sub(rf"\1{STILL}", context["body"])
    for library in LIBRARIES:
        app.add_js_file(library, defer="defer")
    app.add_js_file("charts/charts.js", type="module")


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("html-page-context", add_scripts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
