"""Figures on a phone: panels below each other, whole and legible."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers import chromium, served
from playwright.sync_api import Browser

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import marginflow_panels as panels  # noqa: E402


def drawing(columns: int, legend: bool = False, **shared: bool) -> str:
    import matplotlib.pyplot as plt

    with plt.rc_context(
        {"svg.fonttype": "path", "figure.constrained_layout.use": True}
    ):
        figure, axes = plt.subplots(1, columns, squeeze=False, **shared)
        for ax in axes.flat:
            ax.plot([0, 1000], [1, 2], label="line")
            ax.set(xlabel="x", ylabel="a long upright label")
        if legend:
            figure.legend(loc="outside upper center")
        text = io.StringIO()
        figure.savefig(text, format="svg", bbox_inches="tight")
        plt.close(figure)
    return text.getvalue()


@pytest.mark.parametrize(
    ("drawn", "count"),
    [
        ({"columns": 2}, 2),
        ({"columns": 3}, 3),
        ({"columns": 1}, 0),
        ({"columns": 2, "sharey": True}, 0),
        ({"columns": 2, "legend": True}, 0),
    ],
)
def test_columns_of_panels_are_found(drawn: dict, count: int) -> None:
    assert len(panels.columns(drawing(**drawn))) == count


def test_a_panel_ends_before_the_next_one_s_words() -> None:
    text = drawing(2)
    (start, cut), (again, end) = panels.columns(text)
    first, second = panels.AXES.findall(text)
    right = float(panels.FRAME.search(first)[2])
    words = panels.TEXT.findall(second)
    upright = min(float(x) for x, rotated in words if rotated)
    assert start == 0
    assert end == float(panels.SIZE.search(text)[1])
    assert right < cut == again < upright - panels.HEIGHT


def test_the_first_panel_has_the_words_for_who_listens(tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text(drawing(2))
    page = '<figure class="align-default"><img src="a.svg" alt="Two lines."></figure>'
    shown = panels.stack(page, tmp_path)
    assert re.findall(r'alt="([^"]*)"', shown) == ["Two lines.", "Two lines.", ""]
    (tmp_path / "a.svg").write_text(drawing(1))
    assert panels.stack(page, tmp_path) == page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.mark.site
@pytest.mark.parametrize(("width", "stacked"), [(1280, False), (390, True)])
def test_on_a_phone_and_only_there(browser: Browser, width: int, stacked: bool) -> None:
    tab = browser.new_page(viewport={"width": width, "height": 900})
    with served(SITE, strict=False) as address:
        tab.goto(f"{address}/notebooks/lemma-5.html", wait_until="load")
        figure = tab.locator("#fig-lemma-5")
        assert figure.locator(":scope > img").is_visible() is not stacked
        shown = figure.locator(".panels img")
        assert [image.is_visible() for image in shown.all()] == [stacked] * 2
        assert figure.evaluate("f => f.scrollWidth <= f.clientWidth")
    tab.close()


@pytest.mark.site
def test_no_line_of_a_proof_is_wider_than_a_phone(browser: Browser) -> None:
    """Broken lines, folded away, may be: what is wrong with them can be long."""
    tab = browser.new_page(viewport={"width": 390, "height": 900})
    found = {}
    with served(SITE, strict=False) as address:
        for page in sorted(SITE.glob("notebooks/*.html")):
            if 'class="pf-line"' not in page.read_text(encoding="utf-8"):
                continue
            tab.goto(f"{address}/notebooks/{page.name}", wait_until="load")
            found[page.name] = tab.evaluate(
                """() => [...document.querySelectorAll('li > .pf-line')]
                  .filter(line => line.scrollWidth > line.clientWidth)
                  .map(line => line.closest('li').dataset.step)"""
            )
    tab.close()
    assert len(found) > 10
    assert {page: steps for page, steps in found.items() if steps} == {}
