"""The built site, opened in a real Chromium: every page, two widths, light and dark."""

from __future__ import annotations

import functools
import gzip
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers import chromium, served, watched
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Error, Response

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
GENERATED = {"genindex.html", "prf-prf.html", "py-modindex.html", "search.html"}
REDIRECT = "index.html"
WIDTHS = (1280, 390)
# In the dark only colours are other than in the light.
RULES = {
    "light": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
    "dark": {"type": "rule", "values": ["color-contrast"]},
}
LARGEST_PAGE = 3 * 2**19  # 1.5 MiB in bytes, compressed as a web server would

pytestmark = pytest.mark.site


def pages() -> list[str]:
    """Paths of the book's pages, without Sphinx's own indices."""
    found = sorted(p.relative_to(SITE).as_posix() for p in SITE.rglob("*.html"))
    skipped = {*GENERATED, REDIRECT}
    return [p for p in found if p[0] not in "._" and p not in skipped]


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    if not (SITE / "index.html").exists():
        pytest.fail("no site at _build/html; build it with `make book`")
    with served(SITE, strict=False) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


LOOK = """async () => {
  if (window.MathJax?.startup?.promise) await MathJax.startup.promise;
  const undrawn = () => document.querySelector('.vega-chart:not([data-drawn])');
  for (let i = 0; i < 100 && undrawn(); i++) await new Promise(r => setTimeout(r, 50));
  const found = undrawn() ? ['chart: not drawn'] : [];
  const html = document.documentElement;
  if (html.scrollWidth > html.clientWidth)
    found.push(`overflow: ${html.scrollWidth} px wide in ${html.clientWidth} px`);
  const raw = document.querySelectorAll('.math').length;
  const shown = document.querySelectorAll('mjx-container').length;
  if (raw > shown) found.push(`mathematics: ${raw} formulas, ${shown} rendered`);
  for (const error of document.querySelectorAll('mjx-merror'))
    found.push(`mathematics: ${error.textContent}`);
  for (const img of document.querySelectorAll('main img')) {
    img.loading = 'eager';
    await img.decode().catch(() => found.push(`image: ${img.src} does not load`));
    if (!img.hasAttribute('alt') || /^\\.\\.\\/_images|^_images/.test(img.alt))
      found.push(`image: ${img.src} has no text alternative`);
  }
  for (const box of document.querySelectorAll('.cell_output .stderr, .problematic'))
    found.push(`error shown on the page: ${box.textContent.trim().slice(0, 80)}`);
  return found;
}"""

ACCESSIBLE = """async (rules) => {
  const result = await axe.run(
    {runOnly: rules, resultTypes: ['violations'], preload: false});
  return result.violations.flatMap(v => v.nodes.map(
    n => `accessibility: ${v.id}: ${n.html.slice(0, 120)}`));
}"""


def problems(
    browser: Browser, address: str, folder: Path, path: str, mode: str
) -> list[str]:
    """What is wrong with one page of the ``folder`` served at ``address``.

    Light pages are looked at on a desk first and dark ones in the hand first; the last
    width is the one at which axe-core reads the page.
    """
    page = browser.new_page(color_scheme=mode, viewport={"width": 1280, "height": 900})
    found = watched(page, address)
    files: list[Path] = []

    def note(response: Response) -> None:
        if response.status >= 400:
            found.append(f"status {response.status}: {response.url}")
        else:
            url = urllib.parse.urlsplit(response.url)
            files.append(folder / urllib.parse.unquote(url.path).lstrip("/"))

    page.on("requestfailed", lambda r: found.append(f"failed request: {r.url}"))
    page.on("response", note)
    try:
        page.goto(f"{address}/{path}", wait_until="load")
        for width in WIDTHS if mode == "dark" else reversed(WIDTHS):
            page.set_viewport_size({"width": width, "height": 900})
            found += [f"{width} px: {p}" for p in page.evaluate(LOOK)]
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found += page.evaluate(ACCESSIBLE, RULES[mode])
        theme = page.evaluate("document.documentElement.dataset.theme ?? ''")
        if theme and theme != mode:
            found.append(f"theme is {theme} although the reader prefers {mode}")
    except Error as error:
        found.append(f"page does not open: {error}")
    page.close()
    weight = sum(compressed(file) for file in files if file.is_file())
    if weight > LARGEST_PAGE:
        found.append(f"weight: {weight / 1e6:.1f} MB")
    return found


@functools.cache
def compressed(file: Path) -> int:
    body = file.read_bytes()
    return min(len(body), len(gzip.compress(body, 6)))


