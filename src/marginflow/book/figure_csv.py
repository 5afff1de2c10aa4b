"""What a figure draws, as a table: the file "CSV" beside every figure of the book.

The table is read off the finished matplotlib figure and not off the variables that made
it, so that it cannot say anything else than the picture does.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLUMNS", "figure_csv", "offer_csv"]

COLUMNS = ("panel", "kind", "series", "part", "x", "y", "z", "x_end", "y_end")
"""Columns of the table; the last three only where a figure has something to put there.

``panel`` numbers the axes from 1, in the order in which they were made; ``series`` is
what the legend says, or else a colour; ``part`` numbers the artists, so that a curve is
what shares a part.  A band reaches from ``y`` to ``y_end``, a bar or an arrow from
(``x``, ``y``) to (``x_end``, ``y_end``).
"""

Row = dict[str, object]
Name = Callable[[object], str]


def figure_csv(figure: Figure) -> str:
    """What ``figure`` draws in data coordinates, as CSV.

    Lines that begin with ``#`` tell each panel's title and axes, and kinds of artists
    that are not listed because no figure of the book has any; read the rest with
    ``pandas.read_csv(file, comment="#")``.  Numbers carry ten digits, and nothing is
    thinned out.  Text is left out, and so is whatever is placed by the page and not by
    data, legends and colour bars for example.

    Args:
        figure: finished; limits of its axes that are still to be found are found.
    """
    rows: list[Row] = []
    notes, parts = [], 0
    axes = [ax for ax in figure.get_axes() if not hasattr(ax, "_colorbar")]
    for panel, ax in enumerate(axes, start=1):
        notes.append(_describe(panel, ax))
        name = _namer(figure, ax)
        for artist in _drawn(ax):
            pieces = _pieces(artist, ax, name)
            if pieces is None:
                notes.append(f"not listed: a {type(artist).__name__} in panel {panel}")
                continue
            for piece in pieces:
                parts += 1
                rows += [{"panel": panel, "part": parts, **row} for row in piece]
    return _written(notes, rows)


def offer_csv() -> bool:
    """Let a running IPython kernel put the table beside each figure that it shows.

    Returns:
        Whether there is such a kernel.
    """
    try:
        from IPython import get_ipython
        from IPython.core.formatters import BaseFormatter
    except ImportError:
        return False
    shell = get_ipython()
    if shell is None:
        return False
    from matplotlib.figure import Figure
    from traitlets import ObjectName, Unicode

    class CSVFormatter(BaseFormatter):
        format_type = Unicode("text/csv")
        print_method = ObjectName("_repr_csv_")

    formatter = CSVFormatter(parent=shell.display_formatter)
    formatter.for_type(Figure, figure_csv)
    shell.display_formatter.formatters["text/csv"] = formatter
    return True


def _written(notes: list[str], rows: list[Row]) -> str:
    used = [*COLUMNS[:6], *(c for c in COLUMNS[6:] if any(c in r for r in rows))]
    text = io.StringIO()
    for note in notes:
        text.write("# " + " ".join(note.split()) + "\n")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(used)
    table.writerows([_cell(row.get(column)) for column in used] for row in rows)
    return text.getvalue()


def _cell(value: object) -> str:
    if value is None or np.ma.is_masked(value) or value != value:
        return ""
    if isinstance(value, str):
        # On one line, and without what begins a comment.
        return " ".join(value.replace("#", "").split())
    return f"{value:.10g}"


def _describe(panel: int, ax: Axes) -> str:
    parts = [
        f'panel {panel}: "{ax.get_title()}"' if ax.get_title() else f"panel {panel}"
    ]
    for letter in "xyz" if hasattr(ax, "get_zlim") else "xy":
        label = getattr(ax, f"get_{letter}label")()
        scale = getattr(ax, f"get_{letter}scale")()
        scale = "" if scale == "linear" else f" ({scale} scale)"
        if label or scale:
            parts.append(f'{letter} is "{label}"{scale}')
    return "; ".join(parts)


def _drawn(ax: Axes) -> Iterator[Artist]:
    """The artists of ``ax`` that show data, in the order in which they were made."""
    from matplotlib.text import Annotation

    arrows = (t for t in ax.texts if isinstance(t, Annotation) and t.arrow_patch)
    for group in (ax.lines, ax.collections, ax.patches, ax.images, arrows):
        for artist in group:
            if artist.get_visible():
                yield artist


# ---- what a series is called ---------------------------------------------------------


def _hex(colour: Any) -> str:
    from matplotlib.colors import to_hex

    return to_hex(colour)


def _colour(artist: Any) -> str | None:
    """The one colour of an artist, or None."""
    for get in ("get_color", "get_facecolor", "get_edgecolor"):
        if not hasattr(artist, get):
            continue
        colour = getattr(artist, get)()
        if get == "get_color":
            return _hex(colour)
        rows = np.atleast_2d(np.asarray(colour, float))
        if rows.size and len(np.unique(rows, axis=0)) == 1 and rows[0, -1] > 0:
            return _hex(rows[0])
    return None


def _namer(figure: Figure, ax: Axes) -> Name:
    """How a label or, without one, a colour is called in the legends of ``ax``."""
    names: dict[str, str] = {}
    for legend in (*figure.legends, ax.get_legend()):
        if legend is None:
            continue
        colours = [_colour(handle) for handle in legend.legend_handles]
        counts = Counter(colours)
        for colour, text in zip(colours, legend.get_texts(), strict=True):
            if colour and counts[colour] == 1:
                names[colour] = text.get_text()

    def name(of: Any) -> str:
        if not isinstance(of, str):
            label = of.get_label()
            if label and not label.startswith("_"):
                return label
            of = _colour(of) or ""
        return names.get(of, f"colour {of[1:]}" if of else "")

    return name


# ---- the pieces of an artist ---------------------------------------------------------


def _pieces(artist: Artist, ax: Axes, name: Name) -> list[list[Row]] | None:
    """Rows of each piece of an artist, or None if this module does not know it."""
    from matplotlib import collections, contour, lines, patches, text

    readers = {
        lines.Line2D: _line,
        contour.ContourSet: _contours,
        collections.PathCollection: _points,
        collections.PolyCollection: _bands,
        patches.Rectangle: _bar,
        patches.Patch: _outline,
        text.Annotation: _arrow,
    }
    for kind, reader in readers.items():
        if isinstance(artist, kind):
            return reader(artist, ax, name)
    return None


def _rows(kind: str, series: str, **columns: Any) -> list[Row]:
    values = [np.ma.ravel(column) for column in columns.values()]
    return [
        {"kind": kind, "series": series, **dict(zip(columns, row, strict=True))}
        for row in zip(*values, strict=True)
    ]


def _in_data(artist: Artist, ax: Axes, points: np.ndarray) -> np.ndarray:
    """Points of an artist that is placed by the axes, such as axhline's, in data."""
    get = getattr(artist, "get_data_transform", artist.get_transform)
    transform = get()
    if transform == ax.transData:
        return points
    ax.viewLim  # noqa: B018  (finds the limits, if they are not known yet)
    return (transform - ax.transData).transform(points)


