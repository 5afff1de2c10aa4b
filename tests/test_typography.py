"""No line begins with the comma that follows a formula."""

from __future__ import annotations

import re
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


def test_marks_are_taken_from_the_texts_beside_a_formula_and_from_no_equal_ones():
    line = paragraph("in ", nodes.strong("", "Coq"), ".", " So ", nodes.math("", "a"))
    line += nodes.Text(".")
    document = nodes.document(None, None)
    document += line
    typography.keep_marks(None, document)
    assert line.astext() == "in Coq. So a."


def cut(text: str) -> list[str]:
    """Lines within a formula that Markdown takes for an item of a list."""
    code = re.compile(r"^(```+)\{code-cell\}.*?^\1$", re.S | re.M)
    found = []
    for part in re.split(r"\n\s*\n", code.sub("", text).replace("$$", "")):
        lines = part.split("\n")
        for i, line in enumerate(lines[1:], 1):
            before = re.findall(r"(?<!\\)\$", "\n".join(lines[:i]))
            item = re.match(r"\s*([-+*]\s|=+\s*$|\d+[.)]\s|#)", line)
            if len(before) % 2 and item:
                found.append(line)
    return found


def test_no_line_of_a_formula_looks_like_a_list() -> None:
    assert cut("so $a =\n- b$ is") == ["- b$ is"]
    assert cut("so $a$\n- b$ is") == []
    sources = [*ROOT.glob("notebooks/*.md"), *ROOT.glob("book/*.md")]
    found = {p.name: cut(p.read_text(encoding="utf-8")) for p in sources}
    assert {name: lines for name, lines in found.items() if lines} == {}


WIDEST = 100


def too_wide(text: str) -> list[int]:
    """Lines of prose that are wider than an editor; rows and options cannot be cut."""
    cannot = re.compile(r"\s*(\||<|:\w+:|image: )")
    code = re.compile(r"^(```+)\{code-cell\}.*?^\1$", re.S | re.M)
    bare = code.sub(lambda cell: "\n" * cell[0].count("\n"), text)
    lines = enumerate(bare.split("\n"), 1)
    return [n for n, line in lines if len(line) > WIDEST and not cannot.match(line)]


def test_lines_of_the_sources_fit_an_editor() -> None:
    long = "word " * 25
    assert too_wide(f"a\n{long}\n| {long}\n:alt: {long}") == [2]
    assert too_wide(f"```{{code-cell}} ipython3\n{long}\n```\n{long}") == [4]
    sources = [*ROOT.glob("notebooks/*.md"), *ROOT.glob("book/[!f]*.md")]
    found = {p.name: too_wide(p.read_text(encoding="utf-8")) for p in sources}
    assert {name: lines for name, lines in found.items() if lines} == {}


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
