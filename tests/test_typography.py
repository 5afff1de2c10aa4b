"""No line begins with the comma that follows a formula."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers import chromium
from bs4 import BeautifulSoup, NavigableString
from docutils import nodes
from playwright.sync_api import Browser

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import marginflow_typography as typography  # noqa: E402


def loose(html: str) -> list[str]:
    """Formulas within a line with a mark that may part from them."""
    found = []
    soup = BeautifulSoup(html, "html.parser")
    for formula in soup.select("article span.math"):
        if formula.find_parent(class_=["unbroken", "sd-card-header"]):
            continue
        if formula.find_parent(["h1", "h2", "h3", "h4"]):
            continue
        after, before = formula.next_sibling, formula.previous_sibling
        for text, at in ((after, 0), (before, -1)):
            if isinstance(text, NavigableString) and text:
                mark = text[at]
                if not (mark.isspace() or mark.isalnum() or mark == "_"):
                    found.append(f"{formula.text} and {mark!r}")
    return found


def paragraph(*parts: str | nodes.Node) -> nodes.paragraph:
    children = [nodes.Text(p) if isinstance(p, str) else p for p in parts]
    return nodes.paragraph("", "", *children)


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ("let ", ", and", "x,"),
        ("a point (", ") of", "(x)"),
        ("an ", "-homogeneous network", "x-"),
        ("so “", "”. Then", "“x”."),
        ("the ", " of", None),
    ],
)
def test_a_formula_keeps_its_marks(before: str, after: str, kept: str | None) -> None:
    line = paragraph(before, nodes.math("x", "x"), after)
    document = nodes.document(None, None)
    document += line
    typography.keep_marks(None, document)
    spans = [n for n in line.findall(nodes.inline) if "unbroken" in n["classes"]]
    assert [s.astext() for s in spans] == ([kept] if kept else [])
    assert line.astext() == f"{before}x{after}"


def test_two_formulas_share_the_marks_between_them() -> None:
    line = paragraph("(", nodes.math("", "a"), ", ", nodes.math("", "b"), ").")
    document = nodes.document(None, None)
    document += line
    typography.keep_marks(None, document)
    assert line.astext() == "(a, b)."
    spans = [n.astext() for n in line.findall(nodes.inline)]
    assert spans == ["(a,", "b)."]


@pytest.mark.site
def test_no_formula_of_the_site_can_part_from_its_comma() -> None:
    found = {
        str(page.relative_to(SITE)): loose(page.read_text(encoding="utf-8"))
        for page in SITE.glob("*/*.html")
        if not page.parent.name.startswith("_")
    }
    assert found
    assert not {page: those for page, those in found.items() if those}


def test_a_loose_comma_is_caught() -> None:
    page = "<article><p>let <span class='math'>x</span>{}, so</p></article>"
    assert loose(page.format("")) == ["x and ','"]
    assert loose(page.format(" and")) == []


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.mark.parametrize("kept", [True, False])
def test_what_the_style_does_with_it(browser: Browser, kept: bool) -> None:
    """A box and its comma at the end of a line too narrow for both."""
    style = (ROOT / "book" / "_static" / "marginflow.css").read_text(encoding="utf-8")
    page = browser.new_page()
    box = "<i style='display: inline-block; width: 50px; height: 9px'></i>"
    page.set_content(
        f"<style>{style}</style><p style='width: 100px; font: 16px monospace'>"
        f"aaaa <span class='{'unbroken' if kept else ''}'>{box}"
        "<b>,</b></span> b</p>"
    )
    tops = page.evaluate(
        "['i', 'b'].map(s => document.querySelector(s).getBoundingClientRect().bottom)"
    )
    assert (abs(tops[0] - tops[1]) < 12) is kept
    page.close()