def broken_links(folder: Path, path: str) -> list[str]:
    """Links of one page to pages or anchors of the site that do not exist."""
    found = []
    soup = BeautifulSoup((folder / path).read_text(encoding="utf-8"), "html.parser")
    for a in soup.find_all("a", href=True):
        url = urllib.parse.urlsplit(a["href"])
        if url.scheme or url.netloc:
            continue
        target = folder / path
        if url.path:
            target = (folder / path).parent / urllib.parse.unquote(url.path)
        if not target.is_file():
            found.append(f"link: {a['href']} leads nowhere")
        elif url.fragment and target.suffix == ".html":
            anchor = urllib.parse.unquote(url.fragment)
            text = target.read_text(encoding="utf-8")
            if f'id="{anchor}"' not in text and f'name="{anchor}"' not in text:
                found.append(f"link: {a['href']} has no anchor")
    return found


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_pages(browser: Browser, site: str, mode: str) -> None:
    found = {p: problems(browser, site, SITE, p, mode) for p in pages()}
    assert not {p: f for p, f in found.items() if f}


def test_links() -> None:
    found = {p: broken_links(SITE, p) for p in pages()}
    assert not {p: f for p, f in found.items() if f}


def test_every_chapter_is_on_the_site() -> None:
    chapters = {p.stem for p in (ROOT / "notebooks").glob("*.md")}
    built = {Path(p).stem for p in pages() if p.startswith("notebooks/")}
    assert chapters == built


def test_every_chapter_can_be_taken_away() -> None:
    for chapter in (ROOT / "notebooks").glob("*.md"):
        for suffix in ("ipynb", "py"):
            assert (SITE / "_downloads" / f"{chapter.stem}.{suffix}").stat().st_size


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("procedure-1", "Procedure 1"),
        ("process-2", "Process 2"),
        ("assumption-2", "Assumption 2"),
        ("theorem-2", "Theorem 2"),
        ("remark-3", "Remark 3"),
        ("lemma-5", "Lemma 5"),
        ("lemma-9", "Lemma 9"),
    ],
)
def test_the_book_numbers_as_the_paper_does(page: str, name: str) -> None:
    text = (SITE / "notebooks" / f"{page}.html").read_text(encoding="utf-8")
    assert f'<span class="caption-number">{name} </span>' in text


PLANTED = {
    "external request": "<img alt='' src='http://192.0.2.1/x.png'>",
    "status 404": "<script src='missing.js'></script>",
    "script error": "<script>undefinedFunction()</script>",
    "console": "<script>console.error('planted')</script>",
    "overflow": "<div style='width: 3000px'>wide</div>",
    "mathematics": "<span class='math'>\\(x\\)</span>",
    "text alternative": "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>",
    "does not load": "<img alt='a' src='missing.png'>",
    "chart: not drawn": "<div class='vega-chart' data-spec='{}'></div>",
    "error shown": "<div class='cell_output'><div class='stderr'>Traceback</div></div>",
    "theme is": "<script>document.documentElement.dataset.theme = 'sepia'</script>",
    "accessibility: color-contrast": "<p style='color: #ccc'>pale</p>",
    "accessibility: label": "<input type='text'>",
}
PAGE = (
    "<!doctype html><html lang='en'><link rel=icon href=data:,><title>t</title>"
    "<body style='background: white'><main><h1 id='top'>t</h1>{}</main></body></html>"
)


@pytest.mark.parametrize("defect", PLANTED)
def test_each_check_catches_a_planted_defect(
    browser: Browser, tmp_path: Path, defect: str
) -> None:
    (tmp_path / "good.html").write_text(PAGE.format("<p>fine</p>"), encoding="utf-8")
    (tmp_path / "bad.html").write_text(PAGE.format(PLANTED[defect]), encoding="utf-8")
    with served(tmp_path, strict=False) as address:
        assert problems(browser, address, tmp_path, "good.html", "light") == []
        found = problems(browser, address, tmp_path, "bad.html", "light")
        assert any(defect in f for f in found), found


def test_a_heavy_page_is_caught(browser: Browser, tmp_path: Path) -> None:
    import random

    noise = random.Random(0).randbytes(2_000_000).hex()
    (tmp_path / "heavy.html").write_text(PAGE.format(f"<!-- {noise} -->"))
    with served(tmp_path, strict=False) as address:
        found = problems(browser, address, tmp_path, "heavy.html", "light")
    assert len(found) == 1
    assert found[0].startswith("weight: 2")


@pytest.mark.parametrize("href", ["missing.html", "page.html#nowhere", "#nowhere"])
def test_a_broken_link_is_caught(tmp_path: Path, href: str) -> None:
    good = "<a href='page.html#top'>good</a><a href='#top'>good</a>"
    (tmp_path / "page.html").write_text(PAGE.replace("'", '"').format(good))
    assert broken_links(tmp_path, "page.html") == []
    (tmp_path / "bad.html").write_text(PAGE.format(f"<a href='{href}'>bad</a>"))
    assert len(broken_links(tmp_path, "bad.html")) == 1
