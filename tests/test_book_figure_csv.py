"""The CSV beside a figure: what is drawn comes back, and a changed figure shows."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jupytext
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from marginflow.book.figure_csv import COLUMNS, figure_csv
from marginflow.book.figures import PALETTE

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))

import execute_chapters

mpl.use("agg")
X = np.geomspace(1e-300, 1e300, 7)
Y = np.array([0.1, -2.5, 1 / 3, np.pi, 1e-12, 7.0, 1e15])


@pytest.fixture
def ax() -> Iterator[Axes]:
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def read(ax: Axes) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(figure_csv(ax.figure)), comment="#")


def test_a_line_comes_back(ax) -> None:
    ax.plot(X, Y, label="curve, of two words")
    table = read(ax)
    assert list(table.columns) == list(COLUMNS[:6])
    assert set(table["kind"]) == {"line"}
    assert set(table["series"]) == {"curve, of two words"}
    np.testing.assert_allclose(table["x"], X, rtol=1e-9)
    np.testing.assert_allclose(table["y"], Y, rtol=1e-9)


def test_a_label_is_no_comment(ax) -> None:
    ax.plot([1], [2], label="run #3")
    assert read(ax)[["series", "x"]].values.tolist() == [["run 3", 1]]


def test_gaps_in_a_line_are_gaps_in_the_table(ax) -> None:
    ax.plot([1, 2, 3], [1.0, np.nan, 3.0])
    assert read(ax)["y"].isna().tolist() == [False, True, False]


def test_points_come_back(ax) -> None:
    ax.scatter(X[2:5], Y[2:5])
    table = read(ax)
    assert set(table["kind"]) == {"points"}
    np.testing.assert_allclose(table[["x", "y"]], np.c_[X, Y][2:5], rtol=1e-9)


def test_points_of_several_colours_are_told_apart(ax) -> None:
    colours = [PALETTE["SGD"], PALETTE["AdaDelta"], PALETTE["SGD"]]
    ax.scatter([1, 2, 3], [4, 5, 6], c=colours)
    ax.legend([plt.Line2D([], [], color=c) for c in PALETTE.values()], PALETTE)
    assert read(ax)["series"].tolist() == ["SGD", "AdaDelta", "SGD"]


def test_a_band_comes_back(ax) -> None:
    x = np.arange(5.0)
    ax.fill_between(x, x - 1, x**2, label="band")
    table = read(ax)
    assert set(table["kind"]) == {"band"}
    np.testing.assert_array_equal(table["x"], x)
    np.testing.assert_array_equal(table["y"], x - 1)
    np.testing.assert_array_equal(table["y_end"], x**2)


def test_bars_come_back_with_their_names(ax) -> None:
    ax.barh(["first", "the\nsecond"], [3.0, 5.0], label="time")
    table = read(ax)
    assert table["series"].tolist() == ["time, first", "time, the second"]
    assert table["x_end"].tolist() == [3.0, 5.0]
    assert table["x"].tolist() == [0.0, 0.0]


def test_a_histogram_comes_back(ax) -> None:
    heights, edges, _ = ax.hist([0.0, 0.1, 0.9, 1.0, 1.0], bins=2)
    table = read(ax)
    assert table["y_end"].tolist() == heights.tolist() == [2, 3]
    assert table["x"].tolist() == edges[:-1].tolist()
    assert table["x_end"].tolist() == edges[1:].tolist()


def test_shapes_come_back(ax) -> None:
    ax.add_patch(plt.Circle((3, 4), 2))
    ax.fill([0, 1, 1], [0, 0, 1])
    table = read(ax)
    circle, triangle = (t[["x", "y"]] for _, t in table.groupby("part"))
    assert np.hypot(circle["x"] - 3, circle["y"] - 4).max() < 2.1
    assert triangle.to_numpy()[:3].tolist() == [[0, 0], [1, 0], [1, 1]]


def test_contours_come_back(ax) -> None:
    grid = np.linspace(-2, 2, 201)
    ax.contour(grid, grid, np.hypot(*np.meshgrid(grid, grid)), [1.0])
    table = read(ax)
    assert set(table["series"]) == {"level 1"}
    np.testing.assert_allclose(np.hypot(table["x"], table["y"]), 1, atol=1e-4)


def test_lines_and_points_in_space_come_back() -> None:
    figure = plt.figure()
    ax = figure.add_subplot(projection="3d")
    ax.plot([0, 1], [0, 2], [0, 3])
    ax.scatter([4], [5], [6])
    table = read(ax)
    plt.close(figure)
    assert table[["x", "y", "z"]].to_numpy().tolist() == [
        [0, 0, 0],
        [1, 2, 3],
        [4, 5, 6],
    ]


def test_lines_placed_by_the_axes_are_given_in_data(ax) -> None:
    ax.set(xscale="log", xlim=(1, 100), ylim=(-1, 1))
    ax.axhline(0.5)
    ax.axvline(10)
    table = read(ax)
    np.testing.assert_allclose(table["x"], [1, 100, 10, 10], rtol=1e-9)
    np.testing.assert_allclose(table["y"], [0.5, 0.5, -1, 1], rtol=1e-9)


def test_an_arrow_comes_back_and_a_label_does_not(ax) -> None:
    ax.annotate("", (3, 4), (1, 2), arrowprops={"arrowstyle": "->"})
    ax.annotate("a label", (3, 4))
    (row,) = read(ax).to_dict("records")
    assert (row["kind"], row["x"], row["y"]) == ("arrow", 1, 2)
    assert (row["x_end"], row["y_end"]) == (3, 4)


def test_what_is_hidden_is_left_out(ax) -> None:
    ax.plot([1, 2], [3, 4])[0].set_visible(False)
    assert read(ax).empty


def test_what_cannot_be_listed_is_named(ax) -> None:
    ax.imshow(np.zeros((2, 2)))
    assert "not listed: a AxesImage in panel 1" in figure_csv(ax.figure)


def test_panels_are_told_apart_and_described() -> None:
    figure, (left, right) = plt.subplots(1, 2)
    left.plot([1], [2])
    right.semilogy([3], [4])
    right.set(title="the\nright", xlabel="epoch", ylabel="loss")
    text = figure_csv(figure)
    plt.close(figure)
    assert '# panel 2: "the right"; x is "epoch"; y is "loss" (log scale)\n' in text
    table = pd.read_csv(io.StringIO(text), comment="#")
    assert table["panel"].tolist() == [1, 2]
    assert table["part"].tolist() == [1, 2]


def test_a_legend_names_what_bears_no_label(ax) -> None:
    ax.plot([1, 2], [3, 4], color="#123456")
    assert set(read(ax)["series"]) == {"colour 123456"}
    ax.legend([plt.Line2D([], [], color="#123456")], ["by proxy"])
    assert set(read(ax)["series"]) == {"by proxy"}


def draw(ax: Axes, *, y=1.0, band=2.0, label="a", point=3.0) -> None:
    ax.plot([0, 1], [y, 1], label=label)
    ax.fill_between([0, 1], [0, 0], [1, band])
    ax.scatter([point], [0])


@pytest.mark.parametrize(
    "change",
    [{"y": 1 + 1e-9}, {"band": 2.5}, {"label": "b"}, {"point": -3.0}],
    ids=lambda c: next(iter(c)),
)
def test_a_changed_figure_has_another_table(change) -> None:
    tables = []
    for options in ({}, {}, change):
        figure, ax = plt.subplots()
        draw(ax, **options)
        tables.append(figure_csv(figure))
        plt.close(figure)
    assert tables[0] == tables[1]
    assert tables[1] != tables[2]


CHAPTER = """```{code-cell} ipython3
from marginflow.book import figures
figures.use_book_style()
```

```{code-cell} ipython3
from matplotlib import pyplot as plt
plt.plot([1, 2], [3, 4], label="SGD");
```
"""


def test_in_a_notebook_each_figure_brings_its_table(tmp_path) -> None:
    notebook = jupytext.reads(CHAPTER, fmt="md:myst")
    execute_chapters.execute(notebook, tmp_path)
    (output,) = notebook.cells[1].outputs
    assert {"image/svg+xml", "text/csv"} <= set(output["data"])
    table = pd.read_csv(io.StringIO(output["data"]["text/csv"]), comment="#")
    assert table[["series", "x", "y"]].values.tolist() == [["SGD", 1, 3], ["SGD", 2, 4]]


def test_outside_a_notebook_nothing_is_offered() -> None:
    code = (
        "from marginflow.book.figure_csv import offer_csv; assert offer_csv() is False"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
