"""Loads the chart library, served by the site itself, on pages that have a chart."""

from __future__ import annotations

from sphinx.application import Sphinx

LIBRARIES = ("vega/vega.min.js", "vega/vega-lite.min.js", "vega/vega-embed.min.js")


def add_scripts(app: Sphinx, pagename, templatename, context, doctree) -> None:
    if 'class="vega-chart"' not in context.get("body", ""):
        return
    for library in LIBRARIES:
        app.add_js_file(library, defer="defer")
    app.add_js_file("charts/charts.js", type="module")


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("html-page-context", add_scripts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
