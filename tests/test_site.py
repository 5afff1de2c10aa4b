"""The built site, opened in a real Chromium: every page, two widths, light and dark."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
GENERATED = {"genindex.html", "prf-prf.html", "py-modindex.html", "search.html"}
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

pytestmark = pytest.mark.site


def pages() -> list[str]:
    """Paths of the book's pages, without Sphinx's own indices."""
    found = sorted(p.relative_to(SITE).as_posix() for p in SITE.rglob("*.html"))
    return [p for p in found if not p.startswith("_") and p not in GENERATED]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def serve(folder: Path) -> tuple[http.server.ThreadingHTTPServer, str]:
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    if not (SITE / "index.html").exists():
        pytest.fail("no site at _build/html; build it with `make book`")
    server, address = serve(SITE)
    yield address
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    named = os.environ.get("CHROMIUM")
    executable = named or next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        reason = "no Chromium or Chrome found; install one, or name it in CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


LOOK = """async () => {
  if (window.MathJax?.startup?.promise) await MathJax.startup.promise;
  const found = [];
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


def problems(browser: Browser, address: str, path: str, width: int, mode: str):
    """What is wrong with one page, as a list of sentences."""
    found: list[str] = []
    page = browser.new_page(
        viewport={"width": width, "height": 900},
        color_scheme=mode,
        device_scale_factor=1,
    )

    def on_request(request) -> None:
        if not request.url.startswith((address, "data:", "blob:")):
            found.append(f"external request: {request.url}")

    page.on("request", on_request)
    page.on("requestfailed", lambda r: found.append(f"failed request: {r.url}"))
    page.on("pageerror", lambda e: found.append(f"script error: {e}"))
    page.on(
        "console",
        lambda m: m.type in ("error", "warning") and found.append(f"console: {m.text}"),
    )
    page.on(
        "response",
        lambda r: r.status >= 400 and found.append(f"status {r.status}: {r.url}"),
    )
    try:
        page.goto(f"{address}/{path}", wait_until="load")
        found += page.evaluate(LOOK)
        theme = page.evaluate("document.documentElement.dataset.theme ?? ''")
        if theme and theme != mode:
            found.append(f"theme is {theme} although the reader prefers {mode}")
    except Error as error:
        found.append(f"page does not open: {error}")
    page.close()
    return found


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages(browser: Browser, site: str, width: int, mode: str) -> None:
    found = {p: problems(browser, site, p, width, mode) for p in pages()}
    assert not {p: f for p, f in found.items() if f}


def test_every_chapter_is_on_the_site() -> None:
    chapters = {p.stem for p in (ROOT / "notebooks").glob("*.md")}
    built = {Path(p).stem for p in pages() if p.startswith("notebooks/")}
    assert chapters == built


def test_the_paper_numbers_its_statements() -> None:
    text = (SITE / "notebooks" / "lemma-5.html").read_text(encoding="utf-8")
    assert '<span class="caption-number">Lemma 5 </span>' in text


PLANTED = {
    "external request": "<img alt='' src='http://192.0.2.1/x.png'>",
    "status 404": "<script src='missing.js'></script>",
    "script error": "<script>undefinedFunction()</script>",
    "console": "<script>console.error('planted')</script>",
    "overflow": "<div style='width: 3000px'>wide</div>",
    "mathematics": "<span class='math'>\\(x\\)</span>",
    "text alternative": "<main><img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>",
    "does not load": "<main><img alt='a' src='missing.png'></main>",
    "error shown": "<div class='cell_output'><div class='stderr'>Traceback</div></div>",
    "theme is": "<script>document.documentElement.dataset.theme = 'sepia'</script>",
}


@pytest.mark.parametrize("defect", PLANTED)
def test_each_check_catches_a_planted_defect(
    browser: Browser, tmp_path: Path, defect: str
) -> None:
    page = "<!doctype html><link rel=icon href=data:,><title>t</title>{}"
    (tmp_path / "good.html").write_text(page.format("<p>fine</p>"), encoding="utf-8")
    (tmp_path / "bad.html").write_text(page.format(PLANTED[defect]), encoding="utf-8")
    server, address = serve(tmp_path)
    try:
        assert problems(browser, address, "good.html", 390, "light") == []
        found = problems(browser, address, "bad.html", 390, "light")
        assert any(defect in f for f in found), found
    finally:
        server.shutdown()
        server.server_close()