def _line(line, ax, name):
    marks = line.get_linestyle() in ("None", "none", " ", "")
    kind = "points" if marks else "line"
    if hasattr(line, "get_data_3d"):
        x, y, z = line.get_data_3d()
        return [_rows(kind, name(line), x=x, y=y, z=z)]
    x, y = _in_data(line, ax, line.get_xydata()).T
    return [_rows(kind, name(line), x=x, y=y)]


def _points(points, ax, name):
    if hasattr(points, "_offsets3d"):
        columns = dict(zip("xyz", points._offsets3d, strict=True))
    else:
        columns = dict(zip("xy", np.ma.asarray(points.get_offsets()).T, strict=True))
    rows, colours = _rows("points", name(points), **columns), points.get_facecolor()
    if len(colours) == len(rows):  # such as hue= in seaborn
        for row, colour in zip(rows, colours, strict=True):
            row["series"] = name(_hex(colour))
    return [rows]


def _bands(polygons, ax, name):
    pieces = []
    for path in polygons.get_paths():
        corners = _in_data(polygons, ax, path.vertices)
        n = (len(corners) - 3) // 2
        # fill_between goes along one curve and back along the other.
        there, back = corners[1 : n + 1], corners[n + 2 : 2 * n + 2][::-1]
        if len(corners) == 2 * n + 3 and np.array_equal(there[:, 0], back[:, 0]):
            low, high = there[:, 1], back[:, 1]
            columns = {"x": there[:, 0], "y": low, "y_end": high}
            pieces.append(_rows("band", name(polygons), **columns))
        else:
            x, y = corners.T
            pieces.append(_rows("area", name(polygons), x=x, y=y))
    return pieces


def _contours(contours, ax, name):
    levels, kind = [f"{level:.10g}" for level in contours.levels], "contour"
    if contours.filled:
        kind = "area"
        levels = [f"{a} to {b}" for a, b in itertools.pairwise(levels)]
    pieces = []
    for level, path in zip(levels, contours.get_paths(), strict=True):
        for corners in path.to_polygons(closed_only=False):
            x, y = corners.T
            pieces.append(_rows(kind, f"level {level}", x=x, y=y))
    return pieces


def _bar(bar, ax, name):
    (x, y), (x_end, y_end) = _in_data(bar, ax, bar.get_bbox().get_points())
    label = name(bar)
    for container in ax.containers:
        if bar in container and not container.get_label().startswith("_"):
            label = container.get_label()
    category = _category(ax.xaxis, (x + x_end) / 2) or _category(
        ax.yaxis, (y + y_end) / 2
    )
    if category:
        label = f"{label}, {category}"
    return [_rows("bar", label, x=x, y=y, x_end=x_end, y_end=y_end)]


def _category(axis, position: float) -> str:
    """The name that an axis of names, not of numbers, has at a position."""
    from matplotlib.category import StrCategoryFormatter
    from matplotlib.ticker import FixedFormatter, FuncFormatter

    named = (StrCategoryFormatter, FixedFormatter, FuncFormatter)
    if not isinstance(axis.get_major_formatter(), named):
        return ""
    places, labels = axis.get_ticklocs(), axis.get_ticklabels()
    for place, label in zip(places, labels, strict=False):
        if abs(place - position) < 1e-6:
            return label.get_text()
    return ""


def _outline(patch, ax, name):
    corners = patch.get_patch_transform().transform(patch.get_path().vertices)
    corners = _in_data(patch, ax, corners)
    return [_rows("area", name(patch), x=corners[:, 0], y=corners[:, 1])]


def _arrow(note, ax, name):
    if note.xycoords != "data" or note.anncoords != "data":
        return []  # a pointer from a label, placed by the page
    (x, y), (x_end, y_end) = note.xyann, note.xy
    series = name(_colour(note.arrow_patch) or "")
    return [_rows("arrow", series, x=x, y=y, x_end=x_end, y_end=y_end)]
