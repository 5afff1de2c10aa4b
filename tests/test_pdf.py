"""The book as one PDF: links lead within it; where there is none, the page says so."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import browsers
import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import make_pdf  # noqa: E402

SITE = ROOT / "_build" / "html"
PAGE = "<!doctype html><title>t</title><article class='bd-article'>{}</article>"
FIRST = (
    "<h1 id='top'>One</h1><p>It is said here: <span class='no-pdf'>no PDF</span>. "
    "<a href='../notebooks/two.html#here'>There</a>, <a href='#top'>here</a>, "
    "<a href='../_downloads/data.csv'>data</a></p>"
    "<svg><a href='../notebooks/two.html'><text>drawn</text></a></svg>"
    "<noscript>A still.</noscript>"
).replace("'", '"')
SECOND = "<h1 id='here'>Two</h1><p id='top'><a href='../book/index.html'>Back</a></p>"
BASE = "https://example.org/book/"
PAGES = ["book/index.html", "notebooks/two.html"]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for page, body in zip(PAGES, (FIRST, SECOND), strict=True):
        (tmp_path / page).parent.mkdir()
        (tmp_path / page).write_text(PAGE.format(body), encoding="utf-8")
    (tmp_path / "_downloads").mkdir()
    return tmp_path


def joined(site: Path) -> tuple[list[str], list[str], str]:
    """The links of the joined page, those that are lost, and its text."""
    join = make_pdf.JOIN.read_text(encoding="utf-8")
    with browsers.chromium() as browser, browsers.served(site, strict=False) as at:
        page = browser.new_page()
        page.route(f"{at}/", lambda r: r.fulfill(body="", content_type="text/html"))
        page.goto(f"{at}/")
        lost = page.evaluate(join, [PAGES, BASE])
        links = "links => links.map(a => a.getAttribute('href'))"
        return page.eval_on_selector_all("a", links), lost, page.inner_text("body")


@pytest.mark.site
def test_links_lead_within_the_file(site: Path) -> None:
    links, lost, text = joined(site)
    assert links == [
        "#notebooks-two-html--here",
        "#book-index-html--top",  # each page has a place of this name
        f"{BASE}_downloads/data.csv",
        "#notebooks-two-html--",
        "#book-index-html--",
    ]
    assert lost == []
    assert "A still." in text  # what a page shows where scripts are off


@pytest.mark.site
def test_a_link_that_leads_nowhere_is_found(site: Path) -> None:
    first = site / PAGES[0]
    broken = first.read_text(encoding="utf-8").replace("html#here", "html#gone")
    first.write_text(broken, encoding="utf-8")
    assert joined(site)[1] == ["notebooks-two-html--gone"]


@pytest.mark.site
def test_the_file_is_printed_and_offered(site: Path) -> None:
    with browsers.chromium():
        pass  # or the test is skipped
    assert make_pdf.print_pages(site, PAGES, BASE) == []
    printed = (site / make_pdf.PDF).read_bytes()
    assert printed.startswith(b"%PDF-")
    assert b"/Outlines" in printed
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) >= 1
    assert "no-pdf" in (site / PAGES[0]).read_text(encoding="utf-8")
    make_pdf.offer(site)
    text = (site / PAGES[0]).read_text(encoding="utf-8")
    assert "no-pdf" not in text
    assert 'href="../_downloads/marginflow.pdf"' in text


@pytest.mark.parametrize(
    "trouble", [LookupError("no Chromium"), ImportError("no playwright")]
)
def test_without_a_chromium_the_book_is_built_and_says_so(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys, trouble: Exception
) -> None:
    @contextmanager
    def launched() -> Iterator[None]:
        raise trouble
        yield

    monkeypatch.setattr(browsers, "launched", launched)
    monkeypatch.setattr(make_pdf, "SITE", site)
    assert make_pdf.print_book() == 0
    assert f"No PDF of the book: {trouble}" in capsys.readouterr().out
    assert not (site / make_pdf.PDF).exists()
    assert "no-pdf" in (site / PAGES[0]).read_text(encoding="utf-8")


def test_the_pages_are_those_of_the_contents() -> None:
    toc = {
        "root": "book/index",
        "parts": [
            {"chapters": [{"file": "a"}, {"file": "b", "sections": [{"file": "c"}]}]},
            {"chapters": [{"file": "d"}]},
        ],
    }
    assert make_pdf.in_order(toc) == [
        "book/index.html", "a.html", "b.html", "c.html", "d.html",
    ]  # fmt: skip


@pytest.mark.site
def test_the_first_page_offers_the_file_or_says_that_there_is_none() -> None:
    first = (SITE / make_pdf.FIRST).read_text(encoding="utf-8")
    there = (SITE / make_pdf.PDF).is_file()
    assert (f'href="../{make_pdf.PDF}"' in first) == there
    assert bool(make_pdf.MISSING.search(first)) != there
