"""On a phone the panels of a figure stand below each other, each as wide as the page.

A panel is a part of the figure's own file: its address says which part of the drawing
is to be seen.  Columns of axes are told apart by the frames that matplotlib drew.  A
figure whose panels have something in common, a legend or the numbers of an axis, stays
whole, and scrolls.
"""

from __future__ import annotations

import html
import re
from itertools import pairwise
from pathlib import Path

from sphinx.application import Sphinx

IMAGE = re.compile(r'<img [^>]*?src="(?P<src>[^"]+\.svg)"[^>]*?>')
FIGURE = re.compile(r'<figure class="align-default".*?</figure>', re.S)
SIZE = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
SHARED = re.compile(r"^  <g id=\"legend_", re.M)
AXES = re.compile(r'^  <g id="axes_\d+">.*?^  </g>', re.M | re.S)
FRAME = re.compile(r'<path d="M ([\d.]+) [\d.]+\s+L ([\d.]+)')
# The second axis is the upright one; a figure's panels may share its numbers.
UPRIGHT = re.compile(r'<g id="ytick_.*?</g>\n    </g>', re.S)
TEXT = re.compile(r'<g id="text_\d+">.*?translate\(([\d.]+) [\d.]+\)( rotate)?', re.S)
HEIGHT = 10.0
"""Points from the foot of an upright word to its head."""


def columns(drawing: str) -> list[tuple[float, float]]:
    """From where to where each column of panels reaches, in points; none if it is one.

    A column begins just before whatever its axes have written on their left.
    """
    size, starts, ends = SIZE.search(drawing), {}, {}
    for axes in AXES.findall(drawing):
        left, right = map(float, FRAME.search(axes).groups())
        if not any(TEXT.search(tick) for tick in UPRIGHT.findall(axes)) and starts:
            return []
        words = (float(x) - (HEIGHT if up else 0) for x, up in TEXT.findall(axes))
        column = round(left)
        starts[column] = min(starts.get(column, left), left - 4, *words)
        ends[column] = right
    known = sorted(starts)
    apart = all(ends[one] < starts[next_] for one, next_ in pairwise(known))
    if size is None or len(known) < 2 or not apart or SHARED.search(drawing):
        return []
    return list(pairwise([0.0, *(starts[c] - 3 for c in known[1:]), float(size[1])]))


def panels(image: str, src: str, drawing: str) -> str:
    """A figure's image, and after it its panels, of which a page shows either."""
    parts = columns(drawing)
    if not parts:
        return image
    height = float(SIZE.search(drawing)[2])
    said = re.search(r'alt="([^"]*)"', image)
    shown = ""
    for start, end in parts:
        width, told = end - start, said[1] if said and not start else ""
        view = f"svgView(viewBox({start:.1f},0,{width:.1f},{height:.1f}))"
        ratio = f"aspect-ratio: {width:.1f} / {height:.1f}"
        shown += f'<img src="{src}#{view}" alt="{told}" style="{ratio}" loading="lazy">'
    return f'{image}<span class="panels">{shown}</span>'


def stack(page: str, folder: Path) -> str:
    """The page with the panels of its figures."""

    def image(match: re.Match[str]) -> str:
        file = folder / html.unescape(match["src"])
        return panels(match[0], match["src"], file.read_text("utf-8"))

    return FIGURE.sub(lambda figure: IMAGE.sub(image, figure[0], count=1), page)


def add_panels(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    for path in Path(app.outdir, "notebooks").glob("*.html"):
        page = path.read_text(encoding="utf-8")
        if 'class="panels"' not in page:
            path.write_text(stack(page, path.parent), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("build-finished", add_panels)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
