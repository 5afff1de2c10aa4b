"""The site's Content-Security-Policy: what it refuses, and what works under it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers import chromium, served, watched
from playwright.sync_api import Browser, expect

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import marginflow_policy  # noqa: E402

MARK = marginflow_policy.MARK

# The page's own script and handler are there when the policy is made; what is planted
# comes later, as if somebody had injected it.
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>t</title>
<link rel="icon" href="data:,"><script>window.own = 1</script></head>
<body><button onclick="window.handled = 1">b</button><!-- here --></body></html>"""

FOREIGN = {
    "script": ("<script src='{}/evil.js'></script>", "script-src-elem"),
    "image": ("<img alt='' src='{}/spy.svg'>", "img-src"),
    "style": ("<link rel='stylesheet' href='{}/evil.css'>", "style-src-elem"),
    "frame": ("<iframe src='{}/evil.html'></iframe>", "frame-src"),
    "object": ("<object data='{}/spy.svg'></object>", "object-src"),
    "audio": ("<audio autoplay src='{}/evil.ogg'></audio>", "media-src"),
}
INJECTED = {
    "script": ("<script>window.evil = 1</script>", "script-src-elem"),
    "handler": (
        "<img alt='' src='data:,' onerror='window.evil = 1'>",
        "script-src-attr",
    ),
    "address": (
        "<iframe src='javascript:parent.evil = 1'></iframe>",
        "script-src-elem",
    ),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


class Visit:
    """What became of a page: what was refused, what it asked for, what it ran."""

    def __init__(self, browser: Browser, folder: Path, page: str) -> None:
        (folder / "page.html").write_text(page, encoding="utf-8")
        tab = browser.new_page()
        tab.add_init_script(
            "window.refused = []; addEventListener('securitypolicyviolation', "
            "e => window.refused.push(e.effectiveDirective))"
        )
        with served(folder, strict=False) as address:
            tab.goto(f"{address}/page.html", wait_until="load")
            tab.get_by_role("button").click()
            tab.wait_for_function("window.handled === 1")
            tab.wait_for_timeout(200)
            self.refused = tab.evaluate("window.refused")
            self.own = tab.evaluate("window.own")
            self.evil = tab.evaluate("window.evil ?? null")
        tab.close()


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """Another origin, and what it has been asked for."""
    import http.server
    import threading

    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


@pytest.mark.site
@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_files_are_refused(browser, foreign, tmp_path, kind) -> None:
    address, asked = foreign
    planted, directive = FOREIGN[kind]
    planted = planted.format(address)
    page = PAGE.replace("<!-- here -->", planted)
    Visit(browser, tmp_path, page)
    assert len(asked) == 1, "without a policy, the file is asked for"
    asked.clear()
    guarded = marginflow_policy.protect(PAGE).replace("<!-- here -->", planted)
    visit = Visit(browser, tmp_path, guarded)
    assert directive in visit.refused
    assert asked == []
    assert visit.own == 1


@pytest.mark.site
@pytest.mark.parametrize("kind", INJECTED)
def test_injected_code_does_not_run(browser, tmp_path, kind) -> None:
    planted, directive = INJECTED[kind]
    page = PAGE.replace("<!-- here -->", planted)
    assert Visit(browser, tmp_path, page).evil == 1
    guarded = marginflow_policy.protect(PAGE).replace("<!-- here -->", planted)
    visit = Visit(browser, tmp_path, guarded)
    assert directive in visit.refused
    assert visit.evil is None
    assert visit.own == 1


def test_protecting_twice_is_protecting_once() -> None:
    once = marginflow_policy.protect(PAGE)
    assert once.count(MARK) == 1
    assert marginflow_policy.protect(once) == once


def test_a_fragment_stays_as_it_is() -> None:
    assert marginflow_policy.protect("<p>part of a page</p>") == "<p>part of a page</p>"


@pytest.mark.parametrize("change", ["window.own = 2", "window.own = 1 "])
def test_a_hash_is_of_one_script_alone(change: str) -> None:
    other = PAGE.replace("window.own = 1", change)
    assert marginflow_policy.policy(other) != marginflow_policy.policy(PAGE)


@pytest.mark.site
def test_every_page_has_its_policy_before_all_that_it_governs() -> None:
    # The front door, which has no head, only leads on to the first page.
    pages = {p: p.read_text(encoding="utf-8") for p in SITE.rglob("*.html")}
    pages = {p: text for p, text in pages.items() if "<head" in text}
    shared = set().union(*map(marginflow_policy.handlers, pages.values()))
    assert len(pages) > 40
    for path, page in pages.items():
        first = re.search(r"<(script|link|style|img|body)\b", page)
        assert 0 <= page.find(MARK) < first.start(), path
        bare = re.sub(rf"\n{re.escape(MARK)}[^>]*>", "", page)
        assert marginflow_policy.protect(bare, shared) == page, path


@pytest.mark.site
def test_live_cells_and_search_work_on_the_sites_own_pages(browser) -> None:
    manifest = SITE / "_static" / "live" / "pyodide" / "manifest.json"
    with served(SITE, strict=False) as address:
        tab = browser.new_page()
        problems = watched(tab, address)
        tab.goto(f"{address}/search.html?q=adapter")
        expect(tab.locator("#search-results li a").first).to_be_visible()
        if "missing" not in json.loads(manifest.read_text(encoding="utf-8")):
            tab.goto(f"{address}/book/check-it-yourself.html")
            tab.get_by_role("button", name="Start Python").click()
            expect(tab.locator(".mfl-state")).to_contain_text("ready")
            here = tab.locator(".mfl[data-group=lemma-5]")
            here.locator(".mfl-all").click()
            summary = here.locator(".mfl-summary")
            expect(summary).to_contain_text("every assertion holds")
        tab.close()
    assert problems == []


@pytest.mark.site
def test_a_preview_shows_on_hover(browser) -> None:
    with served(SITE, strict=False) as address:
        tab = browser.new_page()
        problems = watched(tab, address)
        tab.goto(f"{address}/notebooks/theorem-4.html", wait_until="load")
        tab.locator(".bd-article a[href*='references.html#']").first.hover()
        expect(tab.locator(".tippy-box").first).to_be_visible(timeout=30_000)
        tab.close()
    assert problems == []
